"""An image and its work, ready to be shown: read, and predicted where nobody has begun yet."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from napari_segkit.data.images import read_image
from napari_segkit.data.store import Status, Store
from napari_segkit.errors import MaskError, SegkitError
from napari_segkit.jobs.review import PredictedAll, predict_all
from napari_segkit.ops.instance_rows import InstanceRow
from napari_segkit.types import Progress, present_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_segkit.data.store import Record
    from napari_segkit.models.base import ModelParams, Segmenter
    from napari_segkit.types import Image, Job, Labels, Prompts, Segmentation

_SMALL = 1 << 16
"""Ids below fit 16 bits, which napari shows without converting them."""


@dataclass(frozen=True)
class ReadImage:
    """An image with all that is stored of it.

    Attributes
    ----------
    pixels : (H, W, 3) uint8 RGB
    labels : (H, W) uint16 or int32
        The mask; all 0 where there is none. To be written to.
    predicted : (H, W) int32 or None
        What the model had found.
    notes
        Sentences for the person.
    """

    name: str
    path: Path
    pixels: Image
    labels: NDArray[np.integer]
    record: Record
    predicted: Labels | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Blocked:
    """An image that is not shown, so that nothing is saved over what is stored.

    Attributes
    ----------
    stored
        Whether the fault is in the stored work, which can be set aside.
    """

    name: str
    error: SegkitError
    stored: bool


class OpenNames:
    """Images that a window has open: no job may save a prediction of them."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._names: set[str] = set()

    def add(self, name: str) -> None:
        """Take an image; waits while its prediction is being saved, so not in the GUI thread."""
        with self._guard:
            self._names.add(name)

    def drop(self, name: str) -> None:
        """Let jobs have it again."""
        self._names.discard(name)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    @contextmanager
    def free(self, name: str) -> Iterator[bool]:
        """Whether no window has it, for as long as the context lasts."""
        with self._guard:
            yield name not in self._names


class SharedModel:
    """A model that several jobs use, one image at a time; otherwise as the model itself.

    Parameters
    ----------
    load
        Gets the model ready; called before each image, in the job's thread.
    """

    def __init__(self, model: Segmenter, load: Callable[[], None]) -> None:
        self._model, self._load = model, load
        self._guard = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def load(self) -> None:
        """Nothing yet: it is loaded when its turn comes."""

    def predict(self, image: Image, prompts: Prompts, params: Any) -> Job[Segmentation]:
        """As `Segmenter.predict`, after waiting for other jobs' images."""
        while not self._guard.acquire(timeout=0.05):
            yield Progress(0, None, "waiting for the model")
        try:
            yield Progress(0, None, "loading the model")
            self._load()
            return (yield from self._model.predict(image, prompts, params))
        finally:
            self._guard.release()


@dataclass(frozen=True)
class Predictor:
    """A model that the review uses, and with which parameters.

    Attributes
    ----------
    second
        The same model with the weights that it is compared with, where all images are predicted.
    """

    model: SharedModel
    params: ModelParams
    second: SharedModel | None = None


def open_store(folder: Path) -> Job[Store]:
    """Open a folder's store; errors as `Store.open`."""
    yield Progress(0, None, f"opening {folder.name}")
    return Store.open(folder)


def read_work(
    store: Store, name: str, opened: OpenNames, predictor: Predictor | None = None
) -> Job[ReadImage | Blocked]:
    """Read an image and its mask; with a predictor, predict first what is new.

    Raises
    ------
    ImageError
        Where the image cannot be read.
    """
    yield Progress(0, None, f"reading {name}")
    image = read_image(store.sources[name].path)
    notes = list(image.notes)
    if predictor is not None and not store.read_only and store.line(name).status is Status.NEW:
        report = yield from predict_some(store, predictor, [name], opened)
        notes += [f"not predicted: {failure.error}" for failure in report.failures]
    opened.add(name)
    try:
        work = store.load(name)
        if work.labels is not None and work.labels.shape != image.pixels.shape[:2]:
            raise MaskError(
                "mask does not fit the image",
                where=name,
                expected=_size(image.pixels.shape),
                got=_size(work.labels.shape),
                remedy="put the old image back, or set the mask aside",
            )
    except SegkitError as error:
        opened.drop(name)
        return Blocked(name, error, stored=True)
    labels = np.zeros(image.pixels.shape[:2], np.int32) if work.labels is None else work.labels
    ids = present_ids(labels)
    if work.other_image:
        notes.append("the image is another one than its mask was made on: look at it closely")
    small = not len(ids) or ids[-1] < _SMALL
    return ReadImage(
        name=name,
        path=store.sources[name].path,
        pixels=image.pixels,
        labels=labels.astype(np.uint16) if small else labels,
        record=work.record.changed(
            instances=agreeing(work.record, ids.tolist()),
            image=work.record.image or store.mark(name),  # it may be renamed before it is saved
        ),
        predicted=work.predicted if work.record.runs else None,
        notes=tuple(notes),
    )


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]}"


def agreeing(record: Record, ids: Iterable[int]) -> dict[int, InstanceRow]:
    """A record's rows made to agree with the ids in its mask.

    What has no pixel goes; what has no row is taken for drawn, of the first class.
    """
    first = record.classes[0][0] if record.classes else "object"
    rows = record.instances
    return {key: rows.get(key) or InstanceRow(first) for key in ids}


def predict_some(
    store: Store,
    predictor: Predictor,
    names: Iterable[str],
    opened: OpenNames,
    *,
    redo: bool = False,
) -> Job[PredictedAll]:
    """`predict_all` but for what a window has open."""
    return (
        yield from predict_all(
            store,
            cast("Segmenter", predictor.model),
            params=predictor.params,
            names=names,
            redo=redo,
            free=opened.free,
            second=cast("Segmenter | None", predictor.second),
        )
    )


@dataclass(frozen=True)
class Moment:
    """An image's work as a window has it at a moment, for a thread to write down.

    Attributes
    ----------
    labels : (H, W) uint16 or int32
        The layer's own array: what a person paints meanwhile is told, and written again.
    rows
        Of every object that the window knows.
    """

    labels: NDArray[Any]
    record: Record
    rows: Mapping[int, InstanceRow]

    def record_now(self) -> Record:
        """The record with these rows."""
        return self.record.changed(instances=dict(self.rows))

    def agreeing(self) -> Moment:
        """The same with rows that agree with the pixels."""
        record = self.record_now()
        return replace(self, rows=agreeing(record, present_ids(self.labels).tolist()))

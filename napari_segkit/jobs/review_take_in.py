"""Masks of a dataset as the first masks of a folder under review."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_segkit.data.formats.registry import recognise
from napari_segkit.data.store import Record, Status
from napari_segkit.errors import DatasetError, MaskError, SegkitError, WriteError
from napari_segkit.jobs.predict import Failure
from napari_segkit.ops.instance_rows import InstanceRow
from napari_segkit.types import Progress

if TYPE_CHECKING:
    from pathlib import Path

    from napari_segkit.data.dataset import Sample
    from napari_segkit.data.store import Store
    from napari_segkit.jobs.review_open import OpenNames
    from napari_segkit.types import Job


@dataclass(frozen=True)
class TakenIn:
    """Result of `take_in`.

    Attributes
    ----------
    taken
        Masks that are in the store now.
    kept
        Images in which something had been done already, or that a window has open.
    strangers
        Names of the dataset that no image of the folder has.
    """

    taken: int
    kept: int
    strangers: tuple[str, ...]
    failures: tuple[Failure, ...]
    seconds: float


def take_in(store: Store, path: Path, opened: OpenNames) -> Job[TakenIn]:
    """Take a dataset's masks for images in which nobody has done anything yet.

    They count as edited: a person's work, which no prediction goes over.

    An image is known by its name in the dataset, or by the last part of it where only one image is
    called so. Closing the job cancels it; run again, it goes on where it was.

    Raises
    ------
    DatasetError, MaskError
        Where the dataset cannot be read, the store is read-only, or no name fits.
    WriteError
        Where the disk refuses.
    """
    if store.read_only:
        raise DatasetError("the folder is opened for looking only", where=store.folder)
    yield Progress(0, None, f"opening {path.name}")
    start, taken, kept = time.monotonic(), 0, 0
    strangers: list[str] = []
    failures: list[Failure] = []
    with recognise(path).open(path) as dataset:
        known = names_in(store, dataset.names)
        for number, name in enumerate(dataset.names):
            yield Progress(number, len(dataset.names), name)
            image = known.get(name)
            if image is None:
                strangers.append(name)
                continue
            try:
                done = _take(store, image, dataset.read(name), opened)
            except WriteError:
                raise
            except SegkitError as error:
                failures.append(Failure(store.sources[image].path, error))
            else:
                taken, kept = taken + done, kept + (not done)
    if not known:
        raise DatasetError(
            "no image of the folder is in the dataset",
            where=path,
            expected=", ".join(sorted(store.sources)[:3]),
            got=", ".join(strangers[:3]) or "an empty dataset",
        )
    return TakenIn(taken, kept, tuple(strangers), tuple(failures), time.monotonic() - start)


def names_in(store: Store, names: tuple[str, ...]) -> dict[str, str]:
    """Name in the dataset -> image of the folder."""
    last: dict[str, list[str]] = {}
    for image in store.sources:
        last.setdefault(image.rsplit("/", 1)[-1], []).append(image)
    found = {}
    for name in names:
        same = last.get(name.rsplit("/", 1)[-1], [])
        if name in store.sources:
            found[name] = name
        elif len(same) == 1:
            found[name] = same[0]
    return found


def _take(store: Store, image: str, sample: Sample, opened: OpenNames) -> bool:
    """Save one mask; False where something had been done."""
    from napari_segkit.data.images import image_size

    made = sample.segmentation
    size = image_size(store.sources[image].path)
    if made.labels.shape != size:
        raise MaskError(
            "mask does not fit the image",
            where=image,
            expected=f"{size[1]}x{size[0]}",
            got=f"{made.labels.shape[1]}x{made.labels.shape[0]}",
        )
    rows = {
        key: InstanceRow(one.class_name, round(one.score, 4)) for key, one in made.instances.items()
    }
    record = Record(
        name=image,
        size=size,
        status=Status.EDITED,
        classes=tuple((one.name, one.color) for one in made.classes),
        instances=rows,
        image=store.mark(image),
    )
    with opened.free(image) as ours:
        if not ours or store.line(image).status is not Status.NEW:
            return False
        store.save(image, made.labels, record)
    return True

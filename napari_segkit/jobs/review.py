"""The queue of images to review, without a window: order, predict all, accept, count."""

from __future__ import annotations

import random
import time
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from napari_segkit.data.images import read_image
from napari_segkit.data.provenance import run_of
from napari_segkit.data.store import Record, Status
from napari_segkit.errors import DatasetError, SegkitError, WriteError
from napari_segkit.jobs.predict import Failure, segment
from napari_segkit.jobs.uncertainty import uncertainty_of
from napari_segkit.ops.instance_rows import rows_of_run
from napari_segkit.training.metrics import mask_iou
from napari_segkit.types import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from contextlib import AbstractContextManager

    from napari_segkit.data.store import Store
    from napari_segkit.models.base import ModelParams, Segmenter
    from napari_segkit.types import Job, Labels, Segmentation

DONE = frozenset({Status.ACCEPTED, Status.REJECTED, Status.SKIPPED})
"""What needs no more of a person's time."""
_STATUSES = list(Status)


class Order(StrEnum):
    """How the images of a queue follow each other."""

    NAME = "name"
    STATUS = "status"
    UNCERTAINTY = "uncertainty"
    RANDOM = "random"


def queue(
    store: Store,
    order: Order = Order.NAME,
    *,
    statuses: Collection[Status] | None = None,
    seed: int = 0,
) -> list[str]:
    """Names of images in order.

    Parameters
    ----------
    statuses
        Only these; all by default.
    seed
        Of the random order: the same one gives the same order.
    """
    names = sorted(
        name for name in store.sources if statuses is None or store.line(name).status in statuses
    )
    if order is Order.STATUS:
        names.sort(key=lambda name: _STATUSES.index(store.line(name).status))
    elif order is Order.UNCERTAINTY:  # what no model has seen comes last
        names.sort(key=lambda name: -_known(store.line(name).uncertainty))
    elif order is Order.RANDOM:
        random.Random(seed).shuffle(names)
    return names


def _known(value: float | None) -> float:
    return -1.0 if value is None else value


def next_open(names: list[str], current: str | None, store: Store) -> str | None:
    """The next image that is not done, after ``current`` and then from the start."""
    start = names.index(current) + 1 if current in names else 0
    around = names[start:] + names[:start]
    return next(
        (n for n in around if n != current and store.line(n).status not in DONE),
        None,
    )


@dataclass(frozen=True)
class Counts:
    """How far a review is.

    Attributes
    ----------
    statuses
        Status -> images.
    seconds_per_image
        Of those that are done; ``None`` before the first.
    seconds_left
        For the rest at that speed.
    """

    statuses: dict[Status, int]
    seconds_per_image: float | None
    seconds_left: float | None


def counts(store: Store) -> Counts:
    """Count the images of a folder."""
    lines = store.lines()
    statuses = Counter(line.status for line in lines)
    statuses[Status.NEW] += len(store.sources) - len(lines)
    spent = [line.seconds for line in lines if line.status in DONE and line.seconds > 0]
    pace = sum(spent) / len(spent) if spent else None
    rest = sum(number for status, number in statuses.items() if status not in DONE)
    return Counts(
        {status: statuses[status] for status in Status}, pace, None if pace is None else pace * rest
    )


@dataclass(frozen=True)
class PredictedAll:
    """Result of `predict_all`."""

    predicted: int
    kept: int
    failures: tuple[Failure, ...]
    seconds: float


def _always(name: str) -> AbstractContextManager[bool]:
    return nullcontext(True)


def predict_all(
    store: Store,
    model: Segmenter,
    *,
    params: ModelParams,
    names: Iterable[str] | None = None,
    redo: bool = False,
    free: Callable[[str], AbstractContextManager[bool]] = _always,
    second: Segmenter | None = None,
) -> Job[PredictedAll]:
    """Predict the images of a folder, each saved as soon as it is made.

    Closing the job cancels it; run again, it goes on where it was. Images that a person has worked
    on are never predicted over.

    Parameters
    ----------
    names
        In this order; by default all, by name.
    redo
        Predict again what is only predicted.
    free
        Whether a prediction of an image may be saved; held while it is.
    second
        The same model with other weights: where its answer differs, an image is uncertain.

    Raises
    ------
    DatasetError
        Where the store is read-only.
    WriteError
        Where the disk refuses.
    """
    if store.read_only:
        raise DatasetError("the folder is opened for looking only", where=store.folder)
    wanted = {Status.NEW, Status.PREDICTED} if redo else {Status.NEW}
    chosen = list(names) if names is not None else queue(store)
    failures: list[Failure] = []
    predicted, start = 0, time.monotonic()
    for number, name in enumerate(chosen):
        yield Progress(number, len(chosen), name)
        if store.line(name).status not in wanted or name not in store.sources:
            continue
        try:
            result = yield from _predict(store, model, params, name)
            other = None
            if second is not None:
                other = yield from _predict(store, second, params, name)
            with free(name) as ours:  # no one has begun to work on it meanwhile
                if ours and store.line(name).status in wanted:
                    save_prediction(store, name, result, other)
                    predicted += 1
        except WriteError:
            raise
        except SegkitError as error:
            failures.append(Failure(store.sources[name].path, error))
    kept = len(chosen) - predicted - len(failures)
    return PredictedAll(predicted, kept, tuple(failures), time.monotonic() - start)


def _predict(store: Store, model: Segmenter, params: ModelParams, name: str) -> Job[Segmentation]:
    image = read_image(store.sources[name].path)
    return (yield from segment(model, image.pixels, params=params))


def save_prediction(
    store: Store, name: str, result: Segmentation, other: Segmentation | None = None
) -> Record:
    """Make a model's answer the mask of an image; time and edits that were spent stay counted.

    With the answer of ``other`` weights beside it, where they differ makes it uncertain.

    Raises
    ------
    As `Store.save`.
    """
    before = store.load(name).record
    run = run_of(result)
    record = Record(
        name=name,
        size=(result.labels.shape[0], result.labels.shape[1]),
        status=Status.PREDICTED,
        classes=tuple((one.name, one.color) for one in result.classes),
        instances=rows_of_run(result, 0),
        runs=() if run is None else (run,),
        edits=before.edits,
        seconds=before.seconds,
        uncertainty=uncertainty_of(result, other),
        image=store.mark(name),
    )
    return store.save(name, result.labels, record, predicted=result.labels)


def decide(
    store: Store, name: str, status: Status, labels: Labels | None, record: Record
) -> Record:
    """Save an image with a person's decision; an accepted one with the IoU of its prediction.

    The person has seen the image as it is now: the mask belongs to that one.

    Parameters
    ----------
    labels : (H, W) int32, or None
        As it is on the screen.
    """
    iou = record.iou
    if status is Status.ACCEPTED and labels is not None:
        predicted = store.load(name).predicted
        if predicted is not None and predicted.shape == labels.shape:
            iou = mask_iou(labels, predicted)
    image = store.mark(name) if status in DONE else None
    decided = record.changed(status=status, iou=iou, image=image or record.image)
    return store.save(name, labels, decided)


@dataclass(frozen=True)
class ActiveTime:
    """Seconds that a person worked on an image: pauses count for a while only.

    Attributes
    ----------
    seconds
        So far.
    last
        When something was last done, by a monotonic clock; ``None`` before.
    longest
        Of a pause that counts.
    """

    seconds: float = 0.0
    last: float | None = None
    longest: float = 30.0

    def touched(self, now: float) -> ActiveTime:
        """The time after the person did something."""
        passed = 0.0 if self.last is None else min(now - self.last, self.longest)
        return replace(self, seconds=self.seconds + max(passed, 0.0), last=now)

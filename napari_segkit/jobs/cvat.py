"""Masks to and from a task on a CVAT server: `push` here, `pull` beside it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from napari_segkit.data.cvat_compare import Comparison, MismatchError
from napari_segkit.data.cvat_server import OLDEST, OLDEST_APPEND
from napari_segkit.data.dataset import Sample, WriteOptions
from napari_segkit.data.formats.cvat_labelmap import MOST_IDS
from napari_segkit.data.formats.registry import get_format, recognise
from napari_segkit.errors import DatasetError, InputError, MaskError
from napari_segkit.jobs.cvat_direct import send_shapes
from napari_segkit.jobs.cvat_pull import pull
from napari_segkit.jobs.cvat_samples import read_or_empty, scratch
from napari_segkit.types import Progress

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_segkit.data.cvat_server import CvatServer, Mode
    from napari_segkit.data.cvat_task import Task
    from napari_segkit.data.dataset import Dataset
    from napari_segkit.types import Job

__all__ = ["Compared", "PushReport", "compare", "pull", "push"]

_APPEND_REASON = ": it would replace all annotations where it is asked to append"


@dataclass(frozen=True)
class PushReport:
    """What a task has got.

    Attributes
    ----------
    untouched
        Frames of the task that the dataset does not have.
    """

    server: str
    version: str
    task: int
    task_name: str
    mode: str
    images: int
    instances: int
    untouched: int
    warnings: tuple[str, ...] = ()


def push(
    source: Path,
    server: CvatServer,
    task: int,
    *,
    mode: Mode = "append",
    subset: str | None = None,
    instances: Literal["separate", "merge"] = "separate",
    direct: bool = False,
) -> Job[PushReport]:
    """Put a dataset's masks into a task; all of them, or none.

    Names, sizes, classes and counts are compared first; where anything does not fit, nothing is
    sent.

    Parameters
    ----------
    source
        A dataset of any format.
    mode
        ``append`` keeps the task's annotations; ``replace`` deletes all of them first, those of
        frames that the dataset does not have as well.
    subset
        Only the images of this list of the dataset.
    instances
        As in `WriteOptions`.
    direct
        Send shapes instead of a file: any number of objects, but only ``append``, and where the
        connection breaks some images may have arrived.

    Raises
    ------
    MismatchError
        Where dataset and task do not fit.
    DatasetError, MaskError
        Where the dataset cannot be read.
    ServerError
        Where the server cannot be reached, refuses, or fails.
    """
    if direct and mode != "append":
        raise InputError(
            "shapes can only be appended",
            got=mode,
            remedy="append, or push masks instead of shapes",
        )
    with recognise(source).open(source) as dataset:
        part = _Part(source, dataset, _chosen(dataset, subset, source), instances)
        report = yield from _push(server, task, part, mode=mode, direct=direct)
    return report


@dataclass(frozen=True)
class Compared:
    """How a dataset and a task fit.

    Attributes
    ----------
    mismatches
        What keeps the dataset from the task, a sentence each; all of it.
    untouched
        Frames of the task that the dataset does not have.
    """

    task: Task
    version: str
    images: int
    mismatches: tuple[str, ...]
    warnings: tuple[str, ...]
    untouched: int


def compare(
    source: Path,
    server: CvatServer,
    task: int,
    *,
    instances: Literal["separate", "merge"] = "separate",
    direct: bool = False,
) -> Job[Compared]:
    """Compare a dataset with a task as `push` does, and send nothing.

    Raises
    ------
    DatasetError, ServerError
        As `push`, but for what does not fit: that is the answer.
    """
    yield from server.check(OLDEST)
    found = yield from server.task(task)
    limited = instances == "separate" and not direct
    compared = Comparison(found, most=MOST_IDS if limited else None)
    mismatches: tuple[str, ...] = ()
    with recognise(source).open(source) as dataset:
        part = _Part(source, dataset, _chosen(dataset, None, source), instances)
        try:
            yield from _compare(part, compared, keep=lambda _: None)
        except MismatchError as error:
            mismatches = error.mismatches
        return Compared(
            found,
            server.version,
            len(part.names),
            mismatches,
            compared.warnings(),
            compared.untouched(),
        )


@dataclass(frozen=True)
class _Part:
    """What of a dataset is pushed, and how."""

    source: Path
    dataset: Dataset
    names: tuple[str, ...]
    instances: Literal["separate", "merge"]

    def read(self, name: str) -> Sample:
        """One image, with its objects merged where that is wanted."""
        from napari_segkit.ops.masks import merge_by_class

        sample = self.dataset.read(name)
        if self.instances == "separate":
            return sample
        return replace(sample, segmentation=merge_by_class(sample.segmentation))


@dataclass(frozen=True)
class _Sent:
    instances: int
    warnings: tuple[str, ...] = ()


def _chosen(dataset: Dataset, subset: str | None, source: Path) -> tuple[str, ...]:
    names = dataset.names
    if subset is not None:
        subsets: dict[str, tuple[str, ...]] = getattr(dataset, "subsets", {})
        if subset not in subsets:
            raise InputError(
                "no such subset in the dataset",
                where=source,
                expected=", ".join(subsets) or "a format that has subsets",
                got=subset,
            )
        listed = set(subsets[subset])
        names = tuple(name for name in names if name in listed)
    if not names:
        raise DatasetError("there are no images to push", where=source)
    return names


def _push(
    server: CvatServer, number: int, part: _Part, *, mode: Mode, direct: bool
) -> Job[PushReport]:
    if mode == "append" and not direct:
        yield from server.check(OLDEST_APPEND, reason=_APPEND_REASON)
    else:
        yield from server.check(OLDEST)
    task = yield from server.task(number)
    limited = part.instances == "separate" and not direct
    compared = Comparison(task, most=MOST_IDS if limited else None)
    if direct:
        sent = yield from _send_shapes(server, part, compared)
    else:
        sent = yield from _send_file(server, part, compared, mode)
    return PushReport(
        server=server.connection.url,
        version=server.version,
        task=number,
        task_name=task.name,
        mode=mode,
        images=len(part.names),
        instances=sent.instances,
        untouched=compared.untouched(),
        warnings=(*part.dataset.notes, *compared.warnings(), *sent.warnings),
    )


def _send_shapes(server: CvatServer, part: _Part, compared: Comparison) -> Job[_Sent]:
    yield from _compare(part, compared, keep=lambda _: None)
    count = yield from send_shapes(server, part.names, part.read, compared)
    return _Sent(count)


def _send_file(server: CvatServer, part: _Part, compared: Comparison, mode: Mode) -> Job[_Sent]:
    """Write what fits into an archive, one image in memory at a time, and have it imported."""
    with scratch() as folder:
        archive = folder / "masks.zip"
        options = WriteOptions(instances=part.instances)
        writer = get_format("cvat-mask").open_writer(
            archive, classes=part.dataset.classes, options=options
        )
        try:
            yield from _compare(part, compared, keep=writer.add)
            report = writer.commit()
        finally:
            writer.discard()  # after a commit there is nothing left to discard
        yield from server.import_masks(compared.task, archive, mode=mode)
    return _Sent(report.instances, report.warnings)


def _compare(part: _Part, compared: Comparison, *, keep: Callable[[Sample], object]) -> Job[None]:
    """Compare every image, then refuse where anything was wrong with any of them."""
    faults: list[str] = []
    for number, name in enumerate(part.names):
        yield Progress(number, len(part.names), f"comparing {name}")
        try:
            sample = read_or_empty(part.dataset, name, compared.frame(name))
            if compared.add(sample):
                keep(replace(sample, image=None))
        except (DatasetError, MaskError) as error:
            faults.append(str(error))
    if mismatches := (*compared.mismatches(), *faults):
        raise MismatchError(mismatches, source=part.source, task=compared.task)

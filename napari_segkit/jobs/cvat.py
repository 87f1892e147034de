"""Masks to and from a task on a CVAT server."""

from __future__ import annotations

import contextlib
import logging
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from napari_segkit.data.atomic import disk_errors
from napari_segkit.data.cvat_compare import Comparison, MismatchError
from napari_segkit.data.cvat_server import OLDEST, OLDEST_APPEND
from napari_segkit.data.dataset import Sample, WriteOptions
from napari_segkit.data.formats.cvat_labelmap import MOST_IDS
from napari_segkit.data.formats.registry import get_format, recognise
from napari_segkit.errors import DatasetError, InputError, MaskError
from napari_segkit.jobs.datasets import write_dataset
from napari_segkit.types import Progress, Segmentation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_segkit.data.cvat_server import CvatServer, Mode
    from napari_segkit.data.cvat_task import Frame, Task
    from napari_segkit.data.dataset import Dataset, WriteReport
    from napari_segkit.types import Job

logger = logging.getLogger(__name__)

_LEFT_OUT = "neither mask nor image"  # a note of the reader; here they come as empty images
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

    Raises
    ------
    MismatchError
        Where dataset and task do not fit.
    DatasetError, MaskError
        Where the dataset cannot be read.
    ServerError
        Where the server cannot be reached, refuses, or fails.
    """
    with (
        recognise(source).open(source) as dataset,
        _scratch() as folder,
    ):
        names = _chosen(dataset, subset, source)
        if mode == "append":
            yield from server.check(OLDEST_APPEND, reason=_APPEND_REASON)
        else:
            yield from server.check(OLDEST)
        found = yield from server.task(task)
        archive = folder / "masks.zip"
        options = WriteOptions(instances=instances)
        packed, compared = yield from _pack(
            dataset, names, archive, task=found, source=source, options=options
        )
        yield from _import(server, found, archive, mode)
    return PushReport(
        server=server.connection.url,
        version=server.version,
        task=task,
        task_name=found.name,
        mode=mode,
        images=packed.images,
        instances=packed.instances,
        untouched=compared.untouched(),
        warnings=(*dataset.notes, *compared.warnings(), *packed.warnings),
    )


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    """A folder for what is on its way; it goes whatever happens."""
    with disk_errors(Path("the temporary folder")):
        folder = tempfile.TemporaryDirectory(prefix="segkit-", ignore_cleanup_errors=True)
    with folder as name:
        yield Path(name)


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


def _pack(
    dataset: Dataset,
    names: tuple[str, ...],
    archive: Path,
    *,
    task: Task,
    source: Path,
    options: WriteOptions,
) -> Job[tuple[WriteReport, Comparison]]:
    """Write what fits into an archive, one image in memory at a time; refuse where one does not."""
    most = MOST_IDS if options.instances == "separate" else None
    compared = Comparison(task, most=most)
    faults: list[str] = []
    writer = get_format("cvat-mask").open_writer(archive, classes=dataset.classes, options=options)
    try:
        for number, name in enumerate(names):
            yield Progress(number, len(names), f"comparing {name}")
            try:
                sample = _read(dataset, name, compared.frame(name))
                if compared.add(sample):
                    writer.add(replace(sample, image=None))
            except (DatasetError, MaskError) as error:
                faults.append(str(error))
        mismatches = (*compared.mismatches(), *faults)
        if mismatches:
            raise MismatchError(mismatches, source=source, task=task)
        return writer.commit(), compared
    finally:
        writer.discard()  # after a commit there is nothing left to discard


def _read(dataset: Dataset, name: str, frame: Frame | None) -> Sample:
    """A sample; one without mask and image is an empty one of its frame's size."""
    sample = dataset.read(name)
    if sample.segmentation.labels.size or frame is None:
        return sample
    return _empty(frame, dataset)


def _empty(frame: Frame, dataset: Dataset) -> Sample:
    labels = np.zeros((frame.height, frame.width), np.int32)
    return Sample(frame.stem, Segmentation(labels, {}, dataset.classes))


def _import(server: CvatServer, task: Task, archive: Path, mode: Mode) -> Job[None]:
    """Have the archive imported; where a person cancels late, say that it may go on."""
    try:
        yield from server.import_masks(task, archive, mode=mode)
    except (GeneratorExit, KeyboardInterrupt):
        logger.warning(
            "cancelled while masks were on their way to %s: look at the task, the server may have "
            "begun to import them",
            task.title,
        )
        raise


def pull(
    server: CvatServer,
    task: int,
    target: Path,
    *,
    format_id: str = "cvat-mask",
    options: WriteOptions | None = None,
) -> Job[WriteReport]:
    """Fetch a task's masks as a dataset; it appears whole, or not at all.

    Frames without annotations become images without objects.

    Parameters
    ----------
    options
        With ``include_images`` the images come along.

    Raises
    ------
    DatasetError, MaskError
        Where the server's archive is hostile, damaged, or does not fit the task.
    ServerError
        Where the server cannot be reached, refuses, or fails.
    WriteError
        Where the disk refuses.
    """
    options = options or WriteOptions()
    with _scratch() as folder:
        archive = folder / "export.zip"
        yield from server.check(OLDEST)
        found = yield from server.task(task)
        if not found.frames:
            raise DatasetError("the task has no images", where=found.title)
        yield from server.export_masks(found, archive, images=options.include_images)
        with get_format("cvat-mask").open(archive) as dataset:
            full: list[str] = []
            report = yield from write_dataset(
                _samples(dataset, found, full),
                target,
                classes=dataset.classes,
                format_id=format_id,
                options=options,
                total=len(found.frames),
            )
            notes = (note for note in dataset.notes if _LEFT_OUT not in note)
            return replace(
                report, warnings=(*notes, *_strange(dataset, found, full), *report.warnings)
            )


def _samples(dataset: Dataset, task: Task, full: list[str]) -> Iterator[Sample]:
    """A sample for each frame, in the task's order; names of crowded ones go into ``full``."""
    known = set(dataset.names)
    for frame in task.frames:
        if frame.deleted:
            continue
        if frame.stem in known:
            sample = _read(dataset, frame.stem, frame)
        else:
            sample = _empty(frame, dataset)
        height, width = sample.segmentation.labels.shape
        if (width, height) != (frame.width, frame.height):
            raise MaskError(
                "the server's mask has another size than its image",
                where=frame.name,
                expected=f"{frame.width}x{frame.height}",
                got=f"{width}x{height}",
            )
        if max(sample.segmentation.instances, default=0) >= MOST_IDS:
            full.append(frame.stem)
        yield sample


def _strange(dataset: Dataset, task: Task, full: list[str]) -> Iterator[str]:
    if full:
        yield (
            f"CVAT's mask format holds {MOST_IDS} objects in an image; more than that are lost "
            f"where the task has them: {', '.join(full[:5])}"
        )
    stems = {frame.stem for frame in task.frames}
    if odd := [name for name in dataset.names if name not in stems]:
        yield f"{len(odd)} masks are of no image of the task and were left out: {odd[0]}"

"""Masks from a task on a CVAT server, as a dataset."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_segkit.data.cvat_server import OLDEST
from napari_segkit.data.dataset import WriteOptions
from napari_segkit.data.formats.cvat_labelmap import MOST_IDS
from napari_segkit.data.formats.registry import get_format
from napari_segkit.errors import DatasetError, MaskError
from napari_segkit.jobs.cvat_samples import empty_sample, read_or_empty, scratch
from napari_segkit.jobs.datasets import write_dataset

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari_segkit.data.cvat_server import CvatServer
    from napari_segkit.data.cvat_task import Task
    from napari_segkit.data.dataset import Dataset, Sample, WriteReport
    from napari_segkit.types import Job

_LEFT_OUT = "neither mask nor image"  # a note of the reader; here they come as empty images


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
    with scratch() as folder:
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
        if frame.deleted or not (frame.sized or frame.stem in known):
            continue
        if frame.stem in known:
            sample = read_or_empty(dataset, frame.stem, frame)
        else:
            sample = empty_sample(frame, dataset)
        height, width = sample.segmentation.labels.shape
        if frame.sized and (width, height) != (frame.width, frame.height):
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

"""Find a dataset's faults by reading all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_segkit.data.dataset import Fault, Validation
from napari_segkit.errors import SegkitError
from napari_segkit.types import Progress

if TYPE_CHECKING:
    from pathlib import Path

    from napari_segkit.data.formats.base import Format
    from napari_segkit.types import Job


_LOOK = "see whether that is meant so"


def missing_image(file: str) -> Fault:
    """An image that a dataset with images does not have."""
    return Fault(
        file,
        "the image is missing, though others of the dataset are here",
        "copy it there, or write the dataset again with its images or without any",
    )


def found_by_reading(form: Format, path: Path) -> Job[Validation]:
    """Check a dataset by reading all of it: every sample that is refused is a fault."""
    faults: list[Fault] = []
    without: list[str] = []
    instances = 0
    try:
        dataset = form.open(path)
    except SegkitError as error:
        faults.append(_fault(error, path.name))
        return Validation(path, form.id, 0, 0, tuple(faults))
    with dataset:
        faults += [Fault("", note, _LOOK, "warning") for note in dataset.notes]
        if not dataset.names:
            faults.append(Fault("", "there is no image in the dataset", "export it again"))
        for number, name in enumerate(dataset.names):
            yield Progress(number, len(dataset), name)
            try:
                sample = dataset.read(name)
            except SegkitError as error:
                faults.append(_fault(error, name))
                continue
            instances += len(sample.segmentation.instances)
            without += [name] if sample.image is None else []
            notes = sample.segmentation.notes
            faults += [Fault(name, note, _LOOK, "warning") for note in notes]
        if len(without) < len(dataset):
            faults += [missing_image(name) for name in without]
    return Validation(path, form.id, len(dataset), instances, tuple(faults))


def _fault(error: SegkitError, name: str) -> Fault:
    facts = [
        f"{key} {value}"
        for key, value in (("expected", error.expected), ("got", error.got))
        if value is not None
    ]
    what = f"{error.what}: {', '.join(facts)}" if facts else error.what
    return Fault(name, what, error.remedy or "export it again", where=error.where or "")

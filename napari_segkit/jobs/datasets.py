"""Write, convert and check datasets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_segkit.data.dataset import WriteOptions
from napari_segkit.data.formats.registry import get_format, recognise
from napari_segkit.data.losses import LossCount, NoteCount, may_lose
from napari_segkit.errors import DatasetError, InputError
from napari_segkit.ops.masks import merge_by_class
from napari_segkit.types import ClassDef, Progress

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from napari_segkit.data.dataset import Dataset, Sample, Validation, WriteReport
    from napari_segkit.data.formats.base import Format
    from napari_segkit.types import Color, Job


def write_dataset(
    samples: Iterable[Sample],
    target: Path,
    *,
    classes: tuple[ClassDef, ...],
    format_id: str = "cvat-mask",
    options: WriteOptions | None = None,
    total: int | None = None,
) -> Job[WriteReport]:
    """Write samples as a dataset; the target appears whole, or not at all.

    Parameters
    ----------
    total
        How many samples there are, where that is known.

    Raises
    ------
    InputError
        Where a sample, the classes or the options break the format, or the target is taken.
    WriteError
        Where the disk refuses.
    """
    with get_format(format_id).open_writer(
        target, classes=classes, options=options or WriteOptions()
    ) as writer:
        yield Progress(0, total, "")
        for number, sample in enumerate(samples, start=1):
            writer.add(sample)
            yield Progress(number, total, sample.name)
    return writer.report


@dataclass(frozen=True)
class ClassChange:
    """New name and colour of a class; ``None`` keeps what it has."""

    name: str | None = None
    color: Color | None = None

    def apply(self, old: ClassDef) -> ClassDef:
        """The class with the changes made."""
        return ClassDef(self.name or old.name, self.color or old.color)


def convert(
    source: Path,
    target: Path,
    *,
    format_id: str,
    options: WriteOptions | None = None,
    class_changes: Mapping[str, ClassChange] | None = None,
    source_format: Format | None = None,
    lossy: bool = False,
) -> Job[WriteReport]:
    """Write a dataset again: in another format or container, with classes renamed or recoloured.

    Parameters
    ----------
    class_changes
        By the class's old name; classes that are not named stay as they are.
    source_format
        How ``source`` is read; ``None`` asks every format.
    lossy
        Go on where something is lost; it is told in the report. Otherwise it is counted first,
        and nothing is written.

    Raises
    ------
    InputError, WriteError
        As `write_dataset`, and where ``source`` cannot be read, a class is unknown, or something
        would be lost.
    """
    source_format = source_format or recognise(source)
    target_format = get_format(format_id)
    notes = NoteCount()
    with source_format.open(source) as dataset:
        mapping = _changed_classes(dataset, source, class_changes or {})
        if not lossy and may_lose(source_format.capabilities, target_format.capabilities):
            yield from _refuse_losses(dataset, target_format, options or WriteOptions())
        report = yield from write_dataset(
            (_reclassed(_noted(dataset.read(name), notes), mapping) for name in dataset.names),
            target,
            classes=tuple(mapping.values()),
            format_id=format_id,
            options=options,
            total=len(dataset),
        )
        return replace(report, warnings=(*dataset.notes, *notes.sentences(), *report.warnings))


def _changed_classes(
    dataset: Dataset, source: Path, changes: Mapping[str, ClassChange]
) -> dict[str, ClassDef]:
    """Classes by their old names."""
    mapping = {c.name: c for c in dataset.classes}
    unknown = changes.keys() - mapping.keys()
    if unknown:
        raise InputError(
            "unknown class", where=source, expected=", ".join(mapping), got=", ".join(unknown)
        )
    return mapping | {old: change.apply(mapping[old]) for old, change in changes.items()}


def _refuse_losses(dataset: Dataset, target: Format, options: WriteOptions) -> Job[None]:
    """Count what would be lost, and refuse where that is anything."""
    losses, notes = LossCount(target.capabilities), NoteCount()
    for number, name in enumerate(dataset.names):
        yield Progress(number, len(dataset), f"looking at {name}")
        segmentation = dataset.read(name).segmentation
        notes.add(segmentation)
        merged = options.instances == "merge"
        losses.add(merge_by_class(segmentation) if merged else segmentation)
    lost = (*notes.sentences(), *losses.sentences())
    if lost:
        raise DatasetError(
            f"{target.title} cannot hold everything",
            got="; ".join(lost),
            remedy="choose a format that holds it, or allow the loss (--lossy)",
        )


def _noted(sample: Sample, notes: NoteCount) -> Sample:
    notes.add(sample.segmentation)
    return sample


def _reclassed(sample: Sample, mapping: Mapping[str, ClassDef]) -> Sample:
    old = sample.segmentation
    instances = {
        key: replace(instance, class_name=mapping[instance.class_name].name)
        for key, instance in old.instances.items()
    }
    new = replace(old, instances=instances, classes=tuple(mapping.values()))
    return replace(sample, segmentation=new)


def validate(path: Path) -> Job[Validation]:
    """Find every fault of a dataset.

    Raises
    ------
    DatasetError
        Where no format recognises it.
    """
    result = yield from recognise(path).validate(path)
    return result

"""Read a dataset of any format and write it ready for training."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_segkit.data.dataset import WriteOptions
from napari_segkit.data.formats.registry import get_format, recognise
from napari_segkit.data.prepare import Recipe, reshape, tiles
from napari_segkit.data.split_writer import SplitWriter
from napari_segkit.data.splits import read_split_list
from napari_segkit.errors import InputError, SegkitError, WriteError
from napari_segkit.types import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from napari_segkit.data.dataset import Dataset, Sample, WriteReport
    from napari_segkit.data.mask_boxes import BoxFile
    from napari_segkit.data.pixels import ImageFinder
    from napari_segkit.data.splits import Split
    from napari_segkit.types import Job


@dataclass(frozen=True)
class Preparation:
    """What `import_dataset` does besides reading and writing.

    Attributes
    ----------
    recipe
        Padding, size and tiles.
    keep_empty
        Keep tiles without objects; images that are not cut are always kept.
    split
        ``None`` for one dataset, a `Split`, or the file of a list.
    boxes
        Boxes to write, or ``None``.
    images
        Where images lie that the source does not have itself.
    skip_bad
        Leave out images that cannot be read, and go on.
    """

    recipe: Recipe = field(default_factory=Recipe)
    keep_empty: bool = False
    split: Split | Path | None = None
    boxes: BoxFile | None = None
    images: ImageFinder | None = None
    skip_bad: bool = False


@dataclass(frozen=True)
class ImportReport:
    """What was read and written.

    Attributes
    ----------
    sources
        Images that were read.
    written
        By subset.
    dropped
        Tiles without objects that were left out.
    vanished
        Objects that became smaller than a pixel when images were scaled down.
    failures
        Image -> why it was left out.
    notes
        Sentences for the person.
    """

    sources: int
    written: Mapping[str, WriteReport]
    dropped: int
    vanished: int
    failures: Mapping[str, SegkitError]
    notes: tuple[str, ...]


@dataclass
class _Counts:
    sources: int = 0
    dropped: int = 0
    vanished: int = 0
    failures: dict[str, SegkitError] = field(default_factory=dict)


def import_dataset(
    source: Path,
    target: Path,
    *,
    preparation: Preparation | None = None,
    format_id: str = "cvat-mask",
    options: WriteOptions | None = None,
) -> Job[ImportReport]:
    """Write a dataset again, prepared; one image is in memory at a time.

    Parameters
    ----------
    options
        By default the images are written, too.

    Raises
    ------
    InputError
        Where source, target or a setting cannot be used, or (without ``skip_bad``) an image.
    WriteError
        Where the disk refuses.
    """
    wanted, counts = preparation or Preparation(), _Counts()
    options = options or WriteOptions(include_images=True)
    form = get_format(format_id)
    with recognise(source).open(source) as dataset:
        split = _split(wanted.split, dataset)
        if wanted.boxes is not None:
            subsets = split.subsets if split else (options.subset,)
            wanted.boxes.check(
                target, format_id=format_id, subsets=subsets, overwrite=options.overwrite
            )
        writer = SplitWriter(target, form, classes=dataset.classes, options=options, split=split)
        try:
            for number, name in enumerate(dataset.names):
                yield Progress(number, len(dataset), name)
                _import_one(
                    dataset,
                    name,
                    writer,
                    wanted=wanted,
                    counts=counts,
                    format_id=format_id,
                    with_images=options.include_images,
                )
            yield Progress(len(dataset), len(dataset), "finishing")
            written, notes = writer.commit()
        finally:
            writer.discard()  # after a commit there is nothing left to discard
        notes = (*dataset.notes, *notes)
    if wanted.boxes is not None:
        wanted.boxes.write()
    return ImportReport(
        counts.sources,
        written,
        counts.dropped,
        counts.vanished,
        counts.failures,
        (*notes, *_remarks(counts, wanted)),
    )


def _split(split: Split | Path | None, dataset: Dataset) -> Split | None:
    if isinstance(split, Path):
        split = read_split_list(split, dataset.names)
    if split is not None:
        split.check(dataset.names)
    return split


def _import_one(
    dataset: Dataset,
    name: str,
    writer: SplitWriter,
    *,
    wanted: Preparation,
    counts: _Counts,
    format_id: str,
    with_images: bool,
) -> None:
    """Read, change and write one image; with ``skip_bad`` a failure is noted instead."""
    try:
        before = _read(dataset, name, wanted=wanted, with_images=with_images)
        after = reshape(before, wanted.recipe)
    except WriteError:
        raise
    except SegkitError as error:
        if not wanted.skip_bad:
            raise InputError(
                error.what,
                where=f"{name}: {error.where}" if error.where else name,
                expected=error.expected,
                got=error.got,
                remedy=f"{error.remedy or 'repair it'}, or leave out what is bad with --skip-bad",
            ) from error
        counts.failures[name] = error
        return
    counts.sources += 1
    counts.vanished += len(before.segmentation.instances) - len(after.segmentation.instances)
    subset, place = writer.place(name)
    for piece in _wanted_tiles(after, wanted, counts):
        writer.add(piece, origin=name)
        if wanted.boxes is not None:
            wanted.boxes.add(piece, subset=subset, dataset=place, format_id=format_id)


def _read(dataset: Dataset, name: str, *, wanted: Preparation, with_images: bool) -> Sample:
    """One sample; its image decoded only where pixels are changed and written."""
    sample = dataset.read(name)
    if sample.image is None and wanted.images is not None:
        sample = replace(sample, image=wanted.images.find(name))
    if not wanted.recipe.changes:
        return sample
    if not with_images:
        return replace(sample, image=None)
    from napari_segkit.data.pixels import sample_pixels  # the decoders: not at import

    loaded = sample_pixels(sample)
    return replace(sample, image=None if loaded is None else loaded.pixels)


def _wanted_tiles(sample: Sample, wanted: Preparation, counts: _Counts) -> Iterator[Sample]:
    for piece in tiles(sample, wanted.recipe):
        if wanted.recipe.tile and not (piece.segmentation.instances or wanted.keep_empty):
            counts.dropped += 1
        else:
            yield piece


def _remarks(counts: _Counts, wanted: Preparation) -> list[str]:
    remarks = []
    if counts.dropped:
        remarks.append(f"{counts.dropped} tiles without objects were left out")
    if counts.vanished:
        remarks.append(f"{counts.vanished} objects became smaller than a pixel and vanished")
    if wanted.boxes is not None and wanted.boxes.empty and wanted.boxes.style == "rings":
        remarks.append(f"{len(wanted.boxes.empty)} images without objects have no box")
    return remarks

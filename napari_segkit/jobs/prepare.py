"""Read a dataset of any format and write it ready for training."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_segkit.data.dataset import WriteOptions
from napari_segkit.data.formats.registry import get_format, recognise
from napari_segkit.data.losses import LossCount, NoteCount
from napari_segkit.data.prepare import Recipe, reshape, tiles
from napari_segkit.data.split_writer import SplitWriter
from napari_segkit.data.splits import read_split_list
from napari_segkit.errors import DatasetError, InputError, SegkitError, WriteError
from napari_segkit.ops.masks import merge_by_class
from napari_segkit.types import Progress

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_segkit.data.dataset import Dataset, Sample, WriteReport
    from napari_segkit.data.formats.base import Format
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
    lossy
        Write what the format cannot wholly hold, too.
    source_format
        How the source is read; ``None`` asks every format.
    """

    recipe: Recipe = field(default_factory=Recipe)
    keep_empty: bool = False
    split: Split | Path | None = None
    boxes: BoxFile | None = None
    images: ImageFinder | None = None
    skip_bad: bool = False
    lossy: bool = False
    source_format: Format | None = None


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
    wanted = preparation or Preparation()
    options = options or WriteOptions(include_images=True)
    form = get_format(format_id)
    with (wanted.source_format or recognise(source)).open(source) as dataset:
        split = _split(wanted.split, dataset)
        if wanted.boxes is not None:
            subsets = split.subsets if split else (options.subset,)
            wanted.boxes.check(
                target, format_id=format_id, subsets=subsets, overwrite=options.overwrite
            )
        writer = SplitWriter(target, form, classes=dataset.classes, options=options, split=split)
        importer = _Importer(dataset, writer, wanted, options, form)
        try:
            for number, name in enumerate(dataset.names):
                yield Progress(number, len(dataset), name)
                importer.take(name)
            yield Progress(len(dataset), len(dataset), "finishing")
            importer.check_losses()
            written, notes = writer.commit()
        finally:
            writer.discard()  # after a commit there is nothing left to discard
    if wanted.boxes is not None:
        wanted.boxes.write()
    return importer.report(written, notes)


def _split(split: Split | Path | None, dataset: Dataset) -> Split | None:
    if isinstance(split, Path):
        split = read_split_list(split, dataset.names)
    if split is not None:
        split.check(dataset.names)
    return split


class _Importer:
    """Takes images one by one from a dataset to a writer, and keeps count."""

    def __init__(
        self,
        dataset: Dataset,
        writer: SplitWriter,
        wanted: Preparation,
        options: WriteOptions,
        form: Format,
    ) -> None:
        self._dataset, self._writer, self._wanted = dataset, writer, wanted
        self._options, self._form = options, form
        self._sources = self._dropped = self._vanished = 0
        self._failures: dict[str, SegkitError] = {}
        self._losses, self._notes = LossCount(form.capabilities), NoteCount()

    def take(self, name: str) -> None:
        """Read, change and write one image; with ``skip_bad`` a failure is noted instead."""
        try:
            before = self._read(name)
            after = reshape(before, self._wanted.recipe)
        except WriteError:
            raise
        except SegkitError as error:
            if not self._wanted.skip_bad:
                raise _bad_image(name, error) from error
            self._failures[name] = error
            return
        self._sources += 1
        self._vanished += len(before.segmentation.instances) - len(after.segmentation.instances)
        self._notes.add(before.segmentation)
        for piece in tiles(after, self._wanted.recipe):
            self._write(piece, origin=name)

    def _read(self, name: str) -> Sample:
        """One sample; its image decoded only where pixels are changed and written."""
        sample = self._dataset.read(name)
        if sample.image is None and self._wanted.images is not None:
            sample = replace(sample, image=self._wanted.images.find(name))
        if not self._wanted.recipe.changes:
            return sample
        if not self._options.include_images:
            return replace(sample, image=None)
        from napari_segkit.data.pixels import sample_pixels  # the decoders: not at import

        loaded = sample_pixels(sample)
        return replace(sample, image=None if loaded is None else loaded.pixels)

    def _write(self, piece: Sample, *, origin: str) -> None:
        cut, found = self._wanted.recipe.tile, piece.segmentation
        if cut and not (found.instances or self._wanted.keep_empty):
            self._dropped += 1
            return
        if not self._wanted.lossy:
            merged = self._options.instances == "merge"
            self._losses.add(merge_by_class(found) if merged else found)
        self._writer.add(piece, origin=origin)
        if self._wanted.boxes is not None:
            subset, place = self._writer.place(origin)
            subset = subset if self._wanted.split else "train"
            self._wanted.boxes.add(piece, subset=subset, dataset=place, format_id=self._form.id)

    def check_losses(self) -> None:
        """Refuse what the format cannot wholly hold, unless that is wanted."""
        if lost := self._losses.sentences():
            raise DatasetError(
                f"{self._form.title} cannot hold everything",
                got="; ".join(lost),
                remedy="choose a format that holds it, or allow the loss (--lossy)",
            )

    def report(self, written: Mapping[str, WriteReport], notes: tuple[str, ...]) -> ImportReport:
        """What was done."""
        remarks = [*self._dataset.notes, *notes, *self._notes.sentences()]
        if self._dropped:
            remarks.append(f"tiles without objects that were left out: {self._dropped}")
        if self._vanished:
            remarks.append(
                f"objects that became smaller than a pixel and vanished: {self._vanished}"
            )
        boxes = self._wanted.boxes
        if boxes is not None and boxes.empty and boxes.style == "rings":
            remarks.append(f"images without objects, which have no box: {len(boxes.empty)}")
        return ImportReport(
            self._sources, written, self._dropped, self._vanished, self._failures, tuple(remarks)
        )


def _bad_image(name: str, error: SegkitError) -> InputError:
    return InputError(
        error.what,
        where=f"{name}: {error.where}" if error.where else name,
        expected=error.expected,
        got=error.got,
        remedy=f"{error.remedy or 'repair it'}, or leave out what is bad (--skip-bad)",
    )

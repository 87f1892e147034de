"""Writes one dataset, or one per subset in a folder that appears whole or not at all.

::

    TARGET/split.json     {"train": [names in the source], …}: can be given as a list again
    TARGET/train/…        a dataset
    TARGET/valid/…
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_segkit.data.atomic import disk_errors
from napari_segkit.data.splits import members_by_subset
from napari_segkit.data.staging import StagedFolder, holds_only
from napari_segkit.errors import DatasetError, InputError

if TYPE_CHECKING:
    from pathlib import Path

    from napari_segkit.data.dataset import DatasetWriter, Sample, WriteOptions, WriteReport
    from napari_segkit.data.formats.base import Format
    from napari_segkit.data.splits import Split
    from napari_segkit.types import ClassDef

SPLIT_FILE = "split.json"


@dataclass
class _Part:
    writer: DatasetWriter
    samples: int = 0


class SplitWriter:
    """Writes samples to the subset that their origin belongs to.

    Parameters
    ----------
    target
        A folder, or an archive where there is no split.
    split
        ``None``: one dataset, at the target itself.

    Raises
    ------
    DatasetError, WriteError
        As `Format.open_writer`.
    InputError
        For an archive with a split.
    """

    def __init__(
        self,
        target: Path,
        form: Format,
        *,
        classes: tuple[ClassDef, ...],
        options: WriteOptions,
        split: Split | None = None,
    ) -> None:
        self._target, self._split, self._subset = target, split, options.subset
        self._folder: StagedFolder | None = None
        self._made: list[Path] = []  # folders above the target that were missing, deepest first
        self._parts: dict[str, _Part] = {}
        self._members: dict[str, str] = {}
        try:
            if split is None:
                writer = form.open_writer(target, classes=classes, options=options)
                self._parts[options.subset] = _Part(writer)
                return
            self._folder = self._stage(overwrite=options.overwrite)
            for subset in split.subsets:
                mine = replace(options, subset=subset, overwrite=False)
                place = self._folder.path / subset
                self._parts[subset] = _Part(form.open_writer(place, classes=classes, options=mine))
        except BaseException:
            self.discard()
            raise

    def _stage(self, *, overwrite: bool) -> StagedFolder:
        target = self._target.absolute()
        if target.suffix.lower() == ".zip":
            raise InputError(
                "a split is written as a folder of datasets",
                got=self._target,
                remedy="leave out .zip",
            )
        self._made = [folder for folder in target.parents if not os.path.lexists(folder)]
        with disk_errors(self._target):
            target.parent.mkdir(parents=True, exist_ok=True)
        return StagedFolder(target, overwrite=overwrite, replaceable=is_split_only)

    def place(self, origin: str) -> tuple[str, Path]:
        """Subset of an image of the source, and where its dataset will be."""
        if self._split is None:
            return self._subset, self._target
        subset = self._split.subset_of(origin)
        return subset, self._target / subset

    def add(self, sample: Sample, *, origin: str) -> None:
        """Write one sample that was made from the source's image ``origin``.

        Raises
        ------
        DatasetError, MaskError, ImageError, WriteError
            As `DatasetWriter.add`.
        """
        subset, _ = self.place(origin)
        part = self._parts[subset]
        part.writer.add(sample)
        part.samples += 1
        self._members[origin] = subset

    def commit(self) -> tuple[dict[str, WriteReport], tuple[str, ...]]:
        """Put everything in its place.

        Returns
        -------
        reports
            By subset; one without images is not written.
        notes
            Which those are.
        """
        if self._folder is None:
            ((subset, part),) = self._parts.items()
            return {subset: part.writer.commit()}, ()
        if not self._members:
            raise DatasetError("no image was added, so nothing is written", where=self._target)
        reports, notes = {}, []
        for subset, part in self._parts.items():
            if not part.samples:
                part.writer.discard()
                notes.append(f"subset {subset} got no images and was not written")
                continue
            report = part.writer.commit()
            reports[subset] = replace(report, path=self._target / subset)
        self._write_list(self._folder.path / SPLIT_FILE)
        self._folder.commit()
        return reports, tuple(notes)

    def _write_list(self, path: Path) -> None:
        lists = members_by_subset(self._members)
        content = {subset: lists[subset] for subset in self._parts if subset in lists}
        with disk_errors(self._target):
            path.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")

    def discard(self) -> None:
        """Remove everything that was not put in its place."""
        for part in self._parts.values():
            part.writer.discard()
        if self._folder is not None:
            self._folder.discard()
        for folder in self._made:
            with contextlib.suppress(OSError):  # it holds something by now
                folder.rmdir()


def is_split_only(folder: Path) -> bool:
    """Whether a folder holds a split that was written here and nothing else; never raises."""
    return bool(split_folders(folder)) and holds_only(folder, {SPLIT_FILE, *split_folders(folder)})


def split_folders(folder: Path) -> tuple[str, ...]:
    """Names of the datasets in a folder that was written here, or nothing; never raises."""
    try:
        content = json.loads((folder / SPLIT_FILE).read_text(encoding="utf-8"))
        return tuple(name for name in content if "/" not in name and (folder / name).is_dir())
    except (OSError, ValueError, RecursionError, TypeError):
        return ()

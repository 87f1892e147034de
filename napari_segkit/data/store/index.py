"""A line per image, so that a folder of 10,000 opens without a mask being read.

The index is made from the images' own files. It remembers their size and time of change: where
those differ, it was killed before it could write the line, and the file is read again.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from napari_segkit.data.atomic import atomic_write
from napari_segkit.data.store import journal
from napari_segkit.data.store.record import ImageMark, Status  # noqa: TC001  pydantic needs them
from napari_segkit.errors import SegkitError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari_segkit.data.store.record import Record

Seen = tuple[int, int, int]
"""Bytes and time of change of a mask file, bytes of its journal; zeros where there is none."""


class Line(BaseModel):
    """What a list shows of one image; the fields are those of `Record`.

    Attributes
    ----------
    objects
        How many instances there are.
    seen
        State of the files when this line was made.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    status: Status
    objects: int = 0
    edits: int = 0
    seconds: float = 0.0
    uncertainty: float | None = None
    iou: float | None = None
    image: ImageMark | None = None
    seen: Seen = (0, 0, 0)

    @property
    def crowded(self) -> bool:
        """Whether the journal is so long that the image should be saved whole before it is left."""
        mask, _, length = self.seen
        return length > max(_LONG, 2 * mask)


_LONG = 4 << 20  # bytes of a journal that are read in some milliseconds
_LINES: TypeAdapter[dict[str, Line]] = TypeAdapter(dict[str, Line])


def line_of(record: Record, seen: Seen) -> Line:
    """The line of an image."""
    shared = {key: getattr(record, key) for key in Line.model_fields.keys() & dict(record).keys()}
    return Line(**shared, objects=len(record.instances), seen=seen)


class Index:
    """Key -> line, on disk.

    Parameters
    ----------
    place
        The store's folder.

    A damaged index counts as an empty one: it can be made again.
    """

    def __init__(self, place: Path) -> None:
        self._file, self._journal = place / "index.json", place / "index.journal"
        self.lines: dict[str, Line] = {}
        self._end = self._sequence = 0
        try:
            if self._file.exists():
                self.lines = _LINES.validate_json(self._file.read_bytes())
            entries, self._end = journal.read_journal(self._journal)
            for entry in entries:
                self.lines |= _LINES.validate_json(entry.payload)
                self._sequence = entry.sequence
        except (SegkitError, ValidationError, OSError):
            self.lines, self._end = {}, 0

    @property
    def grown(self) -> bool:
        """Whether lines were added since the index was written whole."""
        return self._end > 0

    def put(self, key: str, line: Line) -> None:
        """Change one line, here and on the disk.

        Raises
        ------
        WriteError
            Where the disk refuses; the line is changed here all the same.
        """
        self.lines[key] = line
        self._sequence += 1
        entry = journal.Entry(self._sequence, _LINES.dump_json({key: line}))
        self._end = journal.append(self._journal, entry, end=self._end)

    def write(self) -> None:
        """Write all lines anew.

        Raises
        ------
        WriteError
            Where the disk refuses; the old index is intact.
        """
        with atomic_write(self._file) as file:
            file.write(_LINES.dump_json(self.lines))
        self._journal.unlink(missing_ok=True)
        self._end = 0


def files_seen(images: Path) -> Mapping[str, Seen]:
    """Key -> state of its files, of all images of a store: one listing, nothing opened."""
    masks: dict[str, tuple[int, int]] = {}
    journals: dict[str, int] = {}
    with os.scandir(images) as found:
        for one in found:
            key, _, kind = one.name.rpartition(".")
            if kind == "mask":
                status = one.stat()
                masks[key] = status.st_size, status.st_mtime_ns
            elif kind == "journal":
                journals[key] = one.stat().st_size
    keys = masks.keys() | journals.keys()
    return {key: (*masks.get(key, (0, 0)), journals.get(key, 0)) for key in keys}

"""Which image is which file of the store, through renames and crashes."""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING

from napari_segkit.data.store.files import ImageFiles
from napari_segkit.data.store.index import Index, Line, files_seen, line_of
from napari_segkit.data.store.marks import renamed
from napari_segkit.data.store.record import Status
from napari_segkit.errors import SegkitError, WriteError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari_segkit.data.images import ImageSource

logger = logging.getLogger(__name__)


class Catalog:
    """Name <-> key, and the index's lines.

    Parameters
    ----------
    place
        The store's folder.
    write
        Whether the index may be written.

    Attributes
    ----------
    keys
        Name -> key of every image with work.
    with_journal
        Names of those whose journal was not empty.
    """

    def __init__(self, place: Path, *, write: bool) -> None:
        self._images, self._write = place / "images", write
        self._index = Index(place)
        seen = self._follow(self._index.lines)
        lines = self._index.lines
        self.keys = {line.name: key for key, line in lines.items()}
        self.with_journal = sorted(
            lines[key].name for key, files in seen.items() if files[2] and key in lines
        )

    def _follow(self, lines: dict[str, Line]) -> Mapping[str, tuple[int, int, int]]:
        """Bring the index up to the images' files."""
        seen = files_seen(self._images)
        stale = [key for key, files in seen.items() if key not in lines or lines[key].seen != files]
        for key in stale:
            files = ImageFiles(self._images, key)
            try:
                record = files.read_record()
            except SegkitError as error:  # told again, with its remedy, when it is loaded
                logger.warning("%s", error)
                continue
            if record is not None:
                lines[key] = line_of(record, files.seen)
        gone = lines.keys() - seen.keys()
        for key in gone:
            del lines[key]
        if stale or gone:
            self.write()
        return seen

    def line(self, name: str) -> Line:
        """An image's line; of one without work: that it is new."""
        key = self.keys.get(name)
        return Line(name=name, status=Status.NEW) if key is None else self._index.lines[key]

    def files(self, name: str) -> ImageFiles:
        """An image's files, which need not be there yet."""
        return ImageFiles(self._images, self.keys.get(name) or self._new_key(name))

    def _new_key(self, name: str) -> str:
        """A key that no other image has; a file that cannot be read keeps its image's key."""
        number = 0
        while True:
            text = name if not number else f"{name}\n{number}"
            key = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
            if key not in self._index.lines:
                return key
            number += 1

    def put(self, name: str, files: ImageFiles) -> None:
        """Write an image's line.

        Where the disk refuses, the line is only known here; the next start makes it again.
        """
        if files.record is None:
            return
        self.keys[name] = files.key
        try:
            self._index.put(files.key, line_of(files.record, files.seen))
        except WriteError as error:
            logger.warning("%s", error)

    def drop(self, name: str) -> None:
        """Forget an image whose files were set aside."""
        self._index.lines.pop(self.keys.pop(name, ""), None)
        self.write()

    def write(self) -> None:
        """Write the index whole, where that is allowed and possible."""
        if not self._write:
            return
        try:
            self._index.write()
        except WriteError as error:
            logger.warning("%s", error)

    def tidy(self) -> None:
        """Write the index whole if it has grown."""
        if self._index.grown:
            self.write()

    def follow_renames(self, sources: Mapping[str, ImageSource]) -> dict[str, str]:
        """Old name -> new name of images that have work and were renamed."""
        lines = self._index.lines
        gone = {
            line.name: line.image
            for line in lines.values()
            if line.image is not None and line.name not in sources
        }
        if not gone:
            return {}
        fresh = ((name, one.path) for name, one in sources.items() if name not in self.keys)
        moved = renamed(gone, fresh)
        for old, new in moved.items():
            key = self.keys[new] = self.keys.pop(old)
            lines[key] = lines[key].model_copy(update={"name": new})
        return moved

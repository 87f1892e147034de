"""The two files of one image in the store: what is in them, and that no one else changed them."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_segkit.data.atomic import disk_errors, sync_folder
from napari_segkit.data.store import changes, journal
from napari_segkit.data.store.record import Record, damaged, difference
from napari_segkit.data.store.snapshot import Snapshot, read_record, read_snapshot, write_snapshot
from napari_segkit.errors import ChangedError, MaskError
from napari_segkit.ops.label_codec import pack_labels, unpack_labels

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_segkit.data.store.index import Seen
    from napari_segkit.data.store.tiles import Tile
    from napari_segkit.types import Labels


@dataclass(frozen=True)
class Contents:
    """All that is stored of an image; ``labels`` and ``predicted`` (H, W) int32 or ``None``."""

    record: Record
    labels: Labels | None
    predicted: Labels | None


class ImageFiles:
    """``KEY.mask`` and ``KEY.journal`` of one image.

    Attributes
    ----------
    record
        As last read or written; ``None`` before the first write.
    seen
        State of the files then.
    """

    def __init__(self, images: Path, key: str) -> None:
        self.key = key
        self._mask, self._journal = images / f"{key}.mask", images / f"{key}.journal"
        self._sequence = self._end = 0
        self.record: Record | None = None
        self.seen: Seen = (0, 0, 0)

    def read_record(self) -> Record | None:
        """What is known of the image, without its pixels.

        Raises
        ------
        DatasetError
            Where a file is damaged.
        """
        self.seen = self._look()
        found = read_record(self._mask)
        start, record = found or (0, None)
        entries = self._entries(start)
        self.record = changes.fields_after(record, entries, where=self._journal)
        return self.record

    def read(self) -> Contents | None:
        """Everything, changes since the mask file included; ``None`` where nothing is stored.

        Raises
        ------
        DatasetError, MaskError
            Where a file is damaged.
        """
        self.seen = self._look()
        record, labels, predicted, start = None, None, None, 0
        if (found := read_snapshot(self._mask)) is not None:
            record, start = found.record, found.sequence
            labels, predicted = (self._unpacked(part) for part in (found.labels, found.predicted))
        entries = self._entries(start)
        record, labels = changes.replay(record, labels, entries, where=self._journal)
        if record is None:
            return None
        if (None if labels is None else labels.shape) != record.size:
            raise damaged(self._mask, "mask and record disagree")
        self.record = record
        return Contents(record, labels, predicted)

    def _unpacked(self, data: bytes) -> Labels | None:
        return unpack_labels(data, where=self._mask) if data else None

    def _entries(self, after: int) -> list[journal.Entry]:
        entries, self._end = journal.read_journal(self._journal)
        self._sequence = max([after, *(one.sequence for one in entries)])
        return [one for one in entries if one.sequence > after]

    def append(self, tiles: Sequence[Tile], record: Record) -> None:
        """Add a change to the journal.

        Raises
        ------
        MaskError
            Where the mask had another size, so that it must be saved whole.
        ChangedError
            Where another program changed the files.
        WriteError
            Where the disk refuses; nothing changed.
        """
        before = self.record
        if before is not None and before.size not in (None, record.size):
            raise MaskError(
                "mask has another size than the stored one", expected=before.size, got=record.size
            )
        self.check_untouched()
        payload = changes.encode(difference(before, record), tiles)
        entry = journal.Entry(self._sequence + 1, payload)
        self._end = journal.append(self._journal, entry, end=self._end)
        self._sequence += 1
        self.record, self.seen = record, self._look()

    def save(
        self, labels: Labels | None, record: Record, *, predicted: Labels | None, force: bool
    ) -> None:
        """Write the mask file anew and drop the journal.

        Parameters
        ----------
        predicted
            ``None`` keeps the one that is there.
        force
            Write over what another program wrote.

        Raises
        ------
        MaskError
            Where mask and record have other sizes.
        ChangedError, DatasetError
            Where another program changed the files, or they are damaged.
        WriteError
            Where the disk refuses; what was stored is intact.
        """
        if (None if labels is None else labels.shape) != record.size:
            raise MaskError("mask does not fit its record", expected=record.size, got=labels)
        if not force:
            self.check_untouched()
        if predicted is not None:
            first = pack_labels(predicted)
        else:
            old = read_snapshot(self._mask)
            first = b"" if old is None else old.predicted
        packed = b"" if labels is None else pack_labels(labels)
        write_snapshot(self._mask, Snapshot(self._sequence, record, packed, first))
        self.record, self.seen = record, self._look()
        with disk_errors(self._journal):
            self._journal.unlink(missing_ok=True)
        self._end, self.seen = 0, self._look()

    def check_untouched(self) -> None:
        """Refuse to go on where the files are not as we left them.

        Raises
        ------
        ChangedError
        """
        if self._look() != self.seen:
            raise ChangedError(
                "stored mask was changed by another program",
                where=self._mask,
                remedy="open the image again to see its version, or save yours over it",
            )

    def set_aside(self) -> tuple[Path, ...]:
        """Give damaged files other names, so that the image can be begun anew; none is deleted.

        Raises
        ------
        WriteError
            Where the disk refuses.
        """
        moved = []
        for path in (self._mask, self._journal):
            if path.exists():
                number = 1
                while (other := path.with_name(f"{path.name}.damaged-{number}")).exists():
                    number += 1
                with disk_errors(path):
                    os.rename(path, other)
                moved.append(other)
        sync_folder(self._mask.parent)
        self.record, self.seen, self._end, self._sequence = None, (0, 0, 0), 0, 0
        return tuple(moved)

    def _look(self) -> Seen:
        size = mtime = length = 0
        with suppress(OSError):
            mask = self._mask.stat()
            size, mtime = mask.st_size, mask.st_mtime_ns
        with suppress(OSError):
            length = self._journal.stat().st_size
        return size, mtime, length

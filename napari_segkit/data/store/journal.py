"""A file that only grows, record by record; what was cut off at its end does not count.

::

    "<4sQII"    SKJ1, sequence number, bytes of the payload, CRC-32 of the 16 bytes before and it
    payload
"""

from __future__ import annotations

import os
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_segkit.data.atomic import disk_errors, sync_folder
from napari_segkit.data.store.record import damaged
from napari_segkit.errors import DatasetError

if TYPE_CHECKING:
    from pathlib import Path

_MAGIC = b"SKJ1"
_HEAD = struct.Struct("<4sQI")
_SUM = struct.Struct("<I")
_BEFORE = _HEAD.size + _SUM.size


@dataclass(frozen=True)
class Entry:
    """One record: its number, which grows, and its bytes."""

    sequence: int
    payload: bytes


def read_journal(path: Path) -> tuple[list[Entry], int]:
    """All whole records, and at which byte they end; none where there is no file.

    Raises
    ------
    DatasetError
        Where the file cannot be read, or a damaged record has whole ones behind it: that is no
        crash, and going on would throw those away.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return [], 0
    except OSError as error:
        raise unreadable(path, error) from error
    entries, end = [], 0
    while (entry := _entry_at(data, end)) is not None:
        entries.append(entry)
        end += _BEFORE + len(entry.payload)
    last = entries[-1].sequence if entries else 0
    at = data.find(_MAGIC, end + 1)
    while at >= 0:
        later = _entry_at(data, at)
        if later is not None and later.sequence > last:
            raise damaged(path, f"a broken record at byte {end}")
        at = data.find(_MAGIC, at + 1)
    return entries, end


def unreadable(path: Path, error: OSError) -> DatasetError:
    """The refusal of a file that the disk does not give."""
    return DatasetError("stored work cannot be read", where=path, got=error.strerror)


def _entry_at(data: bytes, start: int) -> Entry | None:
    body = start + _BEFORE
    if body > len(data):
        return None
    magic, sequence, length = _HEAD.unpack_from(data, start)
    payload = data[body : body + length]
    if magic != _MAGIC or len(payload) < length:
        return None
    (crc,) = _SUM.unpack_from(data, start + _HEAD.size)
    if crc != zlib.crc32(payload, zlib.crc32(data[start : start + _HEAD.size])):
        return None
    return Entry(sequence, payload)


def append(path: Path, entry: Entry, *, end: int) -> int:
    """Add a record behind byte ``end``, where the whole ones end; what is behind it goes.

    Returns
    -------
    Where the whole records end now: they are on the disk.

    Raises
    ------
    WriteError
        Where the disk refuses; the records before are intact.
    """
    head = _HEAD.pack(_MAGIC, entry.sequence, len(entry.payload))
    crc = zlib.crc32(entry.payload, zlib.crc32(head))
    record = head + _SUM.pack(crc) + entry.payload
    with disk_errors(path):
        fresh = not path.exists()
        handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        try:
            _write(handle, record, end)
        finally:
            os.close(handle)
        if fresh:
            sync_folder(path.parent)
    return end + len(record)


def _write(handle: int, record: bytes, end: int) -> None:
    if os.fstat(handle).st_size > end:
        os.ftruncate(handle, end)
    os.lseek(handle, end, os.SEEK_SET)
    try:
        rest = memoryview(record)
        while rest:
            rest = rest[os.write(handle, rest) :]
        os.fsync(handle)
    except OSError:
        os.ftruncate(handle, end)  # half a record would only be in the way
        raise

"""One image of the store as a file: what is known of it, its mask, the model's first mask.

One file, so that mask and table are always of one moment::

    "<8sQ" + 3 x "<II"   SEGKIT1, sequence number, bytes and CRC-32 of each part
    "<I"                 CRC-32 of all that
    record (JSON), labels, predicted labels (`napari_segkit.ops.label_codec`; may be empty)
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_segkit.data.atomic import atomic_write
from napari_segkit.data.store.journal import unreadable
from napari_segkit.data.store.record import Record, damaged, from_json, to_json

if TYPE_CHECKING:
    from pathlib import Path

_MAGIC = b"SEGKIT1\n"
_HEAD = struct.Struct("<8sQIIIIII")
_SUM = struct.Struct("<I")


@dataclass(frozen=True)
class Snapshot:
    """An image at one moment.

    Attributes
    ----------
    sequence
        Number of the last journal record that is in it.
    labels, predicted
        Packed; empty where there is none.
    """

    sequence: int
    record: Record
    labels: bytes = b""
    predicted: bytes = b""


def write_snapshot(path: Path, snapshot: Snapshot) -> None:
    """Put a snapshot in its place, whole.

    Raises
    ------
    WriteError
        Where the disk refuses; the file before is intact.
    """
    parts = to_json(snapshot.record), snapshot.labels, snapshot.predicted
    sums = [number for part in parts for number in (len(part), zlib.crc32(part))]
    head = _HEAD.pack(_MAGIC, snapshot.sequence, *sums)
    with atomic_write(path) as file:
        file.write(b"".join((head, _SUM.pack(zlib.crc32(head)), *parts)))


def read_snapshot(path: Path) -> Snapshot | None:
    """The snapshot, or ``None`` where there is no file.

    Raises
    ------
    DatasetError
        Where a bit is not as it was written, or the file cannot be read.
    """
    parts = _read(path, 3)
    if parts is None:
        return None
    sequence, (record, labels, predicted) = parts
    return Snapshot(sequence, from_json(record, where=path), labels, predicted)


def read_record(path: Path) -> tuple[int, Record] | None:
    """Sequence number and record alone; errors as `read_snapshot`."""
    parts = _read(path, 1)
    return None if parts is None else (parts[0], from_json(parts[1][0], where=path))


def _read(path: Path, count: int) -> tuple[int, list[bytes]] | None:
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD.size)
            check = file.read(_SUM.size)
            if len(head) + len(check) < _HEAD.size + _SUM.size:
                raise damaged(path, "its end is missing")
            magic, sequence, *sums = _HEAD.unpack(head)
            if magic != _MAGIC or _SUM.unpack(check)[0] != zlib.crc32(head):
                raise damaged(path, "another beginning")
            parts = [file.read(length) for length in sums[: 2 * count : 2]]
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unreadable(path, error) from error
    for part, length, crc in zip(parts, sums[::2], sums[1::2], strict=False):
        if len(part) != length or zlib.crc32(part) != crc:
            raise damaged(path, "bytes that were not written so")
    return sequence, parts

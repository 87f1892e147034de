"""What one journal record holds: fields that changed, and tiles as they are now.

::

    "<I" bytes of the fields, the fields (`record.difference`)
    for each tile: "<III" top, left, bytes; labels (`napari_segkit.ops.label_codec`)
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segkit.data.store.record import Record, damaged, from_plain, patch
from napari_segkit.ops.label_codec import pack_labels, unpack_labels

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from napari_segkit.data.store.journal import Entry
    from napari_segkit.data.store.tiles import Tile
    from napari_segkit.types import Labels

_LENGTH = struct.Struct("<I")
_TILE = struct.Struct("<III")


def encode(fields: bytes, tiles: Iterable[Tile]) -> bytes:
    """The payload of a record."""
    parts = [_LENGTH.pack(len(fields)), fields]
    for tile in tiles:
        packed = pack_labels(tile.labels)
        parts += [_TILE.pack(tile.top, tile.left, len(packed)), packed]
    return b"".join(parts)


def fields_after(record: Record | None, entries: Iterable[Entry], *, where: Path) -> Record | None:
    """The record alone after a journal; errors as `replay`."""
    plain = _plain(record)
    for entry in entries:
        patch(plain, _fields(entry, where), where=where)
    return from_plain(plain, where=where)


def _plain(record: Record | None) -> dict[str, Any]:
    return {} if record is None else record.model_dump(mode="json")


def replay(
    record: Record | None, labels: Labels | None, entries: Iterable[Entry], *, where: Path
) -> tuple[Record | None, Labels | None]:
    """Record and mask after a journal.

    Parameters
    ----------
    record, labels
        Of the mask file; ``None`` where there is none.
    where
        The journal, for errors.

    Returns
    -------
    Record and labels, which are written to.

    Raises
    ------
    DatasetError, MaskError
        Where the journal does not fit.
    """
    plain = _plain(record)
    for entry in entries:
        patch(plain, _fields(entry, where), where=where)
        size = plain.get("size")
        if size is not None and (labels is None or list(labels.shape) != size):
            labels = _blank(size, where)
        for top, left, packed in _tiles(entry, where):
            tile = unpack_labels(packed, where=where)
            bottom, right = top + tile.shape[0], left + tile.shape[1]
            if labels is None or bottom > labels.shape[0] or right > labels.shape[1]:
                raise damaged(where, "a change outside of the mask")
            labels[top:bottom, left:right] = tile
    return from_plain(plain, where=where), labels


def _blank(size: Any, where: Path) -> Labels:
    try:
        height, width = size
        return np.zeros((height, width), np.int32)
    except (MemoryError, ValueError, TypeError) as error:
        raise damaged(where, f"a mask of {size}") from error


def _fields(entry: Entry, where: Path) -> bytes:
    payload = entry.payload
    if len(payload) < _LENGTH.size:
        raise damaged(where)
    end = _LENGTH.size + _LENGTH.unpack_from(payload)[0]
    if end > len(payload):
        raise damaged(where)
    return payload[_LENGTH.size : end]


def _tiles(entry: Entry, where: Path) -> Iterator[tuple[int, int, bytes]]:
    payload = entry.payload
    at = _LENGTH.size + len(_fields(entry, where))
    while at < len(payload):
        if at + _TILE.size > len(payload):
            raise damaged(where)
        top, left, length = _TILE.unpack_from(payload, at)
        at += _TILE.size
        yield top, left, payload[at : at + length]
        at += length

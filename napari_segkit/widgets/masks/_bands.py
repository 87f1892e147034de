"""A plane of a mask in bands of rows: what is in it, what runs wrote last, what is new."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segkit.ops.masks import lookup

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from napari_segkit.types import Labels

_BAND = 1 << 21
"""Pixels of a band."""


@dataclass(frozen=True)
class Written:
    """What the last run wrote into a plane, compressed band by band (12 Mpx to about 0.5 MB).

    Where a stroke of the person was kept it holds -1, so that the stroke differs from it for ever.
    """

    bands: tuple[bytes, ...]

    @classmethod
    def whole(cls, labels: Labels) -> Written:
        """What a run would have written that found exactly these labels (H, W)."""
        rows = _rows_of_band(labels.shape[1])
        starts = range(0, len(labels), rows)
        return cls(tuple(cls.pack(labels[start : start + rows]) for start in starts))

    def labels(self, shape: tuple[int, int]) -> Labels:
        """The plane (H, W) as the run found it; where strokes were kept, 0."""
        flat = np.concatenate([np.frombuffer(zlib.decompress(b), np.int32) for b in self.bands])
        return np.maximum(flat, 0).reshape(shape)

    @staticmethod
    def pack(band: Labels) -> bytes:
        """Compress a band, (H, W) int32."""
        return zlib.compress(band.tobytes(), 1)


@dataclass(frozen=True)
class Before:
    """The plane that a result is for.

    Attributes
    ----------
    data, key
        The layer's array and the plane's index in it; read when the result is there.
    written
        What was written last; ``None``: whatever is in the plane is the person's.
    names
        Every id that the layer's features name: those of a stack's other planes stay theirs.
    revision
        Counts the changes of the layer: a patch is for this one only.
    """

    data: NDArray[Any]
    key: tuple[int | slice, ...]
    written: Written | None = None
    names: frozenset[int] = frozenset()
    revision: int = 0


@dataclass(frozen=True)
class Band:
    """Rows of the result, of the layer now, and of what was written last."""

    start: int
    result: Labels
    now: Labels
    last: Labels

    @property
    def strokes(self) -> NDArray[np.bool_]:
        """(h, W): what the person painted or erased since."""
        return self.now != self.last


def with_kept(result: Labels, before: Before, kept: Iterable[int]) -> tuple[Labels, dict[int, int]]:
    """The result and, around it, objects of earlier runs under new keys; their ids by key."""
    first = int(result.max()) + 1
    keys = {label: first + number for number, label in enumerate(kept)}
    joined = result.copy()
    for band in bands(result, before):
        ours = np.where(band.strokes | (band.result > 0), 0, band.now)
        joined[band.start : band.start + len(ours)] += lookup(ours, keys)
    return joined, {key: label for label, key in keys.items()}


def _rows_of_band(width: int) -> int:
    return max(1, _BAND // max(1, width))


def bands(result: Labels, before: Before) -> Iterator[Band]:
    """Rows of result and plane, some at a time."""
    plane = before.data[before.key]
    rows = _rows_of_band(result.shape[1])
    for number, start in enumerate(range(0, len(result), rows)):
        now = plane[start : start + rows].astype(np.int32)
        if before.written is None:
            last = np.zeros_like(now)
        else:
            packed = zlib.decompress(before.written.bands[number])
            last = np.frombuffer(packed, np.int32).reshape(now.shape)
        yield Band(start, result[start : start + rows], now, last)

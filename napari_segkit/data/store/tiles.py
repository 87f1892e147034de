"""Which parts of a mask changed since they were last written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_segkit.types import Labels

SIDE = 256
"""Pixels of a tile's side: a stroke touches one to four."""

TileBox = tuple[int, int, int, int]
"""x0 y0 x1 y1 in pixels, x1 and y1 exclusive."""


@dataclass(frozen=True)
class Tile:
    """A part of a mask as it is now.

    Attributes
    ----------
    top, left
        Its first row and column.
    labels : (h, w) int32
        A copy.
    """

    top: int
    left: int
    labels: Labels


def tiles_in(labels: Labels, boxes: Iterable[TileBox]) -> list[Tile]:
    """Copies of all tiles of a mask (H, W) that meet one of the boxes; boxes are clipped."""
    return _copies(labels, _places(boxes, (labels.shape[0], labels.shape[1])))


def _copies(labels: Labels, places: Iterable[tuple[int, int]]) -> list[Tile]:
    return [
        Tile(top, left, labels[top : top + SIDE, left : left + SIDE].copy())
        for top, left in sorted(places)
    ]


def _places(boxes: Iterable[TileBox], shape: tuple[int, int]) -> set[tuple[int, int]]:
    return {
        (top, left)
        for x0, y0, x1, y1 in boxes
        for top in range(max(0, y0) // SIDE * SIDE, min(y1, shape[0]), SIDE)
        for left in range(max(0, x0) // SIDE * SIDE, min(x1, shape[1]), SIDE)
    }


class DirtyTiles:
    """Tiles of one mask that changed since they were last taken to be written.

    Parameters
    ----------
    shape
        (H, W) of the mask.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self._shape = shape
        self._places: set[tuple[int, int]] = set()

    def __bool__(self) -> bool:
        return bool(self._places)

    def mark(self, box: TileBox) -> None:
        """Say that pixels in a box may have changed."""
        self._places |= _places([box], self._shape)

    def take(self, labels: Labels) -> list[Tile]:
        """Copies of the marked tiles, which count as clean from now on."""
        tiles = _copies(labels, self._places)
        self._places.clear()
        return tiles

    def put_back(self, tiles: Iterable[Tile]) -> None:
        """Mark tiles again that could not be written."""
        self._places |= {(tile.top, tile.left) for tile in tiles}

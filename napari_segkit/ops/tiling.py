"""Cut a plane of pixels into tiles: where they lie, what they hold, how they are put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from napari_segkit.errors import ParamsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True)
class Tile:
    """One tile: its place in the grid, and the pixels it covers (y1 and x1 exclusive)."""

    row: int
    column: int
    y0: int
    x0: int
    y1: int
    x1: int

    @property
    def window(self) -> tuple[slice, slice]:
        """Index of the tile's pixels in the plane."""
        return slice(self.y0, self.y1), slice(self.x0, self.x1)


def tile_grid(
    shape: tuple[int, int], size: int | tuple[int, int], *, overlap: int = 0
) -> tuple[Tile, ...]:
    """Tiles that together cover a plane, row by row.

    All have one size: the last row and column are moved back so that they end at the border and
    overlap more. Only where the plane itself is smaller are the tiles, too.

    Parameters
    ----------
    shape
        (H, W) of the plane.
    size
        Side of a tile in pixels, or (height, width).
    overlap
        Pixels that neighbours share at least, in each direction.

    Raises
    ------
    ParamsError
        For an empty plane, a size below 1, or an overlap that is not below the size.
    """
    tall, wide = (size, size) if isinstance(size, int) else size
    if min(tall, wide) < 1 or not 0 <= overlap < min(tall, wide):
        raise ParamsError(
            "tiles cannot be cut so",
            expected="a size of 1 or more and an overlap from 0 to below the size",
            got=f"size {size}, overlap {overlap}",
        )
    if min(shape) < 1:
        raise ParamsError("there are no pixels to cut into tiles", got=f"{shape[1]}x{shape[0]}")
    height, width = shape
    return tuple(
        Tile(row, column, y, x, min(y + tall, height), min(x + wide, width))
        for row, y in enumerate(_starts(height, tall, overlap))
        for column, x in enumerate(_starts(width, wide, overlap))
    )


def _starts(length: int, size: int, overlap: int) -> list[int]:
    if length <= size:
        return [0]
    steps = -(-(length - size) // (size - overlap))  # rounded up
    return [min(k * (size - overlap), length - size) for k in range(steps + 1)]


def balanced(length: int, most: int, *, overlap: int, step: int = 1) -> int:
    """Side of the tiles that cover a length with as few and as small ones as possible.

    Parameters
    ----------
    length
        Pixels to cover.
    most
        Largest side.
    overlap
        As in `tile_grid`; the last tile then hardly overlaps more than the others.
    step
        The side is a multiple of it, where that does not exceed ``most``.
    """
    if length <= most:
        return length
    count = -(-(length - overlap) // (most - overlap))
    side = -(-(length + (count - 1) * overlap) // count)
    return min(most, -(-side // step) * step)


def cut(plane: NDArray[Scalar], tile: Tile, *, size: int | None = None) -> NDArray[Scalar]:
    """The pixels of one tile, as a copy.

    Parameters
    ----------
    plane : (H, W) or (H, W, C), any dtype
    tile
        Of the plane's grid.
    size
        Fill up with zeros at the right and bottom to this side, for planes smaller than a tile.

    Returns
    -------
    (h, w) or (h, w, C), C order
    """
    part = plane[tile.window]
    if size is None or part.shape[:2] == (size, size):
        return np.array(part, order="C")
    filled = np.zeros((size, size, *plane.shape[2:]), plane.dtype)
    filled[: part.shape[0], : part.shape[1]] = part
    return filled


def taper(tile: Tile, *, overlap: int, guard: int = 0) -> NDArray[np.float32]:
    """How much each pixel of a tile counts where tiles are blended: full inside, less at the rim.

    Parameters
    ----------
    guard : below half the overlap
        Outermost pixels that hardly count (1/1000) where another tile has them, too: what a
        network says there is spoilt by the edge.

    Returns
    -------
    (h, w) float32 in (0, 1]
        A linear ramp of ``overlap`` pixels at each side. Divide by the sum over all tiles
        (`Blend` does): the borders of the plane then count in full.
    """

    def ramp(length: int) -> NDArray[np.float32]:
        place = np.arange(length)
        rim = np.minimum(place, length - 1 - place) + 1 - guard
        return np.clip(rim / (overlap - 2 * guard + 1), 1e-3, 1).astype(np.float32)

    weights: NDArray[np.float32] = np.outer(ramp(tile.y1 - tile.y0), ramp(tile.x1 - tile.x0))
    return weights


class Blend:
    """Puts tiles of numbers back together; where they overlap they are averaged by `taper`.

    Parameters
    ----------
    shape
        (H, W) of the plane.
    overlap
        As in `tile_grid`.
    """

    def __init__(self, shape: tuple[int, int], *, overlap: int = 0) -> None:
        self._overlap = overlap
        self._sum = np.zeros(shape, np.float32)
        self._weight = np.zeros(shape, np.float32)

    def add(self, tile: Tile, values: NDArray[Any]) -> None:
        """Add one tile; ``values`` (h, w) may be larger than the tile, as `cut` fills it up."""
        height, width = tile.y1 - tile.y0, tile.x1 - tile.x0
        weights = taper(tile, overlap=self._overlap)
        self._sum[tile.window] += weights * values[:height, :width]
        self._weight[tile.window] += weights

    def result(self) -> NDArray[np.float32]:
        """(H, W) float32; 0 where no tile was added."""
        weight = np.maximum(self._weight, np.float32(1e-6))
        return np.divide(self._sum, weight, dtype=np.float32)

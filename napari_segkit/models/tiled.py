"""Run a network over an image of any size: overlapping tiles, blended, row of tiles by row.

Only one row of tiles is in memory besides the result: its pixels, and sums and weights as float32.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Protocol

import numpy as np

from napari_segkit.ops.tiling import taper, tile_grid
from napari_segkit.types import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from napari_segkit.ops.tiling import Tile
    from napari_segkit.runtime.base import Backend, Batch
    from napari_segkit.types import Image, Job

FLAT = 2
"""A tile whose values differ by no more, in every channel, shows nothing: it is not computed."""
_STEP = 128  # small images are filled up to multiples, so that few shapes are compiled


class Rows(Protocol):
    """Where an image's pixels come from: an array, or a file that is read band by band."""

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        ...

    def rows(self, top: int, bottom: int) -> Image:
        """Pixels (bottom - top, W, 3) uint8 RGB."""
        ...


@dataclass(frozen=True)
class ArrayRows:
    """Rows of an image in memory."""

    image: Image

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        return self.image.shape[0], self.image.shape[1]

    def rows(self, top: int, bottom: int) -> Image:
        """A view."""
        return self.image[top:bottom]


@dataclass(frozen=True)
class Tiling:
    """How an image is cut: side and overlap in pixels; flips = mean over the four mirror images."""

    size: int
    overlap: int
    flips: bool = False


def run_tiles(
    backend: Backend,
    source: Rows,
    tiling: Tiling,
    take: Callable[[int, NDArray[np.uint8]], object],
) -> Job[None]:
    """Probabilities of the first channel, handed over in bands from top to bottom.

    Parameters
    ----------
    take
        Called with the first row and (h, W) uint8 = probability times 255.

    Yields
    ------
    Progress
        For every tile, or few small ones.
    """
    tiles = tile_grid(source.shape, tiling.size, overlap=tiling.overlap)
    rows = [list(group) for _, group in groupby(tiles, key=lambda tile: tile.row)]
    height = rows[0][0].y1
    total = np.zeros((height, source.shape[1]), np.float32)
    weight = np.zeros_like(total)
    at_once = max(1, 1024**2 // tiling.size**2)
    done = 0
    for number, row in enumerate(rows):
        top = row[0].y0
        band = source.rows(top, row[0].y1)
        for start in range(0, len(row), at_once):
            yield Progress(done, len(tiles), "tiles")
            part = row[start : start + at_once]
            _add_tiles(backend, band, part, tiling, total, weight)
            done += len(part)
        end = rows[number + 1][0].y0 if number + 1 < len(rows) else source.shape[0]
        ready = end - top
        chances = total[:ready] / np.maximum(weight[:ready], 1e-6)
        take(top, np.rint(chances * 255).astype(np.uint8))
        for sums in (total, weight):
            sums[: height - ready] = sums[ready:].copy()
            sums[height - ready :] = 0


def _add_tiles(
    backend: Backend,
    band: Image,
    tiles: Sequence[Tile],
    tiling: Tiling,
    total: NDArray[np.float32],
    weight: NDArray[np.float32],
) -> None:
    pieces = {tile: band[:, tile.x0 : tile.x1] for tile in tiles}
    busy = [tile for tile, piece in pieces.items() if not is_flat(piece)]
    chances = {}
    if busy:
        batch = np.stack([filled(pieces[tile], tiling.size, backend.stride) for tile in busy])
        flips = FOUR if tiling.flips else ONCE
        chances = dict(zip(busy, look(backend, batch, flips=flips), strict=True))
    for tile in tiles:
        rim = taper(tile, overlap=tiling.overlap)
        columns = slice(tile.x0, tile.x1)
        weight[: len(rim), columns] += rim
        if tile in chances:
            total[: len(rim), columns] += rim * chances[tile][0, : len(rim), : rim.shape[1]]


def is_flat(piece: Image) -> bool:
    """Whether no pixel differs from another by more than `FLAT`."""
    first = piece[0, 0].astype(np.int16)
    if (np.abs(piece[::16, ::16] - first) > FLAT).any():  # most tiles end here
        return False
    return bool(((piece.max((0, 1)).astype(int) - piece.min((0, 1))) <= FLAT).all())


def filled(piece: Image, size: int, stride: int) -> Image:
    """A tile, mirrored at its right and bottom edge up to a side that the network takes."""
    step = int(np.lcm(stride, min(_STEP, size)))
    need = [-side % (stride if side == size else step) for side in piece.shape[:2]]
    if not any(need):
        return piece
    grown: Image = np.pad(piece, ((0, need[0]), (0, need[1]), (0, 0)), mode="symmetric")
    return grown


ONCE = ((1, 1),)
LEFT_RIGHT = ((1, 1), (1, -1))
FOUR = ((1, 1), (1, -1), (-1, 1), (-1, -1))


def look(
    backend: Backend, batch: Batch, *, flips: Sequence[tuple[int, int]] = ONCE
) -> NDArray[np.float32]:
    """Probabilities (N, C, H, W): the mean over mirror images, each a step down and right."""
    total = np.zeros(1, np.float32)
    for down, right in flips:
        turned = np.ascontiguousarray(batch[:, ::down, ::right])
        total = total + backend.run(turned)[..., ::down, ::right]
    return total / np.float32(len(flips))

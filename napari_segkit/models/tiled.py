"""Run a network over an image of any size: overlapping tiles, blended, row of tiles by row.

Only one row of tiles is in memory besides the result: its pixels, and sums and weights as float32.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Protocol

import numpy as np

from napari_segkit.ops.tiling import balanced, taper, tile_grid
from napari_segkit.types import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

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
    """How an image is cut: largest side and overlap in pixels; flips = mean of four mirrorings."""

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
        For every tile.
    """
    height, width = source.shape
    tall, wide = (
        balanced(length, tiling.size, overlap=tiling.overlap, step=max(backend.stride, 32))
        for length in (height, width)
    )
    tiles = tile_grid(
        (height, width), (tall, wide), overlap=min(tiling.overlap, tall - 1, wide - 1)
    )
    rows = [list(group) for _, group in groupby(tiles, key=lambda tile: tile.row)]
    total = np.zeros((tall, width), np.float32)
    weight = np.zeros_like(total)
    done = 0
    for number, row in enumerate(rows):
        top = row[0].y0
        band = source.rows(top, row[0].y1)
        for tile in row:
            yield Progress(done, len(tiles), "tiles")
            rim = taper(tile, overlap=tiling.overlap, guard=tiling.overlap // 4)
            place = slice(len(rim)), slice(tile.x0, tile.x1)
            weight[place] += rim
            piece = band[:, tile.x0 : tile.x1]
            if not is_flat(piece):
                total[place] += rim * _chances(backend, piece, tiling)
            done += 1
        end = rows[number + 1][0].y0 if number + 1 < len(rows) else height
        ready = end - top
        chances = total[:ready] / np.maximum(weight[:ready], 1e-6)
        take(top, np.rint(chances * 255).astype(np.uint8))
        for sums in (total, weight):
            sums[: tall - ready] = sums[ready:].copy()
            sums[tall - ready :] = 0


def _chances(backend: Backend, piece: Image, tiling: Tiling) -> NDArray[np.float32]:
    """Probabilities (h, w) of one tile."""
    batch = filled(piece, tiling.size, backend.stride)[None]
    found = look(backend, batch, flips=FOUR if tiling.flips else ONCE)
    return found[0, 0, : piece.shape[0], : piece.shape[1]]


def is_flat(piece: Image) -> bool:
    """Whether no pixel differs from another by more than `FLAT`."""
    first = piece[0, 0].astype(np.int16)
    if (np.abs(piece[::16, ::16] - first) > FLAT).any():  # most tiles end here
        return False
    return bool(((piece.max((0, 1)).astype(int) - piece.min((0, 1))) <= FLAT).all())


def filled(piece: Image, size: int, stride: int) -> Image:
    """A tile, mirrored at its right and bottom edge up to a side that the network takes."""
    step = int(np.lcm(stride, _STEP))
    need = [-side % (stride if side > size - step else step) for side in piece.shape[:2]]
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

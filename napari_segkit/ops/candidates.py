"""What might be an object in a probability map, whatever its size: for a second look.

A candidate is a part of the map around a peak that is high enough. Its outline runs at a share of
its own peak, since a faint object has a faint rim. Candidates never touch each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.ops.objects import Labeller

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_segkit.ops.objects import FoundObject

BAND = 512
MOST_PIXELS = 1 << 24
"""What fills a larger box is no object."""


@dataclass(frozen=True)
class Levels:
    """Values of the map, 1 to 255, and a share.

    Attributes
    ----------
    low
        Pixels below belong to no candidate.
    peak
        Every candidate has a pixel of this value.
    rim
        Share of a candidate's highest value from which a pixel belongs to it.
    """

    low: int = 12
    peak: int = 26
    rim: float = 0.4


@dataclass(frozen=True)
class Candidate:
    """A mask (h, w) bool whose first pixel lies at row `y`, column `x` of the map."""

    y: int
    x: int
    mask: NDArray[np.bool_]

    @property
    def centre(self) -> tuple[int, int]:
        """(row, column) in the middle of its box."""
        return self.y + self.mask.shape[0] // 2, self.x + self.mask.shape[1] // 2


def find_candidates(chances: NDArray[np.uint8], levels: Levels) -> Iterator[Candidate]:
    """All candidates of a map (H, W) in memory or on disk, from top to bottom.

    Beside the map only a band of it and the largest box are in memory.
    """
    labeller = Labeller(levels.low, certain=levels.peak)
    for top in range(0, len(chances), BAND):
        labeller.add(np.asarray(chances[top : top + BAND]))
    for one in labeller.finish()[1]:
        yield from _parts(chances, one, levels)


def _parts(chances: NDArray[np.uint8], whole: FoundObject, levels: Levels) -> Iterator[Candidate]:
    import cv2

    left, top, right, bottom = (int(side) for side in whole.box)
    if (bottom - top) * (right - left) > MOST_PIXELS:
        return
    part = np.asarray(chances[top:bottom, left:right])
    _, labels = cv2.connectedComponents((part >= levels.low).view(np.uint8), connectivity=8)
    inside = labels == labels[whole.top[0] - top, whole.top[1] - left]
    least = max(levels.low, levels.rim * int(part[inside].max()))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        (inside & (part >= least)).view(np.uint8), connectivity=8
    )
    for key in range(1, count):
        x, y, width, height = (int(n) for n in stats[key, :4])
        window = slice(y, y + height), slice(x, x + width)
        mask = labels[window] == key
        if part[window][mask].max() >= levels.peak:
            yield Candidate(top + y, left + x, mask)

"""How well one found mask is its true one: Dice, IoU, IoU of the border, IoU of the holes.

Boundary IoU after Cheng et al. 2021 (arXiv:2103.16562): IoU of what lies within some pixels of
each mask's border. Hole IoU compares what a mask encloses but does not cover: a ring's inside.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from napari_segkit.training.metrics import mask_iou, worst_decile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

BORDER = 0.02
"""Width of the border that counts, as a share of the image's diagonal."""


@dataclass(frozen=True)
class MaskScore:
    """Each 0 to 1; ``hole_iou`` is not-a-number where neither mask has a hole."""

    dice: float
    iou: float
    boundary_iou: float
    hole_iou: float


def score_mask(truth: Mask, found: Mask) -> MaskScore:
    """Compare two masks of one image, (H, W) bool.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    iou = mask_iou(truth, found)
    edge = max(1, round(BORDER * float(np.hypot(*truth.shape))))
    holes = holes_of(truth), holes_of(found)
    hole_iou = mask_iou(*holes) if holes[0].any() or holes[1].any() else float("nan")
    boundary = mask_iou(_border(truth, edge), _border(found, edge))
    return MaskScore(2 * iou / (1 + iou), iou, boundary, hole_iou)


def holes_of(mask: Mask) -> Mask:
    """Pixels that a mask encloses and does not cover."""
    ground = np.pad(~mask, 1, constant_values=True).astype(np.uint8)
    _, parts = cv2.connectedComponents(ground, connectivity=4)
    inside = (parts != parts[0, 0]) & (ground > 0)
    return np.asarray(inside[1:-1, 1:-1])


def _border(mask: Mask, width: int) -> Mask:
    """Pixels of a mask within `width` of its border; the image's own edge is none."""
    padded = np.pad(mask, width, mode="edge").astype(np.uint8)
    inner = cv2.erode(padded, np.ones((2 * width + 1, 2 * width + 1), np.uint8))
    core = inner[width:-width, width:-width].astype(bool)
    return np.asarray(mask & ~core)


@dataclass(frozen=True)
class Summary:
    """Means over masks, and the mean of the worst tenth of IoU; ``holes`` counts masks with one."""

    count: int
    dice: float
    iou: float
    boundary_iou: float
    hole_iou: float
    holes: int
    worst_decile: float

    def as_dict(self) -> dict[str, float]:
        """Plain values."""
        return asdict(self)


def summary(scores: Sequence[MaskScore]) -> Summary:
    """Means of some scores; not-a-number of none."""
    if not scores:
        nan = float("nan")
        return Summary(0, nan, nan, nan, nan, 0, nan)
    table = np.array([[s.dice, s.iou, s.boundary_iou, s.hole_iou] for s in scores])
    holes = table[np.isfinite(table[:, 3]), 3]
    dice, iou, boundary = (float(mean) for mean in table[:, :3].mean(axis=0))
    hole = float(holes.mean()) if len(holes) else float("nan")
    worst = worst_decile(table[:, 1])
    return Summary(len(scores), dice, iou, boundary, hole, len(holes), worst)

"""How ragged a mask's outline is: masks that went through JPEG fray and shed crumbs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from napari_segkit.types import Labels

LEAST_AREA = 150
"""Pixels from which on an area has an outline worth a look; dust is smaller."""
_CRUMB = 12  # pixels of the largest crumb
_NEAR = 8  # pixels around an area in which JPEG leaves crumbs: the side of its blocks


@dataclass(frozen=True)
class Outline:
    """The outlines of all large areas of a mask.

    Attributes
    ----------
    length
        Pixels on the outlines.
    frayed
        Pixels that a 3x3 majority would change, per pixel of outline; about 0.1 for a clean mask.
    crumbs
        Islands and holes of up to 12 pixels within 8 pixels of an outline.
    """

    length: int = 0
    frayed: float = 0.0
    crumbs: int = 0


def measure_outline(labels: Labels) -> Outline:
    """Measure a mask.

    Parameters
    ----------
    labels : (H, W) int32, 0 = background
        All objects count as one: lines between touching ones are no outlines.
    """
    import cv2

    mask = (labels > 0).astype(np.uint8)
    if not mask.any():
        return Outline()
    large = _areas_from(mask, LEAST_AREA)
    if not large.any():
        return Outline()
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    padded = cv2.copyMakeBorder(large, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    length = int((padded != cv2.erode(padded, cross)).sum())
    if not length:
        return Outline()
    changed = int((cv2.medianBlur(large, 3) != large).sum())
    around = cv2.getStructuringElement(cv2.MORPH_RECT, (2 * _NEAR + 1,) * 2)
    rim = cv2.dilate(large, around) != cv2.erode(large, around, borderValue=1)
    return Outline(length, changed / length, _crumbs(mask, rim) + _crumbs(1 - mask, rim))


def _areas_from(mask: NDArray[np.uint8], least: int) -> NDArray[np.uint8]:
    """The connected areas of at least so many pixels."""
    import cv2

    _, parts, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    wanted = stats[:, cv2.CC_STAT_AREA] >= least
    wanted[0] = False
    large: NDArray[np.uint8] = wanted.astype(np.uint8)[parts]
    return large


def _crumbs(mask: NDArray[np.uint8], rim: NDArray[Any]) -> int:
    """How many tiny areas lie in the rim."""
    import cv2

    _, parts, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    tiny = stats[:, cv2.CC_STAT_AREA] <= _CRUMB
    tiny[0] = False
    return len(np.unique(parts[rim & tiny[parts]]))

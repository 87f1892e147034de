"""Lay artefacts over a picture and mark what can be seen of them.

A person labels dust that stands out from what surrounds it, so a mark is only made where its
contrast beats the local grain and texture; marks that would be in doubt are not made at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from napari_segkit.synth.film import gray

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_segkit.synth.noise import Field

FAINTEST = 0.026
"""Least contrast of a mark's core, as a share of white: 7 of 255, on real photos 8 at the peak."""
OUTLINE = 0.25
"""Where the outline of a mark runs: at this share of its full contrast."""
SMALLEST = 6
"""Pixels of the smallest mark."""
MAIN_PART = 0.25
"""Parts of a mark below this share of its largest are left away."""
WHOLE = 0.75
"""At least this share of a mark's outline can be seen, or it is not made."""
MOST_HIDDEN = 0.3
"""Below this share of what is needed to be seen, a mark is painted and not labelled."""


@dataclass(frozen=True)
class Mark:
    """An artefact before it is laid: its alpha patch, its colour (3,), how opaque it is."""

    alpha: NDArray[np.float32]
    colour: NDArray[np.float32]
    opacity: float


@dataclass
class Sheet:
    """A picture under work.

    Attributes
    ----------
    picture : (H, W, 3) float32 display values; marks are laid into it in place.
    noise : (H, W) float32, local standard deviation of what surrounds a mark.
    mask : (H, W) bool, visible marks.
    """

    picture: Field
    noise: Field
    mask: NDArray[np.bool_]


def prepare(picture: Field, *, later_noise: float) -> Sheet:
    """Measure a picture's grain and texture; `later_noise` is what will still be added."""
    tone = gray(picture)
    fine = tone - cv2.GaussianBlur(tone, (0, 0), 4)
    power = cv2.GaussianBlur(fine * fine, (0, 0), 9)
    noise = np.sqrt(np.maximum(power, 0) + later_noise**2)
    return Sheet(picture, noise.astype(np.float32), np.zeros(tone.shape, bool))


def lay(sheet: Sheet, mark: Mark, at: tuple[int, int]) -> bool:
    """Lay a mark with its middle at (x, y), if it can be seen or is well hidden.

    Returns
    -------
    Whether a visible mark was made.
    """
    h, w = mark.alpha.shape
    x0, y0 = at[0] - w // 2, at[1] - h // 2
    height, width = sheet.mask.shape
    top, left, bottom, right = max(0, y0), max(0, x0), min(height, y0 + h), min(width, x0 + w)
    if bottom - top < 2 or right - left < 2:
        return False
    alpha = mark.alpha[top - y0 : bottom - y0, left - x0 : right - x0] * np.float32(mark.opacity)
    outline = _outline(alpha)
    area = int(outline.sum())
    window = (slice(top, bottom), slice(left, right))
    if area < SMALLEST or _touches(sheet.mask[window], outline):
        return False
    under = sheet.picture[window]
    near = cv2.dilate(outline.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    change = (alpha * near)[..., None] * (mark.colour - under)  # without crumbs beside it
    seen = np.abs(gray(change))
    contrast = float(seen[alpha > 0.6 * float(alpha.max())].mean())
    noise = float(np.median(sheet.noise[window][outline]))
    needed = (FAINTEST + 2.5 * noise) * (1 + 6 / area)
    whole = float((seen[outline] > 0.5 * OUTLINE * contrast).mean()) > WHOLE
    if contrast < needed or not whole:
        if contrast < MOST_HIDDEN * needed:
            under += change
        return False
    under += change
    sheet.mask[window] |= outline
    return True


def _outline(alpha: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where a person would draw a mark's outline: its main parts, small gaps closed."""
    inside = (alpha > OUTLINE * float(alpha.max(initial=0))).astype(np.uint8)
    closed = cv2.morphologyEx(inside, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    _, parts, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
    area = stats[:, cv2.CC_STAT_AREA]
    keep = area >= MAIN_PART * max(area[1:], default=0)
    keep[0] = False
    return np.asarray(keep[parts], np.bool_)


def _touches(mask: NDArray[np.bool_], outline: NDArray[np.bool_]) -> bool:
    """Whether an outline comes within two pixels of marks that are there."""
    if not mask.any():
        return False
    wide = cv2.dilate(outline.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    return bool((mask & wide).any())


def instances(mask: NDArray[np.bool_], *, smallest: int = 6) -> NDArray[np.int32]:
    """Number the connected parts (8-neighbours) of at least `smallest` pixels; (H, W) int32."""
    _, parts, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    keep = stats[:, cv2.CC_STAT_AREA] >= smallest
    keep[0] = False
    number = np.where(keep, np.cumsum(keep), 0).astype(np.int32)
    return np.asarray(number[parts], np.int32)

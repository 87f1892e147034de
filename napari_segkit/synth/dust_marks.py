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

FAINTEST = 0.018
"""Least contrast of a visible mark, as a share of white: 4.6 of 255."""
OUTLINE = 0.3
"""Where the outline of a mark runs: at this share of its full contrast."""
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
    window = (slice(top, bottom), slice(left, right))
    under = sheet.picture[window]
    change = alpha[..., None] * (mark.colour - under)
    seen = np.abs(gray(change))
    core = alpha > 0.6 * float(alpha.max())
    if not core.any() or float(alpha.max()) <= 0:
        return False
    contrast = float(seen[core].mean())
    outline = (seen > OUTLINE * contrast) & (alpha > 0.2 * float(alpha.max()))
    area = int(outline.sum())
    noise = float(np.median(sheet.noise[window][outline])) if area else 1.0
    needed = (FAINTEST + 2.0 * noise) * (1 + 6 / max(area, 1))
    if area < 8 or contrast < needed:
        if contrast < MOST_HIDDEN * needed:
            under += change
        return False
    under += change
    sheet.mask[window] |= outline & (seen > 0.5 * FAINTEST)
    return True


def instances(mask: NDArray[np.bool_], *, smallest: int = 6) -> NDArray[np.int32]:
    """Number the connected parts (8-neighbours) of at least `smallest` pixels; (H, W) int32."""
    _, parts, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    keep = stats[:, cv2.CC_STAT_AREA] >= smallest
    keep[0] = False
    number = np.where(keep, np.cumsum(keep), 0).astype(np.int32)
    return np.asarray(number[parts], np.int32)

"""Photos whose pans are of another colour: what a pan is does not hang on its coat."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from napari_segkit.synth.eggpan_plan import BACKGROUND, PAN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_segkit.synth.noise import Field

_COATS = (
    (16, 0, 1),  # iron
    (24, 0, 0),  # non-stick
    (44, 0, 1),  # worn non-stick, stone
    (64, 0, 2),  # steel
    (76, 0, 1),  # aluminium
    (88, 0, 3),  # white enamel
    (82, 2, 14),  # cream
    (38, 42, 26),  # red enamel
    (40, 2, -32),  # blue enamel
    (46, -22, 10),  # green enamel
)
"""CIE L*a*b*; no copper, which is for judging only."""
_DARKEST, _BRIGHTEST = 5.0, 95.0
"""Medians of L* between which a curve of brightness can be laid."""
_TINTED_FROM = 15.0
"""L* from black or white at which a tint is seen in full: reflections of lamps have none."""
_GRAIN = 5
"""Pixels of the median below which all is grain and texture, which keep their contrast."""


def repaint(
    image: NDArray[np.uint8], classes: NDArray[np.uint8], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """The photo with another coat on its pans, and a little other light on all but its eggs.

    Black stays black and white stays white, so that shadows and lights of the photo hold; food
    belongs to the ground.

    Parameters
    ----------
    image : (H, W, 3) uint8 RGB
    classes : (H, W) uint8

    Returns
    -------
    (H, W, 3) uint8 RGB, a new array.
    """
    lab = cv2.cvtColor(image.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2Lab)
    calm = np.asarray(cv2.medianBlur(lab, _GRAIN), np.float32)
    change = np.zeros_like(lab)
    light, *tint = _COATS[int(rng.integers(len(_COATS)))] + rng.normal(0, (5, 3, 3))
    coat, kept = np.array(tint), float(rng.uniform(0.2, 1))
    dim, cast = float(np.exp(rng.normal(0, 0.2))), rng.normal(0, 5, 2)
    if (pan := classes == PAN).any():
        was = calm[pan]
        middle = np.median(was, axis=0)
        bend = math.log(_within(light) / 100) / math.log(_within(middle[0]) / 100)
        own = was[:, 1:] - middle[1:] * _tinted(was[:, :1])
        to = _curve(was[:, :1], bend)
        change[pan] = np.hstack([to, coat * _tinted(to) + kept * own]) - was
    if (ground := classes == BACKGROUND).any():
        was = calm[ground]
        to = _curve(was[:, :1], dim)
        change[ground] = np.hstack([to, was[:, 1:] + cast * _tinted(to)]) - was
    painted = cv2.cvtColor(lab + cv2.GaussianBlur(change, (0, 0), 0.7), cv2.COLOR_Lab2RGB)
    return np.asarray(np.rint(np.clip(painted, 0, 1) * 255), np.uint8)


def _within(light: float) -> float:
    return min(max(light, _DARKEST), _BRIGHTEST)


def _curve(light: Field, bend: float) -> Field:
    """L* (N, 1) bent between black and white."""
    return np.asarray(100 * (np.clip(light, 0, 100) / 100) ** bend, np.float32)


def _tinted(light: Field) -> Field:
    """Share of a tint (N, 1) at L*."""
    return np.asarray(np.clip(np.minimum(light, 100 - light) / _TINTED_FROM, 0, 1), np.float32)

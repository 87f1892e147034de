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
    (54, 20, 26),  # copper
)
"""CIE L*a*b* of coats."""
_DARKEST, _BRIGHTEST = 5.0, 95.0
"""L* of a surface, between which a curve of brightness can be laid."""

_TINTED_FROM = 15.0
"""L* from black or white at which a tint is seen in full: reflections of lamps have none."""


def repaint(
    image: NDArray[np.uint8], classes: NDArray[np.uint8], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """The photo with another coat on its pans and another tint on what is no egg and no pan.

    Black stays black and white stays white, so that shadows and lights of the photo hold; what
    lies in a pan keeps its colour but for the tint.

    Parameters
    ----------
    image : (H, W, 3) uint8 RGB
    classes : (H, W) uint8

    Returns
    -------
    (H, W, 3) uint8 RGB, a new array.
    """
    lab = cv2.cvtColor(image.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2Lab)
    painted = lab.copy()
    pan, ground = classes == PAN, classes == BACKGROUND
    if pan.any():
        light, *tint = np.array(_COATS[int(rng.integers(len(_COATS)))], float)
        light += rng.normal(0, 5)
        tint += rng.normal(0, 3, 2)
        painted[pan] = _coated(lab[pan], float(light), np.asarray(tint), float(rng.uniform(0.2, 1)))
    if ground.any():
        middle = float(np.median(lab[ground, 0]))
        painted[ground] = _coated(
            lab[ground], middle + rng.normal(0, 8), rng.normal(0, 5, 2), 1.0, shift=True
        )
    soft = cv2.GaussianBlur(painted - lab, (0, 0), 0.7)
    there = cv2.cvtColor(lab + soft, cv2.COLOR_Lab2RGB)
    return np.asarray(np.rint(np.clip(there, 0, 1) * 255), np.uint8)


def _coated(
    lab: Field, light: float, tint: NDArray[np.float64], kept: float, *, shift: bool = False
) -> Field:
    """Colours (N, 3) with a median L* of ``light``.

    a*, b* are ``tint`` and, of their own deviation, the share ``kept``; with ``shift`` the tint is
    added to what they are.
    """
    middle = np.clip(np.median(lab, axis=0), (_DARKEST, -99, -99), (_BRIGHTEST, 99, 99))
    light = min(max(light, _DARKEST), _BRIGHTEST)
    bend = math.log(light / 100) / math.log(middle[0] / 100)
    to = 100 * (np.clip(lab[:, :1], 0, 100) / 100) ** bend
    fade = np.clip(np.minimum(to, 100 - to) / _TINTED_FROM, 0, 1)
    base = middle[1:] + tint * fade if shift else tint * fade
    return np.hstack([to, base + kept * (lab[:, 1:] - middle[1:])]).astype(np.float32)

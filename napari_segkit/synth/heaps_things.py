"""What lies in a heap: coats and reliefs of things that are painted flat with light on them.

A `Kind` is what alike things have in common; `paint` puts one of them on a canvas in linear light.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

from napari_segkit.synth.grounds import draw_ground
from napari_segkit.synth.heaps_forms import FORMS
from napari_segkit.synth.noise import fractal_noise, soften
from napari_segkit.synth.textures import random_colour

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from napari_segkit.synth.noise import Field
    from napari_segkit.synth.view import Points

_COATS = ("plain", "mottled", "grainy", "speckled", "striped", "picture", "mixed")
_COAT_ODDS = (0.22, 0.22, 0.14, 0.14, 0.1, 0.1, 0.08)
_SHIFT = 4
_LEAST = 16
"""Pixels of a side of a picture."""
_WARM = (0.0, 70.0)
"""Hues of most food, degrees."""

Relief = Literal["round", "slab", "flat"]


@dataclass(frozen=True)
class Kind:
    """What alike things have in common.

    Attributes
    ----------
    form
        Draws an outline (N, 2), about the origin and one unit long.
    hole
        Share of the outline that is cut out of its middle, 0 = none.
    colours : (2, 3)
        Of its coat, linear light.
    crust : (3,) or None
        Colour of its border.
    relief
        How its height falls off to the border: like a ball's, in a bevel, or not at all.
    gloss
        Of highlights, 0 to 1.
    spread
        How much things of this kind differ in size, form and colour.
    """

    form: Callable[[np.random.Generator], Points]
    coat: str
    colours: Field
    grain: float
    crust: Field | None = None
    hole: float = 0.0
    relief: Relief = "round"
    gloss: float = 0.0
    spread: float = 0.12


@dataclass(frozen=True)
class Sun:
    """Light of a scene: its direction (3,), what comes from everywhere, how dark shadows are."""

    towards: Field
    ambient: float
    shadow: float
    softness: float


def random_sun(rng: np.random.Generator) -> Sun:
    """A window or a lamp, hard or soft."""
    angle, height = rng.uniform(0, math.tau), rng.uniform(0.35, 1.4)
    towards = np.array(
        [math.cos(angle) * math.cos(height), math.sin(angle) * math.cos(height), math.sin(height)],
        np.float32,
    )
    return Sun(towards, rng.uniform(0.25, 0.75), rng.uniform(0.15, 0.75), rng.uniform(0.03, 0.2))


def random_kind(rng: np.random.Generator) -> Kind:
    """Fruit, eggs, bread, nuts, sticks, leaves, pebbles, tablets, packets, rings, and none such."""
    form = FORMS[str(rng.choice(list(FORMS)))]
    first = _colour(rng)
    near = rng.random() < 0.7  # most things have a colour of their own
    second = first * np.float32(rng.uniform(0.4, 1.3)) if near else _colour(rng)
    crust = None
    if rng.random() < 0.2:
        crust = first * np.float32(rng.uniform(0.15, 0.7)) * (1 + rng.normal(0, 0.1, 3))
    reliefs: tuple[Relief, ...] = ("round", "slab", "flat")
    return Kind(
        form,
        str(rng.choice(_COATS, p=_COAT_ODDS)),
        np.asarray(np.stack([first, second]), np.float32),
        float(np.exp(rng.uniform(math.log(0.02), math.log(0.4)))),
        None if crust is None else np.asarray(crust, np.float32),
        rng.uniform(0.25, 0.75) if rng.random() < 0.08 else 0.0,
        reliefs[int(rng.choice(3, p=(0.6, 0.3, 0.1)))],
        rng.uniform(0.1, 1) if rng.random() < 0.4 else 0.0,
        rng.uniform(0.02, 0.25),
    )


def _colour(rng: np.random.Generator) -> Field:
    """Of food and wood mostly, often white, or any."""
    way = rng.choice(3, p=(0.5, 0.2, 0.3))
    if way == 0:
        return random_colour(rng, value=(0.25, 1.0), saturation=(0.1, 0.85), hue=_WARM)
    if way == 1:
        return random_colour(rng, value=(0.65, 1.0), saturation=(0, 0.15))
    return random_colour(rng, value=(0.1, 1.0), saturation=(0, 0.9))


def varied(kind: Kind, rng: np.random.Generator) -> Kind:
    """One thing of a kind: another colour, a little."""
    change = 1 + rng.normal(0, kind.spread / 2, (2, 3)) + rng.normal(0, kind.spread)
    return replace(kind, colours=np.clip(kind.colours * change, 0.003, 1).astype(np.float32))


def paint(
    canvas: Field,
    kind: Kind,
    outline: Points,
    sun: Sun,
    rng: np.random.Generator,
    *,
    within: NDArray[np.bool_] | None = None,
) -> NDArray[np.bool_]:
    """Put one thing on a canvas, in place, with its shadow on what lies below.

    Parameters
    ----------
    canvas : (H, W, 3) float32 linear light
    outline : (N, 2) x y in its pixels
    within : (H, W)
        Where it is seen at all.

    Returns
    -------
    (H, W) bool
        The thing's pixels; none where it lies outside.
    """
    height, width = canvas.shape[:2]
    mask = np.zeros((height, width), bool)
    size = float(np.ptp(outline, axis=0).max())
    pad = int(0.3 * size) + 3
    left, top = np.maximum(np.floor(outline.min(axis=0)).astype(int) - pad, 0)
    right, low = np.minimum(np.ceil(outline.max(axis=0)).astype(int) + pad, (width, height))
    if right - left < 2 or low - top < 2:
        return mask
    at = np.s_[top:low, left:right]
    cover = _cover(outline - (left, top), (low - top, right - left), kind.hole)
    if within is not None:
        cover = cover * within[at]
    view = canvas[at]
    view *= _shadow(cover, sun, size)[..., None]
    coat = _lit(coated(cover.shape, kind, size, rng), cover, kind, sun)
    view += (coat - view) * cover[..., None]
    mask[at] = cover >= 0.5
    return mask


def coated(shape: tuple[int, int], kind: Kind, size: float, rng: np.random.Generator) -> Field:
    """Colours of a coat, (H, W, 3) linear light; `size` of the thing in pixels gives the scale."""
    first, second = kind.colours
    cell = max(1.5, kind.grain * size)
    if kind.coat == "picture":
        whole = (max(shape[0], _LEAST), max(shape[1], _LEAST))
        picture = draw_ground(whole, rng, weights=_PICTURE)[0] ** 2.2
        return np.asarray(picture[: shape[0], : shape[1]], np.float32)
    if kind.coat == "mixed":
        return _mixture(shape, kind, cell, rng)
    if kind.coat == "plain":
        weight = 0.5 + 0.2 * fractal_noise(shape, size / 2, rng=rng, octaves=2)
    elif kind.coat == "mottled":
        weight = 0.5 + 0.5 * np.tanh(fractal_noise(shape, 2 * cell, rng=rng))
    elif kind.coat == "grainy":
        weight = 0.5 + 0.35 * fractal_noise(shape, max(1.5, cell / 4), rng=rng, octaves=2)
    elif kind.coat == "speckled":
        weight = (fractal_noise(shape, cell / 2, rng=rng, octaves=2) > 1.1).astype(np.float32)
    else:
        y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
        angle = rng.uniform(0, math.pi)
        wobble = 0.3 * fractal_noise(shape, size / 2, rng=rng, octaves=2)
        phase = (math.cos(angle) * x + math.sin(angle) * y) / np.float32(2 * cell)
        weight = 0.5 + 0.5 * np.sin(math.tau * (phase + wobble))
    weight = np.clip(weight, 0, 1)[..., None]
    return np.asarray(first * (1 - weight) + second * weight, np.float32)


_PICTURE = {"photo": 3.0, "page": 1.0, "collage": 1.0}


def _mixture(shape: tuple[int, int], kind: Kind, cell: float, rng: np.random.Generator) -> Field:
    """Many small pieces of several colours: a salad, muesli, a mosaic."""
    pieces = np.empty((*shape, 3), np.float32)
    pieces[:] = kind.colours[1]
    count = int(min(400, 4 * shape[0] * shape[1] / (cell * cell) + 1))
    own = np.stack([kind.colours[0], *(_colour(rng) for _ in range(int(rng.integers(1, 4))))])
    for _ in range(count):
        middle = rng.uniform(0, 1, 2) * shape[::-1]
        axes = cell * rng.uniform(0.3, 0.8, 2)
        box = (middle.tolist(), axes.tolist(), rng.uniform(0, 180))
        colour = own[int(rng.integers(len(own)))] * rng.uniform(0.6, 1.2)
        cv2.ellipse(pieces, box, colour.tolist(), -1, cv2.LINE_AA)
    return pieces


def _cover(outline: Points, shape: tuple[int, int], hole: float) -> Field:
    """Share of each pixel that the thing covers."""
    cover = np.zeros(shape, np.uint8)
    rings = [outline]
    if hole:
        rings.append(outline.mean(axis=0) + (outline - outline.mean(axis=0)) * hole)
    fixed = [np.round(ring * (1 << _SHIFT)).astype(np.int32) for ring in rings]
    cv2.fillPoly(cover, fixed, 255, cv2.LINE_AA, _SHIFT)
    return np.asarray(cover, np.float32) / np.float32(255)


def _shadow(cover: Field, sun: Sun, size: float) -> Field:
    """What a thing leaves of the light beside it."""
    reach = 0.12 * size * sun.towards[:2] / max(float(sun.towards[2]), 0.3)
    move = np.array([[1, 0, -reach[0]], [0, 1, -reach[1]]], np.float32)
    cast = cv2.warpAffine(cover, move, cover.shape[::-1])
    soft = soften(cast, max(0.6, sun.softness * size))
    close = soften(cover, max(0.6, 0.04 * size))
    return np.asarray((1 - sun.shadow * soft) * (1 - 0.5 * sun.shadow * close), np.float32)


def _lit(coat: Field, cover: Field, kind: Kind, sun: Sun) -> Field:
    """A coat with the light of its relief, its highlights and its crust."""
    inside = np.pad((cover >= 0.5).astype(np.uint8), 1)
    deep = cv2.distanceTransform(inside, cv2.DIST_L2, 3)[1:-1, 1:-1]
    most = max(float(deep.max()), 1.0)
    if kind.crust is not None:
        edge = np.clip(1.5 - deep / (0.12 * most + 1), 0, 1)[..., None]
        coat = coat + (kind.crust - coat) * edge
    if kind.relief == "flat":
        return np.asarray(coat * np.float32(sun.ambient + (1 - sun.ambient) * sun.towards[2]))
    bevel = most if kind.relief == "round" else max(2.0, 0.2 * most)
    away = 1 - np.clip(deep / bevel, 0, 1)
    rise = soften(np.sqrt(np.clip(1 - away * away, 0, 1)) * bevel, max(0.5, 0.06 * bevel))
    slope_y, slope_x = np.gradient(rise)
    length = np.sqrt(slope_x**2 + slope_y**2 + 1)
    x, y, z = (np.float32(value) for value in sun.towards)
    facing = np.clip((z - slope_x * x - slope_y * y) / length, 0, None)
    lit = coat * (sun.ambient * (0.55 + 0.45 / length) + (1 - sun.ambient) * facing)[..., None]
    if kind.gloss:
        half = np.array([x, y, z + 1]) / math.sqrt(float(x * x + y * y + (z + 1) ** 2))
        mirrored = np.clip((half[2] - slope_x * half[0] - slope_y * half[1]) / length, 0, 1)
        lit = lit + (kind.gloss * mirrored ** (10 + 60 * kind.gloss))[..., None]
    return np.asarray(lit, np.float32)

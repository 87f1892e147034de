"""Grounds that things lie on: paper, cloth, wood, stone, mats, printed pages.

Every ground is `(shape, unit, rng) -> (H, W, 3) float32`, linear light, reflectance in [0, 1],
RGB. `unit` is the size in pixels of something familiar (the diameter of a coin, of an egg), so
that grain keeps its natural scale.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np

from napari_segkit.synth.noise import Field, Real, fractal_noise, mix, step, value_noise

if TYPE_CHECKING:
    from numpy.typing import NDArray

Ground: TypeAlias = Callable[[tuple[int, int], float, np.random.Generator], Field]


EARTH = (10.0, 60.0)  # hues of wood, straw, sand and stone, degrees


def linear(rgb: tuple[float, float, float] | NDArray[np.floating]) -> NDArray[np.float32]:
    """Linear light in 0..1 of sRGB in 0..255 (a plain power of 2.2)."""
    return np.asarray((np.asarray(rgb, np.float32) / 255) ** 2.2, np.float32)


def random_colour(
    rng: np.random.Generator,
    *,
    value: tuple[float, float] = (0.1, 0.9),
    saturation: tuple[float, float] = (0.0, 0.8),
    hue: tuple[float, float] = (0, 360),
) -> NDArray[np.float32]:
    """A colour within bounds of the HSV of its sRGB value; (3,) float32, linear."""
    chosen = (rng.uniform(*hue), rng.uniform(*saturation), rng.uniform(*value))
    hsv = np.array([[chosen]], np.float32)
    rgb: NDArray[np.float32] = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0]
    return rgb ** np.float32(2.2)


def flat(shape: tuple[int, int], colour: NDArray[np.float32]) -> Field:
    """One colour, (3,) linear, over a shape."""
    picture = np.empty((*shape, 3), np.float32)
    picture[:] = colour
    return picture


def _shade(colour: Real, amount: Real) -> Field:
    """Multiply a colour field by 1 + amount, kept in [0, 1]."""
    return np.asarray(np.clip(colour * (1 + amount)[..., None], 0.002, 1), np.float32)


def paper(shape: tuple[int, int], unit: float, rng: np.random.Generator) -> Field:
    """White to gray paper, faintly mottled, now and then creased."""
    base = (
        linear((255.0, 255.0, 255.0)) * rng.uniform(0.35, 0.95) * (1 + rng.uniform(-0.05, 0.05, 3))
    )
    amount = 0.015 * fractal_noise(shape, unit * 0.7, rng=rng, octaves=4, persistence=0.7)
    if rng.random() < 0.3:
        crease = np.abs(fractal_noise(shape, unit * 1.5, rng=rng, octaves=3))
        amount -= rng.uniform(0.02, 0.08) * np.exp(-((crease / 0.06) ** 2), dtype=np.float32)
    return _shade(flat(shape, base.astype(np.float32)), amount)


def coloured(shape: tuple[int, int], unit: float, rng: np.random.Generator) -> Field:
    """Paper, plastic or felt of any one colour."""
    base = random_colour(rng, value=(0.25, 0.95), saturation=(0.15, 0.95))
    rough = rng.choice([0.01, 0.03, 0.1])
    amount = rough * fractal_noise(
        shape, max(2.0, unit * rng.uniform(0.02, 0.4)), rng=rng, octaves=4, persistence=0.8
    )
    return _shade(flat(shape, base), amount)


def dark(shape: tuple[int, int], unit: float, rng: np.random.Generator) -> Field:
    """Dark cloth, velvet, leather or slate."""
    base = random_colour(rng, value=(0.06, 0.28), saturation=(0.0, 0.6))
    amount = rng.uniform(0.05, 0.35) * fractal_noise(
        shape, max(2.0, unit * 0.06), rng=rng, octaves=3, persistence=0.8
    )
    return _shade(flat(shape, base), amount)


def _axes(shape: tuple[int, int], angle: float) -> tuple[Field, Field]:
    """Pixel coordinates turned by `angle` radians: along and across, each (H, W) float32."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    c, s = np.float32(math.cos(angle)), np.float32(math.sin(angle))
    return c * x + s * y, c * y - s * x


def wood(shape: tuple[int, int], unit: float, rng: np.random.Generator) -> Field:
    """Wood: warped growth rings, pores along the grain, often planks with dark joints."""
    tall = rng.random() < 0.3
    height, width = (shape[1], shape[0]) if tall else shape
    size = (height, width)
    red = rng.uniform(140, 230)
    green = red * rng.uniform(0.68, 0.85)
    pale = linear((red, green, green * rng.uniform(0.5, 0.85)))
    deep = pale * np.float32(rng.uniform(0.25, 0.7)) * np.array([1, 0.88, 0.75], np.float32)
    if rng.random() < 0.3:
        pale, deep = pale * np.float32(0.2), deep * np.float32(0.15)
    y = np.arange(height, dtype=np.float32)[:, None]
    warp = fractal_noise(size, (unit * 0.8, unit * 6), rng=rng, octaves=3)
    rings = np.sin(
        (y / unit * rng.uniform(4, 18) + warp * rng.uniform(0.6, 3)) * np.float32(math.tau) / 2
    )
    grain = fractal_noise(
        size, (max(1.2, unit * 0.012), unit * 0.9), rng=rng, octaves=3, persistence=0.7
    )
    weight = 0.45 + 0.25 * rings * rng.uniform(0.2, 1) + rng.uniform(0.1, 0.3) * grain
    picture = mix(flat(size, pale), deep, np.clip(weight, 0, 1).astype(np.float32))
    if rng.random() < 0.45:
        picture = _planks(picture, unit * rng.uniform(0.8, 3.5), rng)
    return np.ascontiguousarray(picture.transpose(1, 0, 2)) if tall else picture


def _planks(picture: Field, pitch: float, rng: np.random.Generator) -> Field:
    """Cut a picture into boards of different tone with dark joints."""
    height = picture.shape[0]
    joints = np.arange(rng.uniform(-pitch, 0), height + pitch, pitch)
    y = np.arange(height)
    tone = rng.uniform(0.75, 1.15, len(joints) + 1)[np.searchsorted(joints, y)]
    nearest = np.abs(y[:, None] - joints[None, :]).min(axis=1)
    joint = 1 - rng.uniform(0.4, 0.9) * np.exp(-((nearest / max(0.7, pitch * 0.012)) ** 2))
    return np.asarray(np.clip(picture * (tone * joint)[:, None, None], 0.002, 1), np.float32)


def weave(shape: tuple[int, int], unit: float, rng: np.random.Generator) -> Field:
    """Woven mat or cloth: threads over and under each other, from fine linen to coarse bamboo."""
    period = max(3.0, unit * float(rng.choice([0.04, 0.08, 0.16, 0.3])))
    along, across = _axes(shape, rng.uniform(-0.4, 0.4) + float(rng.choice([0, math.pi / 4])))
    wobble = 0.06 * period * fractal_noise(shape, unit * 0.7, rng=rng, octaves=2)
    u, v = (along + wobble) / period, (across + wobble) / (period * rng.uniform(0.7, 1.4))
    over = step(np.sin(np.float32(math.pi) * u) * np.sin(np.float32(math.pi) * v), 0, 0.15)
    warp_height = np.abs(np.sin(np.float32(math.pi) * u))
    weft_height = np.abs(np.sin(np.float32(math.pi) * v))
    hue = EARTH if rng.random() < 0.6 else (0.0, 360.0)
    warp = random_colour(rng, value=(0.3, 0.95), saturation=(0.0, 0.5), hue=hue)
    other = (
        random_colour(rng, value=(0.2, 0.9), saturation=(0.0, 0.5), hue=hue)
        if rng.random() < 0.5
        else warp * 0.85
    )
    colour = mix(flat(shape, warp), other.astype(np.float32), over)
    relief = (1 - over) * warp_height + over * weft_height
    amount = rng.uniform(0.2, 0.6) * (relief - 0.7) + 0.06 * value_noise(shape, 2, rng=rng)
    return _shade(colour, amount.astype(np.float32))


def granite(shape: tuple[int, int], unit: float, rng: np.random.Generator) -> Field:
    """Polished stone: speckles of three minerals."""
    grain = max(1.5, unit * rng.uniform(0.015, 0.06))
    base = random_colour(rng, value=(0.3, 0.8), saturation=(0.0, 0.25), hue=EARTH)
    picture = _shade(flat(shape, base), 0.1 * fractal_noise(shape, unit * 0.5, rng=rng, octaves=3))
    for value in ((0.05, 0.3), (0.75, 1.0), (0.3, 0.6)):
        speck = fractal_noise(shape, grain * rng.uniform(0.7, 2), rng=rng, octaves=2)
        weight = step(speck, rng.uniform(0.7, 1.4), 0.5)
        picture = mix(
            picture, random_colour(rng, value=value, saturation=(0.0, 0.25), hue=EARTH), weight
        )
    return picture


def marble(shape: tuple[int, int], unit: float, rng: np.random.Generator) -> Field:
    """Pale or dark stone with veins."""
    base = random_colour(rng, value=(0.2, 0.95), saturation=(0.0, 0.15))
    vein = np.abs(fractal_noise(shape, unit * rng.uniform(0.6, 2), rng=rng, octaves=5))
    weight = rng.uniform(0.3, 0.8) * np.exp(-vein / np.float32(rng.uniform(0.06, 0.25)))
    return mix(
        flat(shape, base), random_colour(rng, value=(0.2, 0.8), saturation=(0.0, 0.3)), weight
    )


def rough(shape: tuple[int, int], unit: float, rng: np.random.Generator) -> Field:
    """Concrete, sand, asphalt, cork or carpet: strong fine grain."""
    base = random_colour(rng, value=(0.25, 0.8), saturation=(0.0, 0.45), hue=EARTH)
    cell = max(1.2, unit * rng.uniform(0.01, 0.08))
    amount = rng.uniform(0.1, 0.45) * fractal_noise(
        shape, cell, rng=rng, octaves=3, persistence=0.8
    )
    amount += 0.1 * fractal_noise(shape, unit, rng=rng, octaves=3)
    return _shade(flat(shape, base), amount)


def printed(shape: tuple[int, int], unit: float, rng: np.random.Generator) -> Field:
    """A printed page, ruled paper, a checked cloth or stripes."""
    pitch = max(4.0, unit * rng.uniform(0.1, 0.7))
    along, across = _axes(shape, rng.uniform(-0.5, 0.5))
    ink = random_colour(rng, value=(0.1, 0.6), saturation=(0.0, 0.9))
    picture = flat(shape, linear((255.0, 255.0, 255.0)) * np.float32(rng.uniform(0.5, 0.9)))
    kind = rng.integers(0, 3)
    if kind == 0:  # lines of text: words are runs of noise
        line = step(np.abs((across / pitch) % 1 - 0.5) * -1, -0.22, 0.1)
        words = value_noise(shape, (pitch, pitch * 0.2), rng=rng) + 0.6 * value_noise(
            shape, pitch * 0.16, rng=rng
        )
        return mix(picture, ink, 0.85 * line * step(words, 0.1, 0.3))
    if kind == 1:  # ruled or squared
        rule = step(np.abs((across / pitch) % 1 - 0.5), 0.47, 0.04)
        rule = np.maximum(
            rule, step(np.abs((along / pitch) % 1 - 0.5), 0.47, 0.04) * rng.integers(0, 2)
        )
        return mix(picture, ink, rng.uniform(0.2, 0.8) * rule)
    band = step(np.sin(across * np.float32(math.pi) / pitch), 0, 0.2)
    other = (
        step(np.sin(along * np.float32(math.pi) / pitch), 0, 0.2) if rng.random() < 0.6 else band
    )
    weight = (0.5 * band + 0.5 * other) * rng.uniform(0.3, 0.9)
    return _shade(mix(picture, ink, weight), 0.04 * value_noise(shape, 2, rng=rng))


@lru_cache(maxsize=4)
def _bundled(name: str) -> NDArray[np.uint8]:
    """A photo that ships inside scikit-image's wheel: (H, W, 3) uint8 RGB."""
    import skimage.data

    read = cv2.imread(str(Path(skimage.data.__file__).parent / name), cv2.IMREAD_COLOR)
    if read is None:  # not in this build of scikit-image: a plain gray field stands in
        return np.full((256, 256, 3), 128, np.uint8)
    return np.asarray(read[..., ::-1], np.uint8)


def photo(shape: tuple[int, int], unit: float, rng: np.random.Generator) -> Field:
    """Brick, gravel or grass of scikit-image's own photos, mirrored into a larger field, tinted."""
    source = _bundled(str(rng.choice(["brick.png", "gravel.png", "grass.png"])))
    zoom = float(np.clip(unit / 120 * rng.uniform(0.5, 2), 0.25, 8))
    need = (math.ceil(shape[0] / zoom) + 2, math.ceil(shape[1] / zoom) + 2)
    rows = np.abs(
        (np.arange(need[0]) + rng.integers(0, 500)) % (2 * source.shape[0] - 1)
        - source.shape[0]
        + 1
    )
    cols = np.abs(
        (np.arange(need[1]) + rng.integers(0, 500)) % (2 * source.shape[1] - 1)
        - source.shape[1]
        + 1
    )
    crop = np.ascontiguousarray(source[rows][:, cols])
    big = cv2.resize(
        crop, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC if zoom > 1 else cv2.INTER_AREA
    )
    tint = 0.4 + random_colour(rng, value=(0.4, 1.0), saturation=(0.0, 0.5))
    picture = (
        linear(big[: shape[0], : shape[1]].astype(np.float32))
        * tint
        * np.float32(rng.uniform(0.5, 1.3))
    )
    if picture.shape[:2] != shape:
        picture = cv2.resize(picture, (shape[1], shape[0]))
    return np.clip(picture, 0.002, 1).astype(np.float32)


def tiles(shape: tuple[int, int], unit: float, rng: np.random.Generator) -> Field:
    """Tiles or a board with joints, larger than the things on them."""
    pitch = unit * rng.uniform(1.2, 4)
    along, across = _axes(shape, rng.uniform(-0.6, 0.6))
    nearest = np.maximum(np.abs((along / pitch) % 1 - 0.5), np.abs((across / pitch) % 1 - 0.5))
    joint = step(nearest, 0.485, 0.02)
    base = marble(shape, unit, rng) if rng.random() < 0.5 else granite(shape, unit, rng)
    return mix(base, random_colour(rng, value=(0.1, 0.7), saturation=(0.0, 0.2)), 0.8 * joint)


def skin(shape: tuple[int, int], unit: float, rng: np.random.Generator) -> Field:
    """The palm of a hand: folds and fine lines."""
    base = linear((rng.uniform(110, 250), 1.0, 1.0))[0] * np.array([1, 0.52, 0.4], np.float32)
    fold = np.abs(fractal_noise(shape, unit * 0.9, rng=rng, octaves=3, persistence=0.4))
    amount = -0.3 * np.exp(-fold / np.float32(0.08)) + 0.12 * value_noise(shape, unit, rng=rng)
    return _shade(flat(shape, base), amount + 0.03 * value_noise(shape, unit * 0.03, rng=rng))


GROUNDS: dict[str, Ground] = {
    "paper": paper,
    "coloured": coloured,
    "dark": dark,
    "wood": wood,
    "weave": weave,
    "granite": granite,
    "marble": marble,
    "rough": rough,
    "printed": printed,
    "photo": photo,
    "tiles": tiles,
    "skin": skin,
}

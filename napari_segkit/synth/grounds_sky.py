"""Skies, and what stands against them: clouds, sun, horizons, trees, foliage, water.

Every ground here is `(shape, rng) -> (H, W, 3) float32`, display values in [0, 1], RGB.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from napari_segkit.synth.noise import Field, fractal_noise, mix, ramp, soften, step, value_noise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Colour = NDArray[np.float32]


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """(3,) float32 display RGB of a hue in degrees and a saturation and value in [0, 1]."""
    chosen = np.array([[(hue % 360, saturation, value)]], np.float32)
    return np.asarray(cv2.cvtColor(chosen, cv2.COLOR_HSV2RGB)[0, 0], np.float32)


def any_colour(
    rng: np.random.Generator,
    *,
    saturation: tuple[float, float] = (0.0, 0.7),
    value: tuple[float, float] = (0.1, 0.9),
) -> Colour:
    """A random display colour within bounds; (3,) float32."""
    return hsv(rng.uniform(0, 360), rng.uniform(*saturation), rng.uniform(*value))


def plain(shape: tuple[int, int], first: Colour, second: Colour, weight: Field) -> Field:
    """Two colours blended by an (H, W) weight; (H, W, 3)."""
    return mix(np.broadcast_to(first, (*shape, 3)), np.broadcast_to(second, (*shape, 3)), weight)


def _sky_colours(rng: np.random.Generator) -> tuple[Colour, Colour]:
    """Colours of zenith and horizon of a clear, hazy, gray, evening or night sky."""
    kind = rng.random()
    if kind < 0.5:
        high = hsv(rng.uniform(195, 225), rng.uniform(0.25, 0.85), rng.uniform(0.4, 0.95))
        low = hsv(rng.uniform(190, 225), rng.uniform(0.02, 0.4), rng.uniform(0.65, 1.0))
    elif kind < 0.75:
        value = rng.uniform(0.35, 1.0)
        high = hsv(rng.uniform(190, 240), rng.uniform(0, 0.15), value)
        low = hsv(rng.uniform(20, 240), rng.uniform(0, 0.12), min(1, value + rng.uniform(0, 0.3)))
    elif kind < 0.9:
        high = hsv(rng.uniform(200, 290), rng.uniform(0.1, 0.7), rng.uniform(0.2, 0.7))
        low = hsv(rng.uniform(5, 50), rng.uniform(0.2, 0.9), rng.uniform(0.5, 1.0))
    else:
        high = hsv(rng.uniform(200, 260), rng.uniform(0.1, 0.8), rng.uniform(0.02, 0.2))
        low = hsv(rng.uniform(0, 260), rng.uniform(0.1, 0.7), rng.uniform(0.05, 0.35))
    return high, low


def _warp(field: Field, by: float, cell: float, rng: np.random.Generator) -> Field:
    """Move the pixels of a field along smooth random paths of about `by` pixels."""
    height, width = field.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    dx = by * fractal_noise((height, width), cell, rng=rng, octaves=2)
    dy = by * fractal_noise((height, width), cell, rng=rng, octaves=2)
    return np.asarray(
        cv2.remap(field, x + dx, y + dy, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT),
        np.float32,
    )


def clouds(picture: Field, rng: np.random.Generator) -> Field:
    """Lay one or two sheets of cloud over a sky: heaps with marked edges, veils, streaks."""
    shape = picture.shape[:2]
    for _ in range(int(rng.integers(1, 3))):
        cell = float(np.exp(rng.uniform(math.log(40), math.log(700))))
        streak = rng.uniform(1, 5) if rng.random() < 0.3 else 1.0
        rough = rng.uniform(0.35, 0.62)
        body = fractal_noise(shape, (cell, cell * streak), rng=rng, octaves=7, persistence=rough)
        body = _warp(body, cell * rng.uniform(0, 0.25), cell, rng)
        cover = step(body, rng.uniform(-0.8, 1.0), rng.choice([0.3, 0.8, 2.0, 3.5]))
        shade = 0.5 + 0.3 * fractal_noise(shape, cell * 0.7, rng=rng, octaves=5, persistence=rough)
        light = hsv(rng.uniform(0, 360), rng.uniform(0, 0.08), rng.uniform(0.75, 1.0))
        dark = light * np.float32(rng.uniform(0.45, 0.95))
        tops = plain(shape, dark, light, np.clip(shade, 0, 1).astype(np.float32))
        picture = mix(picture, tops, cover * np.float32(rng.uniform(0.2, 1.0)))
    return picture


def sky(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    """A piece of sky: a gradient, often clouds, now and then the sun's glow."""
    high, low = _sky_colours(rng)
    t = 0.5 + 0.5 * rng.uniform(0.05, 1.0) * ramp(shape, math.pi / 2 + rng.normal(0, 0.3))
    picture = plain(shape, high, low, t + rng.uniform(-0.3, 0.3))
    if rng.random() < 0.65:
        picture = clouds(picture, rng)
    if rng.random() < 0.15:
        y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
        cy, cx = rng.uniform(-0.3, 1.3) * shape[0], rng.uniform(-0.3, 1.3) * shape[1]
        glow = np.exp(-np.hypot(y - cy, x - cx) / np.float32(shape[0] * rng.uniform(0.1, 0.8)))
        picture = picture + (glow * rng.uniform(0.2, 0.9))[..., None] * hsv(40, 0.2, 1)
    return np.clip(picture, 0, 1).astype(np.float32)


def _branch(
    canvas: Field,
    at: NDArray[np.float64],
    angle: float,
    length: float,
    width: float,
    colour: Colour,
    rng: np.random.Generator,
    tips: list[NDArray[np.float64]],
) -> None:
    """Draw a limb and, at its end, thinner ones, in place; collects where twigs end."""
    bend = rng.normal(0, 0.15)
    middle = at + 0.5 * length * np.array([math.cos(angle), math.sin(angle)])
    end = middle + 0.5 * length * np.array([math.cos(angle + bend), math.sin(angle + bend)])
    points = np.round(np.stack([at, middle, end]) * 8).astype(np.int32)
    tone = colour * np.float32(rng.uniform(0.7, 1.3))
    cv2.polylines(canvas, [points], False, tone.tolist(), max(1, round(width)), cv2.LINE_AA, 3)
    tips.append(end)
    if width < 1.2 or length < 5:
        return
    for _ in range(int(rng.integers(2, 4))):
        turn = rng.normal(0, 0.55)
        _branch(
            canvas,
            end,
            angle + bend + turn,
            length * rng.uniform(0.55, 0.9),
            width * rng.uniform(0.5, 0.8),
            colour,
            rng,
            tips,
        )


def leaf_shape(size: float, angle: float, slim: float, *, count: int = 9) -> NDArray[np.float64]:
    """Outline of a leaf about the origin; (count * 2, 2) x y."""
    t = np.linspace(0, math.tau, count * 2, endpoint=False)
    x, y = np.cos(t), np.sin(t) * slim * (0.6 + 0.4 * np.cos(t))
    c, s = math.cos(angle), math.sin(angle)
    return size * np.stack([c * x - s * y, s * x + c * y], axis=1)


def leaves(
    canvas: Field, places: NDArray[np.float64], size: float, rng: np.random.Generator
) -> None:
    """Paint leaves of one tree at (N, 2) x y places, in place."""
    hue, slim = rng.choice([rng.uniform(60, 130), rng.uniform(15, 60)]), rng.uniform(0.12, 0.7)
    vivid, bright = rng.uniform(0.1, 0.8), rng.uniform(0.1, 0.55)
    sizes = size * np.exp(rng.normal(0, 0.3, len(places)))
    for place, r in zip(places, sizes, strict=True):
        tone = hsv(
            hue + rng.normal(0, 8),
            vivid,
            float(np.clip(bright * np.exp(rng.normal(0, 0.45)), 0, 1)),
        )
        outline = place + leaf_shape(r, rng.uniform(0, math.tau), slim)
        points = np.round(outline * 8).astype(np.int32)
        cv2.fillPoly(canvas, [points], tone.tolist(), cv2.LINE_AA, 3)


def trees(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    """Branches, bare or in leaf, from one border into a sky."""
    canvas = np.ascontiguousarray(sky(shape, rng))
    bark = hsv(rng.uniform(10, 50), rng.uniform(0, 0.4), rng.uniform(0.02, 0.4))
    tips: list[NDArray[np.float64]] = []
    height, width = shape
    for _ in range(int(rng.integers(1, 4))):
        angle = -math.pi / 2 + rng.normal(0, 0.5)
        start = np.array([rng.uniform(0, width), height * rng.uniform(0.9, 1.15)])
        if rng.random() < 0.35:  # hangs or reaches in from a side
            start = np.array([rng.choice([-10.0, width + 10.0]), rng.uniform(0, height)])
            angle = (0.0 if start[0] < 0 else math.pi) + rng.normal(0, 0.5)
        limb = height * rng.uniform(0.12, 0.4)
        _branch(canvas, start, angle, limb, rng.uniform(3, 14), bark, rng, tips)
    if rng.random() < 0.65:
        spread = rng.uniform(4, 40)
        share = int(rng.integers(1, 9))
        places = np.repeat(np.array(tips), share, axis=0)[:4000]
        places = places + rng.normal(0, spread, places.shape)
        leaves(canvas, places, rng.uniform(1.5, 12), rng)
    return canvas


def foliage(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    """A hedge, a tree's crown or grass blades that fill the frame or end against the sky."""
    canvas = np.ascontiguousarray(sky(shape, rng))
    height, width = shape
    edge = height * (0.5 * rng.uniform(-1.2, 1.2) + 0.0)
    profile = edge + 40 * fractal_noise((1, width), width / 4, rng=rng, octaves=5)[0]
    size = float(np.exp(rng.uniform(math.log(1.5), math.log(16))))
    count = int(min(5000, 2.5 * height * width / (size * size * 2)))
    places = rng.uniform(-10, 10 + max(shape), (count, 2))
    column = np.clip(places[:, 0].astype(int), 0, width - 1)
    inside = places[:, 1] > profile[column] + rng.exponential(size * 2, count) * rng.choice([-1, 1])
    ground = hsv(rng.uniform(60, 130), 0.4, rng.uniform(0.03, 0.2))
    below = np.arange(height)[:, None] > (profile + size * 2)[None, :]
    canvas[below] = ground
    leaves(canvas, places[inside], size, rng)
    return canvas


def water(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    """Sea or lake: ripples drawn out sideways, glints, a shore or a sky above."""
    unit = float(np.exp(rng.uniform(math.log(6), math.log(90))))
    wave = fractal_noise(
        shape, (unit, unit * rng.uniform(1.5, 5)), rng=rng, octaves=5, persistence=0.6
    )
    deep = hsv(rng.uniform(160, 240), rng.uniform(0.05, 0.7), rng.uniform(0.05, 0.5))
    pale = hsv(rng.uniform(170, 230), rng.uniform(0, 0.4), rng.uniform(0.35, 0.95))
    picture = plain(shape, deep, pale, np.clip(0.45 + 0.28 * wave, 0, 1).astype(np.float32))
    if rng.random() < 0.5:  # the sun on the crests
        crest = step(wave + 0.6 * value_noise(shape, 3, rng=rng), rng.uniform(1.6, 2.4), 0.3)
        picture = mix(picture, np.ones((*shape, 3), np.float32), crest)
    return picture


def land(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    """Grass, sand, soil or rock: grain upon grain in earthen colours, with tufts and stones."""
    base = hsv(rng.uniform(20, 110), rng.uniform(0.05, 0.6), rng.uniform(0.2, 0.8))
    rough = fractal_noise(
        shape, (rng.uniform(2, 20), rng.uniform(2, 20)), rng=rng, octaves=4, persistence=0.75
    )
    broad = fractal_noise(shape, 120, rng=rng, octaves=4)
    amount = rng.uniform(0.05, 0.35) * rough + rng.uniform(0, 0.2) * broad
    return np.asarray(np.clip(base * (1 + amount)[..., None], 0, 1), np.float32)


def horizon(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    """Sky over hills, sea, fields or a distant town."""
    picture = sky(shape, rng)
    level = shape[0] * rng.uniform(0.2, 0.95)
    for _ in range(int(rng.integers(1, 4))):
        rise = rng.uniform(0, 60) if rng.random() < 0.7 else 0.0
        ridge = (
            level
            + rise
            * fractal_noise((1, shape[1]), shape[1] * rng.uniform(0.2, 2), rng=rng, octaves=7)[0]
        )
        inside = step(np.arange(shape[0], dtype=np.float32)[:, None] - ridge[None, :], 0, 1.5)
        under = water(shape, rng) if rise == 0 and rng.random() < 0.6 else land(shape, rng)
        haze = np.float32(rng.uniform(0, 0.7))
        under = soften(under, rng.uniform(0.3, 1.5)) * (1 - haze) + haze * picture.mean((0, 1))
        picture = mix(picture, under, inside)
        level += shape[0] * rng.uniform(0.03, 0.3)
    return picture


SKIES = {"sky": sky, "trees": trees, "foliage": foliage, "horizon": horizon}

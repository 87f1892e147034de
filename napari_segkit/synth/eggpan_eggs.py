"""Fried, raw, broken, folded and scrambled eggs on a `Plan`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.synth.eggpan_plan import EGG
from napari_segkit.synth.noise import Field, fractal_noise, mix, step, value_noise
from napari_segkit.synth.textures import linear

if TYPE_CHECKING:
    from napari_segkit.synth.eggpan_plan import Plan
    from napari_segkit.synth.view import Points

_TABLE = 360
_FAINTEST = 0.3
"""Opacity of the clearest white: what cannot be seen must not be labelled."""


@dataclass(frozen=True)
class Egg:
    """One egg, fried or raw.

    Attributes
    ----------
    x, y, radius
        Middle and mean radius of the white, in units of the plan.
    yolks
        (x, y, radius) of each yolk, in radii from the middle.
    ragged, lobes
        How far the outline departs from a circle: finely, and in lobes.
    brown
        Of the edge, 0 to 1.
    raw
        How clear the white still is, 0 to 1.
    bumps
        Height of bubbles in the white.
    broken
        How much of the yolk has run out.
    film
        White over the yolk.
    """

    x: float
    y: float
    radius: float
    yolks: tuple[tuple[float, float, float], ...]
    ragged: float = 0.05
    lobes: float = 0.12
    brown: float = 0.2
    raw: float = 0.0
    bumps: float = 0.3
    broken: float = 0.0
    film: float = 0.0


def random_egg(rng: np.random.Generator, x: float, y: float, radius: float) -> Egg:
    """An egg of any look."""
    count = int(rng.choice([0, 1, 2, 3], p=[0.03, 0.84, 0.11, 0.02]))
    yolks = []
    for _ in range(count):
        angle, off = rng.uniform(0, math.tau), abs(rng.normal(0, 0.16)) + (0.25 if count > 1 else 0)
        size = rng.uniform(0.24, 0.5) * (0.8 if count > 1 else 1)
        yolks.append((off * math.cos(angle), off * math.sin(angle), size))
    return Egg(
        x,
        y,
        radius,
        tuple(yolks),
        ragged=float(np.exp(rng.uniform(-5.0, -2.1))),
        lobes=rng.uniform(0.02, 0.16),
        brown=max(0.0, rng.uniform(-0.5, 1.0)),
        raw=max(0.0, rng.uniform(-1.2, 1.0)),
        bumps=rng.uniform(0, 1) ** 2,
        broken=rng.uniform(0.2, 1) if rng.random() < 0.14 else 0.0,
        film=rng.uniform(0.2, 0.9) if rng.random() < 0.25 else 0.0,
    )


def _outline(rng: np.random.Generator, lobes: float) -> Field:
    """Radius of an outline at `_TABLE` angles, mean 1."""
    angle = np.arange(_TABLE, dtype=np.float32) * np.float32(math.tau / _TABLE)
    radius = np.ones(_TABLE, np.float32)
    for order in range(1, 7):
        wave = np.cos(order * angle + rng.uniform(0, math.tau))
        radius += np.float32(rng.normal(0, lobes / order**0.8)) * wave
    return np.clip(radius, 0.55, 1.6)


def _depth(x: Field, y: Field, egg: Egg, pixel: float, rng: np.random.Generator) -> Field:
    """About the distance inwards from the outline, in radii of the egg; below 0 outside."""
    u, v = (x - np.float32(egg.x)) / egg.radius, (y - np.float32(egg.y)) / egg.radius
    rho = np.sqrt(u * u + v * v)
    index = ((np.arctan2(v, u) / math.tau) % 1 * (_TABLE - 1)).astype(np.int32)
    depth = _outline(rng, egg.lobes)[index] - rho
    unit = egg.radius / pixel
    near = fractal_noise(depth.shape, max(2.0, unit * 0.3), rng=rng, octaves=4, persistence=0.65)
    return np.asarray(depth + np.float32(egg.ragged) * near, np.float32)


def white_colour(rng: np.random.Generator) -> Field:
    """A cooked white: from bluish to cream, linear."""
    value = rng.uniform(222, 255)
    tint = rng.uniform(0.86, 1.0)
    return linear((value, value * rng.uniform(0.96, 1.0), value * tint))


def yolk_colour(rng: np.random.Generator) -> Field:
    """A yolk: from pale lemon to deep orange, linear."""
    return linear((rng.uniform(215, 255), rng.uniform(125, 205), rng.uniform(0, 75)))


def fry(plan: Plan, eggs: list[Egg], rng: np.random.Generator) -> None:
    """Lay eggs on the plan, in place: all whites, then all yolks."""
    for egg in eggs:
        _pour(plan, egg, rng)
    tint = yolk_colour(rng)
    for egg in eggs:
        for number, yolk in enumerate(egg.yolks):
            shade = tint * np.float32(rng.uniform(0.85, 1.1))
            _yolk(plan, egg, yolk, shade, rng, broken=egg.broken if number == 0 else 0.0)


def _pour(plan: Plan, egg: Egg, rng: np.random.Generator) -> None:
    window = plan.window(egg.x, egg.y, egg.radius * 1.6)
    if window is None:
        return
    x, y = plan.places(window)
    depth = _depth(x, y, egg, plan.pixel, rng)
    unit = egg.radius / plan.pixel
    inside = step(depth, 0.0, max(0.03, 2.5 / unit))
    thick = 1 - np.exp(-np.maximum(depth, 0) / np.float32(rng.uniform(0.06, 0.3)))
    colour, cover, bump = _white(egg, depth, thick, unit, rng)
    height = np.float32(egg.radius) * (
        thick * np.float32(rng.uniform(0.03, 0.09)) + bump * np.float32(0.02 * egg.bumps)
    )
    rough = rng.uniform(0.15, 0.7) * (1 - 0.6 * egg.raw)
    plan.lay(
        window,
        inside * cover,
        albedo=colour,
        rough=rough,
        height=height * inside,
    )
    plan.value[window][inside > 0.5] = EGG


def _white(
    egg: Egg, depth: Field, thick: Field, unit: float, rng: np.random.Generator
) -> tuple[Field, Field, Field]:
    """Colour (h, w, 3), opacity and bubbles (h, w) of a white."""
    shape = depth.shape
    soft = fractal_noise(shape, max(2.0, unit * 0.35), rng=rng, octaves=3)
    fine = value_noise(shape, max(1.5, unit * rng.uniform(0.02, 0.08)), rng=rng)
    bump = np.float32(0.6) * soft + np.float32(0.8) * np.maximum(fine, 0) ** 2
    base = white_colour(rng)
    shade = 1 + np.float32(0.05) * soft + np.float32(0.06 * egg.bumps) * fine
    colour = shade[..., None] * base
    if rng.random() < 0.4:  # fat and yolk stain the white
        stain = step(fractal_noise(shape, max(2.0, unit * 0.5), rng=rng), 0.3, 1.6)
        colour = mix(colour, base * linear((255.0, 240.0, 170.0)), 0.6 * stain)
    if egg.brown:
        reach = rng.uniform(0.04, 0.2)
        band = np.exp(-np.maximum(depth, 0) / np.float32(reach))
        spots = step(
            band * 1.3 + 0.45 * soft + 0.25 * fine, 1.15 - 0.5 * egg.brown, rng.uniform(0.3, 0.9)
        )
        brown = linear((rng.uniform(110, 205), rng.uniform(60, 130), rng.uniform(15, 60)))
        colour = mix(colour, brown, (egg.brown * spots).astype(np.float32))
    clear = np.float32(egg.raw) * step(soft - 3 * (thick - 0.5), -0.2, 1.6)
    edge = np.float32(rng.uniform(0, 0.5)) * np.exp(-np.maximum(depth, 0) / np.float32(0.04))
    cover = np.clip(1 - 0.65 * clear - edge * (1 - egg.brown), _FAINTEST, 1)
    return np.clip(colour, 0, 1), cover.astype(np.float32), np.asarray(bump, np.float32)


def _yolk(
    plan: Plan,
    egg: Egg,
    yolk: tuple[float, float, float],
    tint: Field,
    rng: np.random.Generator,
    *,
    broken: float,
) -> None:
    """Lay one yolk: a dome, or what has run out of it."""
    size = egg.radius * yolk[2]
    x0, y0 = egg.x + yolk[0] * egg.radius, egg.y + yolk[1] * egg.radius
    window = plan.window(x0, y0, size * 1.7)
    if window is None:
        return
    x, y = plan.places(window)
    u, v = (x - np.float32(x0)) / np.float32(size), (y - np.float32(y0)) / np.float32(size)
    unit = size / plan.pixel
    wobble = fractal_noise(x.shape, max(2.0, unit * 0.8), rng=rng, octaves=3)
    rho = np.sqrt(u * u * rng.uniform(0.85, 1.15) + v * v)
    rho = rho + wobble * np.float32(0.02 + 0.35 * broken)
    cover = step(1 - rho, 0.0, max(0.05, 2.5 / unit))
    dome = np.sqrt(np.clip(1 - rho * rho, 0, 1)) * np.float32(
        size * rng.uniform(0.25, 0.55) * (1 - 0.8 * broken)
    )
    rim = np.exp(-(((rho - 0.95) / 0.2) ** 2))
    shade = 1 + 0.04 * wobble - np.float32(rng.uniform(0, 0.25)) * rim
    colour = shade[..., None] * tint
    if egg.film:
        veil = step(wobble + rng.uniform(-0.8, 0.8), 0, 1.2) * np.float32(egg.film)
        colour = mix(colour, white_colour(rng), veil)
    gloss = rng.uniform(0.02, 0.4) if rng.random() < 0.75 else rng.uniform(0.4, 0.9)
    seat = plan.height[window]
    seat += (float(np.median(seat[cover > 0.5])) - seat) * cover if (cover > 0.5).any() else 0
    plan.lay(
        window,
        cover,
        albedo=np.clip(colour, 0, 1),
        rough=gloss,
        height=dome,
    )
    plan.value[window][cover > 0.5] = EGG


def scramble(plan: Plan, middle: Points, radius: float, rng: np.random.Generator) -> None:
    """Scrambled egg: soft yellow curds in heaps."""
    x0, y0 = middle.tolist()
    egg = Egg(x0, y0, radius, (), ragged=rng.uniform(0.1, 0.5), lobes=0.25)
    window = plan.window(x0, y0, radius * 1.7)
    if window is None:
        return
    x, y = plan.places(window)
    depth = _depth(x, y, egg, plan.pixel, rng)
    unit = radius / plan.pixel
    cell = max(2.0, unit * rng.uniform(0.12, 0.35))
    curds = 1 - np.abs(fractal_noise(x.shape, cell, rng=rng, octaves=3))
    cover = step(depth + 0.1 * curds, 0.05, 0.06)
    pale = linear((rng.uniform(240, 255), rng.uniform(205, 240), rng.uniform(90, 180)))
    deep = linear((rng.uniform(220, 250), rng.uniform(150, 200), rng.uniform(20, 90)))
    colour = mix(np.broadcast_to(deep, (*x.shape, 3)), pale, step(curds, 0.5, 1.6))
    brown = linear((175.0, 105.0, 35.0))
    spots = step(value_noise(x.shape, cell, rng=rng), rng.uniform(0.8, 2.2), 0.5)
    colour = mix(colour, brown, 0.6 * spots)
    plan.lay(
        window,
        cover,
        albedo=colour,
        rough=rng.uniform(0.2, 0.8),
        height=np.float32(radius) * (0.05 + 0.05 * curds) * step(depth, 0, 0.25),
        value=EGG,
    )


def omelette(plan: Plan, middle: Points, radius: float, rng: np.random.Generator) -> None:
    """An omelette, flat or folded over, browned in spots."""
    x0, y0 = middle.tolist()
    egg = Egg(x0, y0, radius, (), ragged=rng.uniform(0.01, 0.06), lobes=0.08)
    window = plan.window(x0, y0, radius * 1.7)
    if window is None:
        return
    x, y = plan.places(window)
    depth = _depth(x, y, egg, plan.pixel, rng)
    if rng.random() < 0.6:
        angle = rng.uniform(0, math.tau)
        side = (x - x0) * math.cos(angle) + (y - y0) * math.sin(angle)
        depth = np.minimum(depth, side / radius + np.float32(rng.uniform(0, 0.3)))
    unit = radius / plan.pixel
    soft = fractal_noise(x.shape, max(2.0, unit * 0.25), rng=rng, octaves=4, persistence=0.7)
    colour = np.broadcast_to(
        linear((rng.uniform(235, 255), rng.uniform(190, 225), rng.uniform(60, 140))), (*x.shape, 3)
    )
    brown = linear((rng.uniform(160, 205), rng.uniform(95, 130), rng.uniform(20, 50)))
    colour = mix(colour, brown, np.float32(rng.uniform(0.1, 0.8)) * step(soft, 0.3, 1.4))
    edge = 1 - np.exp(-np.maximum(depth, 0) / np.float32(0.08))
    plan.lay(
        window,
        step(depth, 0, max(0.03, 2.5 / unit)),
        albedo=colour,
        rough=rng.uniform(0.3, 0.8),
        height=np.float32(radius) * (edge * rng.uniform(0.06, 0.16) + 0.008 * soft),
        value=EGG,
    )

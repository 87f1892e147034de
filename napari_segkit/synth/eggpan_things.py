"""What else is about: fruit, cutlery, hands, toast, bacon.

Lengths are in radii of a pan of 24 cm.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import cv2
import numpy as np

from napari_segkit.synth.eggpan_coats import Coat, uniform_paint
from napari_segkit.synth.eggpan_plan import BACKGROUND
from napari_segkit.synth.eggpan_shapes import (
    box,
    cube_bounds,
    moved,
    moved_bounds,
    ovoid,
    rod,
    rod_bounds,
)
from napari_segkit.synth.noise import Field, fractal_noise, mix, step, value_noise
from napari_segkit.synth.rays import Material, Solid, sample
from napari_segkit.synth.textures import linear, random_colour

if TYPE_CHECKING:
    from napari_segkit.synth.eggpan_plan import Plan
    from napari_segkit.synth.rays import Paint

Place = tuple[float, float, float]


def mottled(colour: Field, spots: Field, rough: float, rng: np.random.Generator) -> Paint:
    """Paint of two colours, mixed by noise wrapped around the thing."""
    noise = fractal_noise((128, 128), rng.uniform(3, 30), rng=rng, octaves=4, persistence=0.8)
    edge = rng.uniform(0.3, 1.5)

    def paint(x: Field, y: Field, z: Field, normal: Field) -> Material:
        del normal
        value = sample(noise, 64 + 160 * (x + 0.3 * z), 64 + 160 * (y - 0.3 * z))
        albedo = mix(np.broadcast_to(colour, (len(x), 3)), spots, step(value, edge, 0.8))
        shiny = np.full((len(x), 3), 0.045, np.float32)
        return Material(albedo, shiny, np.full(len(x), rough, np.float32))

    return paint


def fruit(place: Place, rng: np.random.Generator) -> Solid:
    """A lemon, tomato, potato, onion, mushroom, bun: round, and no egg."""
    radius = rng.uniform(0.12, 0.42)
    flat = rng.uniform(0.6, 1.0)
    radii = (radius * rng.uniform(1, 1.45), radius, radius * flat)
    hue = (0, 360) if rng.random() < 0.3 else (0, 60)
    colour = random_colour(rng, value=(0.35, 0.97), saturation=(0.5, 1.0), hue=hue)
    spots = colour * np.float32(rng.uniform(0.5, 1.2))
    spot = (place[0], place[1], place[2] + radii[2])
    surface = ovoid(radii, rng.uniform(0, math.tau))
    reach = max(radii) * 1.3
    bounds = moved_bounds(cube_bounds(reach, -reach, reach), *spot)
    paint = mottled(colour, np.clip(spots, 0, 1), rng.uniform(0.15, 0.9), rng)
    return Solid(moved(surface, *spot), bounds, paint, steps=18)


def slab(place: Place, rng: np.random.Generator) -> Solid:
    """Toast, cheese, a board, a sponge, a phone, a carton: a flat box."""
    half = (rng.uniform(0.25, 0.8), rng.uniform(0.2, 0.6), rng.uniform(0.015, 0.09))
    if rng.random() < 0.5:  # toast, wood
        colour = linear((rng.uniform(160, 240), rng.uniform(100, 180), rng.uniform(40, 110)))
    else:
        colour = random_colour(rng, value=(0.1, 0.97), saturation=(0.0, 0.9))
    turn = rng.uniform(0, math.tau)
    surface = box(half, turn, rounding=min(half) * rng.uniform(0.3, 0.95))
    spot = (place[0], place[1], place[2] + half[2])
    bounds = moved_bounds(cube_bounds(math.hypot(half[0], half[1]), -half[2], half[2]), *spot)
    spots = np.clip(colour * np.float32(rng.uniform(0.4, 1.2)), 0, 1)
    return Solid(moved(surface, *spot), bounds, mottled(colour, spots, 0.7, rng), steps=12)


def _metal(rng: np.random.Generator) -> Coat:
    share = np.full(3, rng.uniform(0.4, 0.75), np.float32)
    return Coat(np.full(3, 0.1, np.float32), share, rng.uniform(0.05, 0.5))


def _wood(rng: np.random.Generator) -> Coat:
    red = rng.uniform(130, 225)
    albedo = linear((red, red * rng.uniform(0.6, 0.8), red * rng.uniform(0.35, 0.6)))
    return Coat(albedo, np.full(3, 0.03, np.float32), rng.uniform(0.5, 1.0), "wood", 1.0)


def _plastic(rng: np.random.Generator) -> Coat:
    albedo = random_colour(rng, value=(0.03, 0.95), saturation=(0.0, 1.0))
    if rng.random() < 0.5:
        albedo = np.full(3, rng.uniform(0.003, 0.05), np.float32)
    return Coat(albedo, np.full(3, 0.05, np.float32), rng.uniform(0.15, 0.7))


def random_stuff(rng: np.random.Generator) -> Coat:
    """Metal, wood or plastic."""
    return (_metal, _wood, _plastic)[int(rng.integers(3))](rng)


def bar(start: Place, end: Place, first: float, last: float, coat: Coat,
        rng: np.random.Generator) -> Solid:  # fmt: skip
    """A rod of one material."""
    return Solid(
        rod(start, end, first, last), rod_bounds(start, end, first, last),
        uniform_paint(coat, rng), steps=22,
    )  # fmt: skip


def tool(tip: Place, rng: np.random.Generator) -> list[Solid]:
    """A fork, spoon, knife or spatula whose tip is at a place and whose handle rises outwards."""
    coat = random_stuff(rng)
    angle, length = rng.uniform(0, math.tau), rng.uniform(1.0, 2.4)
    c, s = math.cos(angle), math.sin(angle)
    rise = rng.uniform(0.05, 0.5)
    neck = (tip[0] + 0.35 * c, tip[1] + 0.35 * s, tip[2] + 0.1 + 0.1 * rise)
    end = (tip[0] + length * c, tip[1] + length * s, tip[2] + 0.1 + rise * length)
    thick = rng.uniform(0.025, 0.07)
    solids = [bar(neck, end, thick * rng.uniform(0.6, 1), thick, coat, rng)]
    kind, wide = rng.integers(3), rng.uniform(0.08, 0.28)
    if kind == 0:  # tines
        for k in np.linspace(-0.06, 0.06, int(rng.integers(3, 5))):
            first = (tip[0] - k * s, tip[1] + k * c, tip[2] + 0.02)
            root = (neck[0] - k * s, neck[1] + k * c, neck[2])
            solids.append(bar(first, root, 0.012, 0.016, coat, rng))
        return solids
    half = (rng.uniform(0.18, 0.34), wide, rng.uniform(0.012, 0.03))
    spot = (tip[0] + 0.2 * c, tip[1] + 0.2 * s, tip[2] + 0.06)
    surface = box(half, angle, rounding=0.01) if kind == 1 else ovoid((half[0], wide, 0.05), angle)
    reach = math.hypot(half[0], half[1])
    bounds = moved_bounds(cube_bounds(reach, -0.06, 0.06), *spot)
    solids.append(Solid(moved(surface, *spot), bounds, uniform_paint(coat, rng), steps=14))
    return solids


def hand(place: Place, rng: np.random.Generator) -> list[Solid]:
    """A hand that comes in from one side: forearm, palm and fingers."""
    red = rng.uniform(95, 245)
    skin = linear((red, red * rng.uniform(0.66, 0.78), red * rng.uniform(0.5, 0.66)))
    coat = Coat(skin, np.full(3, 0.03, np.float32), 0.6, "skin", 0.5)
    angle = rng.uniform(0, math.tau)
    c, s = math.cos(angle), math.sin(angle)
    x, y, z = place[0], place[1], place[2] + rng.uniform(0.1, 0.5)
    wrist = (x + 0.7 * c, y + 0.7 * s, z + 0.1)
    sleeve = (x + 2.8 * c, y + 2.8 * s, z + 0.5)
    arm = _plastic(rng) if rng.random() < 0.4 else coat
    solids = [
        bar(wrist, sleeve, 0.24, 0.34, arm, rng),
        bar((x + 0.25 * c, y + 0.25 * s, z), wrist, 0.27, 0.2, coat, rng),
    ]
    for k in np.linspace(-0.24, 0.24, 4):
        bend = rng.uniform(-0.15, 0.05)
        root = (x + 0.2 * c - k * s, y + 0.2 * s + k * c, z)
        out = rng.uniform(0.2, 0.6)
        end = (x - out * c - 1.3 * k * s, y - out * s + 1.3 * k * c, z + bend)
        solids.append(bar(root, end, 0.085, 0.065, coat, rng))
    return solids


def bits(plan: Plan, rng: np.random.Generator) -> None:
    """Other food on a plan: bacon, sausages, tomatoes, mushrooms, beans; background."""
    window = plan.everywhere()
    for _ in range(int(rng.integers(1, 5))):
        shape = (plan.size, plan.size)
        canvas = np.zeros(shape, np.uint8)
        warm = rng.random() < 0.7
        colour = random_colour(
            rng, value=(0.25, 0.95), saturation=(0.3, 0.95), hue=(0, 45) if warm else (0, 360)
        )
        spot = (rng.uniform(-0.75, 0.75, 2) + plan.reach) / plan.pixel
        long, wide = rng.uniform(0.08, 0.5), rng.uniform(0.05, 0.16)
        for _ in range(int(rng.integers(1, 5))):
            middle = spot + rng.normal(0, 0.15 / plan.pixel, 2)
            axes = (np.array([long, wide]) / plan.pixel).astype(int).tolist()
            cv2.ellipse(
                canvas, middle.astype(int).tolist(), axes, rng.uniform(0, 180), 0, 360, 255, -1
            )
        wobble = value_noise(shape, 0.06 / plan.pixel, rng=rng)
        soft = cv2.GaussianBlur(canvas.astype(np.float32) / 255, (0, 0), 0.015 / plan.pixel)
        cover = step(soft + 0.15 * wobble * (soft > 0.02), 0.5, 0.25)
        stripes = step(fractal_noise(shape, 0.08 / plan.pixel, rng=rng), 0.2, 0.8)
        other = np.clip(colour * np.float32(rng.uniform(0.4, 1.6)), 0, 1)
        tone = mix(np.broadcast_to(colour, (*shape, 3)), other, stripes)
        plan.lay(
            window, cover, albedo=tone, rough=0.4, height=0.06 * soft * cover, value=BACKGROUND
        )


def disc_food(plan: Plan, rng: np.random.Generator) -> None:
    """A pancake, burger, pizza, cheese, slice of lemon or daisy: round, and no egg."""
    window = plan.everywhere()
    x, y = plan.places(window)
    x0, y0 = rng.uniform(-0.25, 0.25, 2)
    angle = np.arctan2(y - y0, x - x0)
    lobes = int(rng.integers(3, 15))
    wave = rng.uniform(0, 0.3) if rng.random() < 0.35 else 0.0
    radius = rng.uniform(0.25, 0.8) * (1 + np.float32(wave) * np.cos(lobes * angle))
    unit = 1 / plan.pixel
    wobble = fractal_noise(x.shape, 0.3 * unit, rng=rng, octaves=4)
    depth = radius - np.hypot(x - x0, y - y0) + np.float32(rng.uniform(0, 0.05)) * wobble
    colour = random_colour(rng, value=(0.5, 1.0), saturation=(0.0, 0.9), hue=(10, 65))
    other = random_colour(rng, value=(0.2, 0.9), saturation=(0.3, 0.9), hue=(10, 60))
    rings = np.sin(depth * np.float32(rng.uniform(3, 40)))
    soft = step(wobble + rings * np.float32(rng.uniform(0, 1)), rng.uniform(-0.5, 1.5), 0.8)
    tone = mix(np.broadcast_to(colour, (*x.shape, 3)), other, soft)
    thick = 1 - np.exp(-np.maximum(depth, 0) / np.float32(rng.uniform(0.02, 0.1)))
    plan.lay(
        window, step(depth, 0, 0.03), albedo=tone, rough=rng.uniform(0.2, 0.9),
        height=thick * rng.uniform(0.02, 0.2), value=BACKGROUND,
    )  # fmt: skip


def rings_of_a_hob(texture: Field, rng: np.random.Generator) -> None:
    """Rings of an electric hob, glowing or printed, on a table's texture; in place."""
    size = len(texture)
    canvas = np.zeros((size, size), np.uint8)
    middle = (int(size / 2 + rng.normal(0, 4)), int(size / 2 + rng.normal(0, 4)))
    outer = size * rng.uniform(0.12, 0.3)
    for radius in np.linspace(outer, outer * rng.uniform(0.3, 0.95), int(rng.integers(1, 8))):
        cv2.circle(canvas, middle, int(radius), 255, max(1, int(size * rng.uniform(0.002, 0.02))))
    glow = random_colour(rng, value=(0.3, 1.0), saturation=(0.0, 0.9), hue=(0, 40))
    texture[:] = mix(
        texture, glow, canvas.astype(np.float32) / 255 * np.float32(rng.uniform(0.3, 1))
    )


Maker = Callable[[Place, np.random.Generator], Solid]
LOOSE: tuple[Maker, ...] = (fruit, slab)

"""What else stands in kitchens and is no egg: packets, bottles, bowls of grain, butter, lids.

Lengths are in radii of a pan of 24 cm, as in `eggpan_things`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from napari_segkit.synth.eggpan_coats import Coat, china, uniform_paint
from napari_segkit.synth.eggpan_larder import LARDER
from napari_segkit.synth.eggpan_shapes import (
    box,
    cube_bounds,
    moved,
    moved_bounds,
    ovoid,
)
from napari_segkit.synth.eggpan_shells import broken_shell
from napari_segkit.synth.eggpan_things import bar, fruit, mottled, random_stuff
from napari_segkit.synth.grounds import photo
from napari_segkit.synth.grounds_collage import COLLAGES
from napari_segkit.synth.noise import Field, fractal_noise, mix
from napari_segkit.synth.rays import Bounds, Material, Solid, sample
from napari_segkit.synth.textures import linear

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_segkit.synth.eggpan_things import Place
    from napari_segkit.synth.noise import Real
    from napari_segkit.synth.rays import Paint

_PICTURES = ("collage", "page", "smooth", "facade", "grains", "photo", "photo")


def picture(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    """A photo, a print, a collage: (H, W, 3) linear."""
    name = str(rng.choice(_PICTURES))
    shown = photo(shape, rng) if name == "photo" else COLLAGES[name](shape, rng)
    return np.asarray(shown ** np.float32(2.2), np.float32)


def _printed(rng: np.random.Generator, coat: Coat) -> Paint:
    """Paint of a label or a print that is wrapped around a thing."""
    shown = picture((96, 96), rng)
    scale, phase = rng.uniform(40, 160), rng.uniform(0, 96, 2)

    def paint(x: Field, y: Field, z: Field, normal: Field) -> Material:
        del normal
        across = scale * (x + np.float32(0.4) * y)
        albedo = sample(shown, across + phase[0], scale * (z - 0.5 * y) + phase[1])
        mirror = np.broadcast_to(coat.mirror, albedo.shape)
        return Material(albedo, mirror, np.full(len(x), coat.rough, np.float32))

    return paint


def packet(place: Place, rng: np.random.Generator) -> list[Solid]:
    """A carton, a bag, a book: a printed box, lying or upright."""
    half = rng.uniform((0.2, 0.08, 0.1), (0.6, 0.4, 0.7))
    if rng.random() < 0.5:
        half = half[[0, 2, 1]]
    surface = box(tuple(half.tolist()), rng.uniform(0, math.tau), rounding=0.02)
    spot = (place[0], place[1], place[2] + float(half[2]))
    bounds = moved_bounds(cube_bounds(math.hypot(half[0], half[1]), -half[2], half[2]), *spot)
    return [Solid(moved(surface, *spot), bounds, _printed(rng, random_stuff(rng)), steps=20)]


def butter(place: Place, rng: np.random.Generator) -> list[Solid]:
    """A block of butter, cheese or tofu, or its slices: pale, smooth, with straight edges."""
    value = rng.uniform(225, 255)
    colour = linear((value, value * rng.uniform(0.85, 0.99), value * rng.uniform(0.3, 0.85)))
    half = rng.uniform((0.12, 0.08, 0.02), (0.35, 0.25, 0.16))
    solids, turn = [], rng.uniform(0, math.tau)
    for number in range(int(rng.choice([1, 1, 2, 4]))):
        side = np.float32(number * 2.1 * half[1])
        x, y = place[0] - side * math.sin(turn), place[1] + side * math.cos(turn)
        surface = box(tuple(half.tolist()), turn + rng.normal(0, 0.1), rounding=0.02)
        spot = (float(x), float(y), place[2] + float(half[2]))
        reach = math.hypot(half[0], half[1])
        bounds = moved_bounds(cube_bounds(reach, -half[2], half[2]), *spot)
        paint = mottled(colour, colour * np.float32(0.93), rng.uniform(0.2, 0.7), rng)
        solids.append(Solid(moved(surface, *spot), bounds, paint, steps=14))
    return solids


def bottle(place: Place, rng: np.random.Generator) -> list[Solid]:
    """A bottle, a jar, a cup turned over, a mill: a solid of revolution, a label around it."""
    radius, height = rng.uniform(0.12, 0.3), rng.uniform(0.3, 1.5)
    neck, shoulder = rng.uniform(0.25, 1.0), rng.uniform(0.5, 0.9)
    low, high = sorted(rng.uniform(0.05, 0.75, 2) * height)
    x0, y0, z0 = (np.float32(part) for part in place)
    coat, label = random_stuff(rng), _printed(rng, random_stuff(rng))
    glass = uniform_paint(coat, rng)

    def surface(x: Real, y: Real, z: Real) -> Field:
        up = (z - z0) / np.float32(height)
        share = np.clip((up - shoulder) * 6, 0, 1)
        wide = np.float32(radius) * (1 + np.float32(neck - 1) * share * share * (3 - 2 * share))
        around = np.sqrt((x - x0) ** 2 + (y - y0) ** 2) - wide
        return np.asarray(np.maximum(around, (np.abs(up - 0.5) - 0.5) * height), np.float32)

    def paint(x: Field, y: Field, z: Field, normal: Field) -> Material:
        first, second = glass(x, y, z, normal), label(x, y, z, normal)
        on = ((z - z0 > low) & (z - z0 < high)).astype(np.float32)
        return Material(
            mix(first.albedo, second.albedo, on), mix(first.mirror, second.mirror, on), first.rough
        )

    bounds = Bounds(
        place[0] - radius, place[0] + radius, place[1] - radius, place[1] + radius,
        place[2], place[2] + height,
    )  # fmt: skip
    return [Solid(surface, bounds, paint, steps=24)]


def lid(place: Place, rng: np.random.Generator, *, radius: float | None = None) -> list[Solid]:
    """A lid with its knob; it belongs to no pan."""
    radius = radius or rng.uniform(0.5, 1.05)
    high = radius * rng.uniform(0.1, 0.35)
    coat = china(rng) if rng.random() < 0.3 else random_stuff(rng)
    spot = place
    dome = Solid(
        moved(ovoid((radius, radius, high), 0.0), *spot),
        moved_bounds(cube_bounds(radius, 0.0, high), *spot),
        uniform_paint(coat, rng), steps=24,
    )  # fmt: skip
    top = (place[0], place[1], place[2] + high)
    end = (top[0], top[1], top[2] + 0.1)
    return [dome, bar(top, end, 0.05, 0.09, random_stuff(rng), rng)]


def heap(place: Place, rng: np.random.Generator) -> list[Solid]:
    """Flour, sugar, rice, grated cheese: a low heap, white to brown."""
    radius = rng.uniform(0.15, 0.6)
    high = radius * rng.uniform(0.08, 0.4)
    value = rng.uniform(120, 255)
    colour = linear((value, value * rng.uniform(0.75, 1), value * rng.uniform(0.4, 1)))
    waves = rng.normal(0, 0.12, 6).astype(np.float32)
    oval = ovoid((radius, radius * rng.uniform(0.6, 1), high), rng.uniform(0, math.tau))

    def surface(x: Real, y: Real, z: Real) -> Field:
        angle = np.arctan2(y, x)
        wide = 1 + sum(waves[k] * np.cos((k + 1) * angle + k) for k in range(len(waves)))
        return oval(x / wide, y / wide, z)

    bounds = moved_bounds(cube_bounds(radius * 1.7, 0.0, high), *place)
    paint = mottled(colour, colour * np.float32(rng.uniform(0.5, 0.95)), 0.9, rng)
    return [Solid(moved(surface, *place), bounds, paint, steps=16)]


def flames(bottom: float, rng: np.random.Generator) -> list[Solid]:
    """Blue flames of a gas burner, around the middle."""
    count, radius = int(rng.integers(10, 24)), rng.uniform(0.28, 0.45)
    glow = np.array([0.15, 0.4, 2.5], np.float32) * np.float32(rng.uniform(0.3, 1.5))
    solids = []
    for angle in np.linspace(0, math.tau, count, endpoint=False):
        c, s = math.cos(angle), math.sin(angle)
        start = (radius * c, radius * s, bottom)
        far = radius + rng.uniform(0.05, 0.14)
        coat = Coat(glow, np.zeros(3, np.float32), 1.0)
        rod = bar(start, (far * c, far * s, bottom + 0.07), 0.03, 0.008, coat, rng)
        solids.append(Solid(rod.surface, rod.bounds, rod.paint, steps=8, casts=False))
    return solids


def _fruit(place: Place, rng: np.random.Generator) -> list[Solid]:
    return [fruit(place, rng)]


CLUTTER: tuple[Callable[[Place, np.random.Generator], list[Solid]], ...] = (
    packet, packet, butter, bottle, bottle, lid, heap, _fruit, broken_shell, *LARDER,
)  # fmt: skip


def backdrop(rng: np.random.Generator) -> Field:
    """A kitchen behind, out of focus, as a photo or a collage has it: (48, 64, 3) linear."""
    soft = cv2.GaussianBlur(picture((48, 64), rng), (0, 0), rng.uniform(0.4, 3))
    tone = 1 + np.float32(0.3) * fractal_noise((48, 64), 40, rng=rng, octaves=2)
    return np.asarray(np.clip(soft * tone[..., None], 0, 1), np.float32)

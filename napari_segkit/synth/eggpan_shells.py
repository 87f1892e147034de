"""Eggs in the shell: alone, in heaps, cartons, bowls and baskets, halved, broken.

Lengths are in radii of a pan of 24 cm, as in `eggpan_things`: an egg is 0.48 long and 0.36 wide.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.synth.eggpan_coats import bare_plan, china, uniform_paint
from napari_segkit.synth.eggpan_eggs import white_colour, yolk_colour
from napari_segkit.synth.eggpan_plan import BACKGROUND, EGG
from napari_segkit.synth.eggpan_shapes import (
    Profile,
    cube_bounds,
    moved,
    moved_bounds,
    ovoid,
    packed,
    spheroid,
)
from napari_segkit.synth.eggpan_slabs import pulp
from napari_segkit.synth.eggpan_things import bar, mottled, random_stuff
from napari_segkit.synth.eggpan_vessels import Vessel
from napari_segkit.synth.noise import Field, mix, step
from napari_segkit.synth.rays import Material, Solid
from napari_segkit.synth.textures import linear, random_colour

if TYPE_CHECKING:
    from napari_segkit.synth.eggpan_things import Place
    from napari_segkit.synth.noise import Real
    from napari_segkit.synth.rays import Paint

_PITCH = 0.42
"""From cup to cup of a carton."""
_LAYER = 0.27
"""From one layer of a heap of eggs to the next."""


def shell_colour(rng: np.random.Generator) -> Field:
    """Of brown, white, greenish or painted eggs; (3,) linear."""
    kind = rng.random()
    if kind < 0.52:  # brown
        red = rng.uniform(165, 240)
        green = red * rng.uniform(0.62, 0.82)
        return linear((red, green, green * rng.uniform(0.66, 0.9)))
    if kind < 0.9:
        tint = np.array([1, rng.uniform(0.95, 1), rng.uniform(0.84, 1)], np.float32)
        return np.asarray(linear((rng.uniform(215, 255),) * 3) * tint, np.float32)
    return random_colour(rng, value=(0.6, 0.95), saturation=(0.1, 0.4))


def shell_paint(rng: np.random.Generator, colour: Field | None = None) -> Paint:
    """Eggshell of a colour, plain, mottled or speckled as a quail's."""
    shell = shell_colour(rng) if colour is None else colour
    shell = np.clip(shell * np.float32(rng.uniform(0.85, 1.1)), 0, 1).astype(np.float32)
    dark = rng.uniform(0.1, 0.5) if rng.random() < 0.1 else rng.uniform(0.75, 0.95)
    return mottled(shell, shell * np.float32(dark), rng.uniform(0.4, 1), rng)


def shell_egg(
    place: Place,
    rng: np.random.Generator,
    *,
    tilt: float | None = None,
    colour: Field | None = None,
) -> Solid:
    """A whole egg that rests on a place; ``tilt`` of its axis in radians, 0 = it lies."""
    a, b = rng.uniform(0.21, 0.26), rng.uniform(0.165, 0.19)
    turn, point = rng.uniform(0, math.tau), rng.uniform(0.05, 0.2)
    tilt = rng.normal(0, 0.15) if tilt is None else tilt
    c, s = math.cos(tilt), math.sin(tilt)
    axis = (c * math.cos(turn), c * math.sin(turn), s)
    rise = math.hypot(a * s, b * c)
    spot = (place[0], place[1], place[2] + rise)
    bounds = moved_bounds(cube_bounds(1.1 * a, -1.1 * rise, 1.1 * rise), *spot)
    surface = moved(spheroid(a, b, axis, point=point), *spot)
    return Solid(surface, bounds, shell_paint(rng, colour), EGG, steps=18)


def half_egg(place: Place, rng: np.random.Generator) -> Solid:
    """Half of a boiled egg, its cut face upwards."""
    a, b = rng.uniform(0.2, 0.25), rng.uniform(0.15, 0.18)
    turn, yolk = rng.uniform(0, math.tau), rng.uniform(0.45, 0.68)
    white, yellow = white_colour(rng), yolk_colour(rng)
    surface = ovoid((a, b, b), turn, point=0.1, cut=0.0)
    spot = (place[0], place[1], place[2] + b * 0.9)
    c, s = math.cos(turn), math.sin(turn)

    def paint(x: Field, y: Field, z: Field, normal: Field) -> Material:
        u, v = x - np.float32(spot[0]), y - np.float32(spot[1])
        along, across = (u * c + v * s) / a + 0.1, (v * c - u * s) / b
        inner = step(yolk - np.hypot(along * 1.15, across), 0, 0.06) * (normal[:, 2] > 0.7)
        albedo = mix(np.broadcast_to(white, (len(x), 3)), yellow, inner)
        shiny = np.full((len(x), 3), 0.045, np.float32)
        return Material(albedo, shiny, np.full(len(x), 0.35, np.float32))

    bounds = moved_bounds(cube_bounds(a * 1.2, -b * 1.1, 0.01), *spot)
    return Solid(moved(surface, *spot), bounds, paint, EGG, steps=16)


def broken_shell(place: Place, rng: np.random.Generator) -> list[Solid]:
    """Half of an egg's shell: with yolk and white in it an egg, empty it is rubbish."""
    a, b = rng.uniform(0.12, 0.17), rng.uniform(0.15, 0.18)
    filled, turn = rng.random() < 0.5, rng.uniform(0, math.tau)
    jag, phase = rng.uniform(0.01, 0.03), rng.uniform(0, math.tau, 2)
    outer = ovoid((b, b, a), turn)
    inner = ovoid((b * 0.93, b * 0.93, a * 0.93), turn)
    level = -a * rng.uniform(0.1, 0.5) if filled else -2 * a
    white, yolk, shell = white_colour(rng) * np.float32(0.8), yolk_colour(rng), shell_paint(rng)
    spot = (place[0], place[1], place[2] + a)

    def surface(x: Real, y: Real, z: Real) -> Field:
        angle = np.arctan2(y, x)
        edge = jag * (np.sin(7 * angle + phase[0]) + np.sin(11 * angle + phase[1]))
        hollow = np.minimum(-inner(x, y, z), np.float32(level) - z)
        carved = np.maximum(outer(x, y, z), np.where(z > level, -inner(x, y, z), hollow))
        return np.asarray(np.maximum(carved, z - edge), np.float32)

    def paint(x: Field, y: Field, z: Field, normal: Field) -> Material:
        outside = shell(x, y, z, normal)
        u, v, up = x - spot[0], y - spot[1], z - np.float32(spot[2])
        within = (inner(u, v, up) < 0.004).astype(np.float32)
        albedo = mix(outside.albedo, np.full(3, 0.85, np.float32), within)
        if filled:
            wet = ((np.abs(up - level) < 0.012) & (within > 0)).astype(np.float32)
            core = step(b * 0.6 - np.hypot(u, v), 0, 0.02)
            albedo = mix(albedo, mix(np.broadcast_to(white, albedo.shape), yolk, core), wet)
            return Material(albedo, outside.mirror, outside.rough * (1 - 0.8 * wet))
        return Material(albedo, outside.mirror, outside.rough)

    bounds = moved_bounds(cube_bounds(b, -a, 2 * jag + 0.01), *spot)
    value = EGG if filled else BACKGROUND
    return [Solid(moved(surface, *spot), bounds, paint, value, steps=22)]


def loose_eggs(place: Place, rng: np.random.Generator) -> list[Solid]:
    """A few eggs side by side, whole, halved or broken."""
    solids: list[Solid] = []
    colour = shell_colour(rng) if rng.random() < 0.7 else None
    for x, y, _ in packed(rng.uniform(0.2, 0.9), rng.uniform(0.42, 0.7), 1, rng)[:8]:
        spot, kind = (place[0] + x, place[1] + y, place[2]), rng.random()
        if kind < 0.72:
            solids.append(shell_egg(spot, rng, colour=colour))
        elif kind < 0.86:
            solids.append(half_egg(spot, rng))
        else:
            solids.extend(broken_shell(spot, rng))
    return solids


def egg_heap(
    place: Place, rng: np.random.Generator, *, radius: float | None = None, layers: int = 0
) -> list[Solid]:
    """Eggs heaped up over a radius, every way round."""
    radius = radius or rng.uniform(0.3, 1.0)
    layers = layers or int(rng.integers(1, 4))
    colour = shell_colour(rng) if rng.random() < 0.8 else None
    solids = []
    for x, y, layer in packed(radius, 0.41, layers, rng):
        tilt = rng.normal(0, 0.35) if layer < 2 else rng.normal(0, 0.6)
        spot = (place[0] + x, place[1] + y, place[2] + _LAYER * layer)
        solids.append(shell_egg(spot, rng, tilt=tilt, colour=colour))
    return solids


def carton(place: Place, rng: np.random.Generator) -> list[Solid]:
    """A carton or tray with eggs upright in its cups, its lid open beside it now and then."""
    rows, columns = int(rng.choice([1, 2, 2, 3, 5])), int(rng.integers(2, 7))
    turn, full = rng.uniform(0, math.tau), rng.choice([0.35, 0.75, 1.0], p=[0.2, 0.3, 0.5])
    high = rng.uniform(0.14, 0.3)
    tray = pulp(rows, columns, _PITCH, high, rng)
    solids = [tray.solid(place, turn)]
    c, s = math.cos(turn), math.sin(turn)
    if rng.random() < 0.35:
        far = (rows + 0.25) * _PITCH
        solids.append(tray.solid((place[0] - far * s, place[1] + far * c, place[2]), turn))
    colour = shell_colour(rng) if rng.random() < 0.85 else None
    for row in range(rows):
        for column in range(columns):
            if rng.random() > full:
                continue
            u, v = (column - (columns - 1) / 2) * _PITCH, (row - (rows - 1) / 2) * _PITCH
            spot = (place[0] + u * c - v * s, place[1] + u * s + v * c, place[2] + 0.02)
            tilt = math.pi / 2 - abs(rng.normal(0, 0.2))
            solids.append(shell_egg(spot, rng, tilt=tilt, colour=colour))
    return solids


def nest(place: Place, rng: np.random.Generator) -> list[Solid]:
    """Eggs in a bowl, a basket or on a plate, on straw now and then."""
    size, deep = rng.uniform(0.45, 1.0), rng.choice([0.12, 0.35, 0.55])
    profile = Profile(rng.uniform(0.6, 0.85), deep, rng.uniform(0.5, 1.0), 0.035, 0.04, 0.015)
    coat = china(rng) if rng.random() < 0.6 else random_stuff(rng)
    plan = bare_plan(coat, 120, 1.12, BACKGROUND, rng)
    floor = place[2] + profile.base * size
    vessel = Vessel(
        profile, plan, coat, coat, coat, BACKGROUND, place[0], place[1], floor, size
    )  # fmt: skip
    solids = vessel.solids()
    if rng.random() < 0.4:  # wicker
        wicker = replace(coat, albedo=_straw(rng), strength=rng.uniform(3, 8))
        solids[0] = replace(solids[0], paint=uniform_paint(wicker, rng, grain=0.025))
    spot = (place[0], place[1], floor)
    if rng.random() < 0.3:
        solids += _nest_straw(spot, size, rng)
    layers = 1 + round(deep * size / _LAYER)
    return solids + egg_heap(spot, rng, radius=max(0.1, size * profile.floor - 0.1), layers=layers)


def _straw(rng: np.random.Generator) -> Field:
    red = rng.uniform(120, 225)
    return linear((red, red * rng.uniform(0.7, 0.85), red * rng.uniform(0.4, 0.6)))


def _nest_straw(spot: Place, size: float, rng: np.random.Generator) -> list[Solid]:
    """Blades of straw that lie across."""
    coat = replace(random_stuff(rng), albedo=_straw(rng), mirror=np.full(3, 0.03, np.float32))
    solids = []
    for _ in range(int(rng.integers(8, 20))):
        x, y = np.array(spot[:2]) + rng.normal(0, 0.5 * size, 2)
        angle, long = rng.uniform(0, math.tau), rng.uniform(0.15, 0.4)
        dx, dy, up = long * math.cos(angle), long * math.sin(angle), rng.uniform(0.03, 0.15)
        ends = (x - dx, y - dy, spot[2] + up), (x + dx, y + dy, spot[2] + up)
        solids.append(bar(*ends, 0.01, 0.008, coat, rng))
    return solids


SHELLS = (loose_eggs, egg_heap, carton, carton, nest)
"""What eggs in the shell are found in."""

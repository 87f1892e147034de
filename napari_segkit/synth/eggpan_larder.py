"""Food that is no egg, many at once: heaps of fruit, full bowls, loaves, bundles, slices.

Lengths are in radii of a pan of 24 cm, as in `eggpan_things`.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from napari_segkit.synth.eggpan_coats import Coat, bare_plan, china
from napari_segkit.synth.eggpan_plan import BACKGROUND
from napari_segkit.synth.eggpan_shapes import (
    Profile,
    cube_bounds,
    moved,
    moved_bounds,
    packed,
    spheroid,
)
from napari_segkit.synth.eggpan_slabs import FLAT, SMALL
from napari_segkit.synth.eggpan_things import bar, mottled, random_stuff
from napari_segkit.synth.eggpan_vessels import Vessel
from napari_segkit.synth.noise import Field, fractal_noise, mix, step, value_noise
from napari_segkit.synth.rays import Material, Solid, sample
from napari_segkit.synth.textures import linear, random_colour

if TYPE_CHECKING:
    from napari_segkit.synth.eggpan_plan import Plan
    from napari_segkit.synth.eggpan_things import Place
    from napari_segkit.synth.noise import Real
    from napari_segkit.synth.rays import Paint, Surface


def _blush(first: Field, second: Field, rng: np.random.Generator) -> Paint:
    """Skin of fruit: two colours that shade into each other, stripes, pits."""
    around = rng.normal(0, 1, 3).astype(np.float32)
    noise = fractal_noise((96, 96), rng.uniform(3, 30), rng=rng, octaves=3)
    pits = step(value_noise((96, 96), rng.uniform(1.5, 4), rng=rng), rng.uniform(0.9, 1.8), 0.4)
    depth, rough = np.float32(rng.uniform(0, 0.7)), rng.uniform(0.15, 0.95)

    def paint(x: Field, y: Field, z: Field, normal: Field) -> Material:
        column, row = 48 + 150 * (x + 0.4 * z), 48 + 150 * (y - 0.4 * z)
        shade = step(normal @ around + 0.5 * sample(noise, column, row), 0.2, 2.5)
        albedo = mix(np.broadcast_to(first, (len(x), 3)), second, shade)
        albedo = albedo * (1 - depth * sample(pits, column, row))[:, None]
        shiny = np.full((len(x), 3), 0.04, np.float32)
        return Material(albedo, shiny, np.full(len(x), rough, np.float32))

    return paint


def _lumpy(surface: Surface, size: float, rng: np.random.Generator) -> Surface:
    """A body with bumps, as potatoes have them."""
    waves = rng.uniform(3, 7, 3) / size
    phase, much = rng.uniform(0, math.tau, 3), np.float32(size * rng.uniform(0.03, 0.09))

    def distance(x: Real, y: Real, z: Real) -> Field:
        bump = np.sin(x * waves[0] + phase[0]) + np.sin(y * waves[1] + phase[1])
        return np.asarray(surface(x, y, z) + much * (bump + np.sin(z * waves[2])), np.float32)

    return distance


def _body(
    place: Place,
    size: float,
    long: float,
    paint: Paint,
    rng: np.random.Generator,
    *,
    smooth: bool = False,
) -> Solid:
    """One fruit: ``size`` is its smaller half axis, ``long`` the ratio of the other."""
    turn, tilt = rng.uniform(0, math.tau), rng.normal(0, 0.4)
    c = math.cos(tilt)
    axis = (c * math.cos(turn), c * math.sin(turn), math.sin(tilt))
    surface = spheroid(size * long, size, axis)
    if not smooth:
        surface = _lumpy(surface, size, rng)
    spot = (place[0], place[1], place[2] + size)
    reach = 1.15 * size * max(long, 1)
    bounds = moved_bounds(cube_bounds(reach, -1.1 * size, 1.1 * size), *spot)
    return Solid(moved(surface, *spot), bounds, paint, steps=14)


def _skin_colour(rng: np.random.Generator, *, dull: bool) -> Field:
    """Of potatoes, onions and rolls, or of ripe fruit."""
    if dull:
        return random_colour(rng, value=(0.25, 0.95), saturation=(0.2, 0.75), hue=(15, 50))
    hue = (-20, 60) if rng.random() < 0.7 else (60, 140)
    return random_colour(rng, value=(0.2, 0.97), saturation=(0.45, 0.97), hue=hue)


def fruits(place: Place, rng: np.random.Generator) -> list[Solid]:
    """A heap of one kind, or of all kinds: mangoes, potatoes, peppers, berries, nuts, garlic."""
    size = float(np.exp(rng.uniform(math.log(0.05), math.log(0.4))))
    long = rng.choice([0.75, 1.0, 1.0, rng.uniform(1.3, 2.4)])
    radius = min(size * rng.uniform(2, 9), 1.6)
    places = packed(radius, 2.05 * size * max(1.0, 0.6 * long), int(rng.integers(1, 3)), rng)
    dull = rng.random() < 0.4  # onions, potatoes, mushrooms, bread rolls
    smooth = not dull and rng.random() < 0.7  # eggs are smooth, too, but not so bright
    stalk = Coat(_skin_colour(rng, dull=dull), np.full(3, 0.03, np.float32), 0.8)
    solids, one_kind, stalks = [], rng.random() < 0.75, rng.random() < 0.3
    colours: list[Field] = []
    for x, y, layer in places[:40]:
        if not colours or not one_kind:
            colours = [_skin_colour(rng, dull=dull) for _ in range(2)]
        spot = (place[0] + x, place[1] + y, place[2] + 1.4 * size * layer)
        paint = _blush(colours[0], colours[1], rng)
        solids.append(_body(spot, size * rng.uniform(0.8, 1.1), long, paint, rng, smooth=smooth))
        if stalks:
            top, high = spot[2] + 1.9 * size, 0.3 * size
            dx, dy = rng.normal(0, 0.2 * size, 2)
            end = (spot[0] + dx, spot[1] + dy, top + high)
            solids.append(bar((*spot[:2], top), end, 0.05 * size, 0.07 * size, stalk, rng))
    return solids


def mushrooms(place: Place, rng: np.random.Generator) -> list[Solid]:
    """Caps on stems, white to brown, lying about."""
    value = rng.uniform(150, 255)
    colour = linear((value, value * rng.uniform(0.8, 0.97), value * rng.uniform(0.6, 0.92)))
    stem = Coat(colour * np.float32(0.9), np.full(3, 0.03, np.float32), 0.9)
    solids: list[Solid] = []
    for x, y, _ in packed(rng.uniform(0.2, 0.7), rng.uniform(0.3, 0.5), 1, rng)[:10]:
        size, turn = rng.uniform(0.1, 0.2), rng.uniform(0, math.tau)
        spot = (place[0] + x, place[1] + y, place[2])
        paint = mottled(colour, colour * np.float32(rng.uniform(0.4, 0.9)), 0.8, rng)
        solids.append(_body(spot, size, rng.uniform(0.6, 0.8), paint, rng))
        far = size * rng.uniform(1.3, 1.8)
        end = (spot[0] + far * math.cos(turn), spot[1] + far * math.sin(turn), spot[2] + 0.5 * size)
        thick = size * rng.uniform(0.3, 0.5)
        solids.append(bar((*spot[:2], spot[2] + size), end, thick, thick, stem, rng))
    return solids


def loaf(place: Place, rng: np.random.Generator) -> list[Solid]:
    """A loaf, a roll, a cheese: long, brown, floury."""
    size, long = rng.uniform(0.12, 0.4), rng.uniform(1.8, 3.5)
    red = rng.uniform(120, 220)
    crust = linear((red, red * rng.uniform(0.5, 0.75), red * rng.uniform(0.2, 0.45)))
    flour = linear((rng.uniform(200, 250), rng.uniform(170, 230), rng.uniform(110, 200)))
    return [_body(place, size, long, _blush(crust, flour, rng), rng)]


def bundle(place: Place, rng: np.random.Generator) -> list[Solid]:
    """Spaghetti, asparagus, sausages, carrots, cinnamon: rods side by side."""
    thick, count = float(np.exp(rng.uniform(-4.2, -2.2))), int(rng.integers(3, 14))
    colour = random_colour(rng, value=(0.3, 0.97), saturation=(0.2, 0.9), hue=(-10, 120))
    turn, half, wide = rng.uniform(0, math.tau), rng.uniform(0.3, 1.0), thick * rng.uniform(2, 5)
    solids = []
    for _ in range(count):
        coat = Coat(colour * np.float32(rng.uniform(0.8, 1.1)), np.full(3, 0.04, np.float32), 0.6)
        angle, off = turn + rng.normal(0, 0.08), rng.normal(0, wide)
        x, y = place[0] - off * math.sin(turn), place[1] + off * math.cos(turn)
        dx, dy, z = half * math.cos(angle), half * math.sin(angle), place[2] + thick
        z += rng.uniform(0, 2 * thick)
        last = thick * rng.uniform(0.5, 1)
        solids.append(bar((x - dx, y - dy, z), (x + dx, y + dy, z), thick, last, coat, rng))
    return solids


def flat_food(place: Place, rng: np.random.Generator) -> list[Solid]:
    """A board, a cloth, or slices that lie over each other."""
    make = FLAT[int(rng.integers(len(FLAT)))]
    count = int(rng.choice([1, 3, 6])) if make in SMALL else 1
    turn, way = rng.uniform(0, math.tau), rng.uniform(0, math.tau)
    one, near = make(rng), rng.uniform(1.2, 2.6) if rng.random() < 0.3 else 1.0
    one = replace(one, reach=one.reach * near, height=one.height * np.float32(near))
    solids = []
    for k in range(count):
        away = k * one.reach * rng.uniform(0.5, 1.9)
        x, y = place[0] + away * math.cos(way), place[1] + away * math.sin(way)
        solids.append(one.solid((x, y, place[2] + 0.02 * k), turn + rng.normal(0, 0.3)))
    return solids


def full_bowl(place: Place, rng: np.random.Generator) -> list[Solid]:
    """A bowl, a cup or a jar's mouth, full of grain, cream, drink or nothing; any size."""
    deep = rng.uniform(0.2, 0.9)
    profile = Profile(rng.uniform(0.3, 0.8), deep, rng.uniform(0.4, 0.9), 0.03, 0.04, 0.015)
    inside = china(rng) if rng.random() < 0.65 else random_stuff(rng)
    outside = inside if rng.random() < 0.7 else random_stuff(rng)
    size = float(np.exp(rng.uniform(math.log(0.22), math.log(1.0))))
    plan = bare_plan(inside, 120 if size < 0.6 else 240, 1.12, BACKGROUND, rng)
    if rng.random() < 0.9:
        kind = int(rng.integers(4))
        (_lumps, grains, grains, _cream)[kind](plan, profile, deep * rng.uniform(0.35, 0.95), rng)
    vessel = Vessel(
        profile, plan, inside, outside, outside, BACKGROUND,
        place[0], place[1], place[2] + profile.base * size, size,
    )  # fmt: skip
    if size > 0.4 or rng.random() < 0.5:
        return vessel.solids()
    return [*vessel.solids(), _scoop_handle(vessel, rng)]


def _scoop_handle(vessel: Vessel, rng: np.random.Generator) -> Solid:
    """What makes a cup a scoop or a ladle."""
    angle, long, thick = rng.uniform(0, math.tau), rng.uniform(0.3, 0.9), rng.uniform(0.02, 0.05)
    c, s = math.cos(angle), math.sin(angle)
    x, y = vessel.x + vessel.scale * c, vessel.y + vessel.scale * s
    z = vessel.z + vessel.profile.height * vessel.scale * rng.uniform(0.7, 0.95)
    end = (x + long * c, y + long * s, z + long * rng.uniform(0, 0.4))
    return bar((x, y, z), end, thick, thick, random_stuff(rng), rng)


def _fill(
    plan: Plan, profile: Profile, level: float, rise: Field, tone: Field, rough: float
) -> None:
    """Fill a vessel up to a level, with ``rise`` (S, S) above it."""
    x, y = plan.places(plan.everywhere())
    rho = np.hypot(x, y)
    reach = float(profile.radius(np.full(1, level, np.float32))[0])
    plan.lay(
        plan.everywhere(), (rho < reach).astype(np.float32), albedo=tone, rough=rough,
        height=np.maximum(level + rise - profile.ground(rho), 0),
    )  # fmt: skip


def _mound(x: Field, y: Field, rng: np.random.Generator) -> Field:
    """Height of what is heaped up in the middle."""
    return np.asarray(np.float32(rng.uniform(0, 0.2)) * (1 - x * x - y * y), np.float32)


def _pale_or_bright(rng: np.random.Generator) -> Field:
    if rng.random() < 0.5:
        return random_colour(rng, value=(0.75, 1), saturation=(0, 0.4), hue=(15, 60))
    return random_colour(rng, value=(0.1, 0.95), saturation=(0.2, 0.9))


def _lumps(plan: Plan, profile: Profile, level: float, rng: np.random.Generator) -> None:
    """Flour, rice, sugar, curds: lumps of any size in a low heap."""
    x, y = plan.places(plan.everywhere())
    grain = max(1.5, plan.size / (2 * plan.reach) * rng.uniform(0.01, 0.15))
    lumps = value_noise(x.shape, grain, rng=rng) * np.float32(rng.uniform(0, 1))
    first = _pale_or_bright(rng)
    other = np.clip(first * np.float32(rng.uniform(0.4, 1.1)), 0, 1)
    tone = mix(np.broadcast_to(first, (*x.shape, 3)), other, step(lumps, 0.0, 0.8))
    rise = np.float32(0.05) * lumps + _mound(x, y, rng)
    _fill(plan, profile, level, rise, tone, rng.uniform(0.2, 0.9))


def _cream(plan: Plan, profile: Profile, level: float, rng: np.random.Generator) -> None:
    """Cream, dip, soup, tea, honey: smooth, swirled or quite flat, with something in it."""
    x, y = plan.places(plan.everywhere())
    tone = np.broadcast_to(_pale_or_bright(rng), (*x.shape, 3))
    swirl = np.sin(np.arctan2(y, x) * int(rng.integers(1, 3)) + np.hypot(x, y) * rng.uniform(5, 25))
    much = rng.uniform(0, 0.04) if rng.random() < 0.6 else 0.0
    if rng.random() < 0.3:
        soft = fractal_noise(x.shape, 0.3 / plan.pixel, rng=rng)
        tone = mix(tone, _pale_or_bright(rng), step(soft, rng.uniform(0.3, 1.5), 0.3))
    _fill(plan, profile, level, np.asarray(much * swirl, np.float32), tone, rng.uniform(0.02, 0.6))


def grains(plan: Plan, profile: Profile, level: float, rng: np.random.Generator) -> None:
    """Beans, nuts, seeds, sweets, popcorn, chocolate: hundreds of pieces, each with its shade."""
    shape = plan.height.shape
    size = plan.size * float(np.exp(rng.uniform(math.log(0.008), math.log(0.05))))
    canvas, bumps = np.zeros((*shape, 3), np.float32), np.zeros(shape, np.float32)
    tones = [_pale_or_bright(rng) for _ in range(int(rng.choice([1, 1, 2, 4])))]
    canvas[:] = tones[0] * np.float32(0.35)
    count = int(min(1200, 2.2 * plan.size**2 / (math.pi * size**2)))
    places, angles = rng.uniform(0, plan.size, (count, 2)), rng.uniform(0, 180, count)
    ratio = rng.uniform(0.4, 1)
    for k in range(count):
        tone = tones[k % len(tones)] * np.float32(rng.uniform(0.6, 1.1))
        place = (int(places[k, 0]), int(places[k, 1]))
        for share, shade in ((1.0, 0.7), (0.7, 1.0)):
            axes = (max(1, int(size * share)), max(1, int(size * ratio * share)))
            colour = np.clip(tone * np.float32(shade), 0, 1).tolist()
            cv2.ellipse(canvas, place, axes, angles[k], 0, 360, colour, -1, cv2.LINE_AA)
            cv2.ellipse(bumps, place, axes, angles[k], 0, 360, float(shade), -1, cv2.LINE_AA)
    x, y = plan.places(plan.everywhere())
    rise = np.float32(size / plan.size) * bumps + _mound(x, y, rng)
    _fill(plan, profile, level, rise, canvas, rng.uniform(0.3, 0.9))


LARDER = (
    fruits, fruits, fruits, fruits, mushrooms, loaf, bundle,
    flat_food, flat_food, flat_food, flat_food,
    full_bowl, full_bowl, full_bowl, full_bowl, full_bowl,
)  # fmt: skip
"""What lies in a kitchen and is no egg."""

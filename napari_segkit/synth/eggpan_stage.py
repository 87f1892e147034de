"""Camera, table, hob and surroundings of a scene."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from napari_segkit.synth.camera import Camera
from napari_segkit.synth.eggpan_coats import Coat, uniform_paint
from napari_segkit.synth.eggpan_pantry import backdrop, flames, picture
from napari_segkit.synth.eggpan_render import Table
from napari_segkit.synth.eggpan_shapes import cube_bounds, moved, moved_bounds, ovoid
from napari_segkit.synth.eggpan_tables import planks, strew
from napari_segkit.synth.eggpan_things import bar, rings_of_a_hob
from napari_segkit.synth.noise import Field, fractal_noise, value_noise
from napari_segkit.synth.rays import Eye, Solid, look_at
from napari_segkit.synth.textures import GROUNDS, random_colour

if TYPE_CHECKING:
    from napari_segkit.synth.light import Room

HELD_OUT_GROUNDS = ("marble", "weave")
"""Tables that are only seen when judged."""
HELD_OUT_ELEVATION = (46.0, 55.0)
"""Heights of the camera above the horizon, in degrees, that are only seen when judged."""
_ASPECTS = (1.0, 1.0, 4 / 3, 4 / 3, 3 / 4, 3 / 4, 3 / 2, 2 / 3, 5 / 4, 16 / 9, 9 / 16)
_TEXTURE = 320


def image_shape(size: int, rng: np.random.Generator) -> tuple[int, int]:
    """(height, width) of a photo of any proportion with a longer side of ``size``."""
    aspect = float(rng.choice(_ASPECTS))
    shorter = max(16, round(size * min(aspect, 1 / aspect)))
    return (shorter, size) if aspect > 1 else (size, shorter)


def draw_eye(
    shape: tuple[int, int], rng: np.random.Generator, *, held_out: bool, away: float = 1.0
) -> Eye:
    """A camera anywhere above a pan of radius 1: it may fill the frame, or leave it.

    ``away`` times as far as it would be.
    """
    low, high = HELD_OUT_ELEVATION
    while True:
        kind = rng.random()
        if kind < 0.36:
            degrees = 90 - abs(rng.normal(0, 8))
        else:
            degrees = rng.uniform(52, 85) if kind < 0.7 else rng.uniform(24, 55)
        if held_out == (low < degrees < high) or (held_out and rng.random() < 0.3):
            break
    view_angle = math.radians(rng.uniform(24, 68))
    share = float(np.exp(rng.uniform(math.log(0.65), math.log(2.1))))
    if rng.random() < 0.07:
        share *= 0.5
    half = max(shape) / min(shape) / share
    distance = half / math.tan(view_angle / 2)
    spread = 0.22 if share < 0.9 else 0.38
    target = np.array([*rng.normal(0, spread, 2), 0.05])
    return look_at(
        target,
        shape=shape,
        elevation=math.radians(min(degrees, 89.9)),
        azimuth=rng.uniform(0, math.tau),
        distance=max(distance, 0.9) * away,
        view_angle=view_angle,
        roll=rng.normal(0, 0.05) if degrees < 75 else rng.uniform(0, math.tau),
    )


def daylight(room: Room, rng: np.random.Generator) -> Room:
    """The same room in the soft light of a large window or an overcast sky."""
    return replace(
        room,
        lamp=room.lamp * np.float32(rng.uniform(0.3, 0.8)),
        softness=rng.uniform(0.5, 1.2),
        ambient=room.ambient * np.float32(rng.uniform(1.0, 1.8)),
    )


def _backdrop(rng: np.random.Generator) -> Field:
    """A kitchen far behind, out of focus."""
    picture = np.empty((48, 64, 3), np.float32)
    picture[:] = random_colour(rng, value=(0.1, 0.9), saturation=(0.0, 0.4))
    for _ in range(int(rng.integers(3, 14))):
        x, y = rng.integers(-8, 60, 2)
        w, h = rng.integers(3, 30, 2)
        colour = random_colour(rng, value=(0.02, 1.0), saturation=(0.0, 0.8))
        picture[max(0, y) : max(0, y + h), max(0, x) : max(0, x + w)] = colour
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.5, 4)), np.float32)


def lay_table(
    eye: Eye,
    rng: np.random.Generator,
    *,
    held_out: bool,
    lift: float,
    dark: bool = False,
    hob: float = 0.35,
) -> tuple[Table, list[Solid]]:
    """A table or hob ``lift`` below the floor of the pan, and the bars of a grate.

    ``dark`` makes it as black as a pan; ``hob`` is how often it is a hob.
    """
    scale = float(np.clip(eye.focal / np.linalg.norm(eye.centre), 20, 160))
    kind = rng.random()
    mirror, rough = 0.03, rng.uniform(0.4, 1.0)
    solids: list[Solid] = []
    height = -lift
    if kind < hob or dark:
        texture = np.empty((_TEXTURE, _TEXTURE, 3), np.float32)
        black = dark or rng.random() < 0.7
        texture[:] = random_colour(
            rng, value=(0.01, 0.2) if black else (0.3, 0.95), saturation=(0.0, 0.2)
        )
        if black and rng.random() < 0.5:  # stone or glass with specks
            grain = value_noise(texture.shape[:2], rng.uniform(1.2, 4), rng=rng)
            texture *= np.exp(np.float32(rng.uniform(0.1, 1.0)) * grain)[..., None]
        noise = fractal_noise(texture.shape[:2], 60, rng=rng, octaves=4)
        texture *= (1 + np.float32(rng.uniform(0, 0.2)) * noise)[..., None]
        mirror = rng.uniform(0.03, 0.4) if not black else rng.uniform(0.03, 0.08)
        rough = rng.uniform(0.0, 0.6)
        if rng.random() < 0.5:
            height -= rng.uniform(0.12, 0.3)
            solids = _grate(-lift, height, rng)
            if rng.random() < 0.25:
                solids += flames(height, rng)
        else:
            rings_of_a_hob(texture, rng)
    elif kind < hob + 0.1 and not held_out:  # cloth, paper or a board that shows something
        texture = picture((_TEXTURE, _TEXTURE), rng)
    else:
        names = [name for name in GROUNDS if (name in HELD_OUT_GROUNDS) == held_out]
        ground = GROUNDS[str(rng.choice(names))] if rng.random() < 0.75 else planks
        texture = ground((_TEXTURE, _TEXTURE), scale * 0.4, rng)
        if rng.random() < 0.3:
            mirror, rough = rng.uniform(0.03, 0.1), rng.uniform(0.02, 0.5)
        if rng.random() < 0.25:
            strew(texture, scale * 0.4, rng)
    noise = fractal_noise((_TEXTURE, _TEXTURE), 120, rng=rng, octaves=2)
    texture = texture * (1 + np.float32(0.12) * noise)[..., None]
    c, s = math.cos(turn := rng.uniform(0, 1.5)), math.sin(turn)
    middle = _TEXTURE / 2
    turned = np.array([[c, s, middle * (1 - c - s)], [-s, c, middle * (1 + s - c)]])
    texture = cv2.warpAffine(
        texture.astype(np.float32), turned, (_TEXTURE, _TEXTURE), borderMode=cv2.BORDER_REFLECT
    )
    behind = backdrop(rng) if rng.random() < 0.6 else _backdrop(rng)
    table = Table(height, np.clip(texture, 0, 1), scale, mirror, rough, behind, rng.uniform(2.5, 9))
    return table, solids


def _grate(top: float, bottom: float, rng: np.random.Generator) -> list[Solid]:
    """Bars of a gas hob, and its burner."""
    thick = rng.uniform(0.03, 0.06)
    coat = Coat(
        np.full(3, rng.uniform(0.005, 0.08), np.float32),
        np.full(3, 0.05, np.float32),
        rng.uniform(0.2, 0.9),
    )
    turn, count = rng.uniform(0, 1.6), int(rng.choice([2, 2, 3]))
    z = top - thick
    solids = []
    for k in range(count):
        angle = turn + k * math.pi / count
        c, s = math.cos(angle) * 1.5, math.sin(angle) * 1.5
        solids.append(bar((-c, -s, z), (c, s, z), thick, thick, coat, rng))
    if rng.random() < 0.6:
        for side in (-1.5, 1.5):
            c, s = math.cos(turn), math.sin(turn)
            ends = [(side * c - k * s, side * s + k * c, z) for k in (-1.5, 1.5)]
            solids.append(bar(ends[0], ends[1], thick, thick, coat, rng))
    burner = Coat(np.full(3, rng.uniform(0.01, 0.3), np.float32), np.full(3, 0.2, np.float32), 0.5)
    bounds = moved_bounds(cube_bounds(0.32, -0.07, 0.07), 0, 0, bottom)
    surface = moved(ovoid((0.3, 0.3, 0.06), 0), 0, 0, bottom)
    solids.append(Solid(surface, bounds, uniform_paint(burner, rng), steps=10))
    return solids


def draw_camera(light: Field, shape: tuple[int, int], rng: np.random.Generator) -> Camera:
    """A phone or a camera, exposed for the scene, mostly."""
    unit = max(shape) / 400
    middle = float(np.percentile(light.mean(axis=2), rng.uniform(45, 80)))
    exposure = rng.uniform(0.3, 0.62) / max(middle, 0.02)
    bright = float(np.percentile(light.mean(axis=2), 97))
    exposure = min(exposure, rng.uniform(0.8, 1.6) / max(bright, 0.02))
    exposure *= float(np.exp(rng.normal(0, 0.25)))
    warm = rng.normal(0, 0.12)
    bad = rng.random()
    return Camera(
        exposure=exposure,
        balance=(1 + warm, 1 + rng.normal(0, 0.03), 1 - warm),
        vignette=max(0.0, rng.uniform(-0.3, 0.5)),
        defocus=unit * (max(0.0, rng.uniform(-1.2, 0.9)) if bad < 0.85 else rng.uniform(0.8, 3)),
        motion=unit * rng.uniform(2, 8) if rng.random() < 0.07 else 0.0,
        motion_angle=rng.uniform(0, math.pi),
        noise=float(np.exp(rng.uniform(-7.5, -4) if bad < 0.8 else rng.uniform(-4, -2.9))),
        noise_grain=rng.uniform(1, 2.5),
        contrast=rng.uniform(-0.2, 0.8),
        sharpen=rng.uniform(0.2, 1.2) if rng.random() < 0.35 else 0.0,
        saturation=rng.uniform(0.55, 1.4),
        gray=rng.random() < 0.025,
        enlarged=rng.uniform(1, 2) if rng.random() < 0.15 else 1.0,
        watermark=rng.uniform(0.1, 0.5) if rng.random() < 0.04 else 0.0,
        jpeg=int(rng.integers(40, 98)),
    )

"""Coins as objects: their outline, metal and face, lit and painted into a picture.

The face is a height map whose normals reflect a small invented room (lamps as blurred lobes),
plus a diffuse part for dull metal; hollows are darker (occlusion, dirt). Outlines are polygons,
so that masks are exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from napari_segkit.synth.noise import Field, Real, fractal_noise, mix, step, value_noise
from napari_segkit.synth.relief import SPAN, face, polar_grid

if TYPE_CHECKING:
    from numpy.typing import NDArray

METALS: dict[str, tuple[float, float, float]] = {
    "copper": (0.66, 0.36, 0.24),
    "bronze": (0.50, 0.32, 0.17),
    "brass": (0.66, 0.54, 0.30),
    "gold": (0.88, 0.64, 0.24),
    "silver": (0.86, 0.85, 0.82),
    "nickel": (0.62, 0.59, 0.54),
    "steel": (0.55, 0.56, 0.57),
    "oxidised": (0.14, 0.11, 0.085),
    "patina": (0.20, 0.25, 0.19),
}
"""Reflectance at normal incidence, linear RGB."""


@dataclass(frozen=True)
class Lamp:
    """The light of a scene: where it comes from and what it throws.

    `direction` points towards the lamp in the image plane (x, y; unit length), `height` is the
    tangent of its elevation, `softness` the width of its reflection and penumbra, `strength` the
    depth of its shadows.
    """

    direction: tuple[float, float]
    height: float
    softness: float
    strength: float


@dataclass(frozen=True)
class Design:
    """What one coin looks like, whatever its place; radii are relative to the coin's."""

    outline: NDArray[np.float64]  # (N,) radius at equal angles from 0
    convex: bool
    thickness: float
    metal: str
    core: str | None
    core_radius: float
    hole: float
    worn: float
    shine: float
    dirt: float
    reeded: bool


def outline(kind: str, rng: np.random.Generator, *, points: int = 180) -> NDArray[np.float64]:
    """Radius at `points` equal angles, at most 1.

    `kind` is 'round', 'scalloped', 'polygon' or 'struck' (ancient, by hand).
    """
    angle = np.linspace(0, math.tau, points, endpoint=False)
    if kind == "scalloped":
        lobes = int(rng.choice([8, 10, 12]))
        return np.asarray(1 - rng.uniform(0.02, 0.05) * (1 - np.abs(np.cos(angle * lobes / 2))))
    if kind == "polygon":
        sides = int(rng.choice([7, 8, 10, 11, 12]))
        within = (angle % (math.tau / sides)) - math.pi / sides
        flat = math.cos(math.pi / sides) / np.cos(within)
        return np.asarray(flat + (1 - flat) * rng.uniform(0.1, 0.6))
    if kind == "struck":
        radius = np.ones(points)
        for order in range(2, 12):
            radius += rng.normal(0, 0.035 / order) * np.cos(
                order * angle + rng.uniform(0, math.tau)
            )
        for _ in range(int(rng.integers(0, 4))):  # cracks and chips
            away = np.abs((angle - rng.uniform(0, math.tau) + math.pi) % math.tau - math.pi)
            radius -= rng.uniform(0.01, 0.06) * np.exp(-((away / rng.uniform(0.03, 0.15)) ** 2))
        return np.asarray(radius / radius.max())
    return np.ones(points)


def random_design(
    rng: np.random.Generator, *, metals: tuple[str, ...], struck: float = 0.05
) -> Design:
    """Invent a coin of one of `metals`; `struck` = chance of an irregular, ancient outline."""
    weights = np.array([0.3 if m == "patina" else 1.0 for m in metals])
    metal = str(rng.choice(metals, p=weights / weights.sum()))
    kind = str(rng.choice(["round", "scalloped", "polygon"], p=[0.88, 0.05, 0.07]))
    if rng.random() < struck:
        kind = "struck"
    bimetal = (
        kind == "round" and rng.random() < 0.12 and metal in {"brass", "gold", "nickel", "silver"}
    )
    other = "nickel" if metal in {"brass", "gold"} else "brass"
    worn = float(rng.beta(1.2, 1.8))
    return Design(
        outline=outline(kind, rng),
        convex=kind in {"round", "polygon"},
        thickness=rng.uniform(0.1, 0.2),
        metal=metal,
        core=other if bimetal else None,
        core_radius=rng.uniform(0.62, 0.76),
        hole=rng.uniform(0.15, 0.26)
        if kind == "round" and not bimetal and rng.random() < 0.05
        else 0.0,
        worn=worn,
        shine=float(np.clip(rng.normal(0.8 - 0.4 * worn, 0.2), 0.1, 1.0)),
        dirt=float(rng.beta(1, 2.5)) * (0.4 + 0.6 * worn),
        reeded=rng.random() < 0.5,
    )


def room(slope_x: Real, slope_y: Real, lamp: Lamp, *, shine: float, dark: float) -> Field:
    """Light that comes back from a mirror of some slope: lamp, bright side, dark side.

    `dark` in [0, 1] is how little comes from the side away from the lamp (the ceiling, the
    photographer).
    """
    reach = np.float32(1.1 / (0.35 + lamp.height))
    spread = np.float32(0.18 + 0.9 * lamp.softness + 0.6 * (1 - shine))
    towards_x, towards_y = np.float32(lamp.direction[0]), np.float32(lamp.direction[1])
    away = (slope_x - towards_x * reach) ** 2 + (slope_y - towards_y * reach) ** 2
    side = slope_x * towards_x + slope_y * towards_y
    across = slope_x * towards_y - slope_y * towards_x
    low = np.float32(0.55 - 0.47 * dark)
    sky = low + (np.float32(1.05) - low) / (1 + np.exp(-(side - 0.1) / (0.5 * spread)))
    lamp_light = np.float32(0.4 + 1.6 * shine) * np.exp(-away / (2 * spread * spread))
    steep = slope_x * slope_x + slope_y * slope_y
    walls = np.float32(0.25) * np.cos(across * np.float32(2.5)) / (1 + steep)
    return np.asarray((sky + walls) / (1 + 0.25 * steep) + lamp_light, np.float32)


def scratches(size: int, count: int, *, rng: np.random.Generator) -> Field:
    """Fine lines all over; (size, size) float32 in 0..1."""
    canvas = np.zeros((size, size), np.uint8)
    for _ in range(count):
        start = rng.uniform(0, size, 2)
        end = start + rng.normal(0, size * 0.15, 2)
        ends = [(int(x), int(y)) for x, y in (start, end)]
        cv2.line(canvas, ends[0], ends[1], int(rng.integers(60, 255)), 1, cv2.LINE_AA)
    return np.asarray(canvas, np.float32) / np.float32(255)


def _patches(size: int, base: Field, design: Design, rng: np.random.Generator) -> Field:
    """Tarnish: darker and duller stains, green on copper."""
    stain = step(
        fractal_noise((size, size), size * 0.25, rng=rng, octaves=4, persistence=0.6), 0.6, 1.6
    )
    tone = np.array([0.45, 0.4, 0.36], np.float32)
    if design.metal in {"copper", "bronze", "patina"} and rng.random() < 0.4:
        tone = np.array([0.35, 0.6, 0.5], np.float32)
    return mix(base, base * tone, stain * np.float32(0.9 * design.dirt))


def face_colours(
    design: Design,
    size: int,
    lamp: Lamp,
    *,
    turn: float,
    lean: tuple[float, float],
    rng: np.random.Generator,
) -> Field:
    """Paint a lit face.

    Parameters
    ----------
    size : side of the square in pixels; it spans -SPAN..SPAN radii.
    turn : radians by which the coin lies turned in the image; the lamp is turned back by it.
    lean : slope of the face relative to the camera's image plane, x and y.

    Returns
    -------
    (size, size, 3) float32 linear light.
    """
    height = face(size, rng=rng, worn=design.worn)
    x, y, radius, _ = polar_grid(size)
    if design.core is not None:
        groove = np.exp(-(((radius - design.core_radius) / 0.015) ** 2))
        height = height - np.float32(0.35) * groove
    grit = np.float32(rng.uniform(0, 0.004) + 0.02 * design.worn * rng.random())
    height += grit * value_noise((size, size), max(1.0, size * 0.008), rng=rng)
    height -= np.float32(0.03) * scratches(size, int(rng.integers(0, 40)), rng=rng)
    gx, gy = _slopes(height, size, rng)
    c, s = np.float32(math.cos(turn)), np.float32(math.sin(turn))
    view_x, view_y = c * gx - s * gy, s * gx + c * gy
    bend = np.float32(rng.uniform(0.02, 0.5))
    off = rng.normal(0, 0.25, 2) + lean  # lamps are not where the same mirror would show them
    slope_x = 2 * view_x + np.float32(off[0]) + bend * (c * x - s * y)
    slope_y = 2 * view_y + np.float32(off[1]) + bend * (s * x + c * y)
    mirror = room(slope_x, slope_y, lamp, shine=design.shine, dark=rng.uniform(0.1, 1.0))
    facing = view_x * np.float32(lamp.direction[0]) + view_y * np.float32(lamp.direction[1])
    dull = np.clip(0.75 + 0.6 * facing / (0.4 + lamp.height), 0.05, 1.6)
    light = design.shine * mirror + (1 - design.shine) * dull
    hollow = np.minimum(height - cv2.GaussianBlur(height, (0, 0), max(1.0, size * 0.02)), 0)
    light *= np.clip(1 + np.float32(0.5 + 3.5 * design.dirt) * hollow, 0.25, 1)
    base = np.empty((size, size, 3), np.float32)
    base[:] = METALS[design.metal]
    if design.core is not None:
        core = np.array(METALS[design.core], np.float32)
        base = mix(base, core, 1 - step(radius, design.core_radius, 0.02))
    base = _patches(size, base, design, rng) * np.float32(rng.uniform(0.5, 1.0))
    return np.asarray(base * light[..., None], np.float32)


def _slopes(height: Field, size: int, rng: np.random.Generator) -> tuple[Field, Field]:
    """Slope of the surface towards x and y: relief, and the bevel that ends every coin."""
    x, y, radius, _ = polar_grid(size)
    scale = np.float32(size / (2 * SPAN) * rng.uniform(0.025, 0.06) / 16)
    gx = -cv2.Scharr(height, cv2.CV_32F, 1, 0) * scale
    gy = -cv2.Scharr(height, cv2.CV_32F, 0, 1) * scale
    bevel = np.float32(rng.uniform(0.2, 1.2)) * step(radius, 0.985, rng.uniform(0.02, 0.08))
    return gx + bevel * x, gy + bevel * y


def wall_colours(
    design: Design,
    centre: NDArray[np.float64],
    window_xy: tuple[Field, Field],
    lamp: Lamp,
    *,
    rng: np.random.Generator,
) -> Field:
    """Paint the visible side wall.

    Parameters
    ----------
    centre : (2,) image x, y of the coin's lower edge.
    window_xy : image x and y of each pixel, (1, w) and (h, 1).

    Returns
    -------
    (h, w, 3) float32 linear light.
    """
    turn = np.linspace(0, math.tau, 2048, endpoint=False, dtype=np.float32)
    facing = np.cos(turn) * lamp.direction[0] + np.sin(turn) * lamp.direction[1]
    wavy = np.cos(turn * 3 + rng.uniform(0, math.tau)) ** 2
    light = 0.38 + 0.4 * facing + 0.3 * design.shine * wavy
    if design.reeded:
        light = light * (1 + 0.35 * np.sin(turn * rng.integers(90, 150)))
    tint = np.array(METALS[design.metal], np.float32)
    table = (np.clip(light, 0.06, 1.5)[:, None] * tint).astype(np.float32)
    x, y = np.broadcast_arrays(window_xy[0] - centre[0], window_xy[1] - centre[1])
    angle = cv2.phase(x.astype(np.float32), y.astype(np.float32))
    step_of = (angle * np.float32(2048 / math.tau)).astype(np.int32) % 2048
    return np.asarray(table[step_of], np.float32)

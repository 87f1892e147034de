"""Pictures with the statistics of photographs: dead leaves of all sizes, walls, rooms, pages.

Dead leaves of power-law sizes (Lee, Mumford, Huang 2001, doi:10.1023/A:1011109015675) have the
edges and the scale invariance of natural images.
Every ground here is `(shape, rng) -> (H, W, 3) float32`, display values in [0, 1], RGB.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from napari_segkit.synth.grounds_sky import any_colour, hsv, leaf_shape, plain
from napari_segkit.synth.noise import Field, fractal_noise, ramp, soften, step
from napari_segkit.synth.textures import GROUNDS

if TYPE_CHECKING:
    from numpy.typing import NDArray


def _outline(radius: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Outline of one piece about the origin: an ellipse, a leaf, a box, a crooked polygon."""
    kind, angle = rng.random(), rng.uniform(0, math.tau)
    if kind < 0.35:
        return leaf_shape(radius, angle, rng.uniform(0.2, 1))
    if kind < 0.6:
        half = radius * np.array([1, rng.uniform(0.1, 1)])
        box = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * half
        angle = angle if rng.random() < 0.5 else rng.normal(0, 0.03)
        c, s = math.cos(angle), math.sin(angle)
        return np.asarray(box @ np.array([(c, s), (-s, c)]), np.float64)
    count = int(rng.integers(3, 12))
    t = np.sort(rng.uniform(0, math.tau, count))
    r = radius * rng.uniform(0.4, 1, count)
    return np.stack([r * np.cos(t), r * np.sin(t)], axis=1)


def _radii(smallest: float, largest: float, count: int, rng: np.random.Generator) -> list[float]:
    """Radii of density r ** -3 between bounds."""
    share = (smallest / largest) ** 2
    radii = smallest / np.sqrt(1 - rng.uniform(0, 1, count) * (1 - share))
    return [float(r) for r in radii]


def _pieces(
    shape: tuple[int, int], smallest: float, largest: float, rng: np.random.Generator
) -> tuple[NDArray[np.int32], int]:
    """Which piece shows at each pixel, (H, W) int32 from 0, and how many there are."""
    mean_square = 2 * smallest**2 * math.log(largest / smallest)
    count = int(min(4000, 2 * shape[0] * shape[1] / (1.5 * mean_square)))
    ids = np.zeros(shape, np.int32)
    for number, radius in enumerate(_radii(smallest, largest, count, rng), start=1):
        centre = rng.uniform(-0.1, 1.1, 2) * (shape[1], shape[0])
        outline = np.round((centre + _outline(radius, rng)) * 8).astype(np.int32)
        cv2.fillPoly(ids, [outline], number, cv2.LINE_8, 3)
    return ids, count + 1


def collage(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    """Dead leaves: opaque pieces of all sizes upon each other, shaded, some textured."""
    smallest = float(np.exp(rng.uniform(math.log(1.5), math.log(25))))
    ids, count = _pieces(shape, smallest, smallest * rng.uniform(8, 60), rng)
    palette = np.stack([any_colour(rng) for _ in range(int(rng.integers(2, 7)))])
    colours = palette[rng.integers(0, len(palette), count)]
    colours = colours * np.exp(rng.normal(0, rng.uniform(0.1, 0.5), (count, 1)))
    roughness = (rng.random(count) < 0.5) * rng.uniform(0, 0.25, count)
    grain = fractal_noise(shape, rng.uniform(2, 14), rng=rng, octaves=3, persistence=0.7)
    slope = rng.normal(0, 0.12, (count, 2)).astype(np.float32)[ids]
    light = 1 + roughness.astype(np.float32)[ids] * grain
    light += slope[..., 0] * ramp(shape, 0.0) + slope[..., 1] * ramp(shape, math.pi / 2)
    picture = colours.astype(np.float32)[ids] * light[..., None]
    return np.clip(picture, 0, 1).astype(np.float32)


def surface(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    """One material that fills the frame: paper, cloth, wood, stone, carpet, print."""
    name = str(rng.choice(sorted(set(GROUNDS) - {"photo"})))
    unit = float(np.exp(rng.uniform(math.log(40), math.log(500))))
    lit = GROUNDS[name](shape, unit, rng) * np.float32(rng.uniform(0.5, 1.3))
    lit *= (1 + np.float32(rng.uniform(0, 0.5)) * ramp(shape, rng.uniform(0, math.tau)))[..., None]
    return np.asarray(np.clip(lit, 0, 1) ** np.float32(1 / 2.2), np.float32)


def smooth(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    """Things far out of focus, skin, a painted wall: soft shades and few edges."""
    first = any_colour(rng, value=(0.05, 1.0))
    second = (
        any_colour(rng, value=(0.05, 1.0)) if rng.random() < 0.4 else first * rng.uniform(0.4, 1.2)
    )
    cell = float(np.exp(rng.uniform(math.log(80), math.log(900))))
    weight = 0.5 + 0.4 * fractal_noise(shape, cell, rng=rng, octaves=2)
    picture = plain(shape, first, np.asarray(second, np.float32), np.clip(weight, 0, 1))
    if rng.random() < 0.6:
        ids, count = _pieces(shape, 40, 400, rng)
        tones = rng.uniform(0.5, 1.3, (count, 1)) * rng.uniform(0.85, 1.15, (count, 3))
        blurred = soften(tones.astype(np.float32)[ids], float(np.exp(rng.uniform(-0.5, 3.3))))
        picture = picture * blurred
    if rng.random() < 0.3:  # skin or plaster is not quite even
        picture = (
            picture * (1 + 0.03 * fractal_noise(shape, rng.uniform(3, 20), rng=rng))[..., None]
        )
    return np.clip(picture, 0, 1).astype(np.float32)


def facade(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    """A wall with rows of windows, panes and ledges, by day or lit at night; rivets, tiles."""
    height, width = shape
    night = rng.random() < 0.3
    wall = any_colour(rng, saturation=(0, 0.4), value=(0.02, 0.2) if night else (0.3, 0.9))
    picture = np.ones((*shape, 3), np.float32) * wall
    picture *= (1 + 0.08 * fractal_noise(shape, rng.uniform(2, 60), rng=rng, octaves=4))[..., None]
    pitch = np.exp(rng.uniform(math.log(8), math.log(120))) * rng.uniform(0.7, 1.4, 2)
    size = pitch * rng.uniform(0.25, 0.8, 2)
    glass = any_colour(rng, saturation=(0, 0.5), value=(0.02, 0.5))
    lamp = hsv(rng.uniform(20, 60), rng.uniform(0, 0.6), rng.uniform(0.7, 1))
    canvas = np.ascontiguousarray(picture)
    round_ones = rng.random() < 0.2
    for y in np.arange(-rng.uniform(0, pitch[1]), height, pitch[1]):
        for x in np.arange(-rng.uniform(0, pitch[0]) * 0, width, pitch[0]):
            tone = (lamp if night and rng.random() < 0.4 else glass) * rng.uniform(0.6, 1.3)
            if round_ones:
                cv2.circle(
                    canvas,
                    (round(x), round(y)),
                    max(1, round(size[0] / 2)),
                    tone.tolist(),
                    -1,
                    cv2.LINE_AA,
                )
                continue
            far = (round(x + size[0]), round(y + size[1]))
            cv2.rectangle(canvas, (round(x), round(y)), far, tone.tolist(), -1)
            if size[0] > 14:
                middle = round(x + size[0] / 2)
                cv2.line(
                    canvas,
                    (middle, round(y)),
                    (middle, far[1]),
                    wall.tolist(),
                    max(1, round(size[0] / 20)),
                )
    lean = cv2.getRotationMatrix2D((width / 2, height / 2), rng.normal(0, 4), 1.15)
    turned = cv2.warpAffine(canvas, lean, (width, height), borderMode=cv2.BORDER_REFLECT)
    return np.asarray(np.clip(turned, 0, 1), np.float32)


def page(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    """A printed page, a sign or a screen: words, stops, rules."""
    paper, ink = rng.uniform(0.6, 1.0), rng.uniform(0.0, 0.4)
    if rng.random() < 0.3:
        paper, ink = ink, paper
    printed = np.zeros(shape, np.uint8)
    scale = float(np.exp(rng.uniform(math.log(0.25), math.log(2.5))))
    font = int(
        rng.choice([cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_TRIPLEX])
    )
    letters = list("aaabcdeeeefghiiiijklmnooopqrsttuvwxyz.,;:!'        ABCDEFGHIL0123456789")
    thick = max(1, round(scale * rng.uniform(0.8, 2.2)))
    for y in np.arange(rng.uniform(0, 30) * scale, shape[0] + 20, 34 * scale):
        text = "".join(rng.choice(letters, int(shape[1] / 14 / scale) + 4))
        start = (round(-rng.uniform(0, 30)), round(y))
        cv2.putText(printed, text, start, font, scale, (255,), thick, cv2.LINE_AA)
    tints = 1 + rng.uniform(-0.06, 0.06, (2, 3)).astype(np.float32)
    picture = plain(shape, paper * tints[0], ink * tints[1], np.asarray(printed / 255, np.float32))
    picture *= (1 + 0.06 * ramp(shape, rng.uniform(0, math.tau)))[..., None]
    return np.clip(picture, 0, 1)


def bokeh(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    """Lamps out of focus over a dark or mixed ground."""
    picture = np.ascontiguousarray(smooth(shape, rng) * np.float32(rng.uniform(0.2, 1)))
    for _ in range(int(rng.integers(3, 60))):
        place = tuple(int(v) for v in rng.uniform(0, 1, 2) * (shape[1], shape[0]))
        layer = np.zeros(shape, np.float32)
        cv2.circle(
            layer, place, int(rng.integers(2, 45)), float(rng.uniform(0.2, 1)), -1, cv2.LINE_AA
        )
        picture += soften(layer, 1.0)[..., None] * any_colour(
            rng, saturation=(0.1, 0.8), value=(0.3, 1)
        )
    return np.clip(picture, 0, 1).astype(np.float32)


def grains(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    """Gravel, snow, crumbs, confetti, flowers in grass: many small things on a ground."""
    picture = surface(shape, rng) if rng.random() < 0.7 else smooth(shape, rng)
    size = float(np.exp(rng.uniform(math.log(1.2), math.log(9))))
    density = step(fractal_noise(shape, 120, rng=rng), rng.uniform(-2, 0.5), 1.0)
    canvas = np.ascontiguousarray(picture)
    colours = [any_colour(rng, value=(0, 1)) for _ in range(int(rng.integers(1, 4)))]
    for _ in range(int(np.exp(rng.uniform(math.log(300), math.log(3000))))):
        x, y = rng.uniform(0, 1, 2) * (shape[1], shape[0])
        if rng.random() > density[int(y), int(x)]:
            continue
        tone = colours[int(rng.integers(len(colours)))] * rng.uniform(0.7, 1.3)
        outline = np.array([x, y]) + leaf_shape(
            size * rng.uniform(0.5, 1.5), rng.uniform(0, 6), rng.uniform(0.4, 1)
        )
        cv2.fillPoly(
            canvas, [np.round(outline * 8).astype(np.int32)], tone.tolist(), cv2.LINE_AA, 3
        )
    return np.clip(canvas, 0, 1)


COLLAGES = {
    "collage": collage,
    "surface": surface,
    "smooth": smooth,
    "facade": facade,
    "page": page,
    "bokeh": bokeh,
    "grains": grains,
}

"""Things that lie about: pens, keys, cards, bottle caps, rubber bands, buttons, fingers.

Each is painted over a picture in linear light, in place, with a shadow; none is ever part of a
mask.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np

from napari_segkit.synth.metal import METALS, Lamp
from napari_segkit.synth.noise import Field, fractal_noise, soften, step, value_noise
from napari_segkit.synth.textures import linear, printed, random_colour
from napari_segkit.synth.view import Points, Window, coverage

Prop = Callable[[Field, Points, float, Lamp, np.random.Generator], None]
"""`(canvas, centre (2,), unit, lamp, rng)`; unit = diameter of a coin in pixels."""


def turned(points: Points, angle: float, centre: Points) -> Points:
    """Turn (N, 2) points by `angle` radians and move them to a centre."""
    c, s = math.cos(angle), math.sin(angle)
    return np.asarray(points @ np.array([[c, s], [-s, c]]) + centre)


def circle(radius: float, *, count: int = 90) -> Points:
    """Points of a circle about the origin, (count, 2)."""
    angle = np.linspace(0, math.tau, count, endpoint=False)
    return radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def rounded_box(width: float, height: float, radius: float) -> Points:
    """Points of a rectangle with round corners about the origin."""
    quarter = np.linspace(0, math.pi / 2, 8)
    arc = radius * np.stack([np.cos(quarter), np.sin(quarter)], axis=1)
    corners = []
    for k, (sx, sy) in enumerate(((1, 1), (-1, 1), (-1, -1), (1, -1))):
        c, s = math.cos(k * math.pi / 2), math.sin(k * math.pi / 2)
        spot = (sx * (width / 2 - radius), sy * (height / 2 - radius))
        corners.append(arc @ np.array([[c, s], [-s, c]]) + spot)
    return np.concatenate(corners)


def lay(
    canvas: Field,
    polygon: Points,
    paint: Callable[[Window], Field],
    lamp: Lamp,
    *,
    thick: float,
    holes: tuple[Points, ...] = (),
) -> tuple[Window, Field]:
    """Paint a flat thing and its shadow, in place.

    Parameters
    ----------
    canvas : (H, W, 3) float32 linear light.
    polygon : (N, 2) image x, y.
    paint : makes the (h, w, 3) colours of a window of the image.
    thick : in pixels; sets the shadow's reach and the bevel's width.
    holes : polygons that let the ground through.

    Returns
    -------
    The window painted in, and the thing's coverage there, (h, w) float32 in [0, 1].
    """
    reach = thick / max(0.3, lamp.height)
    away = np.array(lamp.direction) * -reach
    blur = max(0.7, (0.2 + lamp.softness) * reach)
    both = np.concatenate([polygon, polygon + away])
    window = Window.around(both, canvas.shape[:2], margin=3 * blur + 2)
    if window.empty:
        return window, np.zeros((0, 0), np.float32)
    cover, shadow = coverage([polygon], window), coverage([polygon + away], window)
    for hole in holes:
        cover -= coverage([hole], window) * cover
        shadow -= coverage([hole + away], window) * shadow
    region = canvas[window.slices]
    region *= (1 - np.float32(lamp.strength) * soften(shadow, blur))[..., None]
    soft = soften(cover, max(0.6, thick * 0.3))
    slope = lamp.direction[0] * cv2.Sobel(soft, cv2.CV_32F, 1, 0, ksize=3)
    slope += lamp.direction[1] * cv2.Sobel(soft, cv2.CV_32F, 0, 1, ksize=3)
    light = np.clip(1 - slope * np.float32(max(0.6, thick * 0.3) * 0.5), 0.3, 1.8)
    region += (paint(window) * light[..., None] - region) * cover[..., None]
    return window, cover


def plain(
    colour: Field, rng: np.random.Generator, *, mottled: float = 0.03
) -> Callable[[Window], Field]:
    """A `paint` of one colour, (3,) linear, slightly mottled."""

    def paint(window: Window) -> Field:
        amount = 1 + np.float32(mottled) * fractal_noise(window.shape, 12, rng=rng, octaves=3)
        return np.asarray(amount[..., None] * colour, np.float32)

    return paint


def pen(canvas: Field, centre: Points, unit: float, lamp: Lamp, rng: np.random.Generator) -> None:
    """A pen or pencil: a long cylinder with a cap."""
    angle, length, width = (
        rng.uniform(0, math.tau),
        unit * rng.uniform(3, 6),
        unit * rng.uniform(0.25, 0.45),
    )
    across = np.array([-math.sin(angle), math.cos(angle)])
    for colour, start, end in (
        (random_colour(rng, value=(0.1, 0.9)), -0.5, 0.2),
        (random_colour(rng, value=(0.05, 0.9)), 0.2, 0.5),
    ):
        box = rounded_box(length * (end - start), width, width * 0.2)
        middle = np.array([length * (start + end) / 2, 0.0])

        def paint(window: Window, tint: Field = colour) -> Field:
            y, x = np.mgrid[window.y0 : window.y1, window.x0 : window.x1].astype(np.float32)
            t = ((x - centre[0]) * across[0] + (y - centre[1]) * across[1]) / np.float32(width / 2)
            facing = across[0] * lamp.direction[0] + across[1] * lamp.direction[1]
            glint = np.exp(-(((t - 0.4 * facing) / 0.12) ** 2))
            light = np.sqrt(np.clip(1 - t * t, 0.05, 1)) * (0.8 + 0.3 * facing * t)
            return np.asarray(light[..., None] * tint + 0.5 * glint[..., None], np.float32)

        lay(canvas, turned(box + middle, angle, centre), paint, lamp, thick=width)


def key(canvas: Field, centre: Points, unit: float, lamp: Lamp, rng: np.random.Generator) -> None:
    """A key: round bow with a hole, toothed blade."""
    angle = rng.uniform(0, math.tau)
    radius, length = unit * rng.uniform(0.35, 0.55), unit * rng.uniform(1.2, 2.2)
    teeth = np.linspace(length, radius * 0.8, 12)
    edge = np.stack([teeth, radius * rng.uniform(0.12, 0.35, 12)], axis=1)
    arc = np.linspace(0.35, math.tau - 0.35, 60)
    bow = radius * np.stack([np.cos(arc), np.sin(arc)], axis=1)
    outline = np.concatenate([edge, bow, [(length, -radius * 0.3)]])
    tint = np.array(METALS[str(rng.choice(["brass", "nickel", "steel"]))], np.float32)
    hole = turned(circle(radius * 0.3) - (radius * 0.5, 0), angle, centre)
    colour = tint * np.float32(rng.uniform(0.5, 1.1))
    paint = plain(colour, rng, mottled=0.08)
    lay(canvas, turned(outline, angle, centre), paint, lamp, thick=unit * 0.08, holes=(hole,))


def card(canvas: Field, centre: Points, unit: float, lamp: Lamp, rng: np.random.Generator) -> None:
    """A bank card, note or slip of paper with print on it."""
    width, height = unit * rng.uniform(1.8, 3.6), unit * rng.uniform(1.2, 2.2)
    box = turned(rounded_box(width, height, unit * 0.12), rng.uniform(0, math.tau), centre)
    tint = random_colour(rng, value=(0.4, 1.0), saturation=(0.0, 0.9))

    def paint(window: Window) -> Field:
        return np.asarray(printed(window.shape, unit, rng) * tint, np.float32)

    lay(canvas, box, paint, lamp, thick=max(1.0, unit * rng.uniform(0.01, 0.05)))


def cap(canvas: Field, centre: Points, unit: float, lamp: Lamp, rng: np.random.Generator) -> None:
    """A bottle cap: crimped edge, printed top; round, and yet no coin."""
    radius = unit * rng.uniform(0.45, 0.65)
    angle = np.linspace(0, math.tau, 210, endpoint=False)
    wave = radius * (1 + 0.045 * np.cos(21 * angle))
    edge = np.stack([wave * np.cos(angle), wave * np.sin(angle)], axis=1) + centre
    colour = random_colour(rng, value=(0.3, 0.95), saturation=(0.5, 1.0))
    lay(canvas, edge, plain(colour, rng), lamp, thick=unit * 0.22)
    top = circle(radius * 0.82) + centre
    lay(canvas, top, plain(colour * np.float32(1.15), rng), lamp, thick=unit * 0.04)
    logo = turned(rounded_box(radius, radius * 0.4, radius * 0.1), rng.uniform(0, 6), centre)
    other = random_colour(rng, value=(0.5, 1.0), saturation=(0.0, 1.0))
    lay(canvas, logo, plain(other, rng), lamp, thick=0.7)


def button(
    canvas: Field, centre: Points, unit: float, lamp: Lamp, rng: np.random.Generator
) -> None:
    """A plastic button with four holes."""
    radius = unit * rng.uniform(0.25, 0.5)
    spots = turned(circle(radius * 0.3, count=4), rng.uniform(0, 6), centre)
    holes = tuple(circle(radius * 0.1) + spot for spot in spots)
    colour = random_colour(rng, value=(0.1, 0.9), saturation=(0.3, 1.0))
    lay(canvas, circle(radius) + centre, plain(colour, rng), lamp, thick=unit * 0.12, holes=holes)
    inner = circle(radius * 0.72) + centre
    lay(canvas, inner, plain(colour * np.float32(0.8), rng), lamp, thick=unit * 0.03, holes=holes)


def band(canvas: Field, centre: Points, unit: float, lamp: Lamp, rng: np.random.Generator) -> None:
    """A rubber band, a string or a ring: a closed line, empty inside."""
    angle = np.linspace(0, math.tau, 200, endpoint=False)
    radius = np.full(200, unit * rng.uniform(0.4, 1.0))
    for order in range(2, 6):
        wave = np.cos(order * angle + rng.uniform(0, 6))
        radius += unit * rng.normal(0, 0.2 / order) * wave * rng.integers(0, 2)
    direction = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    width = unit * rng.uniform(0.03, 0.1)
    outer = direction * radius[:, None] + centre
    inner = direction * (radius - width)[:, None] + centre
    colour = random_colour(rng, value=(0.2, 0.9), saturation=(0.2, 0.9))
    lay(canvas, outer, plain(colour, rng), lamp, thick=width, holes=(inner,))


def checker(
    canvas: Field, centre: Points, unit: float, lamp: Lamp, rng: np.random.Generator
) -> None:
    """A card with a black-and-white pattern, as for measuring."""
    cells = int(rng.integers(3, 7))
    side = unit * rng.uniform(1.0, 2.2)
    angle = rng.uniform(0, math.tau)
    white, black = linear((235.0, 235.0, 235.0)), linear((30.0, 30.0, 30.0))
    border = turned(rounded_box(side * 1.2, side * 1.2, 1), angle, centre)
    lay(canvas, border, plain(white, rng), lamp, thick=max(1.0, unit * 0.02))
    filled = rng.random((cells, cells)) < 0.5
    if rng.random() < 0.5:
        filled = np.indices((cells, cells)).sum(axis=0) % 2 == 0
    cell = side / cells
    for row, col in zip(*np.nonzero(filled), strict=True):
        spot = np.array([(col + 0.5) * cell - side / 2, (row + 0.5) * cell - side / 2])
        box = turned(rounded_box(cell, cell, 0.01 * cell) + spot, angle, centre)
        lay(canvas, box, plain(black, rng), lamp, thick=0.01)


def finger(
    canvas: Field, centre: Points, unit: float, lamp: Lamp, rng: np.random.Generator
) -> tuple[Window, Field]:
    """A finger that comes in from one side, its tip at `centre`; a skin-coloured rounded bar."""
    towards = centre - np.array([canvas.shape[1], canvas.shape[0]]) / 2
    angle = math.atan2(towards[1], towards[0]) + rng.normal(0, 0.4)
    width, length = unit * rng.uniform(0.45, 0.7), unit * 5
    box = turned(
        rounded_box(length, width, width * 0.45) + np.array([length / 2, 0]), angle, centre
    )
    across = np.array([-math.sin(angle), math.cos(angle)])
    skin = linear((rng.uniform(120, 245), 1, 1))[0] * np.array([1, 0.5, 0.36], np.float32)

    def paint(window: Window) -> Field:
        y, x = np.mgrid[window.y0 : window.y1, window.x0 : window.x1].astype(np.float32)
        t = ((x - centre[0]) * across[0] + (y - centre[1]) * across[1]) / np.float32(width / 2)
        light = 0.55 + 0.5 * np.sqrt(np.clip(1 - t * t, 0.02, 1))
        folds = 0.06 * value_noise(window.shape, max(2.0, unit * 0.05), rng=rng)
        return np.asarray((light + folds)[..., None] * skin, np.float32)

    return lay(canvas, box, paint, lamp, thick=width * 0.5)


PROPS: dict[str, Prop] = {
    "pen": pen,
    "key": key,
    "card": card,
    "cap": cap,
    "button": button,
    "band": band,
    "checker": checker,
}


def holder(
    canvas: Field, centre: Points, radius: float, lamp: Lamp, rng: np.random.Generator
) -> None:
    """What coins are kept in: a flip with a window, a capsule, a slab; the coin goes on it."""
    kind = rng.integers(0, 3)
    clear = linear((235.0, 238.0, 240.0)) * np.float32(rng.uniform(0.3, 1.0))
    thick = max(1.0, radius * 0.12)
    window_edge = circle(radius * rng.uniform(1.08, 1.3)) + centre
    if kind == 0:
        side = radius * rng.uniform(2.6, 3.4)
        sheet = turned(rounded_box(side, side, radius * 0.04), rng.normal(0, 0.1), centre)
        paper = linear((240.0, 238.0, 230.0)) * np.float32(rng.uniform(0.6, 1))
        lay(canvas, sheet, plain(paper, rng), lamp, thick=thick * 0.3)
    elif kind == 1:
        lay(
            canvas,
            circle(radius * rng.uniform(1.35, 1.7)) + centre,
            plain(clear, rng),
            lamp,
            thick=thick,
        )
    else:
        box = turned(rounded_box(radius * 3.4, radius * 4.6, radius * 0.2), 0, centre)
        lay(canvas, box, plain(clear, rng), lamp, thick=thick)
    seat = random_colour(rng, value=(0.05, 1.0), saturation=(0.0, 0.3))
    lay(canvas, window_edge, plain(seat, rng), lamp, thick=0.7)


def glare(canvas: Field, centre: Points, radius: float, rng: np.random.Generator) -> None:
    """Reflections of a clear cover: soft bright streaks across a disc, in place."""
    window = Window.around(circle(radius * 1.1) + centre, canvas.shape[:2])
    if window.empty:
        return
    field = fractal_noise(window.shape, (radius, radius * 0.3), rng=rng, octaves=2)
    inside = coverage([circle(radius * 1.1) + centre], window)
    canvas[window.slices] += (np.float32(rng.uniform(0.05, 0.4)) * step(field, 0.9, 0.5) * inside)[
        ..., None
    ]

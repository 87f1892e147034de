"""Small things that belong to the scene and are no dust: birds, wires, stars, freckles, people.

Every function changes an (H, W, 3) float32 display picture in place; they come before blur, grain,
noise and JPEG, as in a real photo.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from napari_segkit.synth.dust_shapes import spot
from napari_segkit.synth.grounds_sky import any_colour, hsv

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_segkit.synth.noise import Field


def _place(picture: Field, rng: np.random.Generator) -> NDArray[np.float64]:
    return rng.uniform(0, 1, 2) * (picture.shape[1], picture.shape[0])


def _lines(
    picture: Field, points: NDArray[np.float64], tone: NDArray[np.float32], width: float
) -> None:
    at = np.round(points * 8).astype(np.int32)
    cv2.polylines(picture, [at], False, tone.tolist(), max(1, round(width)), cv2.LINE_AA, 3)


def birds(picture: Field, rng: np.random.Generator) -> None:
    """A flock or a single bird: two bent wings and a body."""
    tone = hsv(rng.uniform(0, 60), rng.uniform(0, 0.3), rng.choice([0.08, 0.25, 0.95]))
    size = float(np.exp(rng.uniform(math.log(3), math.log(20))))
    around, spread = _place(picture, rng), rng.uniform(5, 12) * size
    for _ in range(int(rng.integers(1, 14))):
        at, s = around + rng.normal(0, spread, 2), size * rng.uniform(0.6, 1.3)
        lift, fold = rng.uniform(-0.5, 0.7), rng.uniform(-0.5, 0.3)
        left = np.array([(-1, -lift * 0.3), (-0.5, -lift), (0, 0)])
        wings = np.concatenate(
            [left, np.array([(0.5, -lift + 0.2 * fold), (1, -lift * 0.3 + fold)])]
        )
        turn = rng.normal(0, 0.4)
        c, q = math.cos(turn), math.sin(turn)
        _lines(picture, at + s * wings @ np.array([(c, q), (-q, c)]), tone, s * 0.18)
        _lines(picture, at + s * np.array([(-0.25, 0.05), (0.3, 0.1)]), tone, s * 0.3)


def wires(picture: Field, rng: np.random.Generator) -> None:
    """Cables, masts and ropes that cross the whole frame."""
    height, width = picture.shape[:2]
    tone = any_colour(rng, saturation=(0, 0.2), value=(0, 1) if rng.random() < 0.3 else (0, 0.3))
    start, slope = rng.uniform(0, height), rng.normal(0, 0.4)
    x = np.linspace(-5, width + 5, 40)
    sag = rng.uniform(0, 0.2) * height * ((x / width - 0.5) ** 2)
    upright = rng.random() < 0.25
    for k in range(int(rng.integers(1, 6))):
        y = start + k * rng.uniform(4, 40) + slope * x - sag
        _lines(picture, np.stack([y, x] if upright else [x, y], axis=1), tone, rng.uniform(1, 4))


def stars(picture: Field, rng: np.random.Generator) -> None:
    """A night sky: many points of light of a power-law of brightness, over a darkened picture."""
    picture *= np.float32(rng.uniform(0.05, 0.35))
    height, width = picture.shape[:2]
    layer = np.zeros_like(picture)
    for _ in range(int(np.exp(rng.uniform(math.log(120), math.log(1500))))):
        y, x = int(rng.integers(0, height)), int(rng.integers(0, width))
        tone = hsv(rng.choice([30.0, 210.0]), rng.uniform(0, 0.3), 1.0)
        layer[y, x] += tone * np.float32(min(40, 0.6 * rng.pareto(1.1)))
    sigma = rng.uniform(0.6, 1.3)
    picture += np.clip(cv2.GaussianBlur(layer, (0, 0), sigma), 0, 1)
    np.clip(picture, 0, 1, out=picture)


def freckles(picture: Field, rng: np.random.Generator) -> None:
    """Freckles, moles, seeds or spots of a coat: soft, brown, of all sizes, on a lit surface."""
    hue, share = rng.uniform(8, 35), rng.uniform(0.2, 0.8)
    tint = 1 - hsv(hue, rng.uniform(0.5, 0.9), 1.0) * np.float32(0.9)
    around, spread = _place(picture, rng), rng.uniform(60, 300)
    size = rng.uniform(1.2, 4)
    for _ in range(int(rng.integers(15, 150))):
        alpha = spot(size * np.exp(rng.normal(0, 0.5)), rng)
        at = np.round(around + rng.normal(0, spread, 2)).astype(int)
        _stamp(picture, alpha * share * rng.uniform(0.3, 1), at, tint)


def _stamp(
    picture: Field, alpha: NDArray[np.float32], at: NDArray[np.integer], tint: NDArray[np.float32]
) -> None:
    """Take light away by (3,) `tint` where `alpha`, whose middle is at x y; clipped at borders."""
    h, w = alpha.shape
    x0, y0 = int(at[0]) - w // 2, int(at[1]) - h // 2
    top, left = max(0, -y0), max(0, -x0)
    bottom, right = min(h, picture.shape[0] - y0), min(w, picture.shape[1] - x0)
    if bottom <= top or right <= left:
        return
    window = picture[y0 + top : y0 + bottom, x0 + left : x0 + right]
    window *= 1 - alpha[top:bottom, left:right, None] * tint


def figures(picture: Field, rng: np.random.Generator) -> None:
    """People, boats, cars, posts or insects far away, along a line or across a ground."""
    level, size = rng.uniform(0, picture.shape[0]), rng.uniform(3, 16)
    flat = rng.random() < 0.5
    for _ in range(int(rng.integers(2, 25))):
        x = rng.uniform(0, picture.shape[1])
        y = level + rng.normal(0, 3 * size) * (0.15 if flat else 3)
        parts = int(rng.integers(2, 5))
        for _ in range(parts):
            axes = size * rng.uniform(0.15, 0.6, 2) * (1, rng.uniform(0.5, 2))
            at = (x + rng.normal(0, size * 0.3), y + rng.normal(0, size * 0.4))
            box = (at, (float(axes[0] + 1), float(axes[1] + 1)), float(rng.uniform(0, 180)))
            cv2.ellipse(picture, box, any_colour(rng, value=(0, 1)).tolist(), -1, cv2.LINE_AA)


def dots(picture: Field, rng: np.random.Generator) -> None:
    """Rivets, buttons, holes, lamps, beads or a print's dots: rows of equal round things."""
    tone, shade = any_colour(rng, value=(0, 1)), any_colour(rng, saturation=(0, 0.1), value=(0, 1))
    radius = rng.uniform(1.2, 8)
    pitch = radius * rng.uniform(2.4, 9)
    rows, cols = (int(n) for n in rng.integers((1, 4), (9, 12)))
    angle, start = rng.uniform(0, math.tau) if rng.random() < 0.5 else 0.0, _place(picture, rng)
    c, s = math.cos(angle), math.sin(angle)
    for i in range(rows):
        for j in range(cols):
            at = start + pitch * np.array([c * j - s * i, s * j + c * i])
            centre = tuple(np.round(at * 8).astype(int).tolist())
            cv2.circle(picture, centre, round(radius * 8), tone.tolist(), -1, cv2.LINE_AA, 3)
            if radius > 3:
                lit = tuple(np.round((at - radius * 0.3) * 8).astype(int).tolist())
                cv2.circle(picture, lit, round(radius * 2.5), shade.tolist(), -1, cv2.LINE_AA, 3)


def glints(picture: Field, rng: np.random.Generator) -> None:
    """Highlights on metal, glass, wet things: white cores, star rays, along a bright edge."""
    around, spread = _place(picture, rng), rng.uniform(10, 80)
    for _ in range(int(rng.integers(3, 25))):
        at = around + rng.normal(0, spread, 2) * (1, rng.uniform(0.1, 1))
        size = rng.uniform(0.8, 4)
        centre = tuple(np.round(at * 8).astype(int).tolist())
        cv2.circle(picture, centre, round(size * 8), (1.0, 1.0, 1.0), -1, cv2.LINE_AA, 3)
        reach = size * rng.uniform(2, 6) * np.array([math.cos(0.5), math.sin(0.5)])
        tone = any_colour(rng, saturation=(0, 0.2), value=(0.7, 1))
        _lines(picture, np.stack([at - reach, at + reach]), tone, size * 0.4)


LOOKALIKES = {
    "birds": birds,
    "wires": wires,
    "stars": stars,
    "freckles": freckles,
    "figures": figures,
    "dots": dots,
    "glints": glints,
}


def add_lookalikes(picture: Field, ground: str, rng: np.random.Generator, *, colour: bool) -> None:
    """Add one or two kinds that occur on a ground, in place.

    Stars stand in the sky; freckles are told from dust by their colour, so neither in gray
    pictures nor on a sky.
    """
    chances = {"birds": 0.3, "wires": 0.22, "figures": 0.2, "dots": 0.15, "glints": 0.1}
    if colour and ground in {"sky", "horizon"}:
        chances["stars"] = 0.03
    elif colour and ground in {"smooth", "surface", "photo", "land"}:
        chances["freckles"] = 0.25
    weights = np.array(list(chances.values()))
    count = int(rng.integers(1, 3))
    for name in rng.choice(list(chances), count, p=weights / weights.sum(), replace=False):
        LOOKALIKES[str(name)](picture, rng)

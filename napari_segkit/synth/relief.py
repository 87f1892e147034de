"""Height maps of coin faces: rim, beads, letters, numerals, portraits, wear.

A face lives on a square grid that spans -1.05..1.05 in x and y; the coin's edge is near radius 1.
Heights are in radii times 100 or so: only slopes matter, and the metal's shading scales them.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from napari_segkit.synth.noise import Field, fractal_noise, step, value_noise

if TYPE_CHECKING:
    from numpy.typing import NDArray

SPAN = 1.05
_FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
)
_LETTERS = "ABCDEFGHIJKLMNOPRSTUVY"


@lru_cache(maxsize=8)
def polar_grid(size: int) -> tuple[Field, Field, Field, Field]:
    """x, y, radius and angle (0..tau) of every grid point; four (size, size) float32, read only."""
    axis = np.linspace(-SPAN, SPAN, size, dtype=np.float32)
    x, y = np.meshgrid(axis, axis)
    radius = np.hypot(x, y)
    angle = np.arctan2(y, x) % np.float32(math.tau)
    for field in (x, y, radius, angle):
        field.setflags(write=False)
    return x, y, radius, angle


def rim(size: int, width: float, *, height: float) -> Field:
    """A raised border of `width` (radii) with rounded flanks; (size, size) float32."""
    radius = polar_grid(size)[2]
    inner = step(radius, 1 - width, 0.035)
    outer = 1 - step(radius, 0.985, 0.05)
    return np.float32(height) * inner * (0.4 + 0.6 * outer)


def beads(size: int, radius: float, count: int, *, long: bool) -> Field:
    """A circle of beads, or of denticles where `long`; (size, size) float32 in 0..1."""
    _, _, r, angle = polar_grid(size)
    along = 0.5 + 0.5 * np.cos(angle * count)
    spread = 0.035 if long else 0.5 * math.tau * radius / count / 2
    across = np.exp(-(((r - radius) / np.float32(spread)) ** 2))
    return np.asarray(step(along, 0.45, 0.6) * across, np.float32)


def _glyphs(strip: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Draw invented letters (an unknown script) onto a strip, in place."""
    height, width = strip.shape
    x, thickness = int(rng.integers(0, width // 8)), max(1, height // 7)
    end = width - int(rng.integers(0, width // 3))
    while x + height // 2 < end:
        cell = int(height * rng.uniform(0.4, 0.8))
        if rng.random() < 0.85:
            points = rng.uniform(
                (x, height * 0.15), (x + cell, height * 0.85), (int(rng.integers(3, 6)), 2)
            )
            cv2.polylines(
                strip, [points.astype(np.int32)], rng.random() < 0.3, 255, thickness, cv2.LINE_AA
            )
        x += cell + max(2, height // 6)


def ring_text(size: int, radius: float, tall: float, *, rng: np.random.Generator) -> Field:
    """Letters along a circle, over a part of the turn; (size, size) float32 in 0..1."""
    _, _, r, angle = polar_grid(size)
    height = int(max(10, min(40, tall * size)))
    width = int(height * math.tau * radius / tall)
    strip = np.zeros((height, width), np.uint8)
    if rng.random() < 0.4:
        _glyphs(strip, rng)
    else:
        font, scale = int(rng.choice(_FONTS)), height / 32
        letters = rng.choice(list(_LETTERS + "   "), 80)
        text = "".join(letters)[: int(rng.integers(6, 50))]
        thickness = max(1, height // 9)
        origin = (int(rng.integers(0, width // 3)), int(height * 0.8))
        cv2.putText(strip, text, origin, font, scale, 255, thickness, cv2.LINE_AA)
    turn = rng.uniform(0, math.tau)
    inward = rng.random() < 0.5
    along = ((angle + np.float32(turn)) % np.float32(math.tau)) * np.float32(width / math.tau)
    across = (np.float32(radius + tall / 2) - r) * np.float32(height / tall)
    if inward:
        along, across = width - along, height - across
    mapped = cv2.remap(strip, along, across, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return np.asarray(mapped, np.float32) / np.float32(255)


def _dome(mask: NDArray[np.uint8], size: int, *, steepness: float) -> Field:
    """Swell a drawn shape into low relief: the distance to its edge, rounded off."""
    distance = cv2.distanceTransform(mask, cv2.DIST_L2, 3) / np.float32(size)
    return np.asarray(np.tanh(distance * np.float32(steepness)), np.float32)


def _to_grid(points: NDArray[np.float64], size: int) -> NDArray[np.int32]:
    return np.round((points + SPAN) / (2 * SPAN) * (size - 1)).astype(np.int32)


def portrait(size: int, *, rng: np.random.Generator) -> Field:
    """A head in profile with hair, eye and neck; (size, size) float32 about 0..1.3."""
    jitter = rng.normal(0, 0.015, (17, 2))
    face = np.array(
        [
            (0.02, -0.62), (0.22, -0.55), (0.34, -0.38), (0.36, -0.25), (0.33, -0.2), (0.46, -0.02),
            (0.36, 0.03), (0.4, 0.1), (0.36, 0.14), (0.38, 0.2), (0.36, 0.3), (0.2, 0.33),
            (0.2, 0.5), (0.42, 0.68), (-0.45, 0.68), (-0.28, 0.4), (-0.42, -0.1),
        ]
    )  # fmt: skip
    back = np.array([(-0.42, -0.35), (-0.25, -0.58)]) + rng.normal(0, 0.05, (2, 2))
    points = np.concatenate([face + jitter, back]) * rng.uniform(0.85, 1.1)
    points[:, 0] *= rng.choice([-1, 1])
    mask = np.zeros((size, size), np.uint8)
    cv2.fillPoly(mask, [_to_grid(points, size)], 255)
    height = _dome(mask, size, steepness=9)
    x, y, _, _ = polar_grid(size)
    hair = step(fractal_noise((size, size), size * 0.25, rng=rng, octaves=2) - 2 * y, 0.45, 0.3)
    lines = np.sin(
        (x * rng.uniform(-1, 1) + y) * 60 + 4 * value_noise((size, size), size * 0.1, rng=rng)
    )
    skin = fractal_noise((size, size), size * 0.08, rng=rng)
    return np.asarray(height * (1 + 0.18 * hair * lines + 0.1 * skin), np.float32)


def emblem(size: int, *, rng: np.random.Generator) -> Field:
    """Something heraldic: blobs mirrored about an axis, or free; (size, size) float32 in 0..1."""
    blob = fractal_noise(
        (size, size), size * rng.uniform(0.1, 0.25), rng=rng, octaves=4, persistence=0.65
    )
    if rng.random() < 0.7:
        blob = (blob + blob[:, ::-1]) * np.float32(0.7)
    radius = polar_grid(size)[2]
    mask = ((blob - 2.2 * (radius - 0.42)) > 0.35).astype(np.uint8) * 255
    detail = 0.25 * fractal_noise((size, size), max(2, size * 0.03), rng=rng, octaves=2)
    return _dome(mask, size, steepness=25) * (1 + detail)


def building(size: int, *, rng: np.random.Generator) -> Field:
    """Columns under a roof, with steps; (size, size) float32 in 0..1."""
    mask = np.zeros((size, size), np.uint8)
    half, top = rng.uniform(0.35, 0.55), rng.uniform(-0.4, -0.15)
    roof = np.array([(-half, top), (0, top - rng.uniform(0.1, 0.35)), (half, top)])
    cv2.fillPoly(mask, [_to_grid(roof, size)], 255)
    for x in np.linspace(-half * 0.9, half * 0.9, int(rng.integers(4, 9))):
        column = np.array(
            [(x - 0.03, top + 0.05), (x + 0.03, top + 0.05), (x + 0.03, 0.35), (x - 0.03, 0.35)]
        )
        cv2.fillPoly(mask, [_to_grid(column, size)], 255)
    for k in range(3):
        y = 0.38 + 0.07 * k
        stairs = np.array(
            [
                (-half - 0.04 * k, y),
                (half + 0.04 * k, y),
                (half + 0.04 * k, y + 0.05),
                (-half, y + 0.05),
            ]
        )
        cv2.fillPoly(mask, [_to_grid(stairs, size)], 255)
    return _dome(mask, size, steepness=40)


def numeral(size: int, *, rng: np.random.Generator) -> Field:
    """A large value such as 50 or 2, perhaps with a word below; (size, size) float32 in 0..1."""
    mask = np.zeros((size, size), np.uint8)
    text = str(rng.choice(["1", "2", "5", "10", "20", "25", "50", "100", "1/2"]))
    font = int(rng.choice(_FONTS))
    scale = size / 45 * rng.uniform(0.6, 1.0) / max(1, len(text)) ** 0.6
    thickness = max(1, round(size * rng.uniform(0.015, 0.05)))
    (width, height), _ = cv2.getTextSize(text, font, scale, thickness)
    x, y = (size - width) // 2, int((size + height) / 2 - size * rng.uniform(-0.05, 0.15))
    cv2.putText(mask, text, (x, y), font, scale, 255, thickness, cv2.LINE_AA)
    if rng.random() < 0.7:
        word = "".join(rng.choice(list(_LETTERS), int(rng.integers(3, 8))))
        (width, _), _ = cv2.getTextSize(word, font, size / 300, 1)
        place = ((size - width) // 2, int(size * rng.uniform(0.66, 0.8)))
        cv2.putText(mask, word, place, font, size / 300, 255, max(1, size // 120), cv2.LINE_AA)
    binary = np.asarray((mask > 127).astype(np.uint8) * 255, np.uint8)
    return _dome(binary, size, steepness=40)


def wreath(size: int, *, rng: np.random.Generator) -> Field:
    """Leaves along two arcs; (size, size) float32 in 0..1."""
    mask = np.zeros((size, size), np.uint8)
    radius = rng.uniform(0.6, 0.72)
    for side in (-1, 1):
        for k in range(int(rng.integers(7, 14))):
            angle = math.pi / 2 + side * (0.25 + 0.2 * k)
            centre = _to_grid(
                np.array([[radius * math.cos(angle), radius * math.sin(angle)]]), size
            )[0]
            turn = math.degrees(angle) + 90 + side * 25 * (1 if k % 2 else -1)
            axes = (max(1, int(size * 0.05)), max(1, int(size * 0.018)))
            cv2.ellipse(mask, (int(centre[0]), int(centre[1])), axes, turn, 0, 360, 255, -1)
    return _dome(mask, size, steepness=40)


MOTIFS = (portrait, emblem, building, numeral, wreath)


def face(size: int, *, rng: np.random.Generator, worn: float) -> Field:
    """A whole coin face.

    Parameters
    ----------
    size : side of the grid in pixels.
    worn : 0 = fresh from the mint, 1 = nearly smooth.

    Returns
    -------
    (size, size) float32 height, about -0.1 to 1.5.
    """
    keep = 1 - 0.85 * worn
    height = (
        0.8 * keep * MOTIFS[rng.choice(len(MOTIFS), p=[0.35, 0.25, 0.12, 0.2, 0.08])](size, rng=rng)
    )
    edge = rng.uniform(0.02, 0.1)
    if rng.random() < 0.85:
        height += rim(size, edge, height=rng.uniform(0.4, 1.0) * (1 - 0.5 * worn))
    if rng.random() < 0.45:
        count, long = int(rng.integers(50, 130)), rng.random() < 0.5
        height += 0.5 * keep * beads(size, 1 - edge - 0.04, count, long=long)
    for _ in range(int(rng.integers(0, 3))):
        height += (
            0.6 * keep * ring_text(size, rng.uniform(0.72, 0.82), rng.uniform(0.1, 0.2), rng=rng)
        )
    bumps = fractal_noise((size, size), size * 0.12, rng=rng, octaves=4, persistence=0.45)
    height += rng.uniform(0.005, 0.02 + 0.06 * worn) * bumps
    blur = size * (0.002 + 0.012 * worn)
    return np.asarray(cv2.GaussianBlur(height, (0, 0), max(0.5, blur)), np.float32)

"""Shapes of dust, dirt, hairs, scratches and sensor spots: how much of the light they take.

Every shape is an alpha patch: (h, w) float32 in [0, 1], 1 = opaque, with a soft rim and a margin
of zeros. Sizes are in pixels of the finished picture; those of film follow the outlines drawn by
hand on six scanned empty frames (median dust speck 8 x 9 px and 54 px² in a frame 4960 px wide,
dirt 13 x 10, short hairs 35-50 long, long ones 130).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Alpha: TypeAlias = "NDArray[np.float32]"

_SUB = 4  # pixels are drawn on a grid this much finer, so that thin things have soft rims


def _drawn(points: list[NDArray[np.float64]], widths: list[float], blur: float) -> Alpha:
    """Lines of given widths, or filled outlines (width 0), as an alpha patch around all points."""
    every = np.concatenate(points)
    pad = 3 + 3 * blur + max(widths)
    low = every.min(axis=0) - pad
    size = np.ceil(every.max(axis=0) + pad - low).astype(int)
    canvas = np.zeros((int(size[1]) * _SUB, int(size[0]) * _SUB), np.uint8)
    for line, width in zip(points, widths, strict=True):
        at = np.round((line - low) * _SUB).astype(np.int32)
        if width:
            cv2.polylines(canvas, [at], False, (255,), max(1, round(width * _SUB)), cv2.LINE_AA)
        else:
            cv2.fillPoly(canvas, [at], (255,), cv2.LINE_AA)
    small = cv2.resize(canvas, (int(size[0]), int(size[1])), interpolation=cv2.INTER_AREA)
    alpha = small.astype(np.float32) / 255
    return np.asarray(cv2.GaussianBlur(alpha, (0, 0), blur), np.float32)


def spot(radius: float, rng: np.random.Generator) -> Alpha:
    """A speck in front of the sensor: a soft, nearly round shadow, now and then with a bright rim.

    A wide aperture makes it large and soft, a narrow one small and marked.
    """
    softness = radius * rng.uniform(0.25, 0.75)
    stretch, angle = float(np.exp(abs(rng.normal(0, 0.15)))), rng.uniform(0, math.pi)
    reach = math.ceil(2.6 * radius * stretch + 3)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)
    y, x = y - rng.uniform(-0.5, 0.5), x - rng.uniform(-0.5, 0.5)
    c, s = math.cos(angle), math.sin(angle)
    along, across = (c * x + s * y) / stretch, (c * y - s * x) * stretch
    wobble = 1 + rng.uniform(0, 0.12) * np.cos(
        rng.integers(2, 5) * np.arctan2(across, along) + rng.uniform(0, 6)
    )
    distance = np.hypot(along, across) * wobble
    alpha = 0.5 - 0.5 * np.tanh((distance - radius) / softness)
    if rng.random() < 0.25:  # diffraction
        rim = np.exp(-(((distance - 1.35 * radius) / (0.3 * radius)) ** 2))
        alpha = alpha - rng.uniform(0.05, 0.3) * rim
    if rng.random() < 0.15:  # paler in the middle
        alpha = alpha * (1 - rng.uniform(0.1, 0.5) * np.exp(-((distance / (0.5 * radius)) ** 2)))
    return np.asarray(alpha / max(1e-6, float(alpha.max())), np.float32)


def speck(size: float, rng: np.random.Generator) -> Alpha:
    """A grain of dust on film: an irregular, often angular outline `size` pixels across."""
    count = int(rng.integers(5, 14))
    t = (
        np.sort(rng.uniform(0, math.tau, count))
        if rng.random() < 0.5
        else np.linspace(0, math.tau, count)
    )
    radius = size / 2 * np.clip(1 + rng.normal(0, rng.uniform(0.05, 0.4), count), 0.3, 2)
    slim, angle = rng.uniform(0.35, 1), rng.uniform(0, math.tau)
    x, y = radius * np.cos(t), slim * radius * np.sin(t)
    c, s = math.cos(angle), math.sin(angle)
    outline = np.stack([c * x - s * y, s * x + c * y], axis=1) + rng.uniform(0, 1, 2)
    return _drawn([outline], [0.0], rng.uniform(0.3, 1.1))


def dirt(size: float, rng: np.random.Generator) -> Alpha:
    """A clump: several specks that touch."""
    parts, at = [], np.zeros(2)
    for _ in range(int(rng.integers(2, 7))):
        t = np.linspace(0, math.tau, 8)
        r = size * rng.uniform(0.15, 0.45) * np.clip(1 + rng.normal(0, 0.25, 8), 0.3, 2)
        parts.append(at + np.stack([r * np.cos(t), r * np.sin(t)], axis=1))
        at = at + rng.normal(0, size * 0.25, 2)
    return _drawn(parts, [0.0] * len(parts), rng.uniform(0.3, 1.2))


def _wander(length: float, turn: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """A smooth path of a given length whose curvature drifts; (N, 2) x y."""
    count = max(6, int(length / 3))
    curve = np.cumsum(rng.normal(0, turn, count)) * 0.12 + rng.normal(0, turn)
    angle = rng.uniform(0, math.tau) + np.cumsum(curve) * 3 / 12
    steps = (length / count) * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return np.cumsum(steps, axis=0)


def hair(length: float, rng: np.random.Generator) -> Alpha:
    """A hair or fibre: a long smooth curve, 1 to 4 px wide."""
    width = rng.uniform(0.8, 2.4) * (1.5 if length > 80 and rng.random() < 0.3 else 1)
    return _drawn([_wander(length, rng.uniform(0.1, 1.2), rng)], [width], rng.uniform(0.3, 0.9))


def lint(length: float, rng: np.random.Generator) -> Alpha:
    """A tangle of two to four thicker fibres."""
    lines = [
        _wander(length * rng.uniform(0.4, 1), rng.uniform(0.6, 1.8), rng)
        for _ in range(int(rng.integers(2, 5)))
    ]
    moved = [line + rng.normal(0, length * 0.06, 2) for line in lines]
    return _drawn(moved, [rng.uniform(1.5, 4)] * len(moved), rng.uniform(0.5, 1.2))


def scratch(length: float, rng: np.random.Generator) -> Alpha:
    """A straight, thin, uneven line, mostly along the film's run."""
    angle = rng.choice(
        [math.pi / 2, 0.0, rng.uniform(0, math.pi)], p=[0.55, 0.15, 0.3]
    ) + rng.normal(0, 0.03)
    t = np.linspace(0, length, max(3, int(length / 12)))
    sway = np.cumsum(rng.normal(0, 0.15, len(t)))
    c, s = math.cos(angle), math.sin(angle)
    line = np.stack([c * t - s * sway, s * t + c * sway], axis=1)
    alpha = _drawn([line], [rng.uniform(0.7, 2.2)], rng.uniform(0.25, 0.7))
    uneven = cv2.resize(rng.uniform(0.55, 1, (9, 9)).astype(np.float32), alpha.shape[::-1])
    return np.asarray(alpha * uneven, np.float32)


def blotch(size: float, rng: np.random.Generator) -> Alpha:
    """A stain, smear or drop mark: a crooked patch, thin inside, often with a marked rim."""
    t = np.linspace(0, math.tau, 40, endpoint=False)
    radius = (
        size
        / 2
        * (1 + sum(rng.normal(0, 0.3 / k) * np.cos(k * t + rng.uniform(0, 6)) for k in range(1, 7)))
    )
    outline = np.stack([radius * np.cos(t), radius * np.sin(t) * rng.uniform(0.4, 1)], axis=1)
    alpha = _drawn([outline], [0.0], rng.uniform(0.6, 0.05 * size + 0.7))
    if rng.random() < 0.5:
        inner = cv2.GaussianBlur(alpha, (0, 0), max(0.8, size * 0.06))
        alpha = np.clip(alpha - rng.uniform(0.2, 0.8) * inner**4, 0, 1)
    return np.asarray(alpha, np.float32)

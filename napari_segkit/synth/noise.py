"""Smooth random fields: the stuff that procedural textures, wear and illumination are made of.

Value noise after Perlin, "An image synthesizer", SIGGRAPH 1985 (doi:10.1145/325334.325247), here
as cubic interpolation of a coarse grid of normal deviates, summed over octaves.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Field: TypeAlias = NDArray[np.float32]
"""(H, W) or (H, W, 3) float32."""
Real: TypeAlias = NDArray[np.floating[Any]]
"""The same in any precision; functions that take it give back float32."""


def value_noise(
    shape: tuple[int, int], cell: float | tuple[float, float], *, rng: np.random.Generator
) -> Field:
    """One octave of smooth noise.

    Parameters
    ----------
    shape : (height, width) in pixels.
    cell : size of a feature in pixels, or (along y, along x) for an elongated grain.
    rng : source of randomness.

    Returns
    -------
    (H, W) float32, mean near 0, standard deviation near 0.7.
    """
    cell_y, cell_x = cell if isinstance(cell, tuple) else (cell, cell)
    height, width = shape
    # Far coarser than a pixel: make it small and enlarge, or a 12-Mpx photo would cost seconds
    # per octave.
    reduce_y, reduce_x = max(1.0, cell_y / 6), max(1.0, cell_x / 6)
    small = (math.ceil(height / reduce_y) + 1, math.ceil(width / reduce_x) + 1)
    step_y, step_x = max(1.0, cell_y / reduce_y), max(1.0, cell_x / reduce_x)
    rows, cols = math.ceil(small[0] / step_y) + 3, math.ceil(small[1] / step_x) + 3
    grid = rng.standard_normal((rows, cols), dtype=np.float32)
    out_size = (round(cols * step_x), round(rows * step_y))
    fine = (
        cv2.resize(grid, out_size, interpolation=cv2.INTER_CUBIC)
        if out_size != (cols, rows)
        else grid
    )
    top = int(rng.integers(0, max(1, fine.shape[0] - small[0])))
    left = int(rng.integers(0, max(1, fine.shape[1] - small[1])))
    fine = fine[top : top + small[0], left : left + small[1]]
    if reduce_y == 1.0 and reduce_x == 1.0:
        return np.ascontiguousarray(fine[:height, :width])
    return np.asarray(
        cv2.resize(fine, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.float32
    )


def fractal_noise(
    shape: tuple[int, int],
    cell: float | tuple[float, float],
    *,
    rng: np.random.Generator,
    octaves: int = 4,
    persistence: float = 0.5,
) -> Field:
    """Octaves of `value_noise`, each half as large and weaker; variance near 1."""
    cell_y, cell_x = cell if isinstance(cell, tuple) else (cell, cell)
    total = np.zeros(shape, np.float32)
    power, weight = 0.0, 1.0
    for octave in range(octaves):
        cells = (max(1.0, cell_y / 2**octave), max(1.0, cell_x / 2**octave))
        total += np.float32(weight) * value_noise(shape, cells, rng=rng)
        power += weight * weight
        weight *= persistence
        if max(cells) <= 1.0:
            break
    total *= np.float32(1.4 / math.sqrt(power))
    return total


def ramp(shape: tuple[int, int], angle: float) -> Field:
    """Linear ramp from -1 to 1 along `angle` (radians, 0 = to the right); (H, W) float32."""
    height, width = shape
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    c, s = math.cos(angle), math.sin(angle)
    return np.asarray((c * x + s * y) / (abs(c) + abs(s)), np.float32)


def step(value: Real, edge: float, width: float) -> Field:
    """Smooth step from 0 to 1 where `value` passes `edge`, over `width`; float32, same shape."""
    t = np.clip((value - np.float32(edge)) / np.float32(width) + np.float32(0.5), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def mix(first: Real, second: Real, weight: Real) -> Field:
    """Blend two colour fields by an (H, W) weight in [0, 1]; (H, W, 3) float32."""
    mixed = second - first
    mixed *= weight[..., None]
    mixed += first
    return np.asarray(mixed, np.float32)


def soften(field: Real, sigma: float) -> Field:
    """Gaussian blur, a wide one by way of a smaller copy; same shape, float32."""
    reduce = int(min(sigma / 2.5, min(field.shape[:2]) / 4))
    if reduce < 2:
        return np.asarray(cv2.GaussianBlur(field, (0, 0), sigma), np.float32)
    height, width = field.shape[:2]
    size = (math.ceil(width / reduce), math.ceil(height / reduce))
    small = cv2.resize(field, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / reduce)
    return np.asarray(
        cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.float32
    )

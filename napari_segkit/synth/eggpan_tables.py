"""Tables of kitchens: planks, and what is strewn over a table. Pictures are (H, W, 3) linear."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from napari_segkit.synth.noise import Field, fractal_noise, mix, step
from napari_segkit.synth.textures import linear, random_colour

if TYPE_CHECKING:
    from numpy.typing import NDArray


def planks(shape: tuple[int, int], unit: float, rng: np.random.Generator) -> Field:
    """Boards with gaps: raw, painted, weathered; ``unit`` pixels are an egg's length."""
    pitch = max(6.0, unit * rng.uniform(0.6, 3))
    count = math.ceil(shape[0] / pitch) + 1
    row = np.arange(shape[0], dtype=np.float32) / np.float32(pitch) + rng.uniform(0, 1)
    number = np.clip(row.astype(int), 0, count)
    red = rng.uniform(30, 240)
    bare = linear((red, red * rng.uniform(0.62, 0.95), red * rng.uniform(0.35, 0.95)))
    grain = fractal_noise(
        shape, (max(1.2, unit * 0.03), unit * 2), rng=rng, octaves=4, persistence=0.7
    )
    tone = rng.normal(1, rng.uniform(0.02, 0.2), count + 1).astype(np.float32)[number]
    amount = 1 + np.float32(rng.uniform(0.05, 0.4)) * grain
    picture = bare * (amount * tone[:, None])[..., None]
    if rng.random() < 0.5:  # paint that has worn off along the grain
        paint = random_colour(rng, value=(0.4, 1.0), saturation=(0.0, 0.35))
        worn = step(grain, rng.uniform(0.2, 2.0), rng.uniform(0.2, 1.0))
        picture = mix(np.broadcast_to(paint, picture.shape) * tone[:, None, None], picture, worn)
    near = np.minimum(row % 1, 1 - row % 1) * np.float32(pitch)
    gap = np.exp(-((near / np.float32(max(0.8, pitch * rng.uniform(0.01, 0.04)))) ** 2))
    picture = picture * (1 - np.float32(rng.uniform(0.3, 0.95)) * gap)[:, None, None]
    return np.asarray(np.clip(picture, 0.002, 1), np.float32)


def strew(texture: Field, unit: float, rng: np.random.Generator) -> None:
    """Flour, crumbs, seeds, leaves or spices over a table, in place."""
    shape = texture.shape[:2]
    if rng.random() < 0.4:
        soft = fractal_noise(shape, unit * rng.uniform(0.5, 3), rng=rng, octaves=5, persistence=0.7)
        white = linear((rng.uniform(215, 255),) * 3)
        cover = step(soft, rng.uniform(0.2, 1.5), rng.uniform(0.3, 1.5)) * rng.uniform(0.5, 1)
        texture[:] = mix(texture, white, cover.astype(np.float32))
        return
    for _ in range(int(rng.integers(1, 4))):
        _scatter(texture, unit, rng)


def _scatter(texture: Field, unit: float, rng: np.random.Generator) -> None:
    """Pieces of one kind, thick in some places."""
    size = max(1.0, unit * float(np.exp(rng.uniform(math.log(0.03), math.log(0.4)))))
    long, colour = rng.uniform(1, 5), random_colour(rng, value=(0.05, 1), saturation=(0, 1))
    height, width = texture.shape[:2]
    middles = rng.uniform(0, 1, (int(rng.integers(1, 5)), 2)) * (width, height)
    spread = rng.uniform(0.05, 0.5) * width
    for _ in range(int(min(300, np.exp(rng.uniform(2.5, 5.7)) * (1 if size < 6 else 0.2)))):
        x, y = middles[rng.integers(len(middles))] + rng.normal(0, spread, 2)
        _piece(texture, (int(x), int(y)), (size, size / long), colour, rng)


def _piece(
    texture: Field,
    place: tuple[int, int],
    axes: tuple[float, float],
    colour: NDArray[np.float32],
    rng: np.random.Generator,
) -> None:
    """An ellipse with its shadow and a lighter half."""
    angle = rng.uniform(0, 180)
    whole = (max(1, int(axes[0])), max(1, int(axes[1])))
    tone = colour * np.float32(rng.uniform(0.5, 1.2))
    if min(whole) > 1:
        below = (place[0] + 1, place[1] + 1)
        cv2.ellipse(texture, below, whole, angle, 0, 360, (tone * 0.2).tolist(), -1)
    cv2.ellipse(texture, place, whole, angle, 0, 360, np.clip(tone, 0, 1).tolist(), -1)
    lighter = np.clip(tone * np.float32(1.3), 0, 1).tolist()
    cv2.ellipse(texture, place, whole, angle, 0, 180, lighter, -1)

"""A product photographer's light, soft boxes and black cards; what things are made of."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from napari_segkit.synth.noise import Field, Real, fractal_noise

_HEIGHT, _WIDTH = 64, 128


@dataclass(frozen=True)
class Material:
    """What a surface looks like.

    Attributes
    ----------
    albedo : (3,) linear RGB
        Share of light that is scattered.
    mirror : (3,) linear RGB
        Share that is mirrored when looked at from the front.
    rough
        0 = a mirror, 1 = a wide sheen.
    texture : (T, T, 3) float32 or None
        Multiplies albedo (and mirror where that is metal) by place; repeats.
    repeat : (2,)
        How often the texture repeats along u and v.
    clear
        Share of what lies behind that shines through.
    sparkle
        Strength of a gem's inner reflections.
    """

    albedo: Field
    mirror: Field
    rough: float
    texture: Field | None = None
    repeat: tuple[float, float] = (1.0, 1.0)
    clear: float = 0.0
    sparkle: float = 0.0


@dataclass(frozen=True)
class Studio:
    """Light and floor.

    Attributes
    ----------
    dome : (64, 128, 3) linear RGB, sharp, soft and blurred
        What surrounds the scene, from straight up to straight down.
    lights
        (towards (3,), weight, softness) of the lamps that cast shadows.
    near, far : (3,) linear RGB
        The floor at the camera and far away.
    gloss
        Strength of the mirror image in the floor.
    contact
        Strength of the darkness under things.
    """

    dome: tuple[Field, Field, Field]
    lights: tuple[tuple[Field, float, float], ...]
    near: Field
    far: Field
    gloss: float = 0.0
    contact: float = 0.5

    def mirrored(self, directions: Field, rough: Field) -> Field:
        """Light from N directions (N, 3), blurred where rough (N,); (N, 3)."""
        column = np.arctan2(directions[:, 1], directions[:, 0]) * np.float32(_WIDTH / math.tau)
        column += np.float32(_WIDTH / 2)
        row = np.arccos(np.clip(directions[:, 2], -1, 1)) * np.float32((_HEIGHT - 1) / math.pi)
        level = np.clip(rough * 2, 0, 2)[:, None]
        sharp, soft, blurred = (looked_up(one, column, row) for one in self.dome)
        first = sharp + (soft - sharp) * np.minimum(level, 1)
        return np.asarray(first + (blurred - first) * np.maximum(level - 1, 0), np.float32)


def looked_up(texture: Field, column: Field, row: Field, *, wrap: bool = False) -> Field:
    """Values of (H, W, 3) at N places, linear between pixels."""
    count, width = len(column), 2048
    rows = max(1, math.ceil(count / width))
    grid = np.zeros((2, rows * width), np.float32)
    grid[0, :count], grid[1, :count] = column, row
    border = cv2.BORDER_WRAP if wrap else cv2.BORDER_REPLICATE
    got = cv2.remap(
        texture, grid[0].reshape(rows, width), grid[1].reshape(rows, width), cv2.INTER_LINEAR,
        borderMode=border,
    )  # fmt: skip
    return np.asarray(got.reshape(rows * width, 3)[:count], np.float32)


def random_studio(
    rng: np.random.Generator, ground: Field, *, gloss: float = 0.0, cards: int | None = None
) -> Studio:
    """Soft boxes and cards at random over a floor of one colour."""
    base = float(np.exp(rng.uniform(-2.2, -0.4)))
    noise = fractal_noise((_HEIGHT, _WIDTH), (16, 24), rng=rng, octaves=3)
    dome = np.repeat((base * np.exp(0.25 * noise))[..., None], 3, axis=2)
    dome *= np.linspace(rng.uniform(0.7, 1.3), rng.uniform(0.5, 1.0), _HEIGHT)[:, None, None]
    middle = _HEIGHT // 2
    floor = np.minimum(ground, 1) * np.float32(rng.uniform(0.4, 0.95))
    dome[middle:] = floor * np.linspace(rng.uniform(0.5, 1), 1, middle)[:, None, None]
    lights = []
    for number in range(int(rng.integers(1, 4))):
        row, column = rng.uniform(2, middle - 3), rng.uniform(0, _WIDTH)
        size = rng.uniform(3, 14, 2) * (1, 2)
        power = float(np.exp(rng.uniform(0.0, 1.5)))
        _panel(dome, row, column, size, power * (1 + rng.normal(0, 0.04, 3)))
        lights.append(
            (_direction(max(row, 2), column), power / (1 + number), rng.uniform(0.1, 0.7))
        )
    for _ in range(int(rng.integers(2, 10)) if cards is None else cards):
        row, column = rng.uniform(4, _HEIGHT * 0.7), rng.uniform(0, _WIDTH)
        _panel(dome, row, column, rng.uniform((4, 1.5), (30, 12)), rng.uniform(0, 0.12))
    dome = np.asarray(dome, np.float32)
    total = sum(weight for _, weight, _ in lights)
    far = ground * np.float32(rng.uniform(0.8, 1.15))
    return Studio(
        (_blurred(dome, 0.6), _blurred(dome, 3.0), _blurred(dome, 12.0)),
        tuple((towards, weight / total, soft) for towards, weight, soft in lights),
        ground,
        far.astype(np.float32),
        gloss,
        rng.uniform(0.25, 0.8),
    )


def _panel(dome: Field, row: float, column: float, size: Real, colour: Real | float) -> None:
    rows = np.abs(np.arange(_HEIGHT) - row) < size[0] / 2
    away = np.abs((np.arange(_WIDTH) - column + _WIDTH / 2) % _WIDTH - _WIDTH / 2)
    dome[np.ix_(rows, away < size[1] / 2)] = colour


def _direction(row: float, column: float) -> Field:
    polar, around = row / (_HEIGHT - 1) * math.pi, (column / _WIDTH - 0.5) * math.tau
    s = math.sin(polar)
    return np.array([s * math.cos(around), s * math.sin(around), math.cos(polar)], np.float32)


def _blurred(dome: Field, sigma: float) -> Field:
    wide = np.concatenate([dome, dome, dome], axis=1)
    soft = cv2.GaussianBlur(wide, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    return np.ascontiguousarray(soft[:, _WIDTH : 2 * _WIDTH])

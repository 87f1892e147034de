"""Light of a room: one lamp or window, and a surrounding that shiny things mirror."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from napari_segkit.synth.noise import Field, fractal_noise
from napari_segkit.synth.rays import sample

if TYPE_CHECKING:
    from napari_segkit.synth.view import Points

_HEIGHT, _WIDTH = 48, 96


@dataclass(frozen=True)
class Room:
    """Light that falls on a scene.

    Attributes
    ----------
    towards : (3,) unit
        Direction of the lamp.
    lamp : (3,) linear RGB
    softness
        Size of the lamp as seen from the table, as a tangent.
    ambient : (3,) linear RGB
        What comes from everywhere.
    dome : three (48, 96, 3) pictures
        The surrounding by height above the horizon and direction: sharp, soft, blurred.
    """

    towards: Points
    lamp: Field
    softness: float
    ambient: Field
    dome: tuple[Field, Field, Field]

    def mirrored(self, directions: Field, rough: Field) -> Field:
        """Light from N directions (N, 3), blurred where rough; (N, 3)."""
        column = np.arctan2(directions[:, 1], directions[:, 0]) * np.float32(
            _WIDTH / math.tau
        ) + np.float32(_WIDTH / 2)
        row = np.arcsin(np.clip(directions[:, 2], 0, 1)) * np.float32(2 / math.pi * (_HEIGHT - 1))
        level = np.clip(rough * 2, 0, 2)[:, None]
        sharp, soft, blurred = (
            sample(one, column, row, border=cv2.BORDER_REPLICATE) for one in self.dome
        )
        first = sharp + (soft - sharp) * np.minimum(level, 1)
        return np.asarray(first + (blurred - first) * np.maximum(level - 1, 0), np.float32)


def _warmth(rng: np.random.Generator, spread: float) -> Field:
    """A tint from candle to sky, mean 1."""
    warm = rng.normal(0, spread)
    tint = np.array([1 + warm, 1 + 0.15 * warm + rng.normal(0, 0.02), 1 - warm], np.float32)
    return np.clip(tint, 0.3, 1.8)


def _blurred(dome: Field, sigma: float) -> Field:
    wide = np.concatenate([dome, dome, dome], axis=1)
    soft = cv2.GaussianBlur(wide, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    return np.ascontiguousarray(soft[:, _WIDTH : 2 * _WIDTH])


def random_room(rng: np.random.Generator, *, flash: Points | None = None) -> Room:
    """A kitchen's light; ``flash`` is the direction of a flash, towards the camera."""
    tint = _warmth(rng, 0.16)
    base = rng.uniform(0.08, 0.7)
    noise = fractal_noise((_HEIGHT, _WIDTH), (12, 16), rng=rng, octaves=3)
    dome = (base * np.exp(0.5 * noise))[..., None] * _warmth(rng, 0.12)
    dome *= np.linspace(rng.uniform(0.4, 1.2), rng.uniform(0.6, 1.6), _HEIGHT)[:, None, None]
    lamps = []
    for _ in range(int(rng.integers(1, 5))):
        height, width = rng.uniform(2, 20), rng.uniform(3, 26)
        row, column = rng.uniform(4, _HEIGHT - 3), rng.uniform(0, _WIDTH)
        power = float(np.exp(rng.uniform(0.5, 3.0)))
        inside = (np.abs(np.arange(_HEIGHT) - row) < height / 2)[:, None] & (
            np.abs((np.arange(_WIDTH) - column + _WIDTH / 2) % _WIDTH - _WIDTH / 2) < width / 2
        )
        dome[inside] = power * _warmth(rng, 0.15)
        lamps.append((power * height * width, row, column))
    dome = dome.astype(np.float32)
    dome[:, 0] = dome[:, -1]
    _, row, column = max(lamps)
    up, around = row / (_HEIGHT - 1) * math.pi / 2, (column / _WIDTH - 0.5) * math.tau
    up = max(up, 0.25)
    towards = np.array(
        [math.cos(up) * math.cos(around), math.cos(up) * math.sin(around), math.sin(up)]
    )
    softness = float(np.exp(rng.uniform(-3.2, -0.2)))
    strength = float(np.exp(rng.uniform(-1.2, 1.0)))
    if flash is not None:
        towards, softness, strength = flash, 0.05, rng.uniform(1.2, 3)
        dome *= np.float32(0.3)
    ambient = np.float32(rng.uniform(0.25, 0.9)) * _warmth(rng, 0.08)
    return Room(
        towards,
        (tint * np.float32(strength)).astype(np.float32),
        softness,
        ambient.astype(np.float32),
        (_blurred(dome, 0.7), _blurred(dome, 2.5), _blurred(dome, 8.0)),
    )

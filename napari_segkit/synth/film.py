"""What film, prints, sensors, software and files do to a picture, in display values.

Pictures are (H, W, 3) float32 display values in [0, 1], RGB.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from napari_segkit.synth.camera import jpeg
from napari_segkit.synth.noise import Field, soften, value_noise

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def gray(picture: Field) -> Field:
    """Luma, (H, W) float32."""
    return np.asarray(picture @ _LUMA, np.float32)


def lens(picture: Field, rng: np.random.Generator) -> Field:
    """Blur of lens and focus, from none to a strong one."""
    sigma = float(rng.choice([0.0, 0.5, 0.8, 1.2, 2.0, 4.0], p=[0.2, 0.25, 0.25, 0.15, 0.1, 0.05]))
    return soften(picture, sigma) if sigma else picture


def tone_of_film(picture: Field, kind: str, rng: np.random.Generator) -> Field:
    """Print or scan of a 'gray', 'toned', 'colour' or 'faded' positive, or of a 'negative'."""
    if kind in {"gray", "toned"}:
        picture = np.repeat(gray(picture)[..., None], 3, axis=2)
    picture = np.clip(picture, 0, 1) ** np.float32(np.exp(rng.normal(0, 0.35)))
    low, high = rng.uniform(0, 0.22), rng.uniform(0.7, 1.0)
    picture = low + (high - low) * picture
    if kind == "toned":
        picture = picture * np.array(
            [1, rng.uniform(0.8, 0.98), rng.uniform(0.55, 0.9)], np.float32
        )
    elif kind == "faded":
        picture = picture * rng.uniform(0.65, 1.0, 3).astype(np.float32)
    elif kind == "negative":
        picture = 1 - picture
        if rng.random() < 0.5:  # the mask of colour negatives
            base = np.array([1, rng.uniform(0.5, 0.75), rng.uniform(0.25, 0.55)], np.float32)
            picture = picture * base
        else:
            picture = np.repeat(gray(picture)[..., None], 3, axis=2)
    return np.asarray(picture, np.float32)


def add_grain(picture: Field, size: float, amount: float, *, rng: np.random.Generator) -> Field:
    """Grain: correlated over about `size` pixels, strongest in the middle tones.

    `amount` is the standard deviation at middle gray; colour where the picture has colour.
    """
    shape = picture.shape[:2]
    shared = _grain_field(shape, size, rng)[..., None]
    colourful = float(np.abs(picture[..., 0] - picture[..., 2]).mean()) > 0.01
    field = np.repeat(shared, 3, axis=2)
    if colourful:
        own = np.stack([_grain_field(shape, size, rng) for _ in range(3)], axis=2)
        field = 0.6 * field + 0.8 * own
    tone = gray(np.clip(picture, 0, 1))[..., None]
    strength = amount * (0.35 + 0.65 * np.sqrt(np.clip(4 * tone * (1 - tone), 0, 1)))
    return np.asarray(picture + strength * field, np.float32)


def _grain_field(shape: tuple[int, int], size: float, rng: np.random.Generator) -> Field:
    """Correlated Gaussian field of variance 1, a part of it in coarser clumps; (H, W)."""
    fine = rng.standard_normal(shape, dtype=np.float32)
    if size > 0.3:
        fine = cv2.GaussianBlur(fine, (0, 0), size)
    clumps = value_noise(shape, max(2.0, 5 * size), rng=rng)
    field = fine / max(1e-6, float(fine.std())) + 0.35 * clumps
    return np.asarray(field / float(field.std()), np.float32)


def sensor_noise(picture: Field, amount: float, *, rng: np.random.Generator) -> Field:
    """Noise of a sensor as it is after demosaicing: luma fine, colour in blotches."""
    shape = picture.shape[:2]
    luma = _grain_field(shape, float(rng.choice([0.0, 0.5, 0.8])), rng)[..., None]
    chroma = np.stack([value_noise(shape, 3, rng=rng) for _ in range(3)], axis=2)
    strength = np.float32(amount) * (0.5 + 0.7 * np.sqrt(np.clip(picture, 0, 1)))
    return np.asarray(
        picture + strength * (luma + np.float32(rng.uniform(0, 0.8)) * chroma), np.float32
    )


def sharpen(picture: Field, amount: float, radius: float) -> Field:
    """Unsharp mask with the halos that belong to it."""
    return picture + np.float32(amount) * (picture - soften(picture, radius))


def to_file(picture: Field, rng: np.random.Generator, *, lossless: float) -> NDArray[np.uint8]:
    """Round to 8 bits, and most pictures through JPEG of quality 60 to 98; (H, W, 3) uint8."""
    image = np.asarray(np.clip(picture * 255 + 0.5, 0, 255), np.uint8)
    if rng.random() < lossless:
        return image
    return jpeg(
        image, int(rng.choice([rng.integers(60, 86), rng.integers(84, 99)], p=[0.35, 0.65]))
    )

"""What a photo shows before dust falls on it: generated scenes and scikit-image's own photos.

`draw_ground` gives (H, W, 3) float32 display values in [0, 1], RGB.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from napari_segkit.synth.grounds_collage import COLLAGES
from napari_segkit.synth.grounds_sky import SKIES, land, water
from napari_segkit.synth.noise import Field, fractal_noise, mix, step

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

PHOTOS = (
    "astronaut.png",
    "brick.png",
    "camera.png",
    "chelsea.png",
    "coins.png",
    "grass.png",
    "ihc.png",
    "moon.png",
    "motorcycle_left.png",
    "page.png",
    "retina.jpg",
    "rocket.jpg",
)
"""Photos in scikit-image's wheel that training may use; without dust of their own."""

HELD_OUT = ("coffee.png", "gravel.png", "hubble_deep_field.jpg", "clock_motion.png", "text.png")
"""Those kept for evaluation only."""

Ground = "Callable[[tuple[int, int], np.random.Generator], Field]"


@lru_cache(maxsize=20)
def bundled(name: str) -> NDArray[np.uint8]:
    """A photo of scikit-image's wheel; (H, W, 3) uint8 RGB, plain gray where it is missing."""
    import skimage.data

    read = cv2.imread(str(Path(skimage.data.__file__).parent / name), cv2.IMREAD_COLOR)
    if read is None:
        return np.full((512, 512, 3), 128, np.uint8)
    return np.ascontiguousarray(read[..., ::-1], np.uint8)


def photo(
    shape: tuple[int, int], rng: np.random.Generator, *, names: tuple[str, ...] = PHOTOS
) -> Field:
    """A part of a real photo at some scale, turned, mirrored and toned."""
    source = bundled(str(rng.choice(names)))
    if rng.random() < 0.5:
        source = source[:, ::-1]
    source = np.rot90(source, int(rng.choice([0, 0, 1, 3])))
    height, width = source.shape[:2]
    scale = max(shape[0] / height, shape[1] / width) * float(np.exp(rng.uniform(0, 1.3)))
    need = (min(height, int(shape[0] / scale)), min(width, int(shape[1] / scale)))
    top, left = (
        int(rng.integers(0, n - m + 1)) for n, m in zip((height, width), need, strict=True)
    )
    crop = np.ascontiguousarray(source[top : top + need[0], left : left + need[1]])
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    picture = cv2.resize(crop, (shape[1], shape[0]), interpolation=way).astype(np.float32) / 255
    picture = np.clip(picture, 0, 1) ** np.float32(np.exp(rng.normal(0, 0.3)))
    if rng.random() < 0.3:
        picture = picture[..., rng.permutation(3)]
    return np.ascontiguousarray(picture, np.float32)


GROUNDS: Mapping[str, Callable[[tuple[int, int], np.random.Generator], Field]] = {
    **SKIES,
    **COLLAGES,
    "water": water,
    "land": land,
    "photo": photo,
}


def _two(shape: tuple[int, int], first: Field, second: Field, rng: np.random.Generator) -> Field:
    """Two grounds side by side along a crooked border."""
    place = fractal_noise(shape, shape[0] * rng.uniform(0.5, 2), rng=rng, octaves=5)
    return mix(first, second, step(place, rng.uniform(-0.7, 0.7), rng.choice([0.01, 0.03, 0.3])))


def draw_ground(
    shape: tuple[int, int],
    rng: np.random.Generator,
    *,
    weights: Mapping[str, float],
    photos: tuple[str, ...] = PHOTOS,
) -> tuple[Field, str]:
    """Draw a ground by the weights of its kinds, now and then of two kinds.

    Returns
    -------
    (H, W, 3) float32 display values, RGB, and the name of the (first) kind.
    """
    names = sorted(weights)
    chances = np.array([weights[name] for name in names])
    chosen = [str(n) for n in rng.choice(names, 2, p=chances / chances.sum())]
    finer = 2 if rng.random() < 0.2 else 1  # drawn larger and reduced: crisp, as web photos are
    size = (shape[0] * finer, shape[1] * finer)
    drawn = [
        photo(size, rng, names=photos) if name == "photo" else GROUNDS[name](size, rng)
        for name in chosen[: 2 if rng.random() < 0.25 else 1]
    ]
    picture = drawn[0] if len(drawn) == 1 else _two(size, drawn[0], drawn[1], rng)
    if finer > 1:
        picture = cv2.resize(picture, shape[::-1], interpolation=cv2.INTER_AREA)
    return np.clip(picture, 0, 1).astype(np.float32), chosen[0]

"""What a photo shows before dust falls on it: generated scenes and scikit-image's own photos.

`draw_ground` gives (H, W, 3) float32 display values in [0, 1], RGB.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from napari_segkit.synth.grounds_collage import COLLAGES
from napari_segkit.synth.grounds_sky import SKIES, land, water
from napari_segkit.synth.noise import Field, fractal_noise, mix, step
from napari_segkit.synth.photos import photos_in, read_photo, series_split

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


@dataclass(frozen=True)
class PhotoSource:
    """Where real photos come from.

    Attributes
    ----------
    bundled
        Names in scikit-image's wheel.
    own
        Files of the user's folder; three photos in four are of these where there are any.
    """

    bundled: tuple[str, ...] = PHOTOS
    own: tuple[Path, ...] = ()


_BUNDLED = PhotoSource()


@lru_cache(maxsize=4)
def photo_source(folder: Path | None, *, held_out: bool) -> PhotoSource:
    """Photos for training, or those that training never sees: every fourth series of a folder."""
    files = photos_in(folder) if folder else []
    places = series_split([one.name for one in files], held_out=held_out)
    return PhotoSource(HELD_OUT if held_out else PHOTOS, tuple(files[k] for k in places))


@lru_cache(maxsize=40)
def _own(path: Path) -> NDArray[np.uint8]:
    """A photo of at most 3200 pixels a side; (H, W, 3) uint8 RGB."""
    return read_photo(path, 3200)


def _part(
    source: NDArray[np.uint8], need: tuple[int, int], rng: np.random.Generator, *, calm: bool
) -> NDArray[np.uint8]:
    """A rectangle of a photo; `calm` = the one of four with the least texture."""
    best, least = source, math.inf
    for _ in range(4 if calm else 1):
        top, left = (
            int(rng.integers(0, n - m + 1)) for n, m in zip(source.shape[:2], need, strict=True)
        )
        part = source[top : top + need[0], left : left + need[1]]
        texture = float(np.abs(np.diff(part[::3, ::3, 1].astype(np.int16), axis=0)).mean())
        if texture < least:
            best, least = part, texture
    return np.ascontiguousarray(best)


def photo(
    shape: tuple[int, int],
    rng: np.random.Generator,
    *,
    source: PhotoSource = _BUNDLED,
) -> Field:
    """A part of a real photo at some scale, turned, mirrored and toned."""
    own = bool(source.own) and rng.random() < 0.75
    if own:
        pixels = _own(source.own[int(rng.integers(len(source.own)))])
    else:
        pixels = bundled(str(rng.choice(source.bundled)))
    if rng.random() < 0.5:
        pixels = pixels[:, ::-1]
    pixels = np.rot90(pixels, int(rng.choice([0, 0, 1, 3])))
    height, width = pixels.shape[:2]
    least = max(shape[0] / height, shape[1] / width)
    scale = least * float(np.exp(rng.uniform(0, 1.3)))
    if own:  # as sharp as it was taken, or reduced
        scale = max(least, float(np.exp(rng.uniform(math.log(0.3), math.log(1.2)))))
    need = (min(height, int(shape[0] / scale)), min(width, int(shape[1] / scale)))
    crop = _part(pixels, need, rng, calm=own and bool(rng.random() < 0.5))
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
    photos: PhotoSource = _BUNDLED,
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
        photo(size, rng, source=photos) if name == "photo" else GROUNDS[name](size, rng)
        for name in chosen[: 2 if rng.random() < 0.25 else 1]
    ]
    picture = drawn[0] if len(drawn) == 1 else _two(size, drawn[0], drawn[1], rng)
    if finer > 1:
        picture = cv2.resize(picture, shape[::-1], interpolation=cv2.INTER_AREA)
    return np.clip(picture, 0, 1).astype(np.float32), chosen[0]

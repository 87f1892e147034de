"""Real photos under generated scenes: grounds, and photos with outlined eggs and pans."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from napari_segkit.synth.eggpan_plan import BACKGROUND, EGG
from napari_segkit.synth.eggpan_render import Shot
from napari_segkit.synth.eggpan_repaint import repaint

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_segkit.synth.eggpan_outlines import ListedPhoto, Photos
    from napari_segkit.synth.eggpan_render import Table
    from napari_segkit.synth.light import Room

    Picture = tuple[NDArray[np.uint8], NDArray[np.uint8]]

BARE = 0.45
"""Share of the images with photos in which nothing is generated."""
_LABELLED, _CUTTINGS = 0.5, 0.3
"""How often the photo is one with outlines, and how often cuttings of such are laid on it."""
_OUTLINED = 0.6
"""How often a whole photo is one with outlines."""
_REPAINTED = 0.5
"""How often a photo is shown in other colours; those that judge never are."""


def draw_photo(shape: tuple[int, int], photos: Photos, rng: np.random.Generator) -> Picture:
    """A part of a photo, now and then with eggs and pans cut out of others.

    Returns
    -------
    image : (H, W, 3) uint8 RGB
    classes : (H, W) uint8
    """
    known = photos.labelled
    image, classes = _part(_one(photos.grounds or known, rng), shape, rng)
    if known and rng.random() < _LABELLED:
        image, classes = _part(_one(known, rng), shape, rng)
    if known and rng.random() < _CUTTINGS:
        for _ in range(int(rng.integers(1, 3))):
            _lay_cutting(image, classes, _one(known, rng), rng)
    return image, classes


def whole_photo(size: int, photos: Photos, rng: np.random.Generator) -> Picture:
    """A listed photo, its colours now and then changed, of `size` pixels a side at most.

    Returns as `draw_photo`.
    """
    outlined = photos.labelled and (not photos.grounds or rng.random() < _OUTLINED)
    photo = _one(photos.labelled if outlined else photos.grounds, rng)
    image = photo.pixels()
    shrink = min(1.0, size / max(image.shape))
    image = np.asarray(
        cv2.resize(image, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA), np.uint8
    )
    return _shown(photo, image, rng)


def _shown(photo: ListedPhoto, image: NDArray[np.uint8], rng: np.random.Generator) -> Picture:
    """A photo at the size of ``image``, in its own colours or in others, and its classes."""
    classes = photo.classes(image.shape)
    other = not photo.kept and rng.random() < _REPAINTED
    return (repaint(image, classes, rng) if other else image), classes


def _one(photos: tuple[ListedPhoto, ...], rng: np.random.Generator) -> ListedPhoto:
    return photos[int(rng.integers(len(photos)))]


def _part(photo: ListedPhoto, shape: tuple[int, int], rng: np.random.Generator) -> Picture:
    """Two thirds of a photo to as much as fits, enlarged by a quarter at most where it can be.

    Closer views show food or a floor of which nobody can say whether it is in a pan.
    """
    pixels, truth = _shown(photo, photo.pixels(), rng)
    if rng.random() < 0.5:
        pixels, truth = pixels[:, ::-1], truth[:, ::-1]
    if rng.random() < 0.15:
        turns = int(rng.choice([1, 3]))
        pixels, truth = np.rot90(pixels, turns), np.rot90(truth, turns)
    most = min(n / m for n, m in zip(truth.shape, shape, strict=True))
    least = min(most, max(0.65 * most, 0.8))
    scale = float(np.exp(rng.uniform(math.log(least), math.log(most))))
    need = [max(1, min(n, round(m * scale))) for n, m in zip(truth.shape, shape, strict=True)]
    top, left = (int(rng.integers(n - m + 1)) for n, m in zip(truth.shape, need, strict=True))
    window = slice(top, top + need[0]), slice(left, left + need[1])
    size, way = shape[::-1], cv2.INTER_AREA if scale > 1 else cv2.INTER_CUBIC
    image = cv2.resize(np.ascontiguousarray(pixels[window]), size, interpolation=way)
    classes = cv2.resize(
        np.ascontiguousarray(truth[window]), size, interpolation=cv2.INTER_NEAREST_EXACT
    )
    return np.asarray(image, np.uint8), np.asarray(classes, np.uint8)


def _lay_cutting(
    image: NDArray[np.uint8],
    classes: NDArray[np.uint8],
    photo: ListedPhoto,
    rng: np.random.Generator,
) -> None:
    """Lay an egg, or all eggs and pans of a photo, somewhere on another, turned, in place.

    Food in a pan comes along or leaves a hole through which the photo below shows.
    """
    pixels, truth = _shown(photo, photo.pixels(), rng)
    mask, longest = (truth > BACKGROUND).astype(np.uint8), rng.uniform(0.3, 1.1)
    if (truth == EGG).any() and rng.random() < 0.7:
        count, parts = cv2.connectedComponents((truth == EGG).astype(np.uint8))
        mask, longest = (parts == rng.integers(1, count)).astype(np.uint8), rng.uniform(0.12, 0.6)
    elif rng.random() < 0.5:
        outer, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(mask, outer, -1, 1, -1)
    x, y, width, height = cv2.boundingRect(mask)
    scale = longest * max(classes.shape) / max(width, height)
    if scale < 0.5:  # reduced before it is turned, so that nothing aliases
        small = (max(1, round(mask.shape[1] * scale)), max(1, round(mask.shape[0] * scale)))
        pixels = np.asarray(cv2.resize(pixels, small, interpolation=cv2.INTER_AREA), np.uint8)
        truth, mask = (
            np.asarray(cv2.resize(one, small, interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)
            for one in (truth, mask)
        )
        x, y, width, height, scale = x * scale, y * scale, width * scale, height * scale, 1.0
    turned = cv2.getRotationMatrix2D((x + width / 2, y + height / 2), rng.uniform(0, 360), scale)
    turned[:, 2] += _place(classes, rng) - (x + width / 2, y + height / 2)
    size = classes.shape[::-1]
    cover = cv2.GaussianBlur(cv2.warpAffine(mask.astype(np.float32), turned, size), (0, 0), 0.6)
    above = cv2.warpAffine(pixels, turned, size) * np.float32(np.exp(rng.normal(0, 0.15)))
    laid = image + (np.clip(above, 0, 255) - image) * cover[..., None]
    image[:] = np.clip(laid, 0, 255).astype(np.uint8)
    values = cv2.warpAffine(truth, turned, size, flags=cv2.INTER_NEAREST)
    classes[cover > 0.5] = values[cover > 0.5]


def _place(classes: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.float64]:
    """(x, y) in a pan, mostly, where there is one."""
    rows, columns = np.nonzero(classes)
    if len(rows) and rng.random() < 0.7:
        k = rng.integers(len(rows), size=2)  # halfway between two of its pixels
        return np.array([columns[k].mean(), rows[k].mean()])
    return rng.uniform(0, 1, 2) * classes.shape[::-1]


def photo_table(table: Table, picture: Picture, room: Room) -> Table:
    """The table with a photo instead of its texture and of what is behind it.

    What stands on it throws its shadow over the photo and is seen by the same camera.
    """
    image, classes = picture
    albedo = (image.astype(np.float32) / np.float32(255)) ** np.float32(2.2)
    light = room.lamp * np.float32(room.towards[2]) + room.ambient
    return replace(
        table, seen=albedo, classes=classes, backdrop=albedo * light, mirror=0.0, rough=1.0
    )


def eggs_alone(shot: Shot, table: Table, picture: Picture) -> Shot:
    """Nothing but a scene's eggs, laid on the table's photo; the scene where it shows none."""
    egg = (shot.classes == EGG) & (picture[1] != EGG)
    if not egg.any():
        return shot
    soft = cv2.GaussianBlur(egg.astype(np.float32), (0, 0), 0.6)[..., None]
    light = table.backdrop + (shot.light - table.backdrop) * soft
    return Shot(light, np.where(egg, np.uint8(EGG), picture[1]), shot.depth)

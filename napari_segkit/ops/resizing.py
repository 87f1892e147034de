"""Other sizes: images smoothly, label images by nearest pixel so that no id is invented."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_segkit.types import Image, Labels

    Scalar = TypeVar("Scalar", bound=np.generic)


def resize_labels(labels: Labels, shape: tuple[int, int]) -> Labels:
    """Scale a label image; every pixel takes the id at its centre's place in the old one.

    Parameters
    ----------
    labels : (H, W) int32
    shape
        New (H, W).

    Returns
    -------
    (H, W) int32
        Objects thinner than a new pixel can vanish.
    """
    rows, columns = (
        (2 * np.arange(new) + 1) * old // (2 * new)  # floor((i + 1/2) old / new), exactly
        for old, new in zip(labels.shape, shape, strict=True)
    )
    scaled: Labels = labels[rows[:, None], columns]
    return scaled


def resize_image(image: Image, shape: tuple[int, int]) -> Image:
    """Scale an image: means of areas where it shrinks, bicubic where it grows, per axis.

    Parameters
    ----------
    image : (H, W, 3) uint8 RGB
    shape
        New (H, W).
    """
    import cv2

    height, width = (min(old, new) for old, new in zip(image.shape, shape, strict=False))
    if (height, width) != image.shape[:2]:
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    if (height, width) != shape:
        image = cv2.resize(image, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return image


def pad_square(plane: NDArray[Scalar]) -> NDArray[Scalar]:
    """Centre a plane on zeros so that it is as wide as high; an odd pixel goes right or down.

    Parameters
    ----------
    plane : (H, W) or (H, W, C), any dtype
    """
    height, width = plane.shape[:2]
    side = max(height, width)
    if height == width:
        return plane
    square = np.zeros((side, side, *plane.shape[2:]), plane.dtype)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = plane
    return square

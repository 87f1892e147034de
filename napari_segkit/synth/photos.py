"""Photos of a person's folder, for generators that lay things on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from napari_segkit.data.images import find_images, read_image

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def photos_in(folder: Path) -> list[Path]:
    """Image files of a folder and its sub-folders, in the order of their names.

    Raises
    ------
    ImageError
        Where the folder does not exist, must not be read, or has no image.
    """
    return [source.path for source in find_images([folder])]


def read_photo(path: Path, most: int) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 RGB, of at most ``most`` pixels a side.

    Raises
    ------
    ImageError
        Where the file cannot be read.
    """
    pixels = read_image(path).pixels
    shrink = most / max(pixels.shape)
    if shrink < 1:
        pixels = cv2.resize(pixels, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(pixels, np.uint8)

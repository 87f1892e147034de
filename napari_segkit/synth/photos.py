"""Photos of a person's folder, for generators that lay things on them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import cv2
import numpy as np

from napari_segkit.data.images import find_images, read_image

if TYPE_CHECKING:
    from collections.abc import Sequence
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


def series_split(names: Sequence[str], *, held_out: bool) -> list[int]:
    """Places of the photos that training may use, or, ``held_out``, of every fourth series.

    A series is what differs by a number at the end of its name: ``soup-1.jpg``, ``soup-2.jpg``.
    """
    series = [re.sub(r"[-_~ ]\d+$", "", name.rpartition(".")[0]) for name in names]
    kept = set(sorted(set(series))[3::4])
    return [place for place, one in enumerate(series) if (one in kept) == held_out]


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

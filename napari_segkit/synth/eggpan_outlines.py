"""Which photos of a folder are grounds, and where eggs and pans are in the others.

A text file lists them, those that training never sees among them (``kept``)::

    # sha256 (first 16)  source  name  use
    0c1f5e8e0a7a4d21  recipes  bread.webp  ground
    5b9d6c1a2f3e4d50  recipes  stew.webp  labelled
      pan ellipse 500 310 290 285 0
      none 215 360 235 310 280 245
    77c1f2a99d0b3e58  recipes  fried.webp  kept
      egg 410 320 590 330 520 460

Outlines are painted in their order. Numbers are thousandths of the longer side, x before y: the
corners of a polygon, or an ellipse's centre, half axes and clockwise turn in degrees.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from napari_segkit.errors import InputError
from napari_segkit.synth.eggpan_plan import BACKGROUND, EGG, PAN
from napari_segkit.synth.photos import photos_in, read_photo, series_split

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

GROUND, LABELLED, KEPT = "ground", "labelled", "kept"
VALUES = {"none": BACKGROUND, "egg": EGG, "pan": PAN}
MOST = 1024
"""Pixels of a photo's longer side, at most."""


@dataclass(frozen=True)
class Outline:
    """A polygon of three corners or more, or an ellipse, and the class that it is painted with."""

    value: int
    numbers: tuple[float, ...]
    ellipse: bool = False


@dataclass(frozen=True)
class ListedPhoto:
    """A photo's file and what is where in it; without outlines there is neither egg nor pan.

    Attributes
    ----------
    kept
        It only judges: training never sees it, and its colours stay as they are.
    """

    path: Path
    outlines: tuple[Outline, ...] = ()
    kept: bool = False

    def pixels(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB, of at most `MOST` pixels a side.

        Raises
        ------
        ImageError
            Where the file is no photo.
        """
        return _read(self.path)

    def classes(self, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        """Class numbers (H, W) of the photo at the size ``shape``."""
        scale = max(shape[:2]) / 1000
        painted = np.full(shape[:2], BACKGROUND, np.uint8)
        for one in self.outlines:
            numbers = np.array(one.numbers) * scale
            if one.ellipse:
                x, y, a, b = numbers[:4].tolist()
                cv2.ellipse(painted, ((x, y), (2 * a, 2 * b), one.numbers[4]), one.value, -1)
            else:
                cv2.fillPoly(painted, [np.rint(numbers.reshape(-1, 2)).astype(np.int32)], one.value)
        return painted


@lru_cache(maxsize=256)
def _read(path: Path) -> NDArray[np.uint8]:
    return read_photo(path, MOST)


@dataclass(frozen=True)
class Photos:
    """Photos without eggs and pans, and those in which eggs and pans are outlined."""

    grounds: tuple[ListedPhoto, ...] = ()
    labelled: tuple[ListedPhoto, ...] = ()


@lru_cache(maxsize=4)
def read_photos(folder: Path, listing: Path | None = None, *, held_out: bool = False) -> Photos:
    """Photos of a folder that training may use, or, ``held_out``, those that it never sees.

    Parameters
    ----------
    folder
        Photos; those that are listed and not there are passed over.
    listing
        The list; without one all photos are grounds.

    Raises
    ------
    InputError
        Where there is no photo, the list cannot be read or understood, or a file is another than
        listed.
    """
    if listing is None:
        files = photos_in(folder)
        places = series_split([one.name for one in files], held_out=held_out)
        used = [ListedPhoto(files[k], kept=held_out) for k in places]
    else:
        used = [
            one for one in _listed(folder, listing) if one.kept == held_out and one.path.is_file()
        ]
    grounds = tuple(one for one in used if not one.outlines)
    labelled = tuple(one for one in used if one.outlines)
    if not grounds and not (held_out and labelled):
        raise InputError(
            "no photo to lay scenes on",
            where=folder,
            expected=f"files of {listing}" if listing else "two photos or more",
        )
    return Photos(grounds, labelled)


def _listed(folder: Path, listing: Path) -> Iterator[ListedPhoto]:
    """Photos of a list, in the order of names."""
    rows: dict[str, tuple[str, list[Outline]]] = {}
    name = ""
    try:
        lines = listing.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            "list of photos cannot be read", where=listing, expected="a text", got=error
        ) from error
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            if line[0].isspace():
                rows[name][1].append(_outline(words))
            else:
                digest, _, name, use = words
                if use not in {GROUND, LABELLED, KEPT}:
                    raise ValueError(f"{use} is no use")
                rows[name] = (use, [])
                _check(folder / name, digest)
        except (ValueError, KeyError) as error:
            raise InputError(
                "list of photos cannot be understood", where=f"{listing}:{number}", got=error
            ) from error
    for name in sorted(rows):
        use, outlines = rows[name]
        yield ListedPhoto(folder / name, tuple(outlines), kept=use == KEPT)


def _outline(words: Sequence[str]) -> Outline:
    """``pan ellipse 500 310 290 285 0`` or ``egg 10 20 30 20 30 40``."""
    ellipse = words[1] == "ellipse"
    numbers = tuple(float(word) for word in words[2 if ellipse else 1 :])
    if (ellipse and len(numbers) != 5) or (not ellipse and (len(numbers) < 6 or len(numbers) % 2)):
        raise ValueError(f"{len(numbers)} numbers")
    return Outline(VALUES[words[0]], numbers, ellipse)


def _check(path: Path, digest: str) -> None:
    if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest()[: len(digest)] != digest:
        raise InputError(
            "photo is another than listed",
            where=path,
            expected=f"SHA-256 {digest}…",
            remedy="take the listed file, or leave the photo out of the folder",
        )

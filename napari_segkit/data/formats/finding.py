"""Find a format's files in a folder or archive by their names."""

from __future__ import annotations

import itertools
import os
import re
import zipfile
from typing import TYPE_CHECKING

from napari_segkit.data.atomic import put_back

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

IMAGE_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".pgm", ".tif", ".tiff", ".webp")
_GLIMPSE = 200_000  # entries that are looked at before a place is taken for no dataset
_IMAGES = 200  # of a folder, that are told
_HEAD = 1 << 20


def glimpse(path: Path) -> list[str]:
    """Some of the files at ``path``, shallow ones first; never raises."""
    try:
        put_back(path)
        if path.is_dir():
            return list(_some_files(path))
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return sorted(archive.namelist(), key=lambda name: name.count("/"))
        return [path.name] if path.is_file() else []
    except Exception:  # noqa: BLE001  a damaged archive raises anything, and is none
        return []


def _some_files(folder: Path) -> Iterator[str]:
    """Of every folder the first images and all other files."""
    waiting, left = [""], _GLIMPSE
    while waiting and left > 0:
        inside = waiting.pop(0)
        images = 0
        with os.scandir(folder / inside) as entries:
            for entry in itertools.islice(entries, left):
                left -= 1
                images += entry.name.lower().endswith(IMAGE_SUFFIXES)
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{inside}{entry.name}/")
                elif images <= _IMAGES or not entry.name.lower().endswith(IMAGE_SUFFIXES):
                    yield f"{inside}{entry.name}"


def head(path: Path, name: str) -> bytes:
    """The first megabyte of a file that `glimpse` named; never raises."""
    try:
        if path.is_dir():
            with (path / name).open("rb") as file:
                return file.read(_HEAD)
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive, archive.open(name) as member:
                return member.read(_HEAD)
        with path.open("rb") as file:
            return file.read(_HEAD)
    except Exception:  # noqa: BLE001  as above
        return b""


def is_object(data: bytes) -> bool:
    """Whether the `head` of a JSON file begins an object, not a list or anything else."""
    return data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{"


class ImageFinder:
    """Finds the images that annotations name, wherever in the dataset they lie.

    Parameters
    ----------
    names
        Every file of the dataset.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.stems: dict[str, str] = {}
        self._by_base: dict[str, list[str]] = {}
        for name in names:
            stem, suffix = os.path.splitext(name)
            if suffix.lower() in IMAGE_SUFFIXES and self.stems.setdefault(stem, name) == name:
                self._by_base.setdefault(stem.rsplit("/", 1)[-1], []).append(stem)

    def find(self, name: str, *folders: str) -> str | None:
        """File of a sample's name, tried in each folder (such as ``images/``), then anywhere.

        ``None`` where it is missing, or at several places.
        """
        for folder in ("", *folders):
            if folder + name in self.stems:
                return self.stems[folder + name]
        same = self._by_base.get(name.rsplit("/", 1)[-1], ())
        fitting = [stem for stem in same if stem.endswith(f"/{name}")]
        return self.stems[fitting[0]] if len(fitting) == 1 else None


def without_partner(masks: int, images: ImageFinder, paired: int) -> tuple[str, ...]:
    """A note where images have no annotation.

    Parameters
    ----------
    masks
        How many images are annotated.
    images
        Every image of the dataset.
    paired
        How many of the annotated ones are there.
    """
    left = len(images.stems) - paired
    if left <= 0:
        return ()
    return (f"{left} of {left + masks} images have no annotation and were left out",)


_MASK_FOLDER = re.compile(r"((?:.*/)?(?:masks?|labels)/)[^/].*", re.IGNORECASE)


def mask_files(names: Iterable[str]) -> dict[str, str]:
    """Image files below the first folder called masks: name without extension -> file."""
    found: dict[str, str] = {}
    folder = None
    for name in names:
        stem, suffix = os.path.splitext(name)
        match = _MASK_FOLDER.fullmatch(name)
        if match is None or suffix.lower() not in IMAGE_SUFFIXES:
            continue
        folder = folder or match[1]
        if name.startswith(folder):
            found.setdefault(stem[len(folder) :], name)
    return found

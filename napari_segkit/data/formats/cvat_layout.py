"""Where CVAT's mask format keeps its files, and what a folder or archive of it holds."""

from __future__ import annotations

import os
import zipfile
from typing import TYPE_CHECKING

from napari_segkit.data.formats.cvat_labelmap import FILE
from napari_segkit.data.staging import holds_only

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

CLASS_DIR = "SegmentationClass"
OBJECT_DIR = "SegmentationObject"
IMAGE_DIR = "JPEGImages"
LIST_DIR = "ImageSets/Segmentation"
_TOP = {FILE, CLASS_DIR, OBJECT_DIR, IMAGE_DIR, "ImageSets"}


def is_dataset_only(folder: Path) -> bool:
    """Whether a folder is such a dataset and nothing else, so that it may be replaced."""
    try:
        known = (folder / FILE).is_file() and os.path.isdir(folder / LIST_DIR)
        return known and holds_only(folder, _TOP)
    except OSError:
        return False


_MARKS = (CLASS_DIR, OBJECT_DIR, LIST_DIR)
_MACOS = "__MACOSX"  # its archives hold a shadow of every file there
DEEPEST_ROOT = 3
"""How many folders deep CVAT looks for the lists."""
_GLIMPSE = 2000  # folders that are looked at before a place is taken for no dataset


def roots(names: Iterable[str]) -> list[str]:
    """Folders that hold a dataset, shallowest first: "" or such as ``a/b/``."""
    found = set()
    for name in names:
        if name.startswith(f"{_MACOS}/"):
            continue
        for mark in _MARKS:
            before, here, _ = f"/{name}".partition(f"/{mark}/")
            if here:
                found.add(f"{before}/".lstrip("/"))
    outer = [root for root in found if not any(root != o and root.startswith(o) for o in found)]
    return sorted(outer, key=lambda root: (root.count("/"), root))


def folder_roots(folder: Path) -> list[str]:
    """As `roots`, for a folder on disk, without listing its images."""
    found: list[str] = []
    waiting, seen = [""], 0
    while waiting and seen < _GLIMPSE:
        inside, seen = waiting.pop(0), seen + 1
        if any((folder / inside / mark).is_dir() for mark in _MARKS):
            found.append(inside)
        elif inside.count("/") <= DEEPEST_ROOT:  # one deeper, to be able to say so
            waiting += [f"{inside}{name}/" for name in _folders(folder / inside)]
    return found


def _folders(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(
                e.name
                for e in entries
                if e.is_dir(follow_symlinks=False) and not e.name.startswith((".", _MACOS))
            )
    except OSError:
        return []


def looks_like(path: Path) -> bool:
    """Whether a folder or archive holds such a dataset; never raises."""
    try:
        if path.is_dir():
            return bool(folder_roots(path))
        with zipfile.ZipFile(path) as archive:
            return bool(roots(archive.namelist()))
    except Exception:  # noqa: BLE001  a damaged archive raises anything, and is none
        return False

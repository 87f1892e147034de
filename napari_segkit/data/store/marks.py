"""Image files that are known again: after a rename, or when another one took their place."""

from __future__ import annotations

import os
import zlib
from typing import TYPE_CHECKING

from napari_segkit.data.store.record import ImageMark

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_ENDS = 1 << 16  # bytes from each end: headers and pixels differ there, and it takes 0.1 ms


def mark_of(path: Path) -> ImageMark | None:
    """The mark of an image file, or ``None`` where it cannot be read."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            crc = zlib.crc32(file.read(_ENDS))
            if status.st_size > 2 * _ENDS:
                file.seek(-_ENDS, os.SEEK_END)
            return ImageMark(
                size=status.st_size,
                mtime_ns=status.st_mtime_ns,
                crc=zlib.crc32(file.read(_ENDS), crc),
            )
    except OSError:
        return None


def same_content(path: Path, mark: ImageMark) -> bool:
    """Whether a file is still the one that was marked; it is opened only where its time differs."""
    try:
        status = path.stat()
    except OSError:
        return False
    if status.st_size != mark.size:
        return False
    if status.st_mtime_ns == mark.mtime_ns:
        return True
    now = mark_of(path)
    return now is not None and now.crc == mark.crc


def renamed(missing: Mapping[str, ImageMark], fresh: Iterable[tuple[str, Path]]) -> dict[str, str]:
    """Which of the images that are gone are which of those that are new.

    Parameters
    ----------
    missing
        Name -> mark.
    fresh
        Name and file of images that nothing is known of.

    Returns
    -------
    Old name -> new name, where there is exactly one candidate on each side; copies are nobody's.
    """
    sizes = {mark.size for mark in missing.values()}
    candidates: dict[tuple[int, int], list[str]] = {}
    for name, path in fresh:
        try:
            fits = path.stat().st_size in sizes
        except OSError:
            continue
        mark = mark_of(path) if fits else None
        if mark is not None:
            candidates.setdefault((mark.size, mark.crc), []).append(name)
    wanted: dict[tuple[int, int], list[str]] = {}
    for name, mark in missing.items():
        wanted.setdefault((mark.size, mark.crc), []).append(name)
    return {
        olds[0]: candidates[content][0]
        for content, olds in wanted.items()
        if len(olds) == 1 and len(candidates.get(content, ())) == 1
    }

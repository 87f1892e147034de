"""Small pictures of image files, made once and kept on the disk, within bounds."""

from __future__ import annotations

import hashlib
import logging
import os
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as PilImage
from PIL import ImageOps

from napari_segkit.data.atomic import atomic_write
from napari_segkit.data.images import read_image
from napari_segkit.data.pillow import open_image
from napari_segkit.errors import WriteError
from napari_segkit.limits import limits
from napari_segkit.paths import user_cache

if TYPE_CHECKING:
    from pathlib import Path

    from napari_segkit.types import Image

logger = logging.getLogger(__name__)

SIDE = 128
"""Pixels of the longer side."""
_MOST_BYTES = 64 << 20
"""About 20,000 pictures."""


class ThumbnailCache:
    """Pictures of at most `SIDE` pixels, by path, size and time of change of the file.

    Parameters
    ----------
    folder
        Of the files; the user's cache by default. What cannot be written is done without.
    most_bytes
        Of all files; what was made longest ago goes first.
    """

    def __init__(self, folder: Path | None = None, *, most_bytes: int = _MOST_BYTES) -> None:
        self._folder = user_cache() / "thumbnails" if folder is None else folder
        self._most_bytes = most_bytes

    def get(self, path: Path) -> Image:
        """The picture of a file: (h, w, 3) uint8 RGB.

        Raises
        ------
        ImageError
            Where the file is no image.
        """
        kept = self._place(path)
        found = None if kept is None else _read(kept)
        if found is None:
            found = make_thumbnail(path)
            if kept is not None:
                self._write(kept, found)
        return found

    def _place(self, path: Path) -> Path | None:
        try:
            status = path.stat()
        except OSError:
            return None
        text = f"{path.absolute()}\n{status.st_size}\n{status.st_mtime_ns}\n{SIDE}"
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        return self._folder / digest[:2] / f"{digest[2:24]}.png"

    def _write(self, kept: Path, picture: Image) -> None:
        try:
            kept.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(kept) as file:
                PilImage.fromarray(picture).save(file, "PNG")
        except (OSError, WriteError) as error:
            logger.info("thumbnail is not kept: %s", error)

    def trim(self) -> None:
        """Delete the oldest where there are too many; a listing of all, so once in a while."""
        try:
            files = [
                (entry.stat().st_mtime_ns, entry.stat().st_size, entry.path)
                for folder in os.scandir(self._folder)
                if folder.is_dir()
                for entry in os.scandir(folder)
            ]
            total = sum(size for _, size, _ in files)
            for _, size, path in sorted(files):
                if total <= self._most_bytes:
                    break
                os.unlink(path)
                total -= size
        except OSError as error:
            logger.info("thumbnails are not tidied: %s", error)


def make_thumbnail(path: Path) -> Image:
    """A picture of at most `SIDE` pixels; a JPEG is not decoded at its full size.

    Raises
    ------
    ImageError
        Where the file is no image.
    """
    quick = _from_jpeg(path) if path.suffix.lower() in (".jpg", ".jpeg") else None
    if quick is not None:
        return quick
    pixels = read_image(path).pixels
    step = max(1, max(pixels.shape[:2]) // (4 * SIDE))  # most pixels are never looked at
    picture = PilImage.fromarray(np.ascontiguousarray(pixels[::step, ::step]))
    picture.thumbnail((SIDE, SIDE))
    return np.asarray(picture)


def _from_jpeg(path: Path) -> Image | None:
    """``None`` where it is better read as every image is, errors included."""
    try:
        with open_image(path, ("JPEG",)) as image:
            if image.mode not in ("RGB", "L") or image.width * image.height > limits().pixels:
                return None
            image.draft("RGB", (2 * SIDE, 2 * SIDE))
            turned = ImageOps.exif_transpose(image)
            turned.thumbnail((SIDE, SIDE))
            return np.asarray(turned.convert("RGB"))
    except Exception:  # noqa: BLE001  decoders raise anything; `read_image` says what it is
        return None


def _read(kept: Path) -> Image | None:
    try:
        with PilImage.open(kept) as picture:
            return np.asarray(picture.convert("RGB"))
    except (OSError, ValueError, SyntaxError):
        return None

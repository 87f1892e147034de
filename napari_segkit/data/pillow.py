"""Open image files with Pillow, but for its limit of pixels.

That limit (179 Mpx) belongs to the whole process, and raising it would raise it for napari, too.
Whoever opens a file here compares its size with `napari_segkit.limits` before decoding it.
"""

from __future__ import annotations

import threading
import warnings
from pathlib import Path
from typing import IO, TYPE_CHECKING

from PIL import Image as PilImage
from PIL import UnidentifiedImageError

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "PPM", "WEBP")
_warning_filters = threading.Lock()  # they belong to the process, not to a thread


def open_image(file: Path | IO[bytes], formats: tuple[str, ...] | None = None) -> ImageFile:
    """Read a header.

    Parameters
    ----------
    formats
        Pillow's names of the only ones that are tried.

    Raises
    ------
    UnidentifiedImageError, OSError, …
        As `PIL.Image.open`.
    """
    with _warning_filters, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of large sizes
        try:
            return PilImage.open(file, formats=formats)
        except PilImage.DecompressionBombError:
            return _large(file, formats or FORMATS)


def _large(file: Path | IO[bytes], formats: tuple[str, ...]) -> ImageFile:
    prefix = _prefix(file)
    for name in formats:
        factory, accepts = PilImage.OPEN[name]
        if accepts is None or accepts(prefix) is True:
            return factory(file, "")  # type: ignore[arg-type]
    raise UnidentifiedImageError(str(file))


def _prefix(file: Path | IO[bytes]) -> bytes:
    if isinstance(file, Path):
        with file.open("rb") as opened:
            return opened.read(16)
    file.seek(0)
    prefix = file.read(16)
    file.seek(0)
    return prefix

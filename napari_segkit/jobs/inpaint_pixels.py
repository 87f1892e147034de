"""Pixels of a photo as deep as its file holds them, and a file that holds them as well.

A TIFF becomes a TIFF, everything else a PNG. Palettes, CMYK and the like, which cannot be filled,
become 8-bit colours, with a note.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

from napari_segkit.data.atomic import atomic_write, disk_errors
from napari_segkit.data.images import TURN
from napari_segkit.data.pillow import open_image
from napari_segkit.data.png import SIGNATURE
from napari_segkit.errors import ImageError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_segkit.data.images import LoadedImage

_ORIENTATION = 274  # the EXIF and TIFF tag
_GRAY_OR_RGB = (0, 1, 2)  # of a TIFF
_KEPT_MODES = ("1", "L", "LA", "RGB", "RGBA", "I", "I;16", "I;16B")  # of Pillow
_DEPTH, _COLOUR = 24, 25  # bytes of a PNG's header


@dataclass(frozen=True)
class StoredPixels:
    """Pixels (H, W) or (H, W, channels) of any depth, turned to be looked at.

    Attributes
    ----------
    tags
        What tifffile is told when it writes them.
    notes
        What was converted or left out.
    """

    pixels: NDArray[Any]
    tags: dict[str, Any] = field(default_factory=lambda: {"photometric": "rgb"})
    notes: tuple[str, ...] = ()


def result_suffix(path: Path) -> str:
    """Of the file that holds what ``path`` does."""
    return ".tif" if _is_tiff(path) else ".png"


def read_stored(path: Path, image: LoadedImage) -> StoredPixels:
    """Read a photo again, at its own depth and with all of its channels.

    Parameters
    ----------
    image
        What `read_image`, which examines the file, made of it.

    Raises
    ------
    ImageError
        Where a decoder gives up.
    """
    try:
        stored = _read_tiff(path) if _is_tiff(path) else _read_other(path)
    except Exception as error:  # decoders raise anything
        raise ImageError("cannot be read at its own depth", where=path, got=error) from error
    return stored or StoredPixels(image.pixels, notes=image.notes)


def write_stored(place: Path, stored: StoredPixels) -> None:
    """Write what `read_stored` gave; `WriteError` where the disk refuses."""
    with disk_errors(place):
        place.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(place) as file:
        if place.suffix == ".tif":
            whole = stored.pixels.dtype.kind in "iu"  # differences of neighbours pack better
            tags = {"compression": "zlib", "predictor": whole, "metadata": None}
            tifffile.imwrite(file, stored.pixels, **tags | stored.tags)
        else:
            file.write(_png(stored.pixels))


def _is_tiff(path: Path) -> bool:
    return path.suffix.lower() in (".tif", ".tiff")


def _read_tiff(path: Path) -> StoredPixels | None:
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages[0].aspage()
        if page.photometric not in _GRAY_OR_RGB:
            return None
        pixels = page.asarray()
        tags: dict[str, Any] = {"photometric": int(page.photometric)}
        if pixels.ndim == 3:
            pixels = np.moveaxis(pixels, 0, -1) if page.planarconfig == 2 else pixels
            tags |= {"planarconfig": "contig", "extrasamples": page.extrasamples or None}
        orientation = page.tags.valueof(_ORIENTATION, default=1)
        return StoredPixels(_turned(pixels, orientation), tags, _first_of(len(tiff.pages), "pages"))


def _read_other(path: Path) -> StoredPixels | None:
    with path.open("rb") as file:
        head = file.read(_COLOUR + 1)
    with open_image(path) as image:
        notes = _first_of(getattr(image, "n_frames", 1), "frames")
        if head.startswith(SIGNATURE) and head[_DEPTH] == 16 and head[_COLOUR]:
            pixels = _read_deep_png(path)
        elif image.mode == "P" and "transparency" in image.info:
            pixels = np.asarray(image.convert("RGBA"))
            notes += ("a palette was written as RGBA",)
        elif image.mode in _KEPT_MODES:
            pixels = np.asarray(image)
            if image.mode.startswith("I"):  # 16 bits, in whatever type and byte order
                pixels = pixels.astype(np.uint16)
        else:
            return None
        return StoredPixels(_turned(pixels, image.getexif().get(_ORIENTATION, 1)), notes=notes)


def _first_of(number: int, what: str) -> tuple[str, ...]:
    return (f"the first of {number} {what} was used",) if number > 1 else ()


def _read_deep_png(path: Path) -> NDArray[Any]:
    """Colours of 16 bits, of which Pillow would read 8; gray with alpha as RGBA."""
    import cv2

    data = np.fromfile(path, np.uint8)
    pixels = np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED))
    return np.ascontiguousarray(_swapped(pixels))


def _swapped(pixels: NDArray[Any]) -> NDArray[Any]:
    """RGB <-> BGR; alpha stays the last."""
    return pixels[..., [2, 1, 0, 3][: pixels.shape[2]]]


def _turned(pixels: NDArray[Any], orientation: object) -> NDArray[Any]:
    turn = TURN.get(orientation, TURN[1]) if isinstance(orientation, int) else TURN[1]
    return np.ascontiguousarray(turn(pixels))


def _png(pixels: NDArray[Any]) -> bytes:
    if pixels.ndim == 3 and pixels.dtype == np.uint16:
        import cv2

        return bytes(cv2.imencode(".png", np.ascontiguousarray(_swapped(pixels)))[1])
    import io

    from PIL import Image as PilImage

    file = io.BytesIO()
    PilImage.fromarray(pixels).save(file, "PNG")
    return file.getvalue()

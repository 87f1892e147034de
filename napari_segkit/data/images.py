"""The one place that reads image files: found, checked, rotated, converted."""

from __future__ import annotations

import contextlib
import errno
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile
from PIL import ImageOps, UnidentifiedImageError

from napari_segkit.data.pillow import open_image
from napari_segkit.errors import ImageError
from napari_segkit.limits import limits, raise_by
from napari_segkit.ops.images import to_rgb8

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray
    from PIL import Image as PilImage
    from PIL.ImageFile import ImageFile

    from napari_segkit.types import Image

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".pgm", ".tif", ".tiff", ".webp")
_REFUSED = (errno.EACCES, errno.EPERM, errno.EIO, errno.ENOENT)
_ORIENTATION = 274  # the EXIF and TIFF tag
TURN: dict[int, Callable[[Any], Any]] = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: a.swapaxes(0, 1)[:, ::-1],
    7: lambda a: a.swapaxes(0, 1)[::-1, ::-1],
    8: lambda a: a.swapaxes(0, 1)[::-1],
}
"""EXIF orientation -> how stored rows and columns are turned to be looked at."""


@dataclass(frozen=True)
class ImageSource:
    """An image file and its name in a dataset: relative path, '/' between folders, no extension."""

    path: Path
    name: str


@dataclass(frozen=True)
class LoadedImage:
    """Pixels (H, W, 3) uint8 RGB, EXIF-rotated, and what was converted on the way."""

    pixels: Image
    notes: tuple[str, ...]


def find_images(places: Iterable[Path]) -> list[ImageSource]:
    """Image files of files, folders (with their sub-folders) and glob patterns, without doubles.

    Hidden files and folders are left out. A name is relative to the folder that was given, or the
    file's own.

    Raises
    ------
    ImageError
        Where a place does not exist or must not be read, or nothing is found at all.
    """
    found: dict[Path, ImageSource] = {}
    places = list(places)
    for place in places:
        try:
            for source in _sources(place):
                found.setdefault(source.path.absolute(), source)
        except OSError as error:
            raise ImageError(
                "cannot be looked through",
                where=error.filename or place,
                got=error.strerror or error,
                remedy="ask for the right to read it, or leave it out",
            ) from error
    if not found:
        raise ImageError(
            "no images found",
            where=", ".join(str(place) for place in places),
            expected=f"files that end in {', '.join(SUFFIXES)}",
        )
    return list(found.values())


def _sources(place: Path) -> Iterator[ImageSource]:
    if place.is_dir():
        for parts in sorted(_parts_below(place)):
            stem = os.path.splitext(parts[-1])[0]
            yield ImageSource(place.joinpath(*parts), "/".join((*parts[:-1], stem)))
    elif place.exists():
        yield ImageSource(place, place.stem)
    else:
        matches = _glob(place)
        if not matches:
            raise ImageError("no such file or folder", where=place)
        for match in matches:
            yield from _sources(match)


def _parts_below(folder: Path) -> Iterator[tuple[str, ...]]:
    """Names of folders and file of each image; texts, which sort 20 times as fast as paths."""
    root = os.fspath(folder)
    os.scandir(root).close()  # os.walk would keep a refusal to itself
    for place, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        above = () if place == root else tuple(os.path.relpath(place, root).split(os.sep))
        for name in files:
            fits = os.path.splitext(name)[1].lower() in SUFFIXES and not name.startswith(".")
            if fits and os.path.isfile(os.path.join(place, name)):
                yield (*above, name)


def _glob(pattern: Path) -> list[Path]:
    """Files that a pattern matches, for shells that do not expand it."""
    if not any(sign in str(pattern) for sign in "*?["):
        return []
    root = Path(pattern.anchor) if pattern.is_absolute() else Path()
    with contextlib.suppress(ValueError, OSError):
        return sorted(root.glob(str(pattern.relative_to(pattern.anchor))))
    return []


def read_image(path: Path) -> LoadedImage:
    """Read one image file as every model wants it.

    Parameters
    ----------
    path
        Any file that Pillow or tifffile reads; one that has more pixels than
        `napari_segkit.limits` say is refused from its header.

    Raises
    ------
    ImageError
        Where the file is missing, empty, not an image, damaged, or too large.
    """
    if not path.is_file():
        raise ImageError("no such file", where=path)
    if path.stat().st_size == 0:
        raise ImageError("not an image", where=path, got="an empty file")
    if _is_tiff(path):
        array, notes = _read_tiff(path)
    else:
        array, notes = _read_with_pillow(path)
    pixels, more = to_rgb8(array, where=path)
    return LoadedImage(pixels, (*notes, *more))


def image_size(path: Path) -> tuple[int, int]:
    """(H, W) of an image file after EXIF rotation, from its header alone.

    Raises
    ------
    ImageError
        As `read_image`.
    """
    with _decoding(path):
        if _is_tiff(path):
            with _open_tiff(path) as tiff:
                page = tiff.pages[0].aspage()
                width, height = page.imagewidth, page.imagelength
                orientation = page.tags.valueof(_ORIENTATION, default=1)
        else:
            with open_image(path) as image:
                width, height = image.size
                orientation = image.getexif().get(_ORIENTATION, 1)
    turned = orientation in (5, 6, 7, 8)
    return (width, height) if turned else (height, width)


def _check_size(path: Path, height: int, width: int) -> None:
    if height * width > limits().pixels:
        raise ImageError(
            "image is too large",
            where=path,
            expected=f"at most {limits().pixels / 1e6:.0f} Mpx",
            got=f"{width}x{height} = {height * width / 1e6:.0f} Mpx",
            remedy=f"scale it down or cut it into tiles; {raise_by('pixels')}",
        )


@contextlib.contextmanager
def _decoding(path: Path) -> Iterator[None]:
    """Turn whatever a decoder raises into one `ImageError`."""
    try:
        yield
    except ImageError:
        raise
    except UnidentifiedImageError as error:
        raise ImageError("not an image", where=path, got=_first_bytes(path)) from error
    except MemoryError as error:
        raise ImageError(
            "image does not fit into memory", where=path, remedy="scale it down"
        ) from error
    except Exception as error:  # decoders raise anything
        if isinstance(error, OSError) and error.errno in _REFUSED:
            raise ImageError("file cannot be read", where=path, got=error.strerror) from error
        raise ImageError(
            "image is damaged",
            where=path,
            got=str(error) or type(error).__name__,
            remedy="copy or export it again",
        ) from error


def _first_bytes(path: Path) -> str:
    with path.open("rb") as file:
        return f"a file that begins with {file.read(12)!r}"


def _read_with_pillow(path: Path) -> tuple[NDArray[Any], list[str]]:
    with _decoding(path):
        with open_image(path) as image:
            width, height = image.size
            _check_size(path, height, width)
            if image.format == "PNG":
                image.verify()  # checks every chunk's CRC; reading does not
        with open_image(path) as image:
            return _pillow_pixels(image)


def _pillow_pixels(image: ImageFile) -> tuple[NDArray[Any], list[str]]:
    notes = []
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        notes.append(f"the first of {frames} frames was used")
    picture: PilImage.Image = ImageOps.exif_transpose(image) or image
    if picture.mode in ("P", "PA") and "transparency" in picture.info:
        picture = picture.convert("RGBA")
    elif picture.mode in ("P", "PA", "CMYK", "YCbCr", "LAB", "HSV"):
        notes.append(f"{picture.mode} colours were converted to RGB")
        picture = picture.convert("RGB")
    elif picture.mode in ("RGBX", "RGBa", "La"):
        picture = picture.convert("RGB")
    return np.asarray(picture), notes


def _read_tiff(path: Path) -> tuple[NDArray[Any], list[str]]:
    with _decoding(path), _open_tiff(path) as tiff:
        page = tiff.pages[0].aspage()
        _check_size(path, page.imagelength, page.imagewidth)
        if page.photometric not in (0, 1, 2) or _needs_other_codec(page):
            return _read_with_pillow(path)
        pages = len(tiff.pages)
        notes = [f"the first of {pages} pages was used"] if pages > 1 else []
        array = page.asarray()
        if page.photometric == 0:  # white is zero
            array = np.invert(array) if array.dtype.kind in "biu" else array.max() - array
        if array.ndim == 3 and page.planarconfig == 2:
            array = np.moveaxis(array, 0, -1)
        orientation = page.tags.valueof(_ORIENTATION, default=1)
        return TURN.get(int(orientation), TURN[1])(array), notes


def _is_tiff(path: Path) -> bool:
    return path.suffix.lower() in (".tif", ".tiff")


def _open_tiff(path: Path) -> tifffile.TiffFile:
    try:
        return tifffile.TiffFile(path)
    except tifffile.TiffFileError as error:
        raise ImageError("not an image", where=path, got=_first_bytes(path)) from error


def _needs_other_codec(page: tifffile.TiffPage) -> bool:
    """Whether tifffile alone (without imagecodecs) cannot decode the page; Pillow mostly can."""
    return page.compression not in (1, 8, 32946)

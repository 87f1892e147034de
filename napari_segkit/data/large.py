"""Images that are too large for memory, read band by band: tiled or striped TIFF, and zarr."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import tifffile

from napari_segkit.data.images import image_size
from napari_segkit.errors import ImageError
from napari_segkit.limits import limits

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_segkit.types import Image

_JPEG = (6, 7, 33007)
_YCBCR = 6  # JPEG's own colours: its decoder gives RGB


class LargeImage(Protocol):
    """An image whose rows are read when asked for."""

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        ...

    def rows(self, top: int, bottom: int) -> Image:
        """Pixels (bottom - top, W, 3) uint8 RGB."""
        ...


def is_large(path: Path) -> bool:
    """Whether a file can only be read band by band: a zarr, or a TIFF above the limit of pixels."""
    if path.suffix == ".zarr":
        return path.is_dir()
    if path.suffix.lower() not in (".tif", ".tiff") or not path.is_file():
        return False
    height, width = image_size(path)
    return height * width > limits().pixels


def open_large(path: Path) -> LargeImage:
    """Open an image for reading by bands.

    Raises
    ------
    ImageError
        Where it is none, or of a kind that is only read whole.
    """
    return _open_zarr(path) if path.suffix == ".zarr" else TiffBands(path)


def _open_zarr(path: Path) -> LargeImage:
    try:
        import zarr
    except ImportError as error:
        raise ImageError(
            "zarr images need the package zarr", where=path, remedy="pip install zarr"
        ) from error
    try:
        opened: Any = zarr.open(str(path), mode="r")
        array = opened if hasattr(opened, "dtype") else opened["0"]
    except Exception as error:  # zarr raises anything
        raise ImageError("not a zarr image", where=path, got=error) from error
    _check(path, array.dtype, array.shape)
    return ZarrBands(array)


def _check(path: Path, dtype: Any, shape: tuple[int, ...]) -> None:
    if np.dtype(dtype) != np.uint8 or len(shape) not in (2, 3) or shape[2:] not in ((), (3,), (4,)):
        raise ImageError(
            "large images are read band by band",
            where=path,
            expected="(H, W), (H, W, 3) or (H, W, 4) of 8 bits",
            got=f"{shape} {dtype}",
            remedy="convert it to 8 bits",
        )


def _check_codec(path: Path, compression: Any) -> None:
    """Refuse what cannot be decoded before the work begins; most codecs are imagecodecs'."""
    try:
        tifffile.TIFF.DECOMPRESSORS[compression]
    except (KeyError, ImportError) as error:
        raise ImageError(
            "TIFF of this compression cannot be read here",
            where=path,
            expected="none, deflate, LZW, JPEG or zstd",
            got=getattr(compression, "name", compression),
            remedy="pip install imagecodecs, or save it again with deflate",
        ) from error


def _rgb(pixels: NDArray[Any]) -> Image:
    if pixels.ndim == 2 or pixels.shape[2] == 1:
        pixels = np.repeat(pixels.reshape(*pixels.shape[:2], 1), 3, axis=2)
    return np.ascontiguousarray(pixels[..., :3], np.uint8)


@dataclass(frozen=True)
class ZarrBands:
    """Bands of a zarr array."""

    array: Any

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        height, width = self.array.shape[:2]
        return int(height), int(width)

    def rows(self, top: int, bottom: int) -> Image:
        """Pixels (bottom - top, W, 3) uint8 RGB."""
        return _rgb(np.asarray(self.array[top:bottom]))


class TiffBands:
    """Bands of a TIFF: only the tiles or strips that a band touches are decoded."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with tifffile.TiffFile(path) as tiff:
                page = tiff.pages[0].aspage()
        except (tifffile.TiffFileError, OSError, ValueError) as error:
            raise ImageError("not an image", where=path, got=error) from error
        _check_codec(path, page.compression)
        _check(path, page.dtype, page.shape)
        colours = (1, 2, _YCBCR) if page.compression in _JPEG else (1, 2)
        if page.planarconfig != 1 or page.photometric not in colours:
            got = f"planes {page.planarconfig}, colours {page.photometric}"
            raise ImageError("TIFF cannot be read by bands", where=path, expected="RGB", got=got)
        turned = page.tags.get("Orientation")
        if turned is not None and turned.value != 1:
            raise ImageError(
                "TIFF is stored turned and cannot be read by bands",
                where=path,
                expected="orientation 1",
                got=int(turned.value),
                remedy="save it upright",
            )
        self.shape: tuple[int, int] = (page.imagelength, page.imagewidth)
        self._step = (
            (page.tilelength, page.tilewidth)
            if page.is_tiled
            else (min(page.rowsperstrip, page.imagelength), page.imagewidth)
        )

    def rows(self, top: int, bottom: int) -> Image:
        """Pixels (bottom - top, W, 3) uint8 RGB.

        Raises
        ------
        ImageError
            Where a tile is damaged.
        """
        tall, wide = self._step
        band = np.zeros((bottom - top, self.shape[1], 3), np.uint8)
        across = -(-self.shape[1] // wide)
        try:
            with tifffile.TiffFile(self._path) as tiff:
                page = tiff.pages[0].aspage()
                for row in range(top // tall, -(-bottom // tall)):
                    for column in range(across):
                        piece = _segment(tiff, page, row * across + column)
                        if piece is not None:
                            self._place(band, piece, top - row * tall, column * wide)
        except (OSError, ValueError, IndexError, RuntimeError, zlib.error) as error:
            raise ImageError("image is damaged", where=self._path, got=error) from error
        return band

    def _place(self, band: Image, piece: NDArray[np.uint8], skip: int, left: int) -> None:
        """Copy what of a segment lies in the band, whose first row is ``skip`` rows below it."""
        start = max(skip, 0)
        part = _rgb(piece[start : skip + len(band), : band.shape[1] - left])
        band[start - skip : start - skip + len(part), left : left + part.shape[1]] = part


def _segment(tiff: tifffile.TiffFile, page: Any, index: int) -> NDArray[np.uint8] | None:
    """Pixels (h, w, channels) of a tile or strip; ``None`` where the file leaves it out."""
    tiff.filehandle.seek(page.dataoffsets[index])
    data = tiff.filehandle.read(page.databytecounts[index])
    piece = page.decode(data, index, jpegtables=page.jpegtables)[0]
    return None if piece is None else piece[0]

"""The size of an image inside a dataset, from its header alone."""

from __future__ import annotations

import io
import warnings
from typing import IO, TYPE_CHECKING, BinaryIO, cast

from PIL import UnidentifiedImageError

from napari_segkit.data.archive import reading
from napari_segkit.data.pillow import open_image
from napari_segkit.errors import ImageError, SegkitError

if TYPE_CHECKING:
    from napari_segkit.data.archive import Store

_ORIENTATION = 274  # the EXIF tag
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def image_shape(store: Store, file: str) -> tuple[int, int]:
    """(H, W) after EXIF rotation of an image in a store; as `encoded_shape`."""
    with reading(file), store.open(file) as stream:
        return header_shape(stream, file)


def encoded_shape(data: bytes, where: object) -> tuple[int, int]:
    """(H, W) after EXIF rotation of an image file's bytes.

    Raises
    ------
    ImageError
        Where it is no image, or its header is damaged.
    """
    return header_shape(io.BytesIO(data), where)


def header_shape(stream: IO[bytes], where: object) -> tuple[int, int]:
    """(H, W) after EXIF rotation of an opened image file; as `encoded_shape`."""
    try:
        magic = stream.read(4)
        stream.seek(0)
        height, width, orientation = (_tiff if magic in _TIFF else _other)(stream)
    except SegkitError:
        raise
    except UnidentifiedImageError as error:
        raise ImageError("not an image", where=where) from error
    except Exception as error:  # decoders raise anything
        raise ImageError(
            "image is damaged", where=where, got=str(error) or type(error).__name__
        ) from error
    return (width, height) if orientation in (5, 6, 7, 8) else (height, width)


def _tiff(stream: IO[bytes]) -> tuple[int, int, int]:
    """Height, width as stored, orientation; Pillow gives the turned size in some releases."""
    import tifffile

    with tifffile.TiffFile(cast("BinaryIO", stream)) as tiff:
        page = tiff.pages[0].aspage()
        orientation = page.tags.valueof(_ORIENTATION, default=1)
        return page.imagelength, page.imagewidth, int(orientation)


def _other(stream: IO[bytes]) -> tuple[int, int, int]:
    with open_image(stream) as image, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd tags
        return image.height, image.width, image.getexif().get(_ORIENTATION, 1)

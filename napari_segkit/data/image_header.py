"""The size of an image inside a dataset, from its header alone."""

from __future__ import annotations

import io
import warnings
from typing import IO, TYPE_CHECKING

from PIL import Image as PilImage
from PIL import UnidentifiedImageError

from napari_segkit.data.archive import reading
from napari_segkit.errors import ImageError, SegkitError

if TYPE_CHECKING:
    from napari_segkit.data.archive import Store

_ORIENTATION = 274  # the EXIF tag


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
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large sizes: nothing is decoded
            with PilImage.open(stream) as image:
                width, height = image.size
                turned = image.getexif().get(_ORIENTATION, 1) in (5, 6, 7, 8)
    except SegkitError:
        raise
    except UnidentifiedImageError as error:
        raise ImageError("not an image", where=where) from error
    except Exception as error:  # decoders raise anything
        raise ImageError(
            "image is damaged", where=where, got=str(error) or type(error).__name__
        ) from error
    return (width, height) if turned else (height, width)

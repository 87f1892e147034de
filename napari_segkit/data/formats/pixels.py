"""Mask files that hold numbers: decoded from bytes, whatever they are, or refused."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segkit.data.pillow import FORMATS, open_image
from napari_segkit.errors import MaskError, SegkitError
from napari_segkit.limits import limits, raise_by

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from PIL import Image as PilImage

    from napari_segkit.types import Color

_LOSSY = {"JPEG", "MPO", "WEBP", "JPEG2000"}
_MOST_GROWTH = 5000  # deflate grows at most 1032 times, LZW not much more


@dataclass(frozen=True)
class MaskPixels:
    """A decoded mask file.

    Attributes
    ----------
    values : (H, W) integers
    lossy
        The file's compression changes values.
    palette
        Colour of each value, where the file has a palette.
    """

    values: NDArray[Any]
    lossy: bool = False
    palette: tuple[Color, ...] = ()


def read_mask(data: bytes, where: str, *, formats: tuple[str, ...] = FORMATS) -> MaskPixels:
    """Decode a mask file.

    Raises
    ------
    MaskError
        Where it is no such file, damaged, too large, or in colours.
    """
    from PIL import Image as PilImage

    PilImage.init()  # otherwise some formats are not known yet
    try:
        with open_image(io.BytesIO(data), formats) as image:
            _check_size(image, len(data), where)
            if image.format == "PNG":
                image.verify()  # every chunk's checksum; decoding alone does not look
        with open_image(io.BytesIO(data), formats) as image, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd tags
            return _pixels(image, where)
    except SegkitError:
        raise
    except Exception as error:  # decoders raise anything
        raise MaskError(
            "mask is damaged or no image",
            where=where,
            got=str(error)[:200] or type(error).__name__,
            remedy="export it again; the image is left alone until then",
        ) from error


def _check_size(image: PilImage.Image, size: int, where: str) -> None:
    pixels = image.width * image.height
    if image.mode != "1" and pixels > size * _MOST_GROWTH:
        raise MaskError(
            "mask is damaged: its header tells of more than a file can hold",
            where=where,
            got=f"{image.width}x{image.height} pixels in {size} bytes",
            remedy="export it again; the image is left alone until then",
        )
    if pixels > limits().pixels:
        raise MaskError(
            "mask is too large",
            where=where,
            expected=f"at most {limits().pixels / 1e6:.0f} Mpx",
            got=f"{image.width}x{image.height}",
            remedy=raise_by("pixels"),
        )


def _pixels(image: PilImage.Image, where: str) -> MaskPixels:
    lossy = image.format in _LOSSY
    if image.mode == "P":
        colors = np.array(image.getpalette("RGB") or [], np.uint8).reshape(-1, 3)
        return MaskPixels(np.asarray(image), lossy, tuple((r, g, b) for r, g, b in colors.tolist()))
    if image.mode == "1":
        return MaskPixels(np.asarray(image).astype(np.uint8) * np.uint8(255))
    if image.mode == "LA":
        image = image.getchannel("L")
    elif image.mode in ("RGB", "RGBA"):
        pixels = np.asarray(image.convert("RGB"))
        spread = int((pixels.max(axis=2) - pixels.min(axis=2)).max(initial=0))
        if spread > (32 if lossy else 0):
            raise MaskError(
                "mask is in colours, not in values",
                where=where,
                expected="gray values or a palette",
                got=f"channels that differ by up to {spread}",
                remedy="read it as CVAT mask or Pascal VOC, or save it in gray",
            )
        return MaskPixels(pixels[..., 1], lossy)
    elif image.mode not in ("L", "I", "I;16", "I;16B", "I;16L", "I;16N"):
        raise MaskError(
            "mask has pixels that cannot be ids", where=where, expected="integers", got=image.mode
        )
    return MaskPixels(np.asarray(image), lossy)


def gray_png(values: NDArray[np.uint8]) -> bytes:
    """A grayscale PNG of (H, W) uint8 values."""
    from PIL import Image as PilImage

    buffer = io.BytesIO()
    PilImage.fromarray(np.ascontiguousarray(values)).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def palette_png(values: NDArray[np.uint8], colors: Mapping[int, Color]) -> bytes:
    """A palette PNG.

    Parameters
    ----------
    values : (H, W) uint8
    colors
        Colour of each value; the others are black.
    """
    from PIL import Image as PilImage

    palette = np.zeros((256, 3), np.uint8)
    for value, color in colors.items():
        palette[value] = color
    image = PilImage.fromarray(np.ascontiguousarray(values))
    image.putpalette(palette.tobytes())
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()

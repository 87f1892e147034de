"""Any array of grey values or colours -> what every model gets: (H, W, 3) uint8 RGB.

The rule for other depths, so that the same file always gives the same pixels:

========  =====================================================================================
dtype     becomes 0-255 by
========  =====================================================================================
uint8     nothing
bool      0 -> 0, 1 -> 255
integers  / the smallest of 8, 10, 12, 14, 16, 24 or 32 bits that holds the largest value
          (a 12-bit camera file stored as uint16 is not black); negative: smallest -> 0,
          largest -> 255
floats    0..1 -> 0..255; outside of that range: smallest -> 0, largest -> 255
========  =====================================================================================

NaN and infinities become the smallest finite value. Alpha is dropped, never blended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.errors import ImageError

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from napari_segkit.types import Image

_DEPTHS = (8, 10, 12, 14, 16, 24, 32)
_TINY, _ENLARGE = 1e-300, 2.0**600
"""Values of a smaller range are multiplied first."""


def to_rgb8(
    pixels: NDArray[Any], *, where: object = None, value_range: tuple[float, float] | None = None
) -> tuple[Image, tuple[str, ...]]:
    """Convert one picture to the form that every model gets.

    Parameters
    ----------
    pixels : (H, W), (H, W, 1), (H, W, 2), (H, W, 3) or (H, W, 4)
        Gray, gray + alpha, RGB, RGBA; boolean, integer or float of any byte order.
    where
        File or layer, for the error's sentence.
    value_range
        Smallest and largest value of what ``pixels`` is a part of (a plane of a stack), so that
        every part is scaled alike; by default those of ``pixels``.

    Returns
    -------
    image : (H, W, 3) uint8 RGB, C order
        A copy, unless ``pixels`` has that form already.
    notes
        One sentence per conversion that loses something.

    Raises
    ------
    ImageError
        For an empty array, another number of dimensions or channels, complex or object values.
    """
    pixels = np.asarray(pixels)
    _check_form(pixels, where)
    notes: list[str] = []
    if pixels.ndim == 3 and pixels.shape[2] in (2, 4):
        pixels = pixels[..., :-1]
        notes.append("the alpha channel was dropped")
    gray8 = _to_8_bit(pixels, value_range, notes)
    if gray8.ndim == 2:
        gray8 = gray8[..., None]
    if gray8.shape[2] == 1:
        gray8 = np.broadcast_to(gray8, (*gray8.shape[:2], 3))
    return np.ascontiguousarray(gray8), tuple(notes)


def _check_form(pixels: NDArray[Any], where: object) -> None:
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    if pixels.ndim not in (2, 3) or channels not in (1, 2, 3, 4):
        raise ImageError(
            "not one picture",
            where=where,
            expected="(H, W) or (H, W, 1 to 4)",
            got=pixels.shape,
            remedy="choose one plane of it",
        )
    if 0 in pixels.shape:
        raise ImageError("empty image", where=where, expected="at least 1x1", got=pixels.shape)
    if pixels.dtype.kind not in "biuf":
        raise ImageError(
            "not numbers", where=where, expected="integers or floats", got=pixels.dtype
        )


def _to_8_bit(
    pixels: NDArray[Any], value_range: tuple[float, float] | None, notes: list[str]
) -> NDArray[np.uint8]:
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype == np.bool_:
        return pixels.astype(np.uint8) * np.uint8(255)
    if pixels.dtype.kind == "f":
        return _float_to_8_bit(pixels, value_range, notes)
    low, high = value_range or (float(pixels.min()), float(pixels.max()))
    if low >= 0:
        depth = next((d for d in _DEPTHS if high < 2**d), 64)
        low, high = 0.0, float(2**depth - 1)
        notes.append(f"{pixels.dtype.name} values were scaled as {depth}-bit")
    else:
        notes.append(f"{pixels.dtype.name} values were scaled from {low:g} … {high:g}")
    return _scale(pixels, low, high)


def _float_to_8_bit(
    pixels: NDArray[Any], value_range: tuple[float, float] | None, notes: list[str]
) -> NDArray[np.uint8]:
    finite = np.isfinite(pixels)
    if not finite.all():
        bad = int(pixels.size - np.count_nonzero(finite))
        notes.append(f"{bad} NaN or infinite values were filled")
        fill = pixels[finite].min() if finite.any() else 0
        pixels = np.where(finite, pixels, fill)
    low, high = value_range or (float(pixels.min()), float(pixels.max()))
    if low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    else:
        notes.append(f"float values were scaled from {low:g} … {high:g}")
    return _scale(pixels, low, high)


def _scale(pixels: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """Map low..high to 0..255; a constant image becomes black without dividing by zero."""
    if high <= low:
        return np.zeros(pixels.shape, np.uint8)
    if pixels.dtype.kind == "u" and pixels.dtype.itemsize <= 2:  # a table: no float copy
        table = _stretch(np.arange(2**16, dtype=np.float32), low, high)
        return np.take(table, pixels)
    return _stretch(pixels.astype(np.float64), low, high)


def _stretch(values: NDArray[np.floating[Any]], low: float, high: float) -> NDArray[np.uint8]:
    if high / 2 - low / 2 < _TINY:  # 255 over it would overflow
        values, low, high = values * _ENLARGE, low * _ENLARGE, high * _ENLARGE
    half = values / 2 - low / 2  # halves: high - low of two large doubles would overflow
    scaled: NDArray[np.floating[Any]] = half * (255 / (high / 2 - low / 2))
    eight: NDArray[np.uint8] = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
    return eight

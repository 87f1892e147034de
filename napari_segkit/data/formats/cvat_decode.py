"""From the PNG files of CVAT's mask format to numbers: laxly, but never by guessing.

A mask is painted (RGB, RGBA: the colour says what a pixel is) or numbered (gray, 16-bit: the value
does); a palette file is both, and its colours come first, as in CVAT.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image as PilImage

from napari_segkit.errors import MaskError, SegkitError
from napari_segkit.ops.masks import as_label_array
from napari_segkit.types import present_ids

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_segkit.types import Color, Labels

MAX_PIXELS = 2 * 89_478_485
"""Larger masks are refused from their header; Pillow itself refuses at twice its bomb limit."""
_BAND_PIXELS = 1 << 18
_SHOWN = 5  # unknown colours that an error lists
_GRAY = np.arange(256, dtype=np.uint32) * 0x010101


@dataclass(frozen=True)
class Plane:
    """A mask file's pixels.

    Attributes
    ----------
    numbers : (H, W) uint8, uint16 or int32, or None
        For numbered masks.
    codes : (H, W) uint32, or None
        For painted masks: red + 256 green + 65536 blue.
    palette : (N,) uint32, or None
        Code of each number.
    mode
        Pillow's name of the kind of file, such as ``RGB`` or ``I;16``.
    """

    numbers: NDArray[Any] | None = None
    codes: NDArray[np.uint32] | None = None
    palette: NDArray[np.uint32] | None = None
    mode: str = "RGB"

    @property
    def shape(self) -> tuple[int, ...]:
        """(H, W)."""
        pixels = self.codes if self.numbers is None else self.numbers
        return () if pixels is None else pixels.shape


class ColorTable:
    """Which number a colour stands for, looked up for whole images at once.

    The table has an entry for each of the 16.7 million colours; the system lends it memory only
    where a colour is looked at.
    """

    def __init__(self, colors: Mapping[Color, int]) -> None:
        self.codes = {r | g << 8 | b << 16: number for (r, g, b), number in colors.items()}
        self._table = np.zeros(1 << 24, np.uint16)
        for code, number in self.codes.items():
            self._table[code] = number + 1  # 0 = unknown

    def numbers(self, codes: NDArray[np.uint32]) -> NDArray[np.uint16]:
        """Number + 1 of each colour code, 0 where it is unknown."""
        found: NDArray[np.uint16] = self._table[codes]
        return found

    def knows(self, codes: NDArray[np.uint32]) -> bool:
        """Whether all of these have a number."""
        return bool(self._table[codes].all())


def read_plane(data: bytes, where: str) -> Plane:
    """Decode a mask file.

    Raises
    ------
    MaskError
        Where it is no PNG, damaged, too large, or of a kind that cannot be a mask.
    """
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        lossy = data.startswith(b"\xff\xd8")
        raise MaskError(
            "mask is a JPEG file, whose colours are smeared" if lossy else "mask is not a PNG file",
            where=where,
            got=f"{len(data)} bytes that begin with {data[:8]!r}",
            remedy="export it again as PNG",
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of large sizes, ours is checked below
            with PilImage.open(io.BytesIO(data), formats=["PNG"]) as image:
                _check_size(image, where)
                image.verify()  # every chunk's checksum; decoding alone does not look
            with PilImage.open(io.BytesIO(data), formats=["PNG"]) as image:
                return _plane(image, where)
    except SegkitError:
        raise
    except Exception as error:  # decoders raise anything
        raise MaskError(
            "mask is damaged",
            where=where,
            got=str(error) or type(error).__name__,
            remedy="export it again; the image is left alone until then",
        ) from error


def _check_size(image: PilImage.Image, where: str) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise MaskError(
            "mask is too large",
            where=where,
            expected=f"at most {MAX_PIXELS / 1e6:.0f} Mpx",
            got=f"{image.width}x{image.height}",
        )


def _plane(image: PilImage.Image, where: str) -> Plane:
    mode = image.mode
    if mode in ("RGB", "RGBA"):
        return Plane(codes=_codes(image), mode=mode)
    if mode == "P":
        colors = np.array(image.getpalette() or [], np.uint32).reshape(-1, 3)
        palette = np.zeros(256, np.uint32)
        palette[: len(colors)] = colors @ np.array([1, 1 << 8, 1 << 16], np.uint32)
        return Plane(numbers=np.asarray(image), palette=palette, mode=mode)
    if mode == "1":
        image = image.convert("L").point(lambda value: value // 255)
    if mode in ("1", "L", "LA"):
        return Plane(numbers=np.asarray(image.getchannel(0)), palette=_GRAY, mode=mode)
    return Plane(numbers=as_label_array(np.asarray(image), where=where), mode=mode)


def _codes(image: PilImage.Image) -> NDArray[np.uint32]:
    """Colour code of each pixel (H, W), band by band, so that no second copy is made."""
    codes = np.empty((image.height, image.width), np.uint32)
    rows = max(1, _BAND_PIXELS // image.width)
    for top in range(0, image.height, rows):
        band = image.crop((0, top, image.width, min(top + rows, image.height)))
        pixels = np.asarray(band.convert("RGBA")).view("<u4")[..., 0]
        np.bitwise_and(pixels, 0xFFFFFF, out=codes[top : top + rows])  # alpha is in the top byte
    return codes


def class_numbers(plane: Plane, table: ColorTable, count: int, where: str) -> NDArray[np.uint16]:
    """Which line of the labelmap each pixel belongs to.

    Parameters
    ----------
    table
        Colour -> line.
    count
        How many lines there are: what a numbered mask may say.

    Raises
    ------
    MaskError
        For colours or numbers that the labelmap does not have, listed with their pixels.
    """
    if plane.codes is not None:
        return _painted(plane.codes, table, where, "add them to labelmap.txt as name:R,G,B::")
    numbers = np.asarray(plane.numbers)
    present = _present(numbers)
    fits = bool(present[-1] < count)
    known = plane.palette is not None and table.knows(plane.palette[present])
    # the values of a gray file are numbers first, a palette file's colours come first
    if plane.palette is not None and known and not (fits and _is_gray(plane.palette)):
        lines: NDArray[np.uint16] = (table.numbers(plane.palette) - 1)[numbers]
        return lines
    if count == 0:
        raise MaskError(
            "mask holds numbers, and no line of the labelmap is the background",
            where=where,
            remedy="add background:0,0,0:: as the line that number 0 means",
        )
    if not fits:
        _refuse_numbers(numbers, [n for n in present.tolist() if n >= count], count, where)
    return numbers.astype(np.uint16)


def _is_gray(palette: NDArray[np.uint32]) -> bool:
    return bool((palette == _GRAY).all())


def object_numbers(plane: Plane, table: ColorTable, where: str) -> Labels:
    """Object id of each pixel.

    Parameters
    ----------
    table
        Pascal VOC's colours -> id.

    Raises
    ------
    MaskError
        For colours that are none of VOC's 256, listed with their pixels.
    """
    if plane.codes is not None:
        remedy = "paint at most 255 objects in Pascal VOC's colours, or delete this file so that "
        remedy += "every connected area is an object"
        return as_label_array(_painted(plane.codes, table, where, remedy))
    numbers = np.asarray(plane.numbers)
    palette = plane.palette
    if palette is not None and not _is_gray(palette) and table.knows(palette[_present(numbers)]):
        return as_label_array((table.numbers(palette) - 1)[numbers])
    return as_label_array(numbers, where=where)


def _present(numbers: NDArray[Any]) -> NDArray[np.int64]:
    """Values that occur, 0 included, ascending."""
    ids = present_ids(numbers)
    zero = [] if numbers.all() else [0]
    return np.concatenate([np.array(zero, np.int64), ids])


def _painted(
    codes: NDArray[np.uint32], table: ColorTable, where: str, remedy: str
) -> NDArray[np.uint16]:
    numbers = table.numbers(codes)
    if not numbers.all():
        odd, counts = np.unique(codes[numbers == 0], return_counts=True)
        order = np.argsort(-counts, kind="stable")[:_SHOWN]
        listed = [
            f"({c & 255}, {c >> 8 & 255}, {c >> 16}) on {n} pixels"
            for c, n in zip(odd[order].tolist(), counts[order].tolist(), strict=True)
        ]
        more = f" and {len(odd) - _SHOWN} more" if len(odd) > _SHOWN else ""
        raise MaskError(
            "mask has colours that stand for nothing",
            where=where,
            got=", ".join(listed) + more,
            remedy=remedy,
        )
    numbers -= 1
    return numbers


def _refuse_numbers(numbers: NDArray[Any], odd: list[int], count: int, where: str) -> None:
    listed = [f"{n} on {int((numbers == n).sum())} pixels" for n in odd[:_SHOWN]]
    more = f" and {len(odd) - _SHOWN} more" if len(odd) > _SHOWN else ""
    raise MaskError(
        "mask has numbers that stand for nothing",
        where=where,
        expected=f"0 to {count - 1}, the lines of the labelmap",
        got=", ".join(listed) + more,
        remedy="add the missing labels to labelmap.txt",
    )

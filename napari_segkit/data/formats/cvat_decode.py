"""From the PNG files of CVAT's mask format to numbers: laxly, but never by guessing.

A mask is painted (RGB, RGBA: the colour says what a pixel is) or numbered (gray, 16-bit: the value
does); a palette file is both, and its colours come first, as in CVAT.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as PilImage

from napari_segkit.data.formats.strange import StrangeError
from napari_segkit.data.png_reader import GRAY, GRAY_ALPHA, PALETTE, RGB, RGBA, read_png
from napari_segkit.errors import MaskError, SegkitError
from napari_segkit.limits import limits, raise_by
from napari_segkit.ops.runs import runs_of_bands

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_segkit.data.png_reader import Header, Png
    from napari_segkit.ops.runs import Runs
    from napari_segkit.types import Color

_SHOWN = 5  # unknown colours that an error lists
_COUNTED = 32  # those that a person can be asked about
_GRAY = np.arange(256, dtype=np.uint32) * 0x010101
_MODES = {GRAY: "L", RGB: "RGB", PALETTE: "P", GRAY_ALPHA: "LA", RGBA: "RGBA"}


@dataclass(frozen=True)
class Plane:
    """A mask file's pixels.

    Attributes
    ----------
    runs
        For painted masks of uint32 codes, red + 256 green + 65536 blue; else of numbers.
    painted
        Which of the two.
    palette : (256,) uint32, or None
        Code of each number.
    mode
        Pillow's name of the kind of file, such as ``RGB`` or ``I;16``.
    """

    runs: Runs
    painted: bool
    palette: NDArray[np.uint32] | None
    mode: str


class ColorTable:
    """Which number a colour stands for."""

    def __init__(self, colors: Mapping[Color, int]) -> None:
        codes = {r | g << 8 | b << 16: number for (r, g, b), number in colors.items()}
        self._codes = np.array(sorted(codes), np.uint32)
        self._numbers = np.array([codes[code] for code in self._codes.tolist()], np.uint16)

    def numbers(self, codes: NDArray[np.uint32]) -> NDArray[np.uint16]:
        """Number + 1 of each colour code, 0 where it is unknown."""
        place = np.minimum(np.searchsorted(self._codes, codes), len(self._codes) - 1)
        found: NDArray[np.uint16] = (self._numbers[place] + 1) * (self._codes[place] == codes)
        return found

    def knows(self, codes: NDArray[np.uint32]) -> bool:
        """Whether all of these have a number."""
        return bool(self.numbers(codes).all())


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
            got=f"a file that begins with {data[:8]!r}" if data else "an empty file",
            remedy="export it again as PNG",
        )
    try:
        png = read_png(data)
        _check_size(png.header, where)
        return _plane(png if png.header.banded else read_png(_plain(data)))
    except SegkitError:
        raise
    except Exception as error:  # decoders raise anything
        raise MaskError(
            "mask is damaged",
            where=where,
            got=str(error) or type(error).__name__,
            remedy="export it again; the image is left alone until then",
        ) from error


def _check_size(header: Header, where: str) -> None:
    if header.width * header.height > limits().pixels:
        raise MaskError(
            "mask is too large",
            where=where,
            expected=f"at most {limits().pixels / 1e6:.0f} Mpx",
            got=f"{header.width}x{header.height}",
            remedy=raise_by("pixels"),
        )


def _plain(data: bytes) -> bytes:
    """An interlaced file, or one of 16 bits per colour, in rows and 8 bits."""
    buffer = io.BytesIO()
    with PilImage.open(io.BytesIO(data), formats=["PNG"]) as image:
        image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _plane(png: Png) -> Plane:
    head = png.header
    runs = runs_of_bands((head.height, head.width), png.bands())
    if head.color in (RGB, RGBA):
        return Plane(runs, True, None, _MODES[head.color])
    if head.depth == 16:
        return Plane(replace(runs, values=runs.values.astype(np.uint16)), False, None, "I;16")
    if head.color == PALETTE:
        palette = np.zeros(256, np.uint32)
        codes = png.palette[:256] @ np.array([1, 1 << 8, 1 << 16], np.uint32)
        palette[: len(codes)] = codes
        return Plane(runs, False, palette, "P")
    if head.depth in (2, 4):  # such grays reach from 0 to 255, those of 1 bit are 0 and 1
        runs = replace(runs, values=runs.values * np.uint8(255 // ((1 << head.depth) - 1)))
    return Plane(runs, False, _GRAY, "1" if head.depth == 1 else _MODES[head.color])


def class_numbers(plane: Plane, table: ColorTable, count: int, where: str) -> Runs:
    """Which line of the labelmap each pixel belongs to (uint16).

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
    runs, numbers = plane.runs, plane.runs.values
    if plane.painted:
        return _painted(runs, table, where, "add them to labelmap.txt as name:R,G,B::")
    present = np.unique(numbers)
    fits = bool(present[-1] < count)
    known = plane.palette is not None and table.knows(plane.palette[present])
    # the values of a gray file are numbers first, a palette file's colours come first
    if plane.palette is not None and known and not (fits and _is_gray(plane.palette)):
        return replace(runs, values=(table.numbers(plane.palette) - 1)[numbers])
    if count == 0:
        raise MaskError(
            "mask holds numbers, and no line of the labelmap is the background",
            where=where,
            remedy="add background:0,0,0:: as the line that number 0 means",
        )
    if not fits:
        _refuse_numbers(runs, [n for n in present.tolist() if n >= count], count, where)
    return replace(runs, values=numbers.astype(np.uint16))


def _is_gray(palette: NDArray[np.uint32]) -> bool:
    return bool((palette == _GRAY).all())


def object_numbers(plane: Plane, table: ColorTable, where: str) -> Runs:
    """Object id of each pixel (uint16).

    Parameters
    ----------
    table
        Pascal VOC's colours -> id.

    Raises
    ------
    MaskError
        For colours that are none of VOC's 256, listed with their pixels.
    """
    runs, palette = plane.runs, plane.palette
    if plane.painted:
        remedy = "paint at most 255 objects in Pascal VOC's colours, or delete this file so that "
        remedy += "every connected area is an object"
        return _painted(runs, table, where, remedy)
    numbers = runs.values.astype(np.uint16)
    if palette is not None and not _is_gray(palette) and table.knows(palette[np.unique(numbers)]):
        numbers = (table.numbers(palette) - 1)[numbers]
    return replace(runs, values=numbers)


def _painted(runs: Runs, table: ColorTable, where: str, remedy: str) -> Runs:
    numbers = table.numbers(runs.values)
    if not numbers.all():
        unknown = numbers == 0
        odd, place = np.unique(runs.values[unknown], return_inverse=True)
        counts = np.bincount(place, weights=runs.lengths[unknown]).astype(np.int64)
        order = np.argsort(-counts, kind="stable")[:_COUNTED]
        found = {
            (c & 255, c >> 8 & 255, c >> 16): n
            for c, n in zip(odd[order].tolist(), counts[order].tolist(), strict=True)
        }
        listed = [f"{color} on {n} pixels" for color, n in list(found.items())[:_SHOWN]]
        more = f" and {len(odd) - _SHOWN} more" if len(odd) > _SHOWN else ""
        raise StrangeError(
            "mask has colours that stand for nothing",
            found,
            where=where,
            got=", ".join(listed) + more,
            remedy=remedy,
        )
    return replace(runs, values=numbers - 1)


def _refuse_numbers(runs: Runs, odd: list[int], count: int, where: str) -> None:
    listed = [f"{n} on {runs.count(runs.values == n)} pixels" for n in odd[:_SHOWN]]
    more = f" and {len(odd) - _SHOWN} more" if len(odd) > _SHOWN else ""
    raise MaskError(
        "mask has numbers that stand for nothing",
        where=where,
        expected=f"0 to {count - 1}, the lines of the labelmap",
        got=", ".join(listed) + more,
        remedy="add the missing labels to labelmap.txt",
    )

"""PNG files in bands of rows: a mask of any size is read in the memory of one band.

Pillow decodes a file as a whole, and refuses 179 Mpx. Here zlib unpacks band by band. Rows that
are stored as they are, or by what lies left or above (which is what masks are), are undone here;
for the other two filters the band is wrapped as a small PNG and Pillow undoes them.
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image as PilImage

from napari_segkit.data.png import SIGNATURE, chunk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

GRAY, RGB, PALETTE, GRAY_ALPHA, RGBA = 0, 2, 3, 4, 6
_CHANNELS = {GRAY: 1, RGB: 3, PALETTE: 1, GRAY_ALPHA: 2, RGBA: 4}
_DEPTHS = {GRAY: (1, 2, 4, 8, 16), RGB: (8, 16), PALETTE: (1, 2, 4, 8)}
_BY_BYTES = {1: GRAY, 2: GRAY_ALPHA, 3: RGB, 4: RGBA}  # a kind whose pixels have so many bytes
_NONE, _SUB, _UP, _LAST = 0, 1, 2, 4
_BAND_PIXELS = 1 << 17


@dataclass(frozen=True)
class Header:
    """What the first chunk says."""

    width: int
    height: int
    depth: int
    color: int
    interlaced: bool

    @property
    def pixel_bytes(self) -> int:
        """Bytes of a pixel, at least 1."""
        return max(1, _CHANNELS[self.color] * self.depth // 8)

    @property
    def banded(self) -> bool:
        """Whether `Png.bands` reads it: neither interlaced nor colours of 16 bits."""
        return not self.interlaced and self.pixel_bytes <= max(_BY_BYTES)

    @property
    def row_bytes(self) -> int:
        """Bytes of a row, without its filter."""
        return (self.width * _CHANNELS[self.color] * self.depth + 7) // 8


@dataclass(frozen=True)
class Png:
    """A file whose chunks were found and checked; its pixels are still packed."""

    header: Header
    palette: NDArray[np.uint8]
    """(N, 3) RGB."""
    packed: tuple[memoryview, ...]

    def bands(self) -> Iterator[NDArray[Any]]:
        """Pixels from the top.

        Yields
        ------
        (rows, W) uint8 or >u2 values for gray and palette files (alpha is left out), uint32
        red + 256 green + 65536 blue for colours of 8 bits.

        Raises
        ------
        ValueError, zlib.error
            Where the data are damaged or end early, or the file is not `Header.banded`.
        """
        head = self.header
        if not head.banded:
            raise ValueError("interlaced, or colours of 16 bits")
        unpacked = _Unpacked(self.packed)
        above = np.zeros(head.row_bytes, np.uint8)
        most = max(1, _BAND_PIXELS // head.width)
        for top in range(0, head.height, most):
            rows, size = min(most, head.height - top), head.row_bytes + 1
            block = np.empty(rows * size + 1, np.uint8)  # a colour is read as 4 bytes
            block[:-1] = np.frombuffer(unpacked.read(rows * size), np.uint8)
            band = block[:-1].reshape(rows, size)
            _unfilter(band, above, head.pixel_bytes)
            above = band[-1, 1:]
            yield _values(block, rows, head)


def read_png(data: bytes) -> Png:
    """Find a PNG's chunks and check their sums.

    Raises
    ------
    ValueError
        Where it is no PNG, cut off or damaged.
    """
    if not data.startswith(SIGNATURE):
        raise ValueError("no PNG file")
    header, palette, packed = None, b"", []
    for kind, body in _chunks(memoryview(data)):
        if header is None:
            if kind != b"IHDR":
                raise ValueError("the header is missing")
            header = _header(body)
        elif kind == b"PLTE":
            palette = bytes(body)
        elif kind == b"IDAT":
            packed.append(body)
    if header is None or not packed:
        raise ValueError("there are no pixels")
    colors = np.frombuffer(palette[: len(palette) // 3 * 3], np.uint8).reshape(-1, 3)
    return Png(header, colors, tuple(packed))


def _chunks(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    place = len(SIGNATURE)
    while True:
        if place + 12 > len(data):
            raise ValueError("the file is cut off")
        size, kind = struct.unpack_from(">I4s", data, place)
        end = place + 8 + size
        if end + 4 > len(data):
            raise ValueError("the file is cut off")
        if zlib.crc32(data[place + 4 : end]) != struct.unpack_from(">I", data, end)[0]:
            raise ValueError(f"bad checksum of {kind!r}")
        if kind == b"IEND":
            return
        yield kind, data[place + 8 : end]
        place = end + 4


def _header(body: memoryview) -> Header:
    if len(body) != 13:
        raise ValueError("the header is damaged")
    width, height, depth, color, packing, filters, interlaced = struct.unpack(">IIBBBBB", body)
    depths = _DEPTHS.get(color, (8, 16))
    if not (width and height) or color not in _CHANNELS or depth not in depths:
        raise ValueError("the header is damaged")
    if packing or filters or interlaced > 1:
        raise ValueError("the header is damaged")
    return Header(width, height, depth, color, bool(interlaced))


class _Unpacked:
    """The unpacked stream, read in pieces."""

    def __init__(self, packed: tuple[memoryview, ...]) -> None:
        self._unpack = zlib.decompressobj()
        self._packed = iter(packed)
        self._pending: memoryview | bytes = b""

    def read(self, size: int) -> bytes:
        """The next ``size`` bytes."""
        parts: list[bytes] = []
        while size:
            if not self._pending:
                self._pending = next(self._packed, b"")
            ended = not self._pending
            part = self._unpack.decompress(self._pending, size)
            self._pending = self._unpack.unconsumed_tail
            if ended and not part:
                raise ValueError("the pixels end early")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


def _unfilter(band: NDArray[np.uint8], above: NDArray[np.uint8], step: int) -> None:
    """Undo the rows' filters in place.

    Parameters
    ----------
    band : (rows, 1 + row bytes)
        Filter and bytes of each row.
    above : (row bytes,)
        The row above.
    step
        Bytes from a pixel to the next.
    """
    kinds = band[:, 0].tolist()
    if max(kinds) > _LAST:
        raise ValueError(f"filter {max(kinds)} does not exist")
    if max(kinds) > _UP:
        band[:, 1:] = _by_pillow(band, above, step)
        return
    for row, kind in zip(band[:, 1:], kinds, strict=True):
        if kind == _UP:
            np.add(row, above, out=row)
        elif kind == _SUB:
            pixels = row.reshape(-1, step)
            np.add.accumulate(pixels, axis=0, dtype=np.uint8, out=pixels)
        above = row


def _by_pillow(band: NDArray[np.uint8], above: NDArray[np.uint8], step: int) -> NDArray[np.uint8]:
    rows, width = len(band) + 1, len(above) // step
    header = struct.pack(">IIBBBBB", width, rows, 8, _BY_BYTES[step], 0, 0, 0)
    packed = zlib.compress(b"\0" + above.tobytes() + band.tobytes(), 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", packed), chunk(b"IEND", b""))
    with PilImage.open(io.BytesIO(SIGNATURE + b"".join(parts)), formats=["PNG"]) as image:
        return np.asarray(image).reshape(rows, -1)[1:]


def _values(block: NDArray[np.uint8], rows: int, head: Header) -> NDArray[Any]:
    """Pixels of a band; ``block`` has the rows with a byte before each and one at the end."""
    size = head.row_bytes + 1
    shape = rows, head.width
    if head.color in (RGB, RGBA):
        codes = np.ndarray(shape, "<u4", block, offset=1, strides=(size, head.pixel_bytes))
        return codes & np.uint32(0xFFFFFF)
    if head.depth == 16:
        return np.ndarray(shape, ">u2", block, offset=1, strides=(size, head.pixel_bytes))
    band = block[:-1].reshape(rows, size)[:, 1:]
    if head.depth == 8:
        return band[:, :: head.pixel_bytes]
    shifts = np.arange(8 - head.depth, -1, -head.depth, dtype=np.uint8)
    parts = band[:, :, None] >> shifts & np.uint8((1 << head.depth) - 1)
    return parts.reshape(rows, -1)[:, : head.width]

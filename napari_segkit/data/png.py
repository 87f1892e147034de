"""PNG files of label images: written in bands, so that memory stays small, and fast.

Masks are flat areas. The filter "up" turns nearly all of them into zeros, and zlib's run-length
strategy packs those quickest: 2 to 3 times as fast as Pillow and OpenCV at their fastest settings
(measured on scenes of 12 Mpx), and the files are smaller.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_segkit.types import Labels

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_UP = 2
_BAND_PIXELS = 1 << 16  # a band and its colours fit into a core's cache


def painted_png(labels: Labels, palette: NDArray[np.uint8]) -> bytes:
    """An RGB8 PNG of a label image.

    Parameters
    ----------
    labels : (H, W) int32
        Every value is a row of ``palette``.
    palette : (N, 3) uint8 RGB
    """
    height, width = labels.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits, RGB
    chunks = [_SIGNATURE, _chunk(b"IHDR", header)]
    pack = zlib.compressobj(1, zlib.DEFLATED, 15, 9, zlib.Z_RLE)
    for band in _filtered_bands(labels, palette):
        packed = pack.compress(band.data)
        if packed:
            chunks.append(_chunk(b"IDAT", packed))
    chunks += [_chunk(b"IDAT", pack.flush()), _chunk(b"IEND", b"")]
    return b"".join(chunks)


def _filtered_bands(labels: Labels, palette: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    height, width = labels.shape
    rows = max(1, _BAND_PIXELS // max(width, 1))
    above = np.zeros((1, width * 3), np.uint8)
    for top in range(0, height, rows):
        colors = palette.take(labels[top : top + rows], axis=0).reshape(-1, width * 3)
        band = np.empty((len(colors), 1 + width * 3), np.uint8)
        band[:, 0] = _UP
        np.subtract(colors[:1], above, out=band[:1, 1:])
        np.subtract(colors[1:], colors[:-1], out=band[1:, 1:])
        above = colors[-1:]
        yield band


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

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

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_UP = 2
_BAND_PIXELS = 1 << 18


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
    chunks = [SIGNATURE, chunk(b"IHDR", header)]
    pack = zlib.compressobj(1, zlib.DEFLATED, 15, 9, zlib.Z_RLE)
    for band in _filtered_bands(labels, palette):
        packed = pack.compress(band.data)
        if packed:
            chunks.append(chunk(b"IDAT", packed))
    chunks += [chunk(b"IDAT", pack.flush()), chunk(b"IEND", b"")]
    return b"".join(chunks)


def _filtered_bands(labels: Labels, palette: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """Rows as differences to the row above: only where ids change is there anything to paint."""
    height, width = labels.shape
    most = max(1, _BAND_PIXELS // max(width, 1))
    colors = np.vstack((palette, np.zeros((1, 3), np.uint8)))  # above the first row, -1 is black
    above = np.full((1, width), -1, np.int32)
    for top in range(0, height, most):
        rows = labels[top : top + most]
        upper = np.concatenate((above, rows[:-1])).ravel()
        flat = rows.ravel()
        places = np.flatnonzero(flat != upper)
        band = np.zeros((len(rows), 1 + width * 3), np.uint8)
        band[:, 0] = _UP
        pixels = np.ndarray((len(rows), width, 3), np.uint8, band, 1, (1 + width * 3, 3, 1))
        pixels[places // width, places % width] = colors[flat[places]] - colors[upper[places]]
        above = rows[-1:]
        yield band


def chunk(kind: bytes, data: bytes) -> bytes:
    """A PNG's chunk with its length and sum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

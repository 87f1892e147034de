"""PNG in bands: the pixels that Pillow reads, for every kind and filter; damage is refused."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from napari_segkit.data import png_reader
from napari_segkit.data.png import SIGNATURE, chunk, painted_png
from napari_segkit.data.png_reader import read_png

# (colour type, depth) -> bytes of a pixel; below 8 bits 1
KINDS = {(0, 1): 1, (0, 8): 1, (0, 16): 2, (2, 8): 3, (3, 2): 1, (3, 8): 1, (4, 8): 2, (6, 8): 4}


def filtered(rows: np.ndarray, kinds: list[int], step: int) -> bytes:
    """Rows of bytes stored with the given filters, by the standard's formulas, byte by byte."""
    out = bytearray()
    above = [0] * rows.shape[1]
    for row, kind in zip(rows.tolist(), kinds, strict=True):
        out.append(kind)
        for x, value in enumerate(row):
            left = row[x - step] if x >= step else 0
            corner = above[x - step] if x >= step else 0
            guess = (0, left, above[x], (left + above[x]) // 2, paeth(left, above[x], corner))
            out.append((value - guess[kind]) % 256)
        above = row
    return bytes(out)


def paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((left, up, corner), key=lambda value: abs(guess - value))


def png(kind: tuple[int, int], width: int, height: int, data: bytes, pieces: int = 1) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, kind[1], kind[0], 0, 0, 0)
    packed = zlib.compress(data)
    size = -(-len(packed) // pieces)
    parts = [packed[n : n + size] for n in range(0, len(packed), size)]
    palette = bytes(range(256)) * 3 if kind[1] == 8 else bytes(range(12))
    chunks = [chunk(b"IHDR", header), chunk(b"PLTE", palette)]
    chunks += [chunk(b"IDAT", part) for part in parts] + [chunk(b"IEND", b"")]
    return SIGNATURE + b"".join(chunk for chunk in chunks if kind[0] == 3 or b"PLTE" not in chunk)


@st.composite
def files(draw: st.DrawFn) -> bytes:
    kind = draw(st.sampled_from(sorted(KINDS)))
    width, height = draw(st.integers(1, 20)), draw(st.integers(1, 9))
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind[0]]
    size = (width * channels * kind[1] + 7) // 8
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows = rng.integers(0, draw(st.sampled_from([2, 256])), (height, size))
    kinds = draw(st.lists(st.integers(0, 4), min_size=height, max_size=height))
    data = filtered(rows, kinds, KINDS[kind])
    return png(kind, width, height, data, draw(st.integers(1, 5)))


def by_pillow(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        pixels = np.asarray(image)
    if pixels.ndim == 3 and pixels.shape[2] == 2:
        return pixels[..., 0]
    if pixels.ndim == 3:
        red, green, blue = (pixels[..., n].astype(np.uint32) for n in range(3))
        return red | green << 8 | blue << 16
    return pixels.astype(np.uint16)


@pytest.mark.parametrize("band", [1, 40, 1 << 17])
def test_every_kind_and_filter_gives_the_pixels_that_pillow_reads(
    band: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(png_reader, "_BAND_PIXELS", band)

    @settings(max_examples=50, deadline=None)
    @given(files())
    def check(data: bytes) -> None:
        pixels = np.concatenate(list(read_png(data).bands()))
        assert (pixels == by_pillow(data)).all()

    check()


@pytest.mark.parametrize("damage", ["cut", "sum", "no end", "few rows", "filter 5", "not packed"])
def test_F20_damage_is_refused(damage: str) -> None:
    rows = filtered(np.zeros((4, 9), int), [2] * 4, 3)
    data = png((2, 8), 3, 4, rows)
    if damage == "cut":
        data = data[:-20]
    elif damage == "sum":
        data = data[:45] + b"x" + data[46:]
    elif damage == "no end":
        data = data[:-12]
    elif damage == "few rows":
        data = png((2, 8), 3, 5, rows)
    elif damage == "filter 5":
        data = png((2, 8), 3, 4, rows[:10] + b"\5" + rows[11:])
    else:
        end = chunk(b"IEND", b"")
        data = SIGNATURE + chunk(b"IHDR", data[16:29]) + chunk(b"IDAT", b"no zlib data") + end
    with pytest.raises((ValueError, zlib.error)):
        list(read_png(data).bands())


def test_what_our_writer_paints_is_read_back() -> None:
    labels = np.random.default_rng(0).integers(0, 5, (70, 33)).astype(np.int32)
    palette = np.random.default_rng(1).integers(0, 256, (5, 3)).astype(np.uint8)
    pixels = np.concatenate(list(read_png(painted_png(labels, palette)).bands()))
    colors = palette.astype(np.uint32) @ np.array([1, 256, 65536], np.uint32)
    assert (pixels == colors[labels]).all()

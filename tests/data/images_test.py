from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_segkit.data.images import find_images, image_size, read_image
from napari_segkit.errors import ImageError
from napari_segkit.limits import Limits, raised

PIXELS = np.random.default_rng(3).integers(0, 256, (20, 30, 3), np.uint8)


def encoded(form: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, form)
    return buffer.getvalue()


def png_with_header_size(width: int, height: int) -> bytes:
    """A PNG whose header lies about its size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = chunk(b"IDAT", zlib.compress(b"\0" * 100))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + rows + chunk(b"IEND", b"")


@pytest.mark.parametrize("form", ["png", "bmp", "tiff", "ppm"])
def test_pixels_are_what_was_saved(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"a.{form}"
    path.write_bytes(encoded(form))
    loaded = read_image(path)
    assert np.array_equal(loaded.pixels, PIXELS)
    assert loaded.notes == ()
    assert image_size(path) == (20, 30)


@pytest.mark.parametrize(
    "content", [b"", b"just text", b"<!doctype html><html>", b"\x89PNG\r\n\x1a\n"], ids=repr
)
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif"])
def test_F1_what_is_not_an_image(tmp_path: Path, content: bytes, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ImageError, match=rf"(not an image|damaged) \(.*{name}\)"):
        read_image(path)


@pytest.mark.parametrize("form", ["png", "jpeg", "tiff", "bmp", "webp"])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_F2_truncated_is_refused(tmp_path: Path, form: str, part: float) -> None:
    path = tmp_path / f"a.{form}"
    content = encoded(form)
    path.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(ImageError, match="a\\."):
        read_image(path)


def test_F2_a_flipped_bit_in_a_png_is_refused(tmp_path: Path) -> None:
    content = bytearray(encoded("png"))
    path = tmp_path / "a.png"
    for position in range(60, len(content) - 20, 97):
        broken = content.copy()
        broken[position] ^= 0x10
        path.write_bytes(broken)
        with pytest.raises(ImageError):
            read_image(path)


@pytest.mark.parametrize("form", ["jpeg", "tiff", "bmp", "webp", "gif"])
def test_F2_a_flipped_bit_elsewhere_never_raises_anything_else(tmp_path: Path, form: str) -> None:
    """JPEG, TIFF and BMP have no checksum: such a file may be read, but never crashes."""
    content = bytearray(encoded(form))
    path = tmp_path / f"a.{form}"
    for position in range(0, len(content), max(1, len(content) // 150)):
        broken = content.copy()
        broken[position] ^= 0x04
        path.write_bytes(broken)
        try:
            pixels = read_image(path).pixels
        except ImageError:
            continue
        assert pixels.dtype == np.uint8


@pytest.mark.parametrize(("width", "height"), [(20_000, 20_000), (2**31 - 1, 2**31 - 1)])
def test_F3_too_large_is_refused_from_the_header(tmp_path: Path, width: int, height: int) -> None:
    path = tmp_path / "huge.png"
    path.write_bytes(png_with_header_size(width, height))
    with pytest.raises(ImageError, match=r"image is too large.*at most 179 Mpx.*--limit pixels="):
        read_image(path)
    path.write_bytes(png_with_header_size(100, 200))
    with raised(Limits(pixels=10_000)), pytest.raises(ImageError, match="got 100x200 = 0 Mpx"):
        read_image(path)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "CMYK", "1", "L", "I;16", "F", "YCbCr"])
def test_F4_every_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    base = Image.fromarray(PIXELS)
    if mode == "I;16":
        picture = Image.fromarray(PIXELS[..., 0].astype(np.uint16) * 257)
    elif mode == "F":
        picture = Image.fromarray(PIXELS[..., 0].astype(np.float32) / 255)
    else:
        picture = base.convert(mode)
    path = tmp_path / ("a.tif" if mode in ("CMYK", "F", "YCbCr") else "a.png")
    picture.save(path)
    loaded = read_image(path)
    assert loaded.pixels.shape == (20, 30, 3)
    if mode in ("RGBA", "LA"):
        assert "alpha channel was dropped" in loaded.notes[0]
    if mode == "RGBA":
        assert np.array_equal(loaded.pixels, PIXELS)
    if mode in ("I;16", "F"):
        assert np.abs(loaded.pixels[..., 0].astype(int) - PIXELS[..., 0]).max() <= 1


@pytest.mark.parametrize("dtype", [">u2", "<u2", "float32", "uint8", "bool"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_F5_tiff_of_other_depths(tmp_path: Path, dtype: str, compression: str | None) -> None:
    gray = PIXELS[..., 0]
    values = {"u2": gray.astype(np.uint16) * 257, "fl": gray / 255, "bo": gray > 99, "ui": gray}
    array = values[dtype[1:3] if dtype[0] in "<>" else dtype[:2]].astype(dtype)
    path = tmp_path / "a.tif"
    byteorder = ">" if dtype[0] == ">" else "<"
    tifffile.imwrite(
        path, array, compression=compression, byteorder=byteorder, photometric="minisblack"
    )
    expected = (gray > 99) * 255 if dtype == "bool" else gray
    assert np.array_equal(read_image(path).pixels[..., 0], expected)


def test_tiff_planes_first_and_lzw(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "planar.tif",
        np.moveaxis(PIXELS, -1, 0),
        photometric="rgb",
        planarconfig="separate",
    )
    assert np.array_equal(read_image(tmp_path / "planar.tif").pixels, PIXELS)
    Image.fromarray(PIXELS).save(tmp_path / "lzw.tif", compression="tiff_lzw")
    assert np.array_equal(read_image(tmp_path / "lzw.tif").pixels, PIXELS)


def test_tiff_where_white_is_zero(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", 255 - PIXELS[..., 0], photometric="miniswhite")
    assert np.array_equal(read_image(tmp_path / "a.tif").pixels[..., 0], PIXELS[..., 0])


def test_F9_first_page_of_a_stack_is_used_and_said(tmp_path: Path) -> None:
    stack = np.stack([PIXELS[..., 0], 255 - PIXELS[..., 0]])
    tifffile.imwrite(tmp_path / "stack.tif", stack, photometric="minisblack")
    loaded = read_image(tmp_path / "stack.tif")
    assert np.array_equal(loaded.pixels[..., 0], PIXELS[..., 0])
    assert loaded.notes == ("the first of 2 pages was used",)


@pytest.mark.parametrize("form", ["jpeg", "png", "tiff"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_F13_exif_is_applied_once(tmp_path: Path, form: str, orientation: int) -> None:
    """The bright corner is at the top left of the picture as people see it."""
    upright = np.zeros((40, 64, 3), np.uint8)
    upright[:16, :16] = 255
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.swapaxes(0, 1),
        6: upright.swapaxes(0, 1)[::-1],
        7: upright.swapaxes(0, 1)[::-1, ::-1],
        8: upright.swapaxes(0, 1)[:, ::-1],
    }[orientation]
    path = tmp_path / f"a.{form}"
    image = Image.fromarray(np.ascontiguousarray(stored))
    exif = Image.Exif()
    exif[274] = orientation
    image.save(path, **({"tiffinfo": {274: orientation}} if form == "tiff" else {"exif": exif}))
    loaded = read_image(path)
    assert loaded.pixels.shape == (40, 64, 3)
    assert image_size(path) == (40, 64)
    assert loaded.pixels[:14, :14].min() > 200
    assert loaded.pixels[20:].max() < 60


def test_F14_any_path(tmp_path: Path) -> None:
    folder = tmp_path / "mes photos" / ("ü日本 " * 10).strip()
    folder.mkdir(parents=True)
    path = folder / "moneda ñ [1].png"
    path.write_bytes(encoded("png"))
    assert np.array_equal(read_image(path).pixels, PIXELS)
    assert [s.name for s in find_images([tmp_path])] == [f"mes photos/{folder.name}/moneda ñ [1]"]
    assert len(find_images([path])) == 1


def test_images_of_folders_globs_and_files_without_doubles(tmp_path: Path, monkeypatch) -> None:
    for name in ("b.png", "a.PNG", "sub/c.jpg", ".hidden/d.png", "notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    names = [s.name for s in find_images([tmp_path])]
    assert names == ["a", "b", "sub/c"]
    assert len(find_images([tmp_path, tmp_path / "b.png"])) == 3
    assert [s.name for s in find_images([tmp_path / "*.png"])] == ["b"]
    monkeypatch.chdir(tmp_path)
    assert [s.name for s in find_images([Path("sub/*")])] == ["c"]


def test_places_without_images(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no such file or folder"):
        find_images([tmp_path / "gone.png"])
    with pytest.raises(ImageError, match="no images found"):
        find_images([tmp_path])
    with pytest.raises(ImageError, match="no such file"):
        read_image(tmp_path / "gone.png")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such devices")
def test_a_folder_or_device_is_no_image() -> None:
    with pytest.raises(ImageError):
        read_image(Path("/dev/null"))


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_a_file_that_may_not_be_read_is_not_called_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    Image.new("RGB", (5, 5)).save(tmp_path / name)

    def refuse(*_args: object, **_more: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("PIL.Image.open", refuse)
    monkeypatch.setattr("tifffile.TiffFile", refuse)
    with pytest.raises(ImageError, match=r"cannot be read .*Permission denied"):
        read_image(tmp_path / name)


def test_a_folder_that_must_not_be_searched_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(place: Path) -> list[Path]:
        raise PermissionError(13, "Permission denied", str(place))

    monkeypatch.setattr("napari_segkit.data.images._sources", refuse)
    with pytest.raises(ImageError, match=r"cannot be looked through .*Permission denied"):
        find_images([tmp_path])

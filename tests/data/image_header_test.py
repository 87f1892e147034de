from __future__ import annotations

import io

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_segkit.data.image_header import encoded_shape
from napari_segkit.errors import ImageError


@pytest.mark.parametrize("kind", ["TIFF", "JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(("orientation", "shape"), [(1, (12, 8)), (3, (12, 8)), (6, (8, 12))])
def test_F13_size_after_rotation(kind: str, orientation: int, shape: tuple[int, int]) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    buffer = io.BytesIO()
    Image.new("RGB", (8, 12)).save(buffer, kind, exif=exif)
    assert encoded_shape(buffer.getvalue(), "x") == shape


def test_tiff_that_pillow_does_not_know() -> None:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.zeros((5, 7, 2), np.float64), bigtiff=True, planarconfig="separate")
    assert encoded_shape(buffer.getvalue(), "x")[0] > 0
    with pytest.raises(ImageError, match="damaged"):
        encoded_shape(buffer.getvalue()[:20], "x")


@pytest.mark.parametrize("data", [b"", b"<html>", b"\x89PNG", b"II*\0", b"II*\0\xff\xff\xff\xff"])
def test_F1_F2_no_image(data: bytes) -> None:
    with pytest.raises(ImageError, match=r"file\.tif"):
        encoded_shape(data, "file.tif")

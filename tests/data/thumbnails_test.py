from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_segkit.data.thumbnails import SIDE, ThumbnailCache, make_thumbnail
from napari_segkit.errors import ImageError


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
def test_pictures_are_small_and_of_the_image(tmp_path: Path, suffix: str) -> None:
    pixels = np.zeros((900, 1800, 3), np.uint8)
    pixels[:, 900:] = (250, 60, 20)
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(pixels).save(path)
    found = make_thumbnail(path)
    assert found.shape == (SIDE // 2, SIDE, 3)
    assert np.abs(found[32, 100].astype(int) - (250, 60, 20)).max() < 12
    assert found[32, 20].max() < 12


def test_f13_a_photo_is_turned_as_its_tag_says(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    Image.new("RGB", (400, 200)).save(tmp_path / "a.jpg", exif=exif)
    assert make_thumbnail(tmp_path / "a.jpg").shape == (SIDE, SIDE // 2, 3)


def test_16_bits_and_gray(tmp_path: Path) -> None:
    Image.fromarray(np.full((300, 300), 40_000, np.uint16)).save(tmp_path / "a.png")
    assert 140 < make_thumbnail(tmp_path / "a.png").mean() < 170
    Image.new("L", (300, 300), 99).save(tmp_path / "b.jpg")
    assert make_thumbnail(tmp_path / "b.jpg").shape == (SIDE, SIDE, 3)


@pytest.mark.parametrize("name", ["a.jpg", "a.png"])
def test_f1_what_is_no_image_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"<html>")
    with pytest.raises(ImageError):
        ThumbnailCache(tmp_path / "cache").get(tmp_path / name)


def test_they_are_made_once_and_again_when_the_file_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = ThumbnailCache(tmp_path / "cache")
    path = tmp_path / "a.png"
    Image.new("RGB", (300, 300), (9, 9, 9)).save(path)
    first = cache.get(path)
    with monkeypatch.context() as patch:
        patch.setattr("napari_segkit.data.thumbnails.make_thumbnail", None)
        np.testing.assert_array_equal(cache.get(path), first)
    Image.new("RGB", (300, 300), (200, 9, 9)).save(path)
    os.utime(path, ns=(1, 1))
    assert cache.get(path)[5, 5, 0] == 200


def test_a_damaged_picture_is_made_again(tmp_path: Path) -> None:
    cache = ThumbnailCache(tmp_path / "cache")
    Image.new("RGB", (300, 300), (9, 9, 9)).save(tmp_path / "a.png")
    cache.get(tmp_path / "a.png")
    (kept,) = (tmp_path / "cache").rglob("*.png")
    kept.write_bytes(b"")
    assert cache.get(tmp_path / "a.png")[5, 5, 0] == 9


def test_the_oldest_go(tmp_path: Path) -> None:
    cache = ThumbnailCache(tmp_path / "cache", most_bytes=1)
    cache.trim()  # nothing there yet
    for number in range(3):
        Image.new("RGB", (200, 200)).save(tmp_path / f"{number}.png")
        cache.get(tmp_path / f"{number}.png")
    cache.trim()
    assert list((tmp_path / "cache").rglob("*.png")) == []

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_segkit.data.dataset import Sample, WriteOptions
from napari_segkit.data.formats.registry import get_format
from napari_segkit.data.images import ImageSource, find_images
from napari_segkit.errors import DatasetError, InputError
from napari_segkit.jobs import drain
from napari_segkit.jobs.inpaint import FillOptions, InpaintReport, fill_masks, paired
from napari_segkit.ops.masks import segmentation_from_labels
from napari_segkit.types import ClassDef

SHAPE = (60, 80)
MARK = np.zeros(SHAPE, bool)
MARK[20:25, 30:36] = MARK[40:43, 70:73] = True
DUST = (ClassDef("dust", (1, 2, 3)),)


def pixels(dtype: Any, channels: int = 0, most: int = 0) -> np.ndarray:
    """Noise of the whole depth, extreme where it is marked."""
    shape = (*SHAPE, channels) if channels else SHAPE
    image = np.random.default_rng(0).uniform(0, most or np.iinfo(dtype).max, shape).astype(dtype)
    image[MARK] = 0
    return image


def masks_of(folder: Path, *names: str, mark: np.ndarray = MARK) -> Path:
    target = folder / "masks"
    found = segmentation_from_labels(mark.astype(np.int32), classes=DUST)
    form = get_format("cvat-mask")
    with form.open_writer(target, classes=DUST, options=WriteOptions()) as writer:
        for name in names:
            writer.add(Sample(name, found))
    return target


def fill(photo: Path, tmp_path: Path, *, mark: np.ndarray = MARK) -> InpaintReport:
    masks = masks_of(tmp_path, photo.stem, mark=mark)
    options = FillOptions(grow=0)
    return drain(fill_masks(masks, find_images([photo]), tmp_path / "out", filling=options))


def check(before: np.ndarray, after: np.ndarray) -> None:
    assert after.dtype == before.dtype
    assert after.shape == before.shape
    assert np.array_equal(after[~MARK], before[~MARK]), "a pixel that is not marked changed"
    assert (after[MARK] != before[MARK]).any(), "nothing was filled"


TIFFS = {
    "16-bit gray": (pixels(np.uint16), {}),
    "16-bit RGB": (pixels(np.uint16, 3), {"photometric": "rgb"}),
    "16-bit RGBA": (pixels(np.uint16, 4), {"photometric": "rgb", "extrasamples": ["unassalpha"]}),
    "16-bit RGB, LZW": (pixels(np.uint16, 3), {"photometric": "rgb", "compression": "lzw"}),
    "12 of 16 bits": (pixels(np.uint16, most=4095), {}),
    "8-bit gray, white is zero": (pixels(np.uint8), {"photometric": "miniswhite"}),
    "8-bit gray and alpha": (pixels(np.uint8, 2), {"extrasamples": ["unassalpha"]}),
    "floats": (pixels(np.float32, most=1), {}),
}


@pytest.mark.parametrize("kind", TIFFS)
def test_a_tiff_keeps_depth_and_channels(tmp_path: Path, kind: str) -> None:
    before, how = TIFFS[kind]
    how = {"photometric": "minisblack", "planarconfig": "contig", **how}
    tifffile.imwrite(path := tmp_path / "a.tif", before, **how)
    fill(path, tmp_path)
    check(before, tifffile.imread(tmp_path / "out/a.tif"))
    with tifffile.TiffFile(path) as old, tifffile.TiffFile(tmp_path / "out/a.tif") as new:
        assert new.pages[0].photometric == old.pages[0].photometric
        assert new.pages[0].extrasamples == old.pages[0].extrasamples


def test_planes_of_a_tiff_become_channels(tmp_path: Path) -> None:
    before = pixels(np.uint16, 3)
    planes = np.moveaxis(before, -1, 0)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, planes, photometric="rgb", planarconfig="separate")
    fill(path, tmp_path)
    check(before, tifffile.imread(tmp_path / "out/a.tif"))


PNGS = {
    "8-bit gray": pixels(np.uint8),
    "8-bit gray and alpha": pixels(np.uint8, 2),
    "8-bit RGB": pixels(np.uint8, 3),
    "8-bit RGBA": pixels(np.uint8, 4),
    "16-bit gray": pixels(np.uint16),
    "two values": pixels(np.uint8) > 100,
}


@pytest.mark.parametrize("kind", PNGS)
def test_a_png_keeps_depth_and_channels(tmp_path: Path, kind: str) -> None:
    before = PNGS[kind]
    Image.fromarray(before).save(path := tmp_path / "a.png")
    fill(path, tmp_path)
    with Image.open(path) as old, Image.open(tmp_path / "out/a.png") as new:
        assert new.mode == old.mode
        check(before, np.asarray(new))


@pytest.mark.parametrize("channels", [3, 4])
def test_a_png_of_16_bit_colours_keeps_them(tmp_path: Path, channels: int) -> None:
    before = pixels(np.uint16, channels)
    cv2.imwrite(str(tmp_path / "a.png"), before)
    fill(tmp_path / "a.png", tmp_path)
    check(before, cv2.imread(str(tmp_path / "out/a.png"), cv2.IMREAD_UNCHANGED))


def test_a_palette_becomes_rgb_and_that_is_told(tmp_path: Path) -> None:
    picture = Image.fromarray(pixels(np.uint8, 3)).quantize(16)
    picture.save(path := tmp_path / "a.png")
    report = fill(path, tmp_path)
    assert "colours were converted to RGB" in report.filled[0].notes[0]
    with Image.open(tmp_path / "out/a.png") as new:
        check(np.asarray(picture.convert("RGB")), np.asarray(new))


def test_a_photo_is_turned_as_its_mask_is(tmp_path: Path) -> None:
    stored = np.ascontiguousarray(np.rot90(pixels(np.uint8)))  # looked at, it is 60 x 80
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(stored).save(path := tmp_path / "a.png", exif=exif)
    fill(path, tmp_path)
    with Image.open(tmp_path / "out/a.png") as new:
        check(pixels(np.uint8), np.asarray(new))


def test_a_mask_of_another_size_is_told_and_the_others_are_done(tmp_path: Path) -> None:
    (photos := tmp_path / "photos").mkdir()
    Image.fromarray(pixels(np.uint8)).save(photos / "a.png")
    Image.fromarray(pixels(np.uint8)[:50]).save(photos / "b.png")
    report = drain(
        fill_masks(masks_of(tmp_path, "a", "b"), find_images([photos]), tmp_path / "out")
    )
    assert [one.name for one in report.filled] == ["a"]
    assert "does not match" in str(report.failures[0].error)
    assert "b.png" in str(report.failures[0].error)


def test_masks_without_any_photo(tmp_path: Path) -> None:
    Image.fromarray(pixels(np.uint8)).save(path := tmp_path / "a.png")
    with pytest.raises(DatasetError, match=r"no photo has a mask.*such as a, got b"):
        drain(fill_masks(masks_of(tmp_path, "b"), find_images([path]), tmp_path / "out"))


def test_two_photos_that_would_become_one_file(tmp_path: Path) -> None:
    for name in ("a.png", "a.jpg"):
        Image.fromarray(pixels(np.uint8)).save(tmp_path / name)
    sources = find_images([tmp_path / "a.png", tmp_path / "a.jpg"])
    with pytest.raises(InputError, match="two images would become one file"):
        drain(fill_masks(masks_of(tmp_path, "a"), sources, tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_photos_and_masks_are_paired_by_name() -> None:
    def names(photos: list[str], masks: list[str]) -> dict[str, str]:
        sources = [ImageSource(Path(f"{one}.png"), one) for one in photos]
        return {path.stem: name for path, name in paired(sources, masks).items()}

    assert names(["a", "b"], ["b", "c"]) == {"b": "b"}
    assert names(["x/a"], ["x/a", "y/a"]) == {"a": "x/a"}
    assert names(["a"], ["x/a"]) == {"a": "x/a"}
    assert names(["x/a"], ["a"]) == {"a": "a"}
    assert names(["a"], ["x/a", "y/a"]) == {}, "either could be meant"
    assert names(["x/a", "y/a"], ["a"]) == {}, "either could be meant"

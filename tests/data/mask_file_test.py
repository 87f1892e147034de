"""One mask file beside its image is understood, and what is saved comes back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_segkit.data.formats.strange import StrangeError
from napari_segkit.data.mask_file import MaskFile, save_mask
from napari_segkit.errors import MaskError, SegkitError
from napari_segkit.ops.masks import segmentation_from_labels
from napari_segkit.types import ClassDef
from tests.data.formats.scenes import hard, photo

EGG_PAN = {
    "classes": [
        {"name": "egg", "color": [255, 200, 0], "value": 128},
        {"name": "pan", "color": [0, 0, 128], "value": 255},
    ]
}


def gray(
    path: Path, values: tuple[int, ...] = (128, 255), shape: tuple[int, int] = (40, 57)
) -> Path:
    mask = np.zeros((40, 57), np.uint8)
    for place, value in enumerate(values):
        mask[2:8, 6 * place : 6 * place + 4] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(mask).save(path)
    return path


@pytest.mark.parametrize(
    ("mask", "image"),
    [
        ("a_mask.png", "a.jpg"),
        ("a.labels.png", "a.JPG"),
        ("masks/a.png", "images/a.png"),
        ("Masks/a_mask.png", "a.jpg"),
    ],
)
def test_a_mask_finds_its_image(tmp_path: Path, mask: str, image: str) -> None:
    photo(tmp_path / image, (40, 57))
    dataset = MaskFile().open(gray(tmp_path / mask))
    assert dataset.names == ("a",)
    assert dataset.read("a").image == tmp_path / image


def test_a_mask_never_is_its_own_image(tmp_path: Path) -> None:
    assert MaskFile().open(gray(tmp_path / "a.png")).read("a").image is None


def test_classes_beside_it_say_what_values_mean(tmp_path: Path) -> None:
    (tmp_path / "classes.json").write_text(json.dumps(EGG_PAN))
    found = MaskFile().open(gray(tmp_path / "a_mask.png")).read("a").segmentation
    assert [one.class_name for one in found.instances.values()] == ["egg", "pan"]


def test_without_classes_every_value_is_one(tmp_path: Path) -> None:
    found = MaskFile().open(gray(tmp_path / "a_mask.png")).read("a").segmentation
    assert [one.class_name for one in found.instances.values()] == ["value 128", "value 255"]


def test_sixteen_bits_are_ids(tmp_path: Path) -> None:
    labels = np.arange(600, dtype=np.uint16).reshape(20, 30)
    tifffile.imwrite(tmp_path / "a_labels.tif", labels)
    found = MaskFile().open(tmp_path / "a_labels.tif").read("a").segmentation
    np.testing.assert_array_equal(found.labels, labels)


def test_f15_a_mask_of_another_size_is_refused_with_both_sizes(tmp_path: Path) -> None:
    photo(tmp_path / "a.jpg", (41, 57))
    dataset = MaskFile().open(gray(tmp_path / "a_mask.png"))
    with pytest.raises(MaskError, match="expected 57x41, as the image, got 57x40"):
        dataset.read("a")


def test_f16_unknown_values_are_counted_and_can_be_given_a_meaning(tmp_path: Path) -> None:
    (tmp_path / "classes.json").write_text(json.dumps(EGG_PAN))
    path = gray(tmp_path / "a_mask.png", (128, 200, 9))
    with pytest.raises(StrangeError, match="got 9 on 24 pixels, 200 on 24 pixels") as caught:
        MaskFile().open(path).read("a")
    assert caught.value.found == {9: 24, 200: 24}
    found = MaskFile({200: "pan", 9: ""}).open(path).read("a").segmentation
    assert [one.class_name for one in found.instances.values()] == ["egg", "pan"]


def test_f17_f19_colours_floats_and_jpeg_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (9, 9, 3), np.uint8)).save(
        tmp_path / "rgb_mask.png"
    )
    tifffile.imwrite(tmp_path / "float_mask.tif", np.full((9, 9), 0.5, np.float32))
    gray(tmp_path / "smeared_mask.jpg")
    for name in ("rgb_mask.png", "float_mask.tif", "smeared_mask.jpg"):
        with pytest.raises(SegkitError):
            MaskFile().open(tmp_path / name)


def test_what_is_saved_as_tiff_comes_back_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.tif"
    save_mask(path, hard())
    found = MaskFile().open(path).read("a").segmentation
    np.testing.assert_array_equal(found.labels, hard().labels)
    assert found.instances == hard().instances
    assert found.classes == hard().classes


def test_what_is_saved_as_png_comes_back_class_by_class(tmp_path: Path) -> None:
    save_mask(tmp_path / "a_mask.png", hard())
    found = MaskFile().open(tmp_path / "a_mask.png").read("a").segmentation
    assert found.classes == hard().classes
    for name in ("ring", "Löffel groß"):
        masks = [
            np.isin(one.labels, [k for k, i in one.instances.items() if i.class_name == name])
            for one in (found, hard())
        ]
        np.testing.assert_array_equal(*masks)
    with Image.open(tmp_path / "a_mask.png") as image:
        assert image.mode == "P"
        assert image.getpalette()[3:6] == [250, 170, 50]


def test_large_ids_are_numbered_anew_and_too_many_refused(tmp_path: Path) -> None:
    labels = np.zeros((4, 4), np.int32)
    labels[0], labels[3] = 70_000, 7
    made = segmentation_from_labels(labels, classes=(ClassDef("a", (1, 2, 3)),))
    save_mask(tmp_path / "a.tif", made)
    assert set(MaskFile().open(tmp_path / "a.tif").read("a").segmentation.instances) == {1, 2}
    many = np.arange(65_537, dtype=np.int32).reshape(1, -1)
    crowd = segmentation_from_labels(many, classes=(ClassDef("a", (1, 2, 3)),))
    with pytest.raises(MaskError, match=r"so many objects.*at most 65535, got 65536"):
        save_mask(tmp_path / "b.tif", crowd)
    assert not (tmp_path / "b.tif").exists()

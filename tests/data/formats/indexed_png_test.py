"""Masks of values: exact where files are lossless, quantised only where it is said how."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from napari_segkit.data.dataset import Sample, WriteOptions
from napari_segkit.data.formats.classes import EGG_PAN, RINGS, ValueMap
from napari_segkit.data.formats.indexed_png import IndexedPng
from napari_segkit.data.formats.registry import recognise
from napari_segkit.errors import DatasetError, MaskError, SegkitError
from napari_segkit.ops.masks import segmentation_from_labels
from napari_segkit.types import ClassDef
from tests.data.formats.scenes import photo

RING_DATA = Path(__file__).parents[4] / "shared/data/rings"


def egg_pan() -> np.ndarray:
    """0, 128, 255; an egg inside a pan."""
    values = np.zeros((64, 80), np.uint8)
    values[8:56, 8:56] = 255
    values[20:40, 20:40] = 128
    values[2:6, 70:78] = 128
    return values


def saved(path: Path, values: np.ndarray, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path, **options)
    return path


def sidecar(folder: Path, content: object) -> None:
    (folder / "classes.json").write_text(json.dumps(content))


EGGS = {"classes": [{"name": "egg", "value": 128}, {"name": "pan", "value": 255}]}


def numbers(labels: np.ndarray, names: dict[int, str]) -> np.ndarray:
    values = {"egg": 128, "pan": 255}
    table = np.array([0] + [values[names[key]] for key in sorted(names)], np.uint8)
    return table[labels]


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
def test_lossless_values_are_exact(tmp_path: Path, suffix: str) -> None:
    saved(tmp_path / "masks" / "a" / f"x{suffix}", egg_pan())
    photo(tmp_path / "images" / "a" / "x.jpg", (64, 80), exif=6)
    sidecar(tmp_path, EGGS)
    assert recognise(tmp_path).id == "indexed-png"
    sample = IndexedPng().open(tmp_path).read("a/x")
    got = sample.segmentation
    assert {key: one.class_name for key, one in got.instances.items()} == {
        1: "egg",
        2: "egg",
        3: "pan",
    }
    assert sample.image == tmp_path / "images" / "a" / "x.jpg"
    values = numbers(got.labels, {key: one.class_name for key, one in got.instances.items()})
    np.testing.assert_array_equal(values, egg_pan())


def test_F19_lossy_masks_are_refused_until_thresholds_are_given(tmp_path: Path) -> None:
    saved(tmp_path / "masks" / "x.jpg", egg_pan(), quality=75)
    sidecar(tmp_path, EGGS)
    with pytest.raises(MaskError, match=r"smeared.*pixels neither 0 nor 255.*thresholds"):
        IndexedPng().open(tmp_path).read("x")
    sidecar(tmp_path, EGGS | {"thresholds": [64, 192]})
    got = IndexedPng().open(tmp_path).read("x").segmentation
    assert got.notes == ("values cut at 64, 192",)
    names = {key: one.class_name for key, one in got.instances.items()}
    assert (numbers(got.labels, names) == egg_pan()).mean() > 0.999
    (tmp_path / "classes.json").unlink()
    with pytest.raises(MaskError, match="smeared"):
        IndexedPng().open(tmp_path)


def test_the_thresholds_lie_between_the_values() -> None:
    """64 is still background, 65 egg; 192 is still egg, 193 pan."""
    from napari_segkit.data.formats.indexed_png import _quantised
    from napari_segkit.data.formats.pixels import MaskPixels

    values = np.array([[0, 64, 65, 128, 192, 193, 255]], np.uint8)
    got = _quantised(MaskPixels(values, lossy=True), EGG_PAN, "x")
    assert got.tolist() == [[0, 0, 1, 1, 1, 2, 2]]
    assert _quantised(MaskPixels(values, lossy=True), RINGS, "x").tolist() == [
        [0, 0, 0, 1, 1, 1, 1]
    ]


def test_the_ring_projects_folder_is_read_as_it_is(tmp_path: Path) -> None:
    ring = np.zeros((90, 90), np.uint8)
    ring[10:80, 10:80] = 255
    ring[30:60, 30:60] = 0
    ring[2:4, 2:4] = 255  # a speck
    saved(tmp_path / "masks" / "ring1.jpg", ring, quality=80)
    photo(tmp_path / "images" / "ring1.jpg", (90, 90))
    entry = {"mask_path": "./dataset/train/masks/ring1.jpg", "bbox": [10, 10, 80, 80]}
    (tmp_path / "annotations.json").write_text(json.dumps({"train": {"ring1.jpg": entry}}))
    assert recognise(tmp_path).id == "indexed-png"
    dataset = IndexedPng().open(tmp_path)
    assert dataset.notes[0].startswith("masks of the ring project: white above 127")
    got = dataset.read("ring1").segmentation
    assert [one.class_name for one in got.instances.values()] == ["ring"]
    assert ((got.labels > 0) == (ring > 127)).mean() > 0.999
    assert any(note.startswith("specks dropped") for note in got.notes)


@pytest.mark.skipif(not RING_DATA.is_dir(), reason="shared data is not here")
def test_the_real_ring_masks_are_read() -> None:
    dataset = IndexedPng().open(RING_DATA)
    assert len(dataset) == 8
    for sample in dataset:
        assert sample.segmentation.instances
        assert all(
            (sample.segmentation.labels == k).sum() >= 64 for k in sample.segmentation.instances
        )


def test_without_a_table_the_values_that_occur_are_classes(tmp_path: Path) -> None:
    saved(tmp_path / "masks" / "x.png", egg_pan())
    saved(tmp_path / "masks" / "y.png", np.full((4, 4), 7, np.uint8))
    dataset = IndexedPng().open(tmp_path)
    assert [one.name for one in dataset.classes] == ["value 7", "value 128", "value 255"]
    assert dataset.read("y").segmentation.instances[1].class_name == "value 7"
    assert dataset.notes == ("there is no classes.json, so every value of the masks is a class",)


def test_a_palette_gives_the_colours(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[0, 1, 2]], np.uint8))
    image.putpalette([0, 0, 0, 255, 0, 0, 0, 128, 255])
    (tmp_path / "masks").mkdir()
    image.save(tmp_path / "masks" / "x.png")
    classes = IndexedPng().open(tmp_path).classes
    assert [one.color for one in classes] == [(255, 0, 0), (0, 128, 255)]


def test_gray_in_three_channels_is_gray_and_colours_are_refused(tmp_path: Path) -> None:
    sidecar(tmp_path, EGGS)
    saved(tmp_path / "masks" / "x.png", np.dstack([egg_pan()] * 3))
    dataset = IndexedPng().open(tmp_path)
    assert len(dataset.read("x").segmentation.instances) == 3
    saved(tmp_path / "masks" / "x.png", np.dstack([egg_pan(), egg_pan(), egg_pan() // 2]))
    with pytest.raises(MaskError, match="colours"):
        IndexedPng().open(tmp_path).read("x")


def test_black_and_white_files_hold_0_and_255(tmp_path: Path) -> None:
    sidecar(tmp_path, EGGS)
    saved(tmp_path / "masks" / "x.png", egg_pan() > 0)
    got = IndexedPng().open(tmp_path).read("x").segmentation
    assert {one.class_name for one in got.instances.values()} == {"pan"}


def test_F16_values_without_a_class_are_listed_with_their_pixels(tmp_path: Path) -> None:
    values = egg_pan()
    values[0, :3] = 7
    saved(tmp_path / "masks" / "x.png", values)
    sidecar(tmp_path, EGGS)
    with pytest.raises(MaskError, match="expected 0, 128, 255, got 7 on 3 pixels"):
        IndexedPng().open(tmp_path).read("x")


def test_a_table_writes_the_projects_own_values(tmp_path: Path) -> None:
    labels = np.array([[0, 1, 1, 2]], np.int32)
    given = segmentation_from_labels(labels, classes=EGG_PAN.classes, class_of={2: "pan"})
    form = IndexedPng(EGG_PAN)
    with form.open_writer(tmp_path / "o", classes=EGG_PAN.classes, options=WriteOptions()) as out:
        out.add(Sample("x", given))
    values = np.asarray(Image.open(tmp_path / "o" / "masks" / "x.png"))
    assert values.tolist() == [[0, 128, 128, 255]]
    with IndexedPng().open(tmp_path / "o") as dataset:
        assert dataset.read("x").segmentation.instances == given.instances
    other = (ClassDef("x", (1, 2, 3)),)
    with pytest.raises(DatasetError, match="other classes"):
        form.open_writer(tmp_path / "p", classes=other, options=WriteOptions())
    assert [path.name for path in tmp_path.iterdir()] == ["o"]


@pytest.mark.parametrize(
    "content",
    [
        [],
        {},
        {"classes": []},
        {"classes": 5},
        {"classes": [{"name": "a", "value": 0}]},
        {"classes": [{"name": "a", "value": -1}]},
        {"classes": [{"name": "a", "value": 1.5}]},
        {"classes": [{"name": "a", "value": True}]},
        {"classes": [{"name": "a", "value": 10**30}]},
        {"classes": [{"name": "a", "value": 1}, {"name": "b", "value": 1}]},
        {"classes": [{"name": "a", "value": 1}, {"name": "a", "value": 2}]},
        {"classes": [{"name": 5, "value": 1}]},
        {"classes": [{"name": "a", "value": 1, "color": [1, 2]}]},
        {"classes": [{"name": "a", "value": 1, "color": [1, 2, 256]}]},
        {"classes": [{"name": "a", "value": 1, "color": "red"}]},
        {"classes": [{"name": "a", "value": 1}], "thresholds": [1, 2]},
        {"classes": [{"name": "a", "value": 1}, {"name": "b", "value": 2}], "thresholds": [9, 9]},
        {"classes": [{"name": "a", "value": 1}], "thresholds": 5},
        {"classes": [{"name": "a", "value": 1}], "smallest": -5},
    ],
)
def test_F26_tables_that_say_nothing_clear_are_refused(tmp_path: Path, content: object) -> None:
    saved(tmp_path / "masks" / "x.png", egg_pan())
    sidecar(tmp_path, content)
    with pytest.raises(DatasetError, match="classes"):
        IndexedPng().open(tmp_path)


@pytest.mark.parametrize(
    "data", [b"", b"text", b"<html>", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0"]
)
def test_F1_what_is_no_mask_is_refused(tmp_path: Path, data: bytes) -> None:
    sidecar(tmp_path, EGGS)
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks" / "x.png").write_bytes(data)
    with pytest.raises(SegkitError, match=r"masks/x\.png|: x\)"):
        IndexedPng().open(tmp_path).read("x")


def test_F2_a_mask_cut_short_is_refused_never_shown_in_half(tmp_path: Path) -> None:
    sidecar(tmp_path, EGGS)
    file = saved(tmp_path / "masks" / "x.png", egg_pan())
    file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(MaskError):
        IndexedPng().open(tmp_path).read("x")


def test_value_maps_know_their_defaults() -> None:
    assert ValueMap((ClassDef("a", (1, 2, 3)),)).thresholds == ()

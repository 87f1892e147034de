"""Boxes around masks: outward only, inside the image, the same for the same seed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from napari_segkit.data.boxes import read_boxes
from napari_segkit.data.dataset import PackedImage, Sample
from napari_segkit.data.mask_boxes import BoxFile, image_file, jittered, name_rng
from napari_segkit.errors import DatasetError, InputError, ParamsError
from napari_segkit.ops.masks import segmentation_from_labels
from napari_segkit.types import ClassDef


def ring(name: str, **changes: object) -> Sample:
    labels = np.zeros((60, 80), np.int32)
    labels[10:20, 5:15] = 1
    labels[30:41, 50:66] = 2
    if changes.pop("empty", False):
        labels[:] = 0
    segmentation = segmentation_from_labels(labels, classes=(ClassDef("ring", (1, 2, 3)),))
    return Sample(name, segmentation, **changes)


def written(file: BoxFile, *samples: Sample, subset: str = "train") -> object:
    for one in samples:
        file.add(one, subset=subset, dataset=file.path.parent / "set", format_id="cvat-mask")
    file.write()
    return json.loads(file.path.read_text(encoding="utf-8"))


def test_without_jitter_boxes_are_exact_and_can_be_read_as_prompts(tmp_path: Path) -> None:
    path = tmp_path / "boxes.json"
    written(BoxFile(path), ring("x/a.b"), ring("none", empty=True))
    assert read_boxes(path) == {"x/a.b": [(5, 10, 15, 20), (50, 30, 66, 41)], "none": []}


def test_jitter_moves_sides_outward_and_no_further_than_told_or_the_image() -> None:
    rng = np.random.default_rng(0)
    moves = np.array(
        [jittered([(5, 10, 15, 20)], (60, 80), jitter=19, rng=rng)[0] for _ in range(300)]
    )
    low, high = moves.min(axis=0), moves.max(axis=0)
    assert low.tolist() == [0, 0, 15, 20]
    assert high.tolist() == [5, 10, 34, 39]
    assert jittered([(0, 0, 80, 60)], (60, 80), jitter=9, rng=rng) == [[0, 0, 80, 60]]


def test_an_images_boxes_do_not_depend_on_the_others(tmp_path: Path) -> None:
    both = written(BoxFile(tmp_path / "1", jitter=9, seed=3), ring("a"), ring("b"))
    alone = written(BoxFile(tmp_path / "2", jitter=9, seed=3), ring("b"))
    other = written(BoxFile(tmp_path / "3", jitter=9, seed=4), ring("b"))
    assert both["b.png"] == alone["b.png"] != other["b.png"]
    assert name_rng(0, "a").random() != name_rng(0, "b").random()


def test_the_ring_projects_annotations_have_one_box_and_a_mask_path(tmp_path: Path) -> None:
    file = BoxFile(tmp_path / "annotations.json", "rings")
    content = written(file, ring("p", image=Path("p.jpg")), ring("empty", empty=True))
    assert content == {
        "train": {
            "p.jpg": {"mask_path": "set/SegmentationClass/p.png", "bbox": [5, 10, 65, 40]},
        },
        "test": {},
    }
    assert file.empty == ["empty"]
    assert read_boxes(file.path) == {"p": [(5, 10, 65, 40)]}


def test_a_box_file_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    taken = tmp_path / "taken.json"
    taken.write_text("{}")
    target = tmp_path / "set"
    common = {"format_id": "cvat-mask", "subsets": ["train"], "overwrite": False}
    with pytest.raises(DatasetError, match="something at the target"):
        BoxFile(taken).check(target, **common)
    BoxFile(taken).check(target, **(common | {"overwrite": True}))
    rings = BoxFile(tmp_path / "annotations.json", "rings")
    with pytest.raises(InputError, match="a mask file per image"):
        rings.check(target, **(common | {"format_id": "coco"}))
    with pytest.raises(InputError, match="a mask file per image"):
        rings.check(tmp_path / "set.zip", **common)
    with pytest.raises(InputError, match="subsets train and test"):
        rings.check(target, **(common | {"subsets": ["a", "b"]}))
    with pytest.raises(ParamsError):
        BoxFile(taken, jitter=-1)


def test_the_image_file_is_named_as_it_will_be_written() -> None:
    assert image_file(ring("a/b", image=Path("x/b.JPG"))) == "a/b.JPG"
    assert image_file(ring("a.1", image=PackedImage("JPEGImages/a.1.jpeg", bytes))) == "a.1.jpeg"
    assert image_file(ring("a.1", image=np.zeros((60, 80, 3), np.uint8))) == "a.1.png"
    assert image_file(ring("a.1")) == "a.1.png"

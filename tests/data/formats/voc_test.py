"""Pascal VOC: the border is no object, boxes stand in where there is no mask."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_segkit.data.dataset import Sample, WriteOptions
from napari_segkit.data.formats.cvat_labelmap import voc_palette
from napari_segkit.data.formats.registry import recognise
from napari_segkit.data.formats.voc import Voc
from napari_segkit.errors import DatasetError, SegkitError
from napari_segkit.types import ClassDef
from tests.data.formats.scenes import CLASSES, hard, photo

BOX = """<annotation><filename>x.jpg</filename>
<size><width>12</width><height>10</height><depth>3</depth></size>
<object><name>cat</name><bndbox><xmin>3</xmin><ymin>2</ymin><xmax>8</xmax><ymax>5</ymax></bndbox>
</object></annotation>"""


def palette_file(path: Path, numbers: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(numbers.astype(np.uint8))
    image.putpalette(voc_palette().tobytes())
    image.save(path)


def devkit(folder: Path) -> Path:
    """As the challenge's: a cat and a dog, each with a border of void."""
    root = folder / "VOCdevkit" / "VOC2012"
    classes = np.zeros((10, 12), np.uint8)
    objects = np.zeros((10, 12), np.uint8)
    classes[0:6, 0:5], objects[0:6, 0:5] = 255, 255
    classes[1:5, 1:4], objects[1:5, 1:4] = 8, 1
    classes[4:9, 6:11], objects[4:9, 6:11] = 255, 255
    classes[5:8, 7:10], objects[5:8, 7:10] = 12, 2
    palette_file(root / "SegmentationClass" / "2007_000032.png", classes)
    palette_file(root / "SegmentationObject" / "2007_000032.png", objects)
    (root / "ImageSets" / "Segmentation").mkdir(parents=True)
    (root / "ImageSets" / "Segmentation" / "train.txt").write_text("2007_000032\nx\n")
    (root / "Annotations").mkdir()
    (root / "Annotations" / "x.xml").write_text(BOX)
    photo(root / "JPEGImages" / "2007_000032.jpg", (10, 12))
    photo(root / "JPEGImages" / "x.jpg", (10, 12))
    return root


@pytest.mark.parametrize("inside", ["", "VOCdevkit", "VOCdevkit/VOC2012"])
def test_the_challenges_folders_are_read_and_void_is_background(
    tmp_path: Path, inside: str
) -> None:
    devkit(tmp_path)
    assert recognise(tmp_path / inside).id == "voc"
    dataset = Voc().open(tmp_path / inside)
    got = dataset.read("2007_000032").segmentation
    assert [one.class_name for one in got.instances.values()] == ["cat", "dog"]
    assert (got.labels == 1).sum() == 12
    assert (got.labels == 2).sum() == 9
    assert got.notes == ()
    assert len(dataset.classes) == 20


def test_void_painted_in_colours_is_background_too(tmp_path: Path) -> None:
    root = devkit(tmp_path)
    for kind in ("SegmentationClass", "SegmentationObject"):
        file = root / kind / "2007_000032.png"
        Image.open(file).convert("RGB").save(file)
    got = Voc().open(tmp_path).read("2007_000032").segmentation
    assert (got.labels > 0).sum() == 21


def test_boxes_stand_in_for_masks_that_are_not_there(tmp_path: Path) -> None:
    devkit(tmp_path)
    got = Voc().open(tmp_path).read("x").segmentation
    assert got.notes == ("there is no mask, only boxes",)
    assert got.instances[1].class_name == "cat"
    assert got.instances[1].box == (2, 1, 8, 5)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<annotation>",
        BOX.replace("cat", "unicorn"),
        BOX.replace("<xmin>3", "<xmin>nan"),
        BOX.replace("<xmin>3", "<xmin>1e99"),
        BOX.replace("<xmin>3</xmin>", ""),
        BOX.replace("<width>12", "<width>999999999"),
        BOX.replace("<width>12</width>", ""),
        '<!DOCTYPE x [<!ENTITY a "b">]>' + BOX,
    ],
)
def test_hostile_boxes_are_refused(tmp_path: Path, text: str) -> None:
    root = devkit(tmp_path)
    (root / "Annotations" / "x.xml").write_text(text)
    dataset = Voc().open(tmp_path)
    assert len(dataset.read("2007_000032").segmentation.instances) == 2
    with pytest.raises(SegkitError, match=r"x\.xml"):
        dataset.read("x")


def test_what_is_written_has_the_challenges_form(tmp_path: Path) -> None:
    options = WriteOptions(subset="train")
    with Voc().open_writer(tmp_path / "o", classes=CLASSES, options=options) as writer:
        writer.add(Sample("a/x", hard()))
    objects = Image.open(tmp_path / "o" / "SegmentationObject" / "a" / "x.png")
    assert objects.mode == "P"
    np.testing.assert_array_equal(np.asarray(objects), hard().labels)
    assert objects.getpalette()[3:9] == [128, 0, 0, 0, 128, 0]
    classes = Image.open(tmp_path / "o" / "SegmentationClass" / "a" / "x.png")
    assert tuple(classes.getpalette()[3:6]) == CLASSES[0].color
    names = (tmp_path / "o" / "ImageSets" / "Segmentation" / "train.txt").read_text()
    assert names == "a/x\n"
    root = ET.parse(tmp_path / "o" / "Annotations" / "a" / "x.xml").getroot()
    assert root.findtext("filename") == "a/x.png"
    first = root.find("object/bndbox")
    assert [int(part.text or "") for part in first] == [5, 4, 18, 15]  # x and y from 1


def test_a_class_in_the_colour_of_void_is_refused(tmp_path: Path) -> None:
    classes = (ClassDef("pale", (224, 224, 192)),)
    with pytest.raises(DatasetError, match="colour of void"):
        Voc().open_writer(tmp_path / "o", classes=classes, options=WriteOptions())

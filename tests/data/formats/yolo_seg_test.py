"""YOLO segmentation: the folders people have, and polygons that mean the same pixels everywhere."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from napari_segkit.data.dataset import Sample, WriteOptions
from napari_segkit.data.formats.registry import recognise
from napari_segkit.data.formats.yolo_seg import YoloSeg
from napari_segkit.errors import DatasetError, SegkitError
from tests.data.formats.scenes import CLASSES, hard, photo

SQUARE = "1 0.25 0.1 0.75 0.1 0.75 0.5 0.25 0.5"  # of 20 x 10 pixels: 5..15, 1..5


def dataset(folder: Path, text: str, *, names: str = "names: [egg, pan]") -> Path:
    (folder / "labels").mkdir(parents=True, exist_ok=True)
    (folder / "labels" / "x.txt").write_text(text)
    (folder / "data.yaml").write_text(names)
    photo(folder / "images" / "x.jpg", (10, 20), exif=6)
    return folder


def test_a_polygon_is_the_pixels_inside_of_the_turned_image(tmp_path: Path) -> None:
    got = YoloSeg().open(dataset(tmp_path, SQUARE)).read("x").segmentation
    want = np.zeros((10, 20), bool)
    want[1:5, 5:15] = True
    np.testing.assert_array_equal(got.labels > 0, want)
    assert got.instances[1].class_name == "pan"


def test_a_line_of_a_box_is_a_box(tmp_path: Path) -> None:
    got = YoloSeg().open(dataset(tmp_path, "0 0.5 0.3 0.5 0.4\n\n")).read("x").segmentation
    assert got.instances[1].box == (5, 1, 15, 5)


def test_trainers_paint_nearly_the_same_pixels(tmp_path: Path) -> None:
    """They round the corners and paint the outline: at most a pixel more at every edge."""
    with YoloSeg().open_writer(tmp_path / "o", classes=CLASSES, options=WriteOptions()) as writer:
        writer.add(Sample("x", hard()))
    assert "holes of 1 object" in writer.report.warnings[1]
    labels = hard().labels
    height, width = labels.shape
    lines = (tmp_path / "o" / "labels" / "default" / "x.txt").read_text().splitlines()
    for key, line in enumerate(lines, 1):
        points = np.array(line.split()[1:], np.float32).reshape(-1, 2) * (width, height)
        painted = np.zeros(labels.shape, np.uint8)
        cv2.fillPoly(painted, [points.astype(np.int32)], 1)
        mask = (labels == key).astype(np.uint8)
        around = cv2.dilate(mask, np.ones((3, 3)))
        assert not (mask & ~painted & 1).any()
        if key not in (1, 2):  # these have cuts
            assert not (painted & ~around & 1).any()


def test_data_yaml_is_what_trainers_expect(tmp_path: Path) -> None:
    options = WriteOptions(subset="train", include_images=True)
    image = photo(tmp_path / "p" / "x.jpg", (40, 57))
    with YoloSeg().open_writer(tmp_path / "o", classes=CLASSES, options=options) as writer:
        writer.add(Sample("a/x", hard(), image))
    content = yaml.safe_load((tmp_path / "o" / "data.yaml").read_text())
    assert content["names"] == {0: "ring", 1: "Löffel groß", 2: "unused"}
    assert content["train"] == content["val"] == "images/train"
    assert (tmp_path / "o" / content["path"] / content["train"] / "a" / "x.jpg").is_file()
    assert (tmp_path / "o" / "labels" / "train" / "a" / "x.txt").is_file()


def test_the_layout_with_subsets_outside_is_read(tmp_path: Path) -> None:
    for subset in ("train", "valid"):
        (tmp_path / subset / "labels").mkdir(parents=True)
        (tmp_path / subset / "labels" / f"{subset}.txt").write_text(SQUARE)
        photo(tmp_path / subset / "images" / f"{subset}.jpg", (10, 20))
    (tmp_path / "data.yaml").write_text("train: ../train/images\nnames:\n- egg\n- 7\n")
    assert recognise(tmp_path).id == "yolo-seg"
    found = YoloSeg().open(tmp_path)
    assert sorted(found.names) == ["train", "valid"]
    assert [one.name for one in found.classes] == ["egg", "7"]
    for sample in found:
        assert sample.image == tmp_path / sample.name / "images" / f"{sample.name}.jpg"
        assert len(sample.segmentation.instances) == 1


def test_names_in_a_text_file(tmp_path: Path) -> None:
    dataset(tmp_path, SQUARE)
    (tmp_path / "data.yaml").rename(tmp_path / "classes.txt")
    (tmp_path / "classes.txt").write_text("egg\r\nfrying pan\r\n")
    assert [one.name for one in YoloSeg().open(tmp_path).classes] == ["egg", "frying pan"]


def test_without_image_and_size_it_says_what_is_missing(tmp_path: Path) -> None:
    dataset(tmp_path, SQUARE)
    (tmp_path / "images" / "x.jpg").unlink()
    with pytest.raises(DatasetError, match="size of the image is not known"):
        YoloSeg().open(tmp_path).read("x")


HOSTILE = [
    "0 nan 0.1 0.75 0.1 0.75 0.5",
    "0 1e300 0.1 0.75 0.1 0.75 0.5",
    "0 90000 0.1 0.75 90000 0.75 0.5",
    "0 inf 0.1 0.75 0.1 0.75 0.5",
    "0 a b c d e f",
    "0 0.1 0.2 0.3",
    "0 0.1 0.2 0.3 0.4 0.5 0.6 0.7",
    "0",
    "x 0.25 0.1 0.75 0.1 0.75 0.5",
    "2 0.25 0.1 0.75 0.1 0.75 0.5",
    "-1 0.25 0.1 0.75 0.1 0.75 0.5",
    f"{'9' * 5000} 0.25 0.1 0.75 0.1 0.75 0.5",
    "\x00",
]


@pytest.mark.parametrize("line", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_lines_are_refused(tmp_path: Path, line: str) -> None:
    found = YoloSeg().open(dataset(tmp_path, line))
    with pytest.raises(SegkitError, match="x"):
        found.read("x")


def test_text_that_is_no_text_is_refused(tmp_path: Path) -> None:
    dataset(tmp_path, SQUARE)
    (tmp_path / "labels" / "x.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DatasetError):
        YoloSeg().open(tmp_path).read("x")


BOMB = "a: &a [x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(20)
)


@pytest.mark.parametrize(
    "names",
    [
        "",
        "5",
        "[]",
        "names:",
        "names: 5",
        "names: []",
        "names: {0: a, 2: b}",
        "names: {x: a}",
        "names: [[a]]",
        "names: [a, b]\ncolors: [[1, 2, 3]]",
        "names: [a, b]\ncolors: [[1, 2], 5]",
        "names: [a]\nsizes: 5",
        "names: [a]\nsizes: {x: [1]}",
        "names: [a]\nsizes: {x: [a, b]}",
        "names: !!python/object/apply:os.system ['exit 1']",
        "{" * 5000,
        BOMB + "names: *u",
        BOMB + "names: [a]\ncolors: *u",
        BOMB + "names: [a]\nsizes: {x: *u}",
        "names: [a\n  - b: :",
        "\x00",
    ],
)
def test_hostile_yaml_is_refused_fast(tmp_path: Path, names: str) -> None:
    dataset(tmp_path, SQUARE, names=names)
    with pytest.raises(DatasetError, match=r"data\.yaml"):
        YoloSeg().open(tmp_path)

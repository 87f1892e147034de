"""COCO: what pycocotools reads is what we wrote, and what others wrote is read as it reads it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from napari_segkit.data.dataset import Sample, WriteOptions
from napari_segkit.data.formats.coco import Coco
from napari_segkit.data.formats.registry import recognise
from napari_segkit.errors import DatasetError, SegkitError
from tests.data.formats.scenes import CLASSES, hard, noise, photo

# its decoder, which only these tests use, does not yet know NumPy 2's array protocol
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

PANTRY = Path(__file__).parents[4] / "shared/data/pantry/valid"
SQUARE = [[2, 1, 8, 1, 8, 5, 2, 5]]


def sheet(path: Path, annotations: list[dict[str, Any]], **changes: Any) -> Path:
    image = {"id": 7, "file_name": "a/x.jpg", "width": 12, "height": 10}
    content = {
        "images": [image],
        "categories": [{"id": 3, "name": "egg"}, {"id": 9, "name": "pan", "color": [1, 2, 3]}],
        "annotations": [
            {"id": number, "image_id": 7, "category_id": 3} | one
            for number, one in enumerate(annotations)
        ],
    } | changes
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def test_pycocotools_reads_what_was_written(tmp_path: Path) -> None:
    samples = [Sample("a/x", hard()), Sample("y", noise(2))]
    options = WriteOptions(subset="train")
    with Coco().open_writer(tmp_path / "out", classes=CLASSES, options=options) as writer:
        for sample in samples:
            writer.add(sample)
    theirs = COCO(tmp_path / "out" / "annotations" / "instances_train.json")
    names = [one["name"] for one in theirs.loadCats(theirs.getCatIds())]
    assert names == [one.name for one in CLASSES]
    for image, sample in zip(theirs.loadImgs(theirs.getImgIds()), samples, strict=True):
        given = sample.segmentation
        assert image["file_name"] == f"{sample.name}.png"
        assert (image["height"], image["width"]) == given.labels.shape
        rows = theirs.loadAnns(theirs.getAnnIds(imgIds=image["id"]))
        assert len(rows) == len(given.instances)
        for row, (key, one) in zip(rows, sorted(given.instances.items()), strict=True):
            np.testing.assert_array_equal(theirs.annToMask(row), given.labels == key)
            assert row["area"] == (given.labels == key).sum()
            x, y, width, height = row["bbox"]
            assert (x, y, x + width, y + height) == one.box
            assert names[row["category_id"] - 1] == one.class_name
            assert row["score"] == one.score
            assert row["iscrowd"] == 0


@pytest.mark.parametrize("seed", range(20))
def test_polygons_are_filled_as_by_pycocotools(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    polygons = [
        (rng.uniform(-5, 45, (int(rng.integers(3, 9)), 2))).ravel().round(2).tolist()
        for _ in range(int(rng.integers(1, 4)))
    ]
    image = {"id": 7, "file_name": "x.jpg", "width": 40, "height": 33}
    file = sheet(tmp_path / "x.json", [{"segmentation": polygons}], images=[image])
    got = Coco().open(file).read("x").segmentation
    theirs = coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects(polygons, 33, 40)))
    np.testing.assert_array_equal(got.labels, theirs)


def test_all_ways_of_saying_a_mask(tmp_path: Path) -> None:
    mask = np.zeros((10, 12), np.uint8)
    mask[1:5, 2:8] = 1
    code = coco_mask.encode(np.asfortranarray(mask))
    counts = [21, 4, 6, 4, 6, 4, 6, 4, 6, 4, 6, 4, 45]
    ways = [
        {"segmentation": SQUARE},
        {"segmentation": {"size": [10, 12], "counts": code["counts"].decode()}},
        {"segmentation": {"size": [10, 12], "counts": counts}},
        {"segmentation": [], "bbox": [2, 1, 6, 4]},
        {"bbox": [2, 1, 6, 4]},
    ]
    for number, way in enumerate(ways):
        file = sheet(tmp_path / f"{number}.json", [way | {"category_id": 9}])
        got = Coco().open(file).read("a/x").segmentation
        np.testing.assert_array_equal(got.labels, mask)
        assert got.instances[1].class_name == "pan"
        assert got.classes[1].color == (1, 2, 3)


def test_crowds_lie_under_the_others_and_are_told(tmp_path: Path) -> None:
    crowd = {"segmentation": {"size": [10, 12], "counts": [0, 120]}, "iscrowd": 1}
    file = sheet(tmp_path / "x.json", [{"segmentation": SQUARE, "category_id": 9}, crowd])
    got = Coco().open(file).read("a/x").segmentation
    assert [one.class_name for one in got.instances.values()] == ["egg", "pan"]
    assert (got.labels == 2).sum() == 24
    assert got.notes[0].startswith("1 of the objects are crowds")
    assert got.notes[1].startswith("24 pixels lie in several objects")


def test_images_are_found_wherever_they_lie(tmp_path: Path) -> None:
    for place in ("images/a/x.jpg", "a/x.jpg", "val2017/a/x.jpg"):
        folder = tmp_path / place.replace("/", "_")
        sheet(folder / "annotations" / "instances_val2017.json", [{"segmentation": SQUARE}])
        photo(folder / place, (10, 12), exif=6)
        assert recognise(folder).id == "coco"
        with Coco().open(folder) as dataset:
            assert dataset.notes == ()
            assert dataset.read("a/x").image == folder / place


def test_F15_an_image_of_another_size_is_refused(tmp_path: Path) -> None:
    sheet(tmp_path / "annotations" / "x.json", [{"segmentation": SQUARE}])
    photo(tmp_path / "images" / "a" / "x.jpg", (12, 10))
    with pytest.raises(SegkitError, match="expected 10x12, as the image, got 12x10"):
        Coco().open(tmp_path).read("a/x")


def test_two_subsets_are_one_dataset(tmp_path: Path) -> None:
    sheet(tmp_path / "annotations" / "instances_train.json", [{"segmentation": SQUARE}])
    image = {"id": 7, "file_name": "y.jpg", "width": 12, "height": 10}
    kinds = [{"id": 3, "name": "spoon"}, {"id": 4, "name": "egg"}]
    other = tmp_path / "annotations" / "instances_val.json"
    sheet(other, [{"segmentation": SQUARE}], images=[image], categories=kinds)
    dataset = Coco().open(tmp_path)
    assert dataset.names == ("a/x", "y")
    assert [one.name for one in dataset.classes] == ["egg", "pan", "spoon"]
    assert dataset.read("y").segmentation.instances[1].class_name == "spoon"
    assert dataset.notes == ("2 of 2 images are not in the dataset, only what was marked",)


def test_one_broken_annotation_spoils_only_its_image(tmp_path: Path) -> None:
    images = [{"id": n, "file_name": f"{n}.jpg", "width": 12, "height": 10} for n in (7, 8)]
    file = sheet(tmp_path / "x.json", [{"segmentation": SQUARE}], images=images)
    content = json.loads(file.read_text())
    broken = {"size": [10, 12], "counts": "damaged"}
    content["annotations"].append({"image_id": 8, "category_id": 3, "segmentation": broken})
    file.write_text(json.dumps(content))
    dataset = Coco().open(file)
    assert len(dataset.read("7").segmentation.instances) == 1
    with pytest.raises(SegkitError, match="run lengths"):
        dataset.read("8")


@pytest.mark.parametrize(
    "name",
    ["../x.jpg", "/etc/x.jpg", "C:\\x.jpg", "a\\..\\x.jpg", "", "a/../../x.jpg", 5, None, []],
)
def test_F22_a_name_that_leads_out_refuses_all(tmp_path: Path, name: object) -> None:
    image = {"id": 7, "file_name": name, "width": 12, "height": 10}
    with pytest.raises(DatasetError, match="name of an image"):
        Coco().open(sheet(tmp_path / "x.json", [], images=[image]))


HUGE = 10**400
ANNOTATIONS: list[object] = [
    {"segmentation": [[0, 0, 1e300, 0, 0, 1e300]]},
    {"segmentation": [[0, 0, HUGE, 0, 0, 9]]},
    {"segmentation": [[0, 0, 9e5, 0, 0, 9e5] * 9]},
    {"segmentation": [[0, 0, "x", 0, 0, 9]]},
    {"segmentation": [[0, 0, 5]]},
    {"segmentation": [5]},
    {"segmentation": 5},
    {"segmentation": "text"},
    {"segmentation": {"size": [10, 12], "counts": [1, 2]}},
    {"segmentation": {"size": [10, 12], "counts": [-5, 125]}},
    {"segmentation": {"size": [10, 12], "counts": [0.5, 119.5]}},
    {"segmentation": {"size": [10, 12], "counts": [HUGE]}},
    {"segmentation": {"size": [10, 12], "counts": None}},
    {"segmentation": {"size": [12, 10], "counts": [120]}},
    {"segmentation": {"size": 5, "counts": [120]}},
    {"segmentation": {"counts": [120]}},
    {"segmentation": {"size": [10, 12], "counts": "P" * 50}},
    {"segmentation": SQUARE, "category_id": 99},
    {"segmentation": SQUARE, "category_id": []},
    {"segmentation": SQUARE, "score": 7},
    {"segmentation": SQUARE, "score": "high"},
    {"segmentation": [], "bbox": [0, 0, 1e12, 5]},
    {"segmentation": [], "bbox": "box"},
]


@pytest.mark.parametrize("annotation", ANNOTATIONS, ids=range(len(ANNOTATIONS)))
def test_hostile_annotations_are_refused(tmp_path: Path, annotation: dict[str, Any]) -> None:
    file = sheet(tmp_path / "x.json", [annotation])
    with pytest.raises(SegkitError) as caught:
        Coco().open(file).read("a/x")
    assert "x.json" in str(caught.value) or "a/x" in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"images": 5, "annotations": []}',
        b'{"images": [5], "annotations": []}',
        b'{"images": [], "annotations": [{"image_id": 1}]}',
        b'{"images": [], "annotations": [5]}',
        b'{"images": [{"id": 1, "file_name": "x", "width": 3}], "annotations": []}',
        b'{"images": [], "annotations": [], "categories": [{"id": 1, "name": ""}]}',
        b'{"images": [], "annotations": [], "categories": [{"id": [], "name": "x"}]}',
        b'{"images": [], "annotations": [], "categories": [{"id": 1, "name": "x", "color": 5}]}',
        b'{"images": [{"id": NaN}], "annotations": []}',
        b'{"images": [{"id": ' + b"9" * 5000 + b"}]}",
    ],
)
def test_hostile_sheets_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(DatasetError):
        Coco().open(tmp_path / "x.json")


@pytest.mark.parametrize(
    ("width", "height"), [(0, 1), (1e6, 1), (10**9, 10**9), ("5", 5), (-1, -1)]
)
def test_F3_a_lying_size_is_refused(tmp_path: Path, width: object, height: object) -> None:
    image = {"id": 7, "file_name": "x.jpg", "width": width, "height": height}
    file = sheet(tmp_path / "x.json", [], images=[image])
    with pytest.raises(SegkitError, match="size of the image"):
        Coco().open(file).read("x")


@pytest.mark.skipif(not PANTRY.is_dir(), reason="shared data is not here")
def test_real_photos_with_polygons_are_read_as_by_pycocotools() -> None:
    theirs = COCO(next(PANTRY.glob("*.json")))
    with Coco().open(PANTRY) as dataset:
        assert len(dataset) == len(theirs.getImgIds())
        for image in theirs.loadImgs(theirs.getImgIds()[:25]):
            want = np.zeros((image["height"], image["width"]), np.int32)
            for key, row in enumerate(theirs.loadAnns(theirs.getAnnIds(imgIds=image["id"])), 1):
                want[theirs.annToMask(row) > 0] = key
            got = dataset.read(image["file_name"].rpartition(".")[0])
            np.testing.assert_array_equal(got.segmentation.labels, want)

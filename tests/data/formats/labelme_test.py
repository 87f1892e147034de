"""labelme: its shapes, its groups, its embedded images; never a path that leads out."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from napari_segkit.data.dataset import PackedImage, Sample, WriteOptions
from napari_segkit.data.formats.labelme import Labelme
from napari_segkit.data.formats.registry import recognise
from napari_segkit.errors import DatasetError, SegkitError
from tests.data.formats.scenes import CLASSES, hard, photo


def png(values: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray(values.astype(np.uint8)).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def shape(kind: str, points: object, **more: object) -> dict[str, object]:
    return {"label": "ring", "points": points, "shape_type": kind, "group_id": None} | more


def sheet(path: Path, shapes: Any, **changes: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    content: dict[str, object] = {
        "version": "5.4.1",
        "flags": {},
        "shapes": shapes,
        "imagePath": f"{path.stem}.jpg",
        "imageData": None,
        "imageHeight": 10,
        "imageWidth": 12,
    }
    path.write_text(json.dumps(content | changes))
    return path


SQUARE = [[2, 1], [8, 1], [8, 5], [2, 5]]


@pytest.mark.parametrize(
    "one",
    [
        shape("polygon", SQUARE),
        shape("rectangle", [[8, 5], [2, 1]]),
        shape("oriented_rectangle", SQUARE),
        shape("mask", [[2, 1], [7, 4]], mask=png(np.ones((4, 6)))),
        shape("mask", [[2.0, 1.0], [7.0, 4.0]], mask=png(np.full((4, 6), 255))),
    ],
)
def test_shapes_that_say_the_same_give_the_same_pixels(tmp_path: Path, one: object) -> None:
    got = Labelme().open(sheet(tmp_path / "x.json", [one])).read("x").segmentation
    assert (got.labels[1:5, 2:8] == 1).all()
    assert (got.labels > 0).sum() == 24
    assert got.notes == ()


def test_a_circle_is_centre_and_a_point_of_its_edge(tmp_path: Path) -> None:
    one = shape("circle", [[6, 5], [6, 1]])
    got = Labelme().open(sheet(tmp_path / "x.json", [one])).read("x").segmentation
    assert (got.labels > 0).sum() == pytest.approx(np.pi * 16, abs=3)


def test_a_group_of_one_label_is_one_object(tmp_path: Path) -> None:
    rows = [
        shape("rectangle", [[0, 0], [2, 2]], group_id=1),
        shape("rectangle", [[5, 5], [7, 7]], group_id=1),
        shape("rectangle", [[8, 8], [9, 9]], group_id=1, label="pan"),
        shape("rectangle", [[10, 0], [11, 1]]),
        shape("point", [[1, 1]]),
    ]
    dataset = Labelme().open(sheet(tmp_path / "x.json", rows))
    got = dataset.read("x").segmentation
    assert [one.name for one in dataset.classes] == ["ring", "pan"]
    assert [one.class_name for one in got.instances.values()] == ["ring", "pan", "ring"]
    assert got.notes == ("1 of the shapes have no area (points, lines …) and were left out",)


def test_a_folder_with_the_images_beside_or_elsewhere(tmp_path: Path) -> None:
    sheet(tmp_path / "ann" / "a" / "x.json", [], imagePath="../../photos/x.jpg")
    sheet(tmp_path / "ann" / "y.json", [shape("polygon", SQUARE)])
    photo(tmp_path / "photos" / "x.jpg", (10, 12), exif=6)
    photo(tmp_path / "ann" / "y.jpg", (10, 12))
    assert recognise(tmp_path).id == "labelme"
    dataset = Labelme().open(tmp_path)
    assert dataset.read("ann/a/x").image == tmp_path / "photos" / "x.jpg"
    assert dataset.read("ann/y").image == tmp_path / "ann" / "y.jpg"


def test_an_embedded_image_is_used_where_there_is_no_file(tmp_path: Path) -> None:
    data = photo(tmp_path / "p.jpg", (10, 12)).read_bytes()
    embedded = base64.b64encode(data).decode()
    file = sheet(tmp_path / "x.json", [], imageData=embedded, imageHeight=None, imageWidth=None)
    sample = Labelme().open(file).read("x")
    assert isinstance(sample.image, PackedImage)
    assert sample.image.name == "x.jpg"
    assert sample.image.read() == data
    assert sample.segmentation.labels.shape == (10, 12)


def test_without_a_size_the_image_tells_it(tmp_path: Path) -> None:
    sheet(tmp_path / "x.json", [], imageHeight=None, imageWidth=None)
    with pytest.raises(DatasetError, match="not understood"):
        Labelme().open(tmp_path).read("x")
    photo(tmp_path / "x.jpg", (10, 12), exif=8)
    assert Labelme().open(tmp_path).read("x").segmentation.labels.shape == (10, 12)


def test_files_of_other_programs_are_left_alone(tmp_path: Path) -> None:
    sheet(tmp_path / "x.json", [shape("polygon", SQUARE)])
    (tmp_path / "package.json").write_text('{"name": "x"}')
    assert Labelme().open(tmp_path).names == ("x",)


def test_what_is_written_has_labelmes_form(tmp_path: Path) -> None:
    image = photo(tmp_path / "p" / "x.jpg", (40, 57))
    options = WriteOptions(include_images=True)
    with Labelme().open_writer(tmp_path / "o", classes=CLASSES, options=options) as writer:
        writer.add(Sample("a/x", hard(), image))
        with pytest.raises(DatasetError, match="list of classes"):
            writer.add(Sample("classes", hard()))
    content = json.loads((tmp_path / "o" / "a" / "x.json").read_text())
    assert content["imagePath"] == "x.jpg"
    assert (content["imageHeight"], content["imageWidth"]) == (40, 57)
    assert (tmp_path / "o" / "a" / "x.jpg").read_bytes() == image.read_bytes()
    for key, row in enumerate(content["shapes"], 1):
        (x0, y0), (x1, y1) = row["points"]
        mask = np.asarray(Image.open(io.BytesIO(base64.b64decode(row["mask"])))).astype(bool)
        whole = np.zeros((40, 57), bool)
        whole[y0 : y1 + 1, x0 : x1 + 1] = mask  # as labelme itself does it
        np.testing.assert_array_equal(whole, hard().labels == key)


@pytest.mark.parametrize(
    "path",
    ["../x.jpg", "/etc/passwd", "C:\\x.jpg", "..\\x.jpg", "a/../../x.jpg", "//host/x.jpg", 5, []],
)
def test_F22_a_path_that_leads_out_refuses_all(tmp_path: Path, path: object) -> None:
    sheet(tmp_path / "good.json", [shape("polygon", SQUARE)])
    sheet(tmp_path / "x.json", [shape("polygon", SQUARE)], imagePath=path)
    with pytest.raises(DatasetError, match=r"x\.json"):
        Labelme().open(tmp_path)


HOSTILE: list[object] = [
    5,
    {},
    shape("polygon", [[0, 0], [1e300, 0], [0, 1e300]]),
    shape("polygon", [[0, 0], ["x", 0], [0, 5]]),
    shape("polygon", 5),
    shape("polygon", None),
    shape("rectangle", [[0, 0]]),
    shape("rectangle", [[0, 0], [1, 1], [2, 2]]),
    shape("circle", [[0, 0], [1e5, 1e5], [3, 3]]),
    shape("circle", [[0, 0], [9e5, 9e5]]),
    shape("mask", [[2, 1], [7, 4]], mask="%%%"),
    shape("mask", [[2, 1], [7, 4]], mask=None),
    shape("mask", [[2, 1], [7, 4]], mask=base64.b64encode(b"no image").decode()),
    shape("mask", [[2, 1], [8, 4]], mask=png(np.ones((4, 6)))),
    shape("mask", [[0, 0], [10**9, 10**9]], mask=png(np.ones((4, 6)))),
    shape("mask", [[2, 1], [7, 4]]),
    shape("polygon", SQUARE, label=5),
    shape("polygon", SQUARE, group_id=[]),
    shape("polygon", SQUARE, score="high"),
    shape("polygon", SQUARE, score=-1),
    shape("mask", [[2, 1], [7, 4]], mask=png(np.ones((4, 6, 3)) * [1, 90, 200])),
]


@pytest.mark.parametrize("one", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_shapes_are_refused(tmp_path: Path, one: object) -> None:
    file = sheet(tmp_path / "x.json", [one])

    def read() -> None:
        Labelme().open(file).read("x")

    with pytest.raises(SegkitError, match="x"):
        read()


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b"[" * 99_999, b'{"shapes": 5}', b'{"shapes": {"a": 1}}', b"\xff"],
)
def test_hostile_sheets_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(DatasetError):
        Labelme().open(tmp_path)

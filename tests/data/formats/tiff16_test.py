"""16-bit TIFF: other programs read the ids; what is said of them stays true."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_segkit.data.dataset import Sample, WriteOptions
from napari_segkit.data.formats.registry import recognise
from napari_segkit.data.formats.tiff16 import Tiff16
from napari_segkit.errors import DatasetError, MaskError, SegkitError
from napari_segkit.ops.masks import segmentation_from_labels
from tests.data.formats.scenes import CLASSES, hard


def write(target: Path, labels: np.ndarray) -> None:
    given = segmentation_from_labels(labels.astype(np.int32), classes=CLASSES)
    with Tiff16().open_writer(target, classes=CLASSES, options=WriteOptions()) as writer:
        writer.add(Sample("x", given))
    assert writer.report.images == 1


def test_other_programs_read_the_ids(tmp_path: Path) -> None:
    with Tiff16().open_writer(tmp_path / "o", classes=CLASSES, options=WriteOptions()) as writer:
        writer.add(Sample("a/x", hard()))
    values = tifffile.imread(tmp_path / "o" / "masks" / "a" / "x.tif")
    assert values.dtype == np.uint16
    np.testing.assert_array_equal(values, hard().labels)
    np.testing.assert_array_equal(Image.open(tmp_path / "o/masks/a/x.tif"), hard().labels)
    said = json.loads((tmp_path / "o" / "instances.json").read_text())["objects"]["a/x"]
    assert said["2"] == {"class": "Löffel groß", "score": hard().instances[2].score}


def test_ids_with_gaps_stay(tmp_path: Path) -> None:
    write(tmp_path / "o", np.array([[0, 7, 65535]]))
    assert list(Tiff16().open(tmp_path / "o").read("x").segmentation.instances) == [7, 65535]


def test_F18_larger_ids_are_numbered_anew_and_it_is_said(tmp_path: Path) -> None:
    given = segmentation_from_labels(np.array([[5, 70000]], np.int32), classes=CLASSES)
    with Tiff16().open_writer(tmp_path / "o", classes=CLASSES, options=WriteOptions()) as writer:
        writer.add(Sample("x", given))
    assert writer.report.warnings == ("object ids above 65535 were numbered anew from 1: x",)
    got = Tiff16().open(tmp_path / "o").read("x").segmentation
    assert got.labels.tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("dtype", "options"),
    [
        ("uint8", {}),
        (">u2", {}),
        ("<u2", {"compression": "zlib"}),
        ("int32", {}),
        ("<u2", {"tile": (16, 16)}),
    ],
)
def test_masks_of_other_programs_are_read(tmp_path: Path, dtype: str, options: dict) -> None:
    (tmp_path / "masks").mkdir()
    order = ">" if dtype.startswith(">") else "<"
    values = hard().labels.astype(dtype)
    tifffile.imwrite(tmp_path / "masks" / "x.tif", values, byteorder=order, **options)
    assert recognise(tmp_path).id == "tiff16"
    dataset = Tiff16().open(tmp_path)
    assert [one.name for one in dataset.classes] == ["object"]
    assert dataset.notes == ("there is no instances.json, so all objects are of one class",)
    np.testing.assert_array_equal(dataset.read("x").segmentation.labels, hard().labels)


@pytest.mark.parametrize("values", [np.ones((4, 4), np.float32), np.ones((4, 4, 3), np.uint8) * 7])
def test_F17_masks_that_hold_no_ids_are_refused(tmp_path: Path, values: np.ndarray) -> None:
    values[0] += 1
    values[..., -1] += 3
    (tmp_path / "masks").mkdir()
    tifffile.imwrite(tmp_path / "masks" / "x.tif", values)
    with pytest.raises(MaskError):
        Tiff16().open(tmp_path).read("x")


def test_F3_a_header_that_lies_of_its_size_is_refused_before_memory_is_taken(
    tmp_path: Path,
) -> None:
    write(tmp_path / "o", np.arange(64).reshape(8, 8))
    file = tmp_path / "o" / "masks" / "x.tif"
    with tifffile.TiffFile(file) as tiff:
        places = [tiff.pages[0].tags[name].valueoffset for name in ("ImageWidth", "ImageLength")]
    data = bytearray(file.read_bytes())
    for place in places:
        data[place : place + 2] = (13000).to_bytes(2, "little")
    file.write_bytes(data)
    with pytest.raises(MaskError, match="13000x13000 pixels in"):
        Tiff16().open(tmp_path / "o").read("x")


def test_large_blank_masks_are_read(tmp_path: Path) -> None:
    labels = np.zeros((3000, 4000), np.int32)
    labels[0, 0] = 1
    write(tmp_path / "o", labels)
    assert Tiff16().open(tmp_path / "o").read("x").segmentation.labels.sum() == 1


def test_F19_lossy_ids_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "o", np.arange(64).reshape(8, 8))
    image = Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8))
    (tmp_path / "o" / "masks" / "x.tif").unlink()
    image.save(tmp_path / "o" / "masks" / "x.jpg")
    with pytest.raises(MaskError, match="smeared"):
        Tiff16().open(tmp_path / "o").read("x")


def test_objects_that_the_mask_does_not_have_are_a_fault(tmp_path: Path) -> None:
    write(tmp_path / "o", np.array([[1, 2]]))
    tifffile.imwrite(tmp_path / "o" / "masks" / "x.tif", np.array([[1, 1]], np.uint16))
    with pytest.raises(DatasetError, match="names objects that the mask does not have"):
        Tiff16().open(tmp_path / "o").read("x")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"classes": []}',
        '{"classes": [{"name": "a"}], "objects": 5}',
        '{"classes": [{"name": "a"}], "objects": {"x": 5}}',
        '{"classes": [{"name": "a"}], "objects": {"x": {"one": {"class": "a"}}}}',
        '{"classes": [{"name": "a"}], "objects": {"x": {"1": {}}}}',
        '{"classes": [{"name": "a"}], "objects": {"x": {"1": {"class": "b"}}}}',
        '{"classes": [{"name": "a"}], "objects": {"x": {"1": {"class": []}}}}',
        '{"classes": [{"name": "a"}], "objects": {"x": {"1": {"class": "a", "score": 5}}}}',
        '{"classes": [{"name": "a"}], "objects": {"x": {"1": {"class": "a", "score": "s"}}}}',
        '{"classes": [{"name": "a"}], "objects": {"x": {"1": {"class": "a", "score": NaN}}}}',
    ],
)
def test_hostile_sidecars_are_refused(tmp_path: Path, content: str) -> None:
    write(tmp_path / "o", np.array([[1, 0]]))
    (tmp_path / "o" / "instances.json").write_text(content)
    with pytest.raises(SegkitError):
        Tiff16().open(tmp_path / "o").read("x")

"""What napari's File > Open, drops and File > Save do with datasets and masks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import npe2
import numpy as np
import pytest
from napari.layers import Image, Labels
from PIL import Image as PilImage

from napari_segkit.contributions import dataset_reader
from napari_segkit.data.formats.registry import get_format
from napari_segkit.data.mask_file import MaskFile
from napari_segkit.errors import MaskError, SegkitError
from napari_segkit.types import ClassDef
from napari_segkit.widgets.masks._binding import bind
from napari_segkit.widgets.masks._features import table
from tests.data.formats.scenes import hard, photo, samples, write

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def plugins(monkeypatch: pytest.MonkeyPatch) -> npe2.PluginManager:
    """The manifest as it is installed."""
    manager = npe2.PluginManager()
    manager.register(npe2.PluginManifest.from_distribution("napari-segkit"))
    monkeypatch.setattr(npe2.PluginManager, "instance", lambda: manager)
    return manager


EGG, PAN = ClassDef("egg", (255, 200, 0)), ClassDef("pan", (0, 0, 128))


@pytest.mark.parametrize("to", ["set", "set.zip"])
def test_a_dataset_gives_its_first_image_and_mask(tmp_path: Path, to: str) -> None:
    path = tmp_path / to
    write(get_format("cvat-mask"), path, samples(tmp_path / "p"), include_images=True)
    found = npe2.read([str(path)], stack=False, plugin_name="napari-segkit")
    assert [(options["name"], kind) for _, options, kind in found] == [
        ("a/hard one", "image"),
        (f"a/hard one · {path.stem}", "labels"),
    ]
    mask = Labels(found[1][0], **found[1][1])
    np.testing.assert_array_equal(mask.data, hard().labels)
    assert mask.features["class"].tolist()[1] == "Löffel groß"
    assert Image(found[0][0], **found[0][1]).rgb


def test_a_mask_file_gives_the_image_beside_it(tmp_path: Path) -> None:
    photo(tmp_path / "a.jpg", (40, 57))
    PilImage.fromarray((hard().labels > 0).astype(np.uint8)).save(tmp_path / "a_mask.png")
    found = npe2.read([str(tmp_path / "a_mask.png")], stack=False, plugin_name="napari-segkit")
    assert [kind for *_, kind in found] == ["image", "labels"]


def test_plain_photos_and_folders_are_left_to_others(tmp_path: Path) -> None:
    photo(tmp_path / "p" / "holiday.jpg", (9, 9))
    (tmp_path / "other.zip").write_bytes(b"PK")
    assert dataset_reader(str(tmp_path / "p")) is None
    assert dataset_reader(str(tmp_path / "other.zip")) is None
    assert dataset_reader([str(tmp_path / "p")]) is None
    names = ("holiday.jpg", "photo.png", "scan.tif", "mask of zorro.jpg")
    for name in names:
        readers = npe2.PluginManager.instance().iter_compatible_readers([str(tmp_path / name)])
        assert "napari-segkit" not in {one.plugin_name for one in readers}


def eggs() -> Labels:
    data = np.zeros((20, 30), np.uint16)
    data[2:6, 2:6], data[10:18, 10:20], data[2:6, 20:26] = 1, 2, 7
    rows = [(1, "egg", 0.9, "edited"), (2, "pan", 1.0, "drawn"), (7, "egg", 0.5, "predicted")]
    layer = Labels(data, name="kitchen · eggpan", features=table(rows))
    bind(layer, image=None, image_name="kitchen", model="eggpan", classes=(EGG, PAN))
    return layer


def save(layer: Labels, path: Path) -> list[str]:
    return npe2.write(str(path), [layer], plugin_name="napari-segkit")


def test_a_mask_is_saved_as_values_of_its_classes(tmp_path: Path) -> None:
    assert save(eggs(), tmp_path / "a.png") == [str(tmp_path / "a.png")]
    values = np.array(PilImage.open(tmp_path / "a.png"))
    np.testing.assert_array_equal(values, np.array([0, 1, 2, 0, 0, 0, 0, 1])[eggs().data])
    found = MaskFile().open(tmp_path / "a.png").read("a").segmentation
    assert found.classes == (EGG, PAN)


def test_a_mask_is_saved_as_ids_with_classes_and_scores(tmp_path: Path) -> None:
    save(eggs(), tmp_path / "a.tif")
    found = MaskFile().open(tmp_path / "a.tif").read("a").segmentation
    np.testing.assert_array_equal(found.labels, eggs().data)
    assert {key: (one.class_name, one.score) for key, one in found.instances.items()} == {
        1: ("egg", 0.9),
        2: ("pan", 1.0),
        7: ("egg", 0.5),
    }


def test_a_mask_is_saved_for_cvat_under_its_images_name(tmp_path: Path) -> None:
    save(eggs(), tmp_path / "a.zip")
    with get_format("cvat-mask").open(tmp_path / "a.zip") as dataset:
        assert dataset.names == ("kitchen",)
        assert dataset.classes == (EGG, PAN)
        assert len(dataset.read("kitchen").segmentation.instances) == 3


def test_a_layer_of_others_is_saved_value_by_value(tmp_path: Path) -> None:
    layer = Labels(np.array([[0, 3], [200, 3]], np.int64), name="by hand")
    save(layer, tmp_path / "a.png")
    assert np.array(PilImage.open(tmp_path / "a.png")).tolist() == [[0, 3], [200, 3]]
    save(layer, tmp_path / "a.tif")
    found = MaskFile().open(tmp_path / "a.tif").read("a").segmentation
    assert found.labels.tolist() == [[0, 3], [200, 3]]


def test_a_stack_or_a_full_file_is_refused_and_the_old_one_stays(tmp_path: Path) -> None:
    save(eggs(), tmp_path / "a.zip")
    before = (tmp_path / "a.zip").read_bytes()
    with pytest.raises(MaskError, match=r"only a flat mask.*got 2x3x4"):
        save(Labels(np.zeros((2, 3, 4), np.uint8)), tmp_path / "a.zip")
    crowd = Labels(np.arange(400, dtype=np.uint16).reshape(20, 20))
    with pytest.raises(SegkitError, match="255"):
        save(crowd, tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == before

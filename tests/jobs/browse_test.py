"""Looking through a dataset: rows, small pictures, whole images, faults."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_segkit.data.dataset import PackedImage
from napari_segkit.data.formats.registry import get_format
from napari_segkit.data.formats.strange import StrangeError
from napari_segkit.data.images import read_image
from napari_segkit.errors import DatasetError, SegkitError
from napari_segkit.jobs import drain
from napari_segkit.jobs.browse import (
    Browser,
    count_objects,
    load_sample,
    open_browser,
    preview,
    with_meanings,
)
from tests.data.formats.scenes import hard, samples, write


@pytest.fixture(params=["set", "set.zip"])
def browser(request: pytest.FixtureRequest, tmp_path: Path) -> Browser:
    path = tmp_path / request.param
    write(get_format("cvat-mask"), path, samples(tmp_path / "photos"), include_images=True)
    return drain(open_browser(path))


def test_every_image_is_counted_by_class(browser: Browser) -> None:
    assert browser.rows == {}
    assert drain(count_objects(browser)) == 0
    assert browser.rows["a/hard one"].counts == {"ring": 3, "Löffel groß": 2}
    assert browser.rows["leer"].objects == 0
    assert list(browser.rows) == list(browser.names)


def test_a_damaged_image_is_a_row_with_its_fault(tmp_path: Path) -> None:
    path = tmp_path / "set"
    write(get_format("cvat-mask"), path, samples(tmp_path / "photos"))
    (path / "SegmentationClass/leer.png").write_bytes(b"no")
    browser = drain(open_browser(path))
    assert drain(count_objects(browser)) == 1
    assert "mask is not a PNG file" in browser.rows["leer"].fault


def test_a_preview_is_small_and_shows_the_objects(browser: Browser) -> None:
    small = drain(preview(browser, "a/hard one", side=20))
    assert max(small.picture.shape) <= 20
    assert small.shape == (40, 57)
    whole = drain(preview(browser, "a/hard one"))
    assert tuple(whole.picture[3, 4]) == (250, 170, 50)  # an outline in the class's colour
    empty = drain(preview(browser, "leer"))
    np.testing.assert_array_equal(empty.picture, drain(load_sample(browser, "leer")).pixels)


def test_an_image_comes_with_its_objects_turned_as_its_tag_says(
    browser: Browser, tmp_path: Path
) -> None:
    loaded = drain(load_sample(browser, "a/hard one"))
    np.testing.assert_array_equal(loaded.labels, hard().labels)
    assert loaded.labels.dtype == np.uint16
    original = tmp_path / "photos/a/hard one.jpg"
    np.testing.assert_array_equal(loaded.pixels, read_image(original).pixels)
    browser.close()
    kept = loaded.original
    data = kept.read() if isinstance(kept, PackedImage) else kept.read_bytes()
    assert data == original.read_bytes()
    with pytest.raises(DatasetError, match="was closed"):
        browser.read("leer")


def test_f16_unknown_colours_get_a_meaning(tmp_path: Path) -> None:
    path = tmp_path / "set"
    write(get_format("cvat-mask"), path, samples(tmp_path / "photos"))
    file = path / "SegmentationClass/pixel.png"
    Image.fromarray(np.full((1, 1, 3), 77, np.uint8)).save(file)
    browser = drain(open_browser(path))
    with pytest.raises(StrangeError) as caught:
        drain(load_sample(browser, "pixel"))
    assert caught.value.found == {(77, 77, 77): 1}
    form = with_meanings(browser.format, {(77, 77, 77): "Löffel groß"})
    again = drain(load_sample(drain(open_browser(path, form)), "pixel"))
    assert again.segmentation.instances[1].class_name == "Löffel groß"


def test_f15_image_and_mask_of_different_sizes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "set"
    write(get_format("tiff16"), path, samples(tmp_path / "photos"), include_images=True)
    Image.fromarray(np.zeros((8, 7, 3), np.uint8)).save(path / "images/leer.png")
    with pytest.raises(SegkitError, match="expected 7x8, as the image, got 7x9"):
        drain(load_sample(drain(open_browser(path)), "leer"))


def test_a_mask_file_is_a_dataset_of_one(tmp_path: Path) -> None:
    (tmp_path / "classes.json").write_text(
        json.dumps({"classes": [{"name": "egg", "value": 1, "color": [1, 2, 3]}]})
    )
    Image.fromarray(np.eye(4, dtype=np.uint8)).save(tmp_path / "a_mask.png")
    browser = drain(open_browser(tmp_path / "a_mask.png"))
    assert browser.names == ("a",)
    assert browser.classes[0].name == "egg"

"""The import dock, on a viewer without a window."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels
from PIL import Image as PilImage
from qtpy.QtCore import QThreadPool

from napari_segkit.data.formats.registry import get_format
from napari_segkit.data.images import read_image
from napari_segkit.widgets.exchange.import_dock import ImportDock
from napari_segkit.widgets.masks._binding import read_binding
from tests.data.formats.scenes import CLASSES, hard, photo, samples, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytestqt.qtbot import QtBot


class Bench:
    def __init__(self, qtbot: QtBot, folder: Path) -> None:
        self.qtbot, self.folder = qtbot, folder
        self.viewer = ViewerModel()
        self.dock = ImportDock(self.viewer)
        qtbot.addWidget(self.dock)

    def dataset(self, to: str = "set", form: str = "cvat-mask", images: bool = True) -> Path:
        path = self.folder / to
        write(get_format(form), path, samples(self.folder / "photos"), include_images=images)
        return path

    def look(self, path: Path) -> str:
        """Look through a dataset to the end; what the person reads then."""
        self.dock.source.line.setText(str(path))
        self.dock.open_button.click()
        self.wait()
        return self.text()

    def wait(self) -> None:
        self.qtbot.waitUntil(
            lambda: not self.dock.run.running and not self.dock.loader.busy, timeout=20_000
        )

    def open(self, name: str) -> str:
        self.dock.open_image(name)
        self.wait()
        return self.text()

    def text(self) -> str:
        return self.dock.status.sentence.text()

    def notes(self) -> str:
        return self.dock.status.notes.text()

    def names(self) -> list[str]:
        return [layer.name for layer in self.viewer.layers]

    def cell(self, row: int, column: int) -> str:
        model = self.dock.images.model
        return model.data(model.index(row, column))


@pytest.fixture
def bench(qtbot: QtBot, tmp_path: Path) -> Iterator[Bench]:
    yield Bench(qtbot, tmp_path)
    QThreadPool.globalInstance().waitForDone(5000)


@pytest.mark.parametrize("to", ["set", "set.zip"])
def test_a_dataset_is_listed_and_counted(bench: Bench, to: str) -> None:
    said = bench.look(bench.dataset(to))
    assert said == "5 images, 18 objects"
    assert bench.dock.about.text() == "CVAT Segmentation mask 1.1 · 5 images · 3 classes"
    assert [bench.cell(0, column) for column in range(3)] == [
        "a/hard one",
        "5",
        "3 ring, 2 Löffel groß",
    ]
    shown = bench.dock.classes.classes
    assert [shown.item(row, 0).text() for row in range(3)] == [one.name for one in CLASSES]
    assert not bench.viewer.layers


def test_the_selected_image_is_shown_small_before_it_is_opened(bench: Bench) -> None:
    bench.look(bench.dataset())
    picture = bench.dock.images.preview
    assert picture.toolTip().startswith("a/hard one · 57x40")
    bench.dock.images.table.select(2)
    bench.wait()
    assert picture.toolTip().startswith("leer · 7x9")
    assert not picture.pixmap().isNull()


def test_an_image_opens_with_its_mask_classes_colours_and_scores(bench: Bench) -> None:
    bench.look(bench.dataset(form="tiff16"))
    assert bench.open("a/hard one") == "a/hard one: 3 ring, 2 Löffel groß"
    image, mask = bench.viewer.layers
    assert (image.name, mask.name) == ("a/hard one", "a/hard one · set")
    np.testing.assert_array_equal(mask.data, hard().labels)
    assert mask.features["class"].tolist() == [
        hard().instances[key].class_name for key in range(1, 6)
    ]
    assert mask.features["score"][0] == pytest.approx(hard().instances[1].score, abs=1e-3)
    assert set(mask.features["status"]) == {"imported"}
    np.testing.assert_allclose(mask.colormap.map(2)[:3] * 255, (10, 200, 30), atol=60)
    binding = read_binding(mask)
    assert binding is not None
    assert (binding.sample, binding.class_defs) == ("a/hard one", CLASSES)
    turned = read_image(bench.folder / "photos/a/hard one.jpg").pixels
    np.testing.assert_array_equal(image.data, turned)


def test_next_closes_what_was_not_changed_and_keeps_what_was(bench: Bench) -> None:
    bench.look(bench.dataset())
    bench.open("a/hard one")
    bench.dock.images.next_button.click()
    bench.wait()
    assert bench.names() == ["a/b.c", "a/b.c · set"]
    bench.viewer.layers[1].data_setitem((np.array([0]), np.array([0])), np.array([9]))
    bench.dock.images.next_button.click()
    bench.wait()
    assert bench.names() == ["a/b.c", "a/b.c · set", "leer", "leer · set"]
    assert "1 changed mask of this dataset stay open" in bench.notes()
    bench.dock.images.previous_button.click()
    bench.wait()
    assert bench.names() == ["a/b.c", "a/b.c · set", "leer", "leer · set"]
    assert bench.text() == "a/b.c is open already: it was left as it is"
    assert bench.viewer.layers["a/b.c · set"].data[0, 0] == 9


def test_an_image_that_is_open_already_gets_the_mask(bench: Bench) -> None:
    path = bench.dataset(images=False)
    image = bench.viewer.add_layer(Image(np.zeros((9, 7), np.uint8), name="leer"))
    bench.look(path)
    bench.open("leer")
    assert bench.names() == ["leer", "leer · set"]
    assert read_binding(bench.viewer.layers[1]).image == str(image.unique_id)
    bench.open("pixel")
    assert "leer" in bench.names()
    assert "the dataset does not have the image" in bench.notes()


def test_classes_can_be_renamed_and_joined_on_the_way(bench: Bench) -> None:
    bench.look(bench.dataset())
    bench.dock.classes.classes.item(1, 0).setText("ring")
    bench.dock.classes.classes.set_color(0, (1, 2, 3))
    bench.open("a/hard one")
    mask = bench.viewer.layers[-1]
    assert set(mask.features["class"]) == {"ring"}
    assert read_binding(mask).class_defs[0].color == (1, 2, 3)


def test_f16_unknown_values_are_asked_about_and_then_read(bench: Bench) -> None:
    classes = [{"name": "egg", "value": 128}, {"name": "pan", "value": 255}]
    (bench.folder / "classes.json").write_text(json.dumps({"classes": classes}))
    mask = np.zeros((9, 9), np.uint8)
    mask[1], mask[3], mask[5] = 128, 200, 77
    PilImage.fromarray(mask).save(bench.folder / "a_mask.png")
    bench.look(bench.folder / "a_mask.png")
    said = bench.open("a")
    assert said.startswith("⚠ mask has values that no class has")
    assert "77 on 9 pixels, 200 on 9 pixels" in said
    assert not bench.viewer.layers
    bench.dock.status.action_button.click()
    assert bench.dock.tabs.currentIndex() == 1
    tab = bench.dock.classes
    assert tab.question.text() == "a: mask has values that no class has. What do they mean?"
    tab.meanings.choose(1, "pan")
    tab.answer_button.click()
    bench.wait()
    assert bench.text() == "a: 1 egg, 1 pan"
    np.testing.assert_array_equal(bench.viewer.layers[0].data[:, 0] > 0, mask[:, 0] > 100)


def test_f15_a_mask_of_another_size_changes_no_layer(bench: Bench) -> None:
    path = bench.dataset(form="tiff16")
    photo(path / "images/leer.png", (9, 8))
    said = bench.look(path)
    assert said.startswith("⚠ 5 images, 18 objects; 1 image cannot be read: see Faults")
    assert "expected 8x9, as the image, got 7x9" in bench.open("leer")
    assert not bench.viewer.layers


def test_f26_a_broken_labelmap_changes_no_layer(bench: Bench) -> None:
    path = bench.dataset()
    (path / "labelmap.txt").write_text("ring:1,2,3::\nspoon:1,2,3::\n")
    said = bench.look(path)
    assert said.startswith("⚠ ")
    assert "labelmap" in said
    assert not bench.viewer.layers
    bench.dock.faults.check_button.click()
    bench.wait()
    assert bench.dock.faults.model.rowCount() > 0
    assert "labelmap.txt" in bench.dock.faults.details.text()


def test_f27_images_without_masks_are_told(bench: Bench) -> None:
    path = bench.dataset()
    (path / "SegmentationClass/leer.png").unlink()
    (path / "SegmentationObject/leer.png").unlink()
    bench.look(path)
    assert "1 listed images have no mask and count as empty: leer" in bench.notes()


def test_every_fault_is_listed_with_its_remedy(bench: Bench) -> None:
    path = bench.dataset()
    (path / "SegmentationClass/leer.png").write_bytes(b"no")
    bench.look(path)
    bench.dock.faults.check_button.click()
    bench.wait()
    assert bench.text().startswith("⚠ 1 error")
    assert bench.dock.tabs.tabText(2).startswith("Faults (")
    told = bench.dock.faults.details.text()
    assert "SegmentationClass/leer.png" in told
    assert "Remedy: " in told


def test_ten_thousand_images_are_listed_filtered_and_opened_one_at_a_time(bench: Bench) -> None:
    form, path = get_format("coco"), bench.folder / "many"
    write(form, path, samples(bench.folder / "photos"))
    file = next(path.rglob("*.json"))
    content = json.loads(file.read_text())
    one = content["images"][0]
    content["images"] += [
        {**one, "id": 1000 + k, "file_name": f"night/{k:05d}.jpg"} for k in range(10_000)
    ]
    file.write_text(json.dumps(content))
    bench.dock.open_path(path)
    bench.qtbot.waitUntil(lambda: bench.dock.run.browser is not None, timeout=20_000)
    assert "10,005 images" in bench.dock.about.text()
    bench.dock.images.filter.setText("night/0999")
    bench.dock.images.apply_filter()
    assert bench.dock.images.table.filtered.rowCount() == 10
    bench.dock.open_image("night/09995")
    bench.qtbot.waitUntil(lambda: bool(bench.viewer.layers), timeout=20_000)
    assert bench.names() == ["night/09995 · many"]
    bench.dock.run.cancel()
    bench.wait()


def test_cancel_keeps_what_was_found(bench: Bench) -> None:
    bench.dock.source.line.setText(str(bench.dataset()))
    bench.dock.open_button.click()
    assert bench.dock.open_button.text() == "Cancel"
    bench.dock.open_button.click()
    bench.wait()
    assert bench.text() == "Cancelled: what was found so far stays"
    assert bench.dock.open_button.text() == "Look through it"


def test_no_place_and_no_dataset_are_told(bench: Bench) -> None:
    bench.dock.open_button.click()
    assert bench.text() == "⚠ no place is chosen; name a folder or a file"
    assert bench.look(bench.folder / "nowhere").startswith("⚠ no such file or folder")
    (bench.folder / "empty").mkdir()
    assert bench.look(bench.folder / "empty").startswith("⚠ not a dataset")
    assert not bench.viewer.layers


def test_another_dataset_takes_the_place_of_one_that_is_being_read(bench: Bench) -> None:
    first, second = bench.dataset("first"), bench.dataset("second", "coco")
    bench.dock.open_path(first)
    bench.dock.open_path(second, open_first=True)
    bench.wait()
    bench.qtbot.waitUntil(lambda: bool(bench.viewer.layers))
    assert bench.dock.about.text().startswith("COCO")
    assert bench.names()[-1].endswith("· second")


def test_masks_from_an_archive_go_out_with_the_original_files(bench: Bench) -> None:
    from napari_segkit.jobs import drain, write_dataset
    from napari_segkit.widgets.exchange._export import Recipe, classes_of, take_down
    from napari_segkit.widgets.exchange._export import samples as taken_samples

    bench.look(bench.dataset("set.zip"))
    bench.open("a/hard one")
    mask = next(one for one in bench.viewer.layers if isinstance(one, Labels))
    recipe = Recipe(classes_of([mask]), include_images=True)
    (sample,) = taken_samples([take_down(mask, bench.viewer)], recipe)
    assert sample.name == "a/hard one"
    original = (bench.folder / "photos/a/hard one.jpg").read_bytes()
    assert sample.image.read() == original
    report = drain(write_dataset([sample], bench.folder / "out", classes=recipe.class_defs))
    assert report.instances == 5

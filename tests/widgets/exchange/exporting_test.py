"""The export dock, on a viewer without a window."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels
from PIL import Image as PilImage
from qtpy.QtCore import QThreadPool

from napari_segkit.data.formats.registry import FORMATS, recognise
from napari_segkit.data.images import read_image
from napari_segkit.data.provenance import beside, read_provenance
from napari_segkit.jobs import drain
from napari_segkit.jobs.replay import replay
from napari_segkit.synth.coins import make_scene
from napari_segkit.types import ClassDef
from napari_segkit.widgets.exchange.export_dock import ExportDock
from napari_segkit.widgets.masks._binding import bind
from napari_segkit.widgets.masks._picture import remember_original
from napari_segkit.widgets.segment.dock import CoinsDock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from napari_segkit.data.dataset import Sample

COIN = ClassDef("coin", (255, 196, 0))


def squares() -> np.ndarray:
    labels = np.zeros((40, 60), np.uint16)
    labels[2:10, 2:10], labels[20:28, 30:38] = 1, 2
    return labels


class Bench:
    def __init__(self, qtbot: QtBot, folder: Path) -> None:
        self.qtbot, self.folder = qtbot, folder
        self.viewer = ViewerModel()
        self.dock = ExportDock(self.viewer)
        qtbot.addWidget(self.dock)

    def add_run(self, name: str = "photo", shape: tuple[int, ...] = (40, 60)) -> Labels:
        """An image and the mask that a model made for it."""
        pixels = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
        image = self.viewer.add_layer(Image(pixels, name=name))
        data = np.zeros(shape, np.uint16)
        data[..., :40, :60] = squares()
        mask = Labels(data, name=f"{name} · coins")
        bind(mask, image=image, image_name=name, model="coins", classes=(COIN,))
        return self.viewer.add_layer(mask)

    def export(self, target: str = "out") -> str:
        """Press Export and wait; what the person reads then."""
        self.dock.target.setText(str(self.folder / target))
        self.press()
        return self.text()

    def press(self) -> None:
        self.dock.export_button.click()
        self.qtbot.waitUntil(lambda: not self.dock.runner.running, timeout=10_000)

    def text(self) -> str:
        return self.dock.status.sentence.text()

    def notes(self) -> list[str]:
        return self.dock.status.notes.text().split("\n")

    def read(self, name: str, target: str = "out") -> Sample:
        path = self.folder / target
        return recognise(path).open(path).read(name)


@pytest.fixture
def bench(qtbot: QtBot, tmp_path: Path) -> Iterator[Bench]:
    yield Bench(qtbot, tmp_path)
    QThreadPool.globalInstance().waitForDone(2000)


def test_a_mask_goes_out_under_its_images_name_and_comes_back(bench: Bench) -> None:
    bench.add_run("für CVAT")
    assert bench.export() == "1 image, 2 objects written"
    assert bench.notes() == [str(bench.folder / "out")]
    sample = bench.read("für CVAT")
    np.testing.assert_array_equal(sample.segmentation.labels > 0, squares() > 0)
    assert sample.segmentation.classes == (COIN,)


def test_nothing_ticked_cannot_be_exported(bench: Bench) -> None:
    assert not bench.dock.export_button.isEnabled()
    bench.dock._export(overwrite=False)
    assert bench.text() == "⚠ no place is chosen; name a folder or a .zip file"
    bench.dock.target.setText(str(bench.folder / "out"))
    bench.dock._export(overwrite=False)
    assert bench.text() == "⚠ no mask is chosen; tick one in the list"


def test_masks_of_models_are_ticked_and_others_only_by_the_person(bench: Bench) -> None:
    other = bench.viewer.add_layer(Labels(squares(), name="by hand"))
    assert bench.dock.masks.layers() == [other]
    mask = bench.add_run()
    assert bench.dock.masks.layers() == [mask]
    bench.dock.masks.item(1).setCheckState(bench.dock.masks.item(0).checkState())
    mask.name = "renamed"
    assert bench.dock.masks.layers() == [mask, other]
    assert [bench.dock.classes.item(row, 0).text() for row in range(2)] == ["coin", "object"]


def test_a_mask_by_hand_gets_its_class_and_colour_in_the_table(bench: Bench) -> None:
    bench.viewer.add_layer(Image(np.zeros((40, 60), np.uint8), name="desk"))
    bench.viewer.add_layer(Labels(squares(), name="by hand"))
    bench.dock.classes.item(0, 0).setText("button")
    bench.dock.classes.set_color(0, (1, 2, 3))
    assert bench.dock.classes.item(0, 1).text() == "#010203"
    bench.export()
    sample = bench.read("desk")
    assert sample.segmentation.classes == (ClassDef("button", (1, 2, 3)),)
    assert {one.class_name for one in sample.segmentation.instances.values()} == {"button"}


def test_two_classes_of_one_name_become_one(bench: Bench) -> None:
    bench.add_run("a")
    bench.viewer.add_layer(Labels(squares()[:39], name="b"))
    bench.dock.masks.item(0).setCheckState(bench.dock.masks.item(1).checkState())
    bench.dock.classes.item(0, 0).setText("coin")
    assert bench.export() == "2 images, 4 objects written"
    assert bench.read("b").segmentation.classes[0].name == "coin"
    assert len(bench.read("b").segmentation.classes) == 1


def test_classes_by_id_come_from_the_features(bench: Bench) -> None:
    mask = bench.add_run()
    egg = ClassDef("egg", (9, 9, 9))
    bind(mask, image=bench.viewer.layers[0], image_name="photo", model="m", classes=(COIN, egg))
    mask.features = {
        "index": [1, 2],
        "class": ["coin", "egg"],
        "score": [1, 0.5],
        "status": ["", ""],
    }
    bench.dock._on_masks()
    bench.export()
    instances = bench.read("photo").segmentation.instances.values()
    assert sorted(one.class_name for one in instances) == ["coin", "egg"]


def test_what_exists_is_replaced_only_when_asked(bench: Bench) -> None:
    mask = bench.add_run()
    bench.export("out.zip")
    before = (bench.folder / "out.zip").read_bytes()
    mask.data[2:10, 2:10] = 0
    assert bench.export("out.zip") == f"⚠ {bench.folder / 'out.zip'} exists already"
    assert (bench.folder / "out.zip").read_bytes() == before
    assert bench.dock.status.action_button.text() == "Replace it"
    bench.dock.status.action_button.click()
    bench.qtbot.waitUntil(lambda: not bench.dock.runner.running)
    assert bench.text() == "1 image, 1 object written"


def test_what_was_typed_after_the_question_is_asked_for_too(bench: Bench) -> None:
    bench.add_run()
    bench.export("other.zip")
    before = (bench.folder / "other.zip").stat()
    bench.export("out.zip")
    bench.export("out.zip")
    bench.dock.target.setText(str(bench.folder / "other.zip"))
    bench.dock.status.action_button.click()
    assert bench.text() == f"⚠ {bench.folder / 'other.zip'} exists already"
    assert (bench.folder / "other.zip").stat() == before


def test_images_are_included_when_asked(bench: Bench) -> None:
    bench.add_run()
    bench.dock.include_images.setChecked(True)
    bench.export("out.zip")
    names = zipfile.ZipFile(bench.folder / "out.zip").namelist()
    assert "JPEGImages/photo.png" in names


def test_the_images_own_file_is_included_byte_for_byte(bench: Bench) -> None:
    path = bench.folder / "IMG 1.jpg"
    PilImage.fromarray(np.zeros((40, 60, 3), np.uint8)).save(path)
    mask = bench.add_run()
    _opened_from(bench, path)
    bench.dock.include_images.setChecked(True)
    bench.export()
    assert mask in bench.viewer.layers
    assert (bench.folder / "out/JPEGImages/IMG 1.jpg").read_bytes() == path.read_bytes()


def _opened_from(bench: Bench, path: Path, layer: int = 0) -> None:
    from napari.layers._source import Source

    bench.viewer.layers[layer]._source = Source(path=str(path), reader_plugin="napari")


@pytest.mark.parametrize("orientation", [1, 2, 3, 4, 5, 6, 7, 8])
def test_f13_a_mask_on_a_photo_that_napari_did_not_turn_is_turned_with_it(
    bench: Bench, orientation: int
) -> None:
    from napari_segkit.data.images import read_image

    path = bench.folder / "phone.png"
    exif = PilImage.Exif()
    exif[0x0112] = orientation
    pixels = np.where(squares() > 0, 255, 0).astype(np.uint8)
    PilImage.fromarray(pixels).save(path, exif=exif)
    bench.add_run()
    _opened_from(bench, path)
    bench.export()
    turned = read_image(path).pixels[..., 0] > 0
    np.testing.assert_array_equal(bench.read("phone").segmentation.labels > 0, turned)


def test_more_than_255_objects_are_refused_and_can_be_merged(bench: Bench) -> None:
    mask = bench.add_run()
    mask.data = np.arange(40 * 60, dtype=np.uint16).reshape(40, 60)
    text = bench.export()
    assert text.startswith("⚠ ")
    assert "255" in text
    assert not (bench.folder / "out").exists()
    bench.dock.instances.setCurrentIndex(1)
    assert bench.export() == "1 image, 1 object written"


def test_f9_of_a_stack_each_plane_with_a_mask_is_an_image(bench: Bench) -> None:
    mask = bench.add_run("stack", (12, 40, 60))
    mask.data[:] = 0
    mask.data[3], mask.data[11] = squares(), squares()
    bench.dock.include_images.setChecked(True)
    assert bench.export() == "2 images, 4 objects written"
    sample = bench.read("stack_03")
    np.testing.assert_array_equal(sample.segmentation.labels > 0, squares() > 0)
    assert (bench.folder / "out/JPEGImages/stack_11.png").is_file()


def test_four_dimensions_are_refused_with_a_remedy(bench: Bench) -> None:
    bench.add_run("film", (2, 3, 40, 60))
    assert bench.export().startswith(
        "⚠ mask has too many axes (film · coins): expected a picture or a stack of pictures, "
        "got 2x3x40x60; split the stack first"
    )


def test_a_film_is_left_out_and_the_rest_is_written(bench: Bench) -> None:
    bench.add_run("film", (2, 3, 40, 60))
    bench.add_run("photo")
    assert bench.export() == "1 image, 2 objects written"
    assert bench.notes()[1].startswith("left out: mask has too many axes (film · coins)")


def test_images_of_one_name_go_out_with_the_names_of_their_folders(bench: Bench) -> None:
    for day in ("Monday", "Tuesday"):
        path = bench.folder / day / "IMG 1.png"
        path.parent.mkdir()
        PilImage.fromarray(np.zeros((40, 60, 3), np.uint8)).save(path)
        bench.add_run(day)
        _opened_from(bench, path, layer=-2)
    bench.dock.include_images.setChecked(True)
    assert bench.export() == "2 images, 4 objects written"
    assert bench.read("Monday/IMG 1").name == "Monday/IMG 1"
    assert (bench.folder / "out/JPEGImages/Tuesday/IMG 1.png").is_file()


def test_two_masks_of_one_name_are_refused_before_anything_is_written(bench: Bench) -> None:
    bench.add_run("a")
    bench.add_run("A")
    assert bench.export() == (
        '⚠ two masks would both be written as "a" (A · coins, a · coins); '
        "export them one at a time, or rename the image"
    )
    assert not (bench.folder / "out").exists()


def test_what_is_painted_while_it_is_written_is_not_in_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    import napari_segkit.widgets.exchange._export as module

    mask = bench.add_run()
    planes = module._planes

    def paint_first(source: Any) -> Any:
        mask.data[30:35, 5:9] = 7
        return planes(source)

    monkeypatch.setattr(module, "_planes", paint_first)
    assert bench.export() == "1 image, 2 objects written"


def test_a_name_with_slashes_stays_one_name(bench: Bench) -> None:
    bench.add_run("a/b\\c")
    bench.export()
    assert bench.read("a_b_c").name == "a_b_c"


def test_an_image_that_is_gone_still_gives_its_name(bench: Bench) -> None:
    bench.add_run("gone")
    del bench.viewer.layers[0]
    bench.dock.include_images.setChecked(True)
    assert bench.export() == "1 image, 2 objects written"
    assert bench.read("gone").name == "gone"


def test_open_folder_opens_the_place(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(
        "napari_segkit.widgets.exchange.export_dock.QDesktopServices.openUrl",
        lambda url: opened.append(url.toLocalFile()),
    )
    bench.add_run()
    bench.export("out.zip")
    bench.dock.status.action_button.click()
    assert opened == [str(bench.folder)]


def test_browse_proposes_a_new_folder_in_one_that_is_not_empty(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialog = "napari_segkit.widgets.parts._places.QFileDialog"
    monkeypatch.setattr(f"{dialog}.getExistingDirectory", lambda *_: str(bench.folder))
    bench.dock.target.folder_button.click()
    assert bench.dock.target.text() == str(bench.folder)
    (bench.folder / "x").touch()
    bench.dock.target.folder_button.click()
    assert bench.dock.target.text() == str(bench.folder / "masks")
    monkeypatch.setattr(f"{dialog}.getSaveFileName", lambda *_, **__: (str(bench.folder / "a"), ""))
    bench.dock.target.zip_button.click()
    assert bench.dock.target.text() == str(bench.folder / "a.zip")


@pytest.mark.parametrize("form", ["coco", "yolo-seg", "indexed-png"])
def test_a_mask_goes_out_in_the_format_that_a_trainer_reads(bench: Bench, form: str) -> None:
    bench.add_run()
    bench.dock.include_images.setChecked(True)
    bench.dock.format.setCurrentIndex(bench.dock.format.findData(form))
    title = FORMATS[form].title
    assert bench.dock.export_button.toolTip() == f"Write {title}"
    assert bench.export().startswith("1 image, 2 objects written")
    assert recognise(bench.folder / "out").id == form
    np.testing.assert_array_equal(bench.read("photo").segmentation.labels > 0, squares() > 0)


def test_the_tooltip_says_how_many_objects_a_format_holds(bench: Bench) -> None:
    assert "At most 255" in bench.dock.instances.toolTip()
    bench.dock.format.setCurrentIndex(bench.dock.format.findData("coco"))
    assert "No limit" in bench.dock.instances.toolTip()


def test_beside_the_dataset_lies_what_made_the_masks(bench: Bench) -> None:
    """The run as the model left it, and who drew what since: a replay finds it identical."""
    photo = bench.folder / "photo.png"
    PilImage.fromarray(make_scene(0, size=(240, 320)).image).save(photo)
    image = bench.viewer.add_layer(Image(read_image(photo).pixels, name="photo", rgb=True))
    remember_original(image, photo)
    coins = CoinsDock(bench.viewer)
    bench.qtbot.addWidget(coins)
    with bench.qtbot.waitSignal(coins.run.finished, timeout=20_000):
        coins.run_button.click()
    mask = bench.viewer.layers["photo · coins"]
    mask.brush_size = 9
    mask.paint((4, 4), 99)
    bench.export()
    told = read_provenance(beside(bench.folder / "out")).images[0]
    assert (told.name, told.file, [run.model for run in told.runs]) == (
        "photo", "photo.png", ["coins"],
    )  # fmt: skip
    assert {told.instances[key].status for key in told.instances} == {"predicted", "drawn"}
    assert (told.instances[99].status, told.instances[99].run) == ("drawn", None)
    assert drain(replay(beside(bench.folder / "out"))).identical


def test_masks_of_no_file_have_no_provenance_beside_them(bench: Bench) -> None:
    bench.add_run()
    bench.export()
    assert not beside(bench.folder / "out").exists()

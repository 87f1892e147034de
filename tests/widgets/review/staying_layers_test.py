"""One image after another on the same two layers: nothing of one ever reaches another."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels
from napari.utils.interactions import mouse_move_callbacks, mouse_press_callbacks
from qtpy.QtCore import QCoreApplication

from napari_segkit.data.store import Record, Status, Store
from napari_segkit.errors import WriteError
from napari_segkit.ops.instance_rows import InstanceRow
from napari_segkit.types import ClassDef
from napari_segkit.widgets._identity import identity
from napari_segkit.widgets.correct._edits import set_class
from napari_segkit.widgets.correct.dock import CorrectDock
from napari_segkit.widgets.exchange._export import take_down
from napari_segkit.widgets.masks import _sheet
from napari_segkit.widgets.masks._binding import classes_of, find_mask, read_binding
from napari_segkit.widgets.masks._undo import state_of
from napari_segkit.widgets.segment._filling import FillPanel
from napari_segkit.widgets.segment.dock import SegmentDock
from tests.reviewing import SHAPE, Desk, photos, stored

if TYPE_CHECKING:
    from pathlib import Path

    from pytestqt.qtbot import QtBot


def store_classes(folder: Path, *colors: tuple[int, int, int]) -> Path:
    """A folder in which every image has one square of a class of its own colour."""
    photos(folder, len(colors))
    with Store.open(folder) as store:
        for number, color in enumerate(colors):
            labels = np.zeros(SHAPE, np.int32)
            labels[10:30, 10:30] = 1
            name = f"class {number}"
            record = Record(
                name=str(number),
                size=SHAPE,
                status=Status.EDITED,
                classes=((name, color),),
                instances={1: InstanceRow(name, 1.0, "drawn")},
            )
            store.save(str(number), labels, record)
    return folder


def test_layers_and_how_one_looks_and_draws_stay(desk: Desk, tmp_path: Path) -> None:
    desk.open(photos(tmp_path, 3))
    image, mask = desk.dock.session.current.image, desk.mask
    mine = desk.viewer.add_points([[1, 1]], name="mine")
    mask.opacity, mask.brush_size, mask.mode = 0.3, 7, "paint"
    desk.viewer.layers.selection.active = mask
    desk.viewer.mouse_over_canvas = True
    desk.go("1")
    assert list(desk.viewer.layers) == [image, mask, mine]
    assert (mask.opacity, mask.brush_size, str(mask.mode)) == (0.3, 7, "paint")
    np.testing.assert_array_equal(image.data[15, 29:31, 0], [200, 200])
    assert image.data[15, 10, 0] == 20
    assert desk.viewer.layers.selection.active is mask
    assert desk.viewer.status["layer_name"] == "1 · mask"


def test_what_was_hidden_on_one_image_is_seen_on_the_next(desk: Desk, tmp_path: Path) -> None:
    """Nobody shall accept a mask that was never seen."""
    desk.open(photos(tmp_path, 2))
    desk.paint(40, 40, 1)
    desk.mask.visible = False
    desk.mask.show_selected_label = True
    desk.go("1")
    assert desk.mask.visible
    assert not desk.mask.show_selected_label
    assert desk.dock.session.current.image.visible


def test_rows_classes_and_redo_come_back_with_the_image(desk: Desk, tmp_path: Path) -> None:
    desk.open(photos(tmp_path, 3))
    desk.paint(20, 20, 1)
    desk.paint(40, 40, 2)
    plane = take_plane(desk)
    set_class(desk.mask, plane, [2], "pan")
    desk.mask.selected_label = 2
    desk.mask.undo()
    desk.go("1")
    assert classes_of(desk.mask) == (ClassDef("object", (0, 160, 255)),)
    assert len(desk.mask.features) == 0
    assert desk.mask.selected_label == 1
    desk.paint(50, 50, 9)
    desk.go("0")
    assert desk.mask.features["index"].tolist() == [1, 2]
    assert desk.mask.selected_label == 2
    desk.mask.redo()
    assert desk.mask.features["class"].tolist() == ["object", "pan"]
    assert [one.name for one in classes_of(desk.mask)] == ["object", "pan"]
    for _ in range(3):
        desk.mask.undo()
    assert not desk.mask.data.any()
    assert len(desk.mask.features) == 0
    desk.go("1")
    assert desk.mask.data[50, 50] == 9
    desk.mask.undo()
    assert not desk.mask.data.any()
    desk.wait()
    assert not stored(tmp_path, "0").labels.any()
    assert not stored(tmp_path, "1").labels.any()


def take_plane(desk: Desk) -> Any:
    from napari_segkit.widgets._layers import current_plane

    return current_plane(desk.mask, desk.viewer)


def test_objects_have_the_colours_of_their_own_image(desk: Desk, tmp_path: Path) -> None:
    red, blue = (250, 20, 20), (20, 20, 250)
    desk.open(store_classes(tmp_path, red, blue, red))
    seen = {}
    for name in ("0", "1", "0", "1", "2"):
        desk.go(name)
        seen[name] = desk.mask.get_color(1)[:3].argmax()
        assert desk.mask.colormap.map(desk.mask.data)[15, 15, :3].argmax() == seen[name]
    assert seen == {"0": 0, "1": 2, "2": 0}
    desk.mask.new_colormap()  # napari's button: colours at random
    desk.go("1")
    assert desk.mask.get_color(1)[:3].argmax() == 2


def test_a_stroke_that_is_not_ended_is_of_its_own_image(desk: Desk, tmp_path: Path) -> None:
    desk.open(photos(tmp_path, 2))
    mask, pixels = desk.mask, desk.mask.data
    mask.mode, mask.brush_size = "paint", 3
    mouse = SimpleNamespace(
        type="mouse_press",
        button=1,
        position=(40.0, 40.0),
        view_direction=None,
        dims_displayed=[0, 1],
        modifiers=(),
        is_dragging=True,
    )
    mouse_press_callbacks(mask, mouse)
    assert pixels[40, 40] == 1
    desk.dock.go("1")  # by a key, with the mouse button down
    desk.qtbot.waitUntil(lambda: desk.name == "1")
    mouse.type, mouse.position = "mouse_move", (20.0, 20.0)
    mouse_move_callbacks(mask, mouse)
    assert not mask.data.any()
    desk.wait()
    assert stored(tmp_path, "0").labels[40, 40] == 1
    assert stored(tmp_path, "1").labels is None
    desk.go("0")
    desk.mask.undo()
    assert not pixels.any()


def until_some_are_written(pixels: np.ndarray) -> None:
    """Turn the event loop once at a time: a wait of milliseconds may see all of it written."""
    end = time.monotonic() + 20
    while not pixels.any():
        assert time.monotonic() < end
        time.sleep(0.001)
        QCoreApplication.processEvents()


def test_what_is_half_written_is_written_on_its_own_image(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_segkit.widgets.runs._run._AT_ONCE", 10)
    monkeypatch.setattr("napari_segkit.widgets.masks._pixels._CHUNK", 1)
    desk.open(photos(tmp_path, 2))
    session, pixels = desk.dock.session, desk.mask.data
    desk.dock.predict.model.setCurrentIndex(desk.dock.predict.model.findData("bright"))
    session.predict_current()
    until_some_are_written(pixels)
    assert 0 < np.count_nonzero(pixels) < 400
    session.predictor = None
    desk.dock.go("1")
    desk.wait()
    assert desk.name == "1"
    assert np.count_nonzero(pixels) == 400
    assert not desk.mask.data.any()
    work = stored(tmp_path, "0")
    np.testing.assert_array_equal(work.labels, pixels)
    np.testing.assert_array_equal(work.predicted, pixels)
    assert list(work.record.instances) == [1]
    assert stored(tmp_path, "1").labels is None
    assert "offered" not in desk.said
    assert not desk.said.startswith("⚠")


def test_the_next_image_is_predicted_though_the_last_result_was_still_being_written(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_segkit.widgets.runs._run._AT_ONCE", 10)
    monkeypatch.setattr("napari_segkit.widgets.masks._pixels._CHUNK", 1)
    desk.open(photos(tmp_path, 2))
    pixels = desk.mask.data
    desk.dock.predict.model.setCurrentIndex(desk.dock.predict.model.findData("bright"))
    desk.dock.session.predict_current()
    until_some_are_written(pixels)
    desk.dock.step(1)
    assert desk.name == "1"
    desk.wait()
    for name in "01":
        work = stored(tmp_path, name)
        assert work.record.status is Status.PREDICTED
        np.testing.assert_array_equal(work.labels[12:28, 14:26], 1)
        assert np.count_nonzero(work.labels) == 400


class GateDock(SegmentDock):
    model_id = "gate"


def test_another_docks_result_is_not_written_onto_the_next_image(
    desk: Desk, tmp_path: Path, gate: Any
) -> None:
    labels = np.zeros(SHAPE, np.int32)
    labels[2:10, 2:10] = 1
    desk.open(photos(tmp_path, 2))
    dock = GateDock(desk.viewer)
    desk.qtbot.addWidget(dock)
    gate.close(labels)
    dock.run_button.click()
    desk.qtbot.waitUntil(gate.inside.is_set)
    desk.go("1")
    with desk.qtbot.waitSignal(dock.run.finished):
        gate.open.set()
    assert dock.status.sentence.text() == "⚠ Not written: the image was changed while the model ran"
    assert desk.names == ["1", "1 · mask"]
    assert not desk.mask.data.any()


def test_another_docks_mask_belongs_to_its_image_only(
    desk: Desk, tmp_path: Path, gate: Any
) -> None:
    labels = np.zeros(SHAPE, np.int32)
    labels[2:10, 2:10] = 1
    desk.open(photos(tmp_path, 2))
    dock = GateDock(desk.viewer)
    desk.qtbot.addWidget(dock)

    def run() -> Labels:
        gate.close(labels)
        gate.open.set()
        with desk.qtbot.waitSignal(dock.run.finished):
            dock.run_button.click()
        image = desk.dock.session.current.image
        return find_mask(desk.viewer.layers, image, "gate")

    first = run()
    assert first.name == "0 · gate"
    desk.go("1")
    assert not first.visible
    second = run()
    assert second is not first
    assert second.name == "1 · gate"
    desk.go("0")
    assert (first.visible, second.visible) == (True, False)
    assert run() is first
    assert take_down(second, desk.viewer).picture is None  # its photo is not shown now


def test_the_binding_is_that_of_the_image_that_is_shown(desk: Desk, tmp_path: Path) -> None:
    desk.open(photos(tmp_path, 2))
    seen = set()
    for name in ("0", "1", "0"):
        desk.go(name)
        binding, image = read_binding(desk.mask), desk.dock.session.current.image
        assert (binding.sample, binding.image) == (name, identity(image))
        assert take_down(desk.mask, desk.viewer).picture.path == tmp_path / f"{name}.png"
        seen.add(binding.image)
    assert len(seen) == 2


def test_a_copy_of_the_mask_is_not_the_mask(desk: Desk, tmp_path: Path) -> None:
    desk.open(photos(tmp_path, 2))
    desk.paint(40, 40)
    copy = Labels.create(*desk.mask.as_layer_data_tuple())
    desk.viewer.add_layer(copy)
    assert read_binding(copy) is None
    desk.go("1")
    assert copy.visible
    assert copy.data[40, 40] == 1


def test_a_mask_of_another_depth_gets_new_layers(desk: Desk, tmp_path: Path) -> None:
    desk.open(photos(tmp_path, 3))
    mask = desk.mask
    desk.paint(40, 40, 1)
    wide = mask.data.astype(np.int32)
    wide[50, 50] = 70_000
    mask.data = wide
    desk.go("1")
    assert desk.mask is not mask
    assert desk.mask.data.dtype == np.uint16
    assert desk.names == ["1", "1 · mask"]
    desk.go("0")
    assert desk.mask.data is wide
    desk.paint(20, 20, 3)
    desk.wait()
    assert stored(tmp_path, "0").labels[50, 50] == 70_000
    assert stored(tmp_path, "0").labels[20, 20] == 3
    assert stored(tmp_path, "1").labels is None


def test_without_napari_s_history_every_image_has_new_layers(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_sheet, "_HISTORY", ("_kept_elsewhere",))
    desk.open(photos(tmp_path, 2))
    mask = desk.mask
    desk.paint(40, 40, 1)
    desk.go("1")
    assert desk.mask is not mask
    assert desk.names == ["1", "1 · mask"]
    desk.go("0")
    assert desk.mask.data[40, 40] == 1
    desk.paint(20, 20, 2)
    desk.wait()
    assert sorted(np.unique(stored(tmp_path, "0").labels)) == [0, 1, 2]


def test_a_moved_image_is_where_it_was_when_one_comes_back(desk: Desk, tmp_path: Path) -> None:
    desk.open(photos(tmp_path, 2))
    image = desk.dock.session.current.image
    image.scale = desk.mask.scale = (2, 2)
    desk.mask.name = "my mask"
    desk.go("1")
    assert desk.mask.scale.tolist() == image.scale.tolist() == [1, 1]
    assert desk.mask.name == "1 · mask"
    desk.go("0")
    assert desk.mask.scale.tolist() == image.scale.tolist() == [2, 2]
    assert desk.mask.name == "my mask"


def test_images_of_other_sizes_are_seen_whole(desk: Desk, tmp_path: Path) -> None:
    photos(tmp_path / "a", 1, (300, 200))
    photos(tmp_path, 2)
    (tmp_path / "a/0.png").rename(tmp_path / "2.png")
    desk.open(tmp_path)
    desk.go("2")
    assert desk.mask.data.shape == (300, 200)
    assert desk.dock.session.current.image.data.shape == (300, 200, 3)
    assert desk.viewer.dims.range[0].stop == 299
    desk.paint(290, 190, 4)
    desk.go("0")
    assert desk.mask.data.shape == SHAPE
    assert desk.viewer.dims.range[0].stop == SHAPE[0] - 1
    desk.wait()
    assert stored(tmp_path, "2").labels[290, 190] == 4


def test_looking_only_stays_so_on_every_image(desk: Desk, qtbot: QtBot, tmp_path: Path) -> None:
    desk.open(photos(tmp_path, 3))
    other = Desk(qtbot, ViewerModel())
    qtbot.addWidget(other.dock)
    other.open(tmp_path)
    other.go("1")
    assert not other.mask.editable
    other.go("0")
    assert not other.mask.editable
    other.dock.session.close()


def test_several_masks_that_cannot_be_saved_stay_open(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.open(photos(tmp_path, 3))
    monkeypatch.setattr(Store, "append", _full)
    desk.paint(40, 40, 1)
    desk.dock.go("1")
    desk.qtbot.waitUntil(lambda: desk.name == "1")
    desk.paint(20, 20, 2)
    assert desk.dock.session.close() == ["0", "1"]
    left = {layer.name: layer for layer in desk.viewer.layers}
    assert set(left) == {"0 · mask", "1 · mask"}
    assert left["0 · mask"].data[40, 40] == 1
    assert left["1 · mask"].data[20, 20] == 2
    left["0 · mask"].undo()
    assert not left["0 · mask"].data.any()
    assert left["1 · mask"].data.any()


def _full(*args: Any, **kwargs: Any) -> None:
    raise WriteError("the disk is full")


def test_a_mask_that_was_taken_out_comes_back_with_the_next_image(
    desk: Desk, tmp_path: Path
) -> None:
    desk.open(photos(tmp_path, 2))
    desk.paint(40, 40, 1)
    desk.viewer.layers.remove(desk.mask)
    desk.go("1")
    assert desk.names == ["1", "1 · mask"]
    assert not desk.mask.data.any()
    desk.viewer.layers.clear()
    desk.go("0")
    assert desk.names == ["0", "0 · mask"]
    desk.mask.undo()
    desk.wait()
    assert not stored(tmp_path, "0").labels.any()


@pytest.mark.parametrize("when", ["told", "half-way", "leaving"])
def test_whatever_fails_in_between_masks_keep_to_their_images(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """Other programs listen to the layers, too, and may break down."""

    def break_down(*_: Any) -> None:
        raise RuntimeError("another program's fault")

    desk.open(photos(tmp_path, 3))
    desk.paint(40, 40, 1)
    mask, pixels = desk.mask, desk.mask.data
    with monkeypatch.context() as patch:
        if when == "told":
            state_of(mask).exchanged.connect(break_down, check_nargs=False)
        elif when == "half-way":
            patch.setattr("napari_segkit.widgets.review._exhibit.remember_original", break_down)
        else:
            patch.setattr("napari_segkit.widgets.review._exhibit.take_off", break_down)
        with desk.qtbot.captureExceptions() as seen:
            desk.dock.step(1)
        assert len(seen) == 1
    if when == "told":  # the image is there
        state_of(mask).exchanged.disconnect(break_down)
        desk.paint(40, 40, 2)
    there = {"0": [0, 1], "1": [0, 2] if when == "told" else [0], "2": [0]}
    for name in ("2", "1", "0"):
        desk.go(name)
        assert desk.mask is mask
        assert (mask.data is pixels) == (name == "0")
        assert sorted(np.unique(mask.data)) == there[name]
        desk.paint(10 + 10 * int(name), 60, int(name) + 1)
    desk.wait()
    for name in "012":
        assert sorted(np.unique(stored(tmp_path, name).labels)) == [0, int(name) + 1]


def test_correct_goes_on_with_the_image_that_is_shown(desk: Desk, tmp_path: Path) -> None:
    desk.open(photos(tmp_path, 2))
    correct = CorrectDock(desk.viewer)
    desk.qtbot.addWidget(correct)

    def areas() -> dict[int, int]:
        return {key: line.area for key, line in correct.subject.lines().items()}

    desk.paint(20, 20, 1)
    desk.paint(40, 40, 2)
    desk.qtbot.waitUntil(lambda: len(areas()) == 2)
    correct.instances.select((2,))
    correct.tools.buttons["grow"].click()
    desk.qtbot.waitUntil(lambda: correct.toolbox.answer is not None)
    desk.go("1")
    desk.qtbot.waitUntil(lambda: correct.subject.index is not None)
    assert areas() == {}
    assert correct.instances.rows.total == 0
    assert correct.instances.keys() == ()
    assert correct.toolbox.answer is None
    assert correct.tools.open is None
    desk.paint(30, 30, 1)
    desk.qtbot.waitUntil(lambda: set(areas()) == {1})
    desk.go("0")
    desk.qtbot.waitUntil(lambda: set(areas()) == {1, 2})
    assert correct.instances.keys() == ()
    correct.instances.select((2,))
    with desk.qtbot.waitSignal(correct.toolbox.written, timeout=10_000):
        correct.tools.buttons["delete"].click()
    desk.wait()
    assert sorted(np.unique(stored(tmp_path, "0").labels)) == [0, 1]
    assert sorted(np.unique(stored(tmp_path, "1").labels)) == [0, 1]


def test_a_filled_photo_has_the_name_of_its_own_image(desk: Desk, tmp_path: Path) -> None:
    desk.open(photos(tmp_path, 2))
    desk.paint(20, 20, 1)
    fill = FillPanel(desk.viewer, "dust")
    desk.qtbot.addWidget(fill)
    with desk.qtbot.waitSignal(fill.finished, timeout=20_000) as ended:
        fill.start(desk.dock.session.current.image)
        desk.dock.step(1)
        assert desk.name == "1"
    assert "0 · inpainted" in desk.names
    assert ended.args[0].notes == ("from 0 · mask",)


def test_a_slow_disk_gets_every_mask_under_its_own_name(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Moments are taken down while an image is shown, and written when another one is."""
    write = Store.append

    def slowly(*args: Any, **kwargs: Any) -> Any:
        time.sleep(0.15)
        return write(*args, **kwargs)

    monkeypatch.setattr(Store, "append", slowly)
    desk.open(photos(tmp_path, 4))
    for name in "0123":
        desk.dock.go(name)
        desk.qtbot.waitUntil(lambda name=name: desk.name == name)
        desk.paint(10 + 10 * int(name), 40, int(name) + 1)
    desk.wait()
    for name in "0123":
        assert sorted(np.unique(stored(tmp_path, name).labels)) == [0, int(name) + 1]


@pytest.mark.parametrize("seed", range(4))
def test_whatever_a_person_does_masks_keep_to_their_images(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    desk.open(photos(tmp_path, 4))
    monkeypatch.setattr(desk.dock.session.shelf, "_most_images", int(rng.integers(1, 4)))
    seen: dict[str, np.ndarray] = {}
    for _ in range(60):
        name, own = desk.name, int(desk.name) + 1
        action = rng.choice(
            ["paint", "paint", "undo", "redo", "go", "go", "stroke", "out", "accept", "wait"]
        )
        row, column = rng.integers(5, [55, 75])
        if action == "paint":
            desk.paint(row, column, own)
        elif action in ("undo", "redo"):
            getattr(desk.mask, action)()
        elif action == "stroke":
            with desk.mask.block_history():
                desk.paint(row, column, own)
                seen[name] = desk.mask.data.copy()
                desk.dock.go(str(rng.integers(4)))
        elif action == "out":
            desk.viewer.layers.remove(desk.mask)
            desk.dock.go(name)
        elif action == "accept":
            seen[name] = desk.mask.data.copy()
            desk.dock.decisions.accept.click()
        elif action == "wait":
            desk.wait()
        else:
            desk.dock.go(str(rng.integers(4)))
        if desk.name == name and desk.mask in desk.viewer.layers:
            seen[name] = desk.mask.data.copy()
        desk.qtbot.wait(int(rng.choice([0, 0, 30])))
        assert set(np.unique(desk.mask.data)) <= {0, int(desk.name) + 1}
        np.testing.assert_array_equal(
            desk.mask.data, seen.setdefault(desk.name, np.zeros(SHAPE, np.uint16))
        )
    assert desk.dock.session.close() == []
    for name, expected in seen.items():
        found = stored(tmp_path, name).labels
        np.testing.assert_array_equal(np.zeros(SHAPE) if found is None else found, expected)


def test_the_session_of_rings_begins_anew(desk: Desk, tmp_path: Path) -> None:
    """Prompts of one image cannot be taken back on another."""
    from napari_segkit.models.rings import Rings
    from napari_segkit.widgets.rings._prompt_session import PromptSession

    desk.open(photos(tmp_path, 2))
    rings = PromptSession(desk.viewer, Rings())
    image = desk.dock.session.current.image
    rings.look_at(image, None)
    layer = rings.take_up("boxes")
    layer.add_rectangles(np.array([[5, 5], [5, 20], [20, 20], [20, 5]]))
    rings._history.changed(rings._drawn())
    desk.go("1")
    rings.look_at(image, None)
    assert rings.take_back() == "Nothing to take back"
    assert len(layer.data) == 1
    assert rings.mask is None or state_of(rings.mask).revision == 0
    rings.deleteLater()

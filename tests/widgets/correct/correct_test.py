"""The Correct dock on a viewer without a window: every tool, classes, prompts, undo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_segkit.types import ClassDef
from napari_segkit.widgets.correct._edits import adopt
from napari_segkit.widgets.correct._tool_list import TOOLS
from napari_segkit.widgets.correct.dock import CorrectDock
from napari_segkit.widgets.masks._binding import bind, classes_of, is_scratch
from napari_segkit.widgets.masks._undo import state_of

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

COIN, EGG = ClassDef("coin", (255, 196, 0)), ClassDef("egg", (250, 250, 240))


def scene() -> np.ndarray:
    """1: a dumbbell with a hole and a speck; 2 and 3: squares."""
    labels = np.zeros((60, 80), np.uint16)
    labels[10:30, 5:25] = labels[10:30, 35:51] = 1
    labels[18:22, 25:35] = 1
    labels[14:17, 9:12] = 0
    labels[35, 5] = 1
    labels[40:50, 20:30] = 2
    labels[40:50, 30:40] = 3
    return labels


class Desk:
    """A viewer with a photo, its mask and the dock."""

    def __init__(self, qtbot: QtBot) -> None:
        self.qtbot = qtbot
        self.viewer = ViewerModel()
        photo = np.zeros((60, 80, 3), np.uint8)
        photo[8:32, 3:53] = photo[38:52, 18:30] = 200
        self.image = Image(photo, name="photo", rgb=True)
        self.mask = Labels(scene(), name="photo · coins")
        bind(self.mask, image=self.image, image_name="photo", model="coins", classes=(COIN, EGG))
        adopt(self.mask, [1, 2, 3])
        self.viewer.add_layer(self.image)
        self.viewer.add_layer(self.mask)
        self.dock = CorrectDock(self.viewer)
        qtbot.addWidget(self.dock)
        self.counted()

    def counted(self) -> None:
        self.qtbot.waitUntil(lambda: self.dock.subject.index is not None, timeout=10_000)

    def select(self, *keys: int) -> None:
        self.dock.instances.select(keys)

    def press(self, name: str) -> None:
        self.dock.tools.buttons[name].click()

    def wait(self) -> None:
        """Until the tool has written."""
        if self.dock.toolbox.busy:
            with self.qtbot.waitSignal(self.dock.toolbox.written, timeout=10_000):
                pass

    def tool(self, name: str, *keys: int) -> None:
        """Use a tool to its end."""
        self.select(*keys)
        with self.qtbot.waitSignal(self.dock.toolbox.written, timeout=10_000):
            self.press(name)
            if self.dock.tools.open is not None:
                self.dock.tools.apply_button.click()

    def table(self) -> dict[int, tuple[str, int]]:
        """Id -> class, area, as the person reads them."""
        rows = self.dock.instances.rows
        lines = (rows.line(rows.key(row)) for row in range(rows.rowCount()))
        return {line.key: (line.class_name, line.area) for line in lines}

    def pixels(self) -> dict[int, int]:
        ids, counts = np.unique(self.mask.data, return_counts=True)
        return {int(k): int(n) for k, n in zip(ids, counts, strict=True) if k}

    def agree(self) -> None:
        """Table, features and pixels say the same."""
        assert {key: area for key, (_, area) in self.table().items()} == self.pixels()
        features = self.mask.features
        assert set(features["index"]) == set(self.pixels())
        named = dict(zip(features["index"], features["class"], strict=True))
        assert named == {key: name for key, (name, _) in self.table().items()}

    @property
    def said(self) -> str:
        return self.dock.status.sentence.text()


@pytest.fixture
def desk(qtbot: QtBot) -> Desk:
    return Desk(qtbot)


def test_the_table_lists_what_is_in_the_mask(desk: Desk) -> None:
    assert desk.dock.mask.layer is desk.mask
    assert desk.dock.image.layer is desk.image
    assert desk.table() == {1: ("coin", 752), 2: ("coin", 100), 3: ("coin", 100)}
    assert desk.dock.instances.summary.text() == "3 objects"


ONE = {
    "fill holes": 1,
    "remove specks": 1,
    "largest part": 1,
    "smooth": 1,
    "grow": 1,
    "convex hull": 1,
    "ellipse": 2,
    "snap to edges": 1,
    "split": 1,
    "delete": 2,
}


@pytest.mark.parametrize("name", ONE)
def test_a_tool_is_one_step_that_undo_and_redo_know(desk: Desk, name: str) -> None:
    before, table = desk.mask.data.copy(), desk.table()
    desk.tool(name, ONE[name])
    after, then = desk.mask.data.copy(), desk.table()
    assert (after != before).any()
    assert (after[before == 3] == 3).all()
    desk.agree()
    desk.mask.undo()
    np.testing.assert_array_equal(desk.mask.data, before)
    assert desk.table() == table
    desk.agree()
    desk.mask.redo()
    np.testing.assert_array_equal(desk.mask.data, after)
    assert desk.table() == then
    desk.agree()


@pytest.mark.parametrize("name", ["merge", "subtract", "intersect"])
def test_tools_about_two(desk: Desk, name: str) -> None:
    desk.mask.data_setitem((np.arange(42, 48), np.full(6, 30)), 2)  # into the hull of 3
    before = desk.mask.data.copy()
    desk.tool(name, 2, 3)
    after = desk.mask.data
    if name == "merge":
        assert set(np.unique(after)) == {0, 1, 2}
    elif name == "subtract":
        assert (after == 2).sum() == 100
    else:
        assert (after == 2).sum() == 6
    desk.agree()
    desk.mask.undo()
    np.testing.assert_array_equal(desk.mask.data, before)


def test_every_button_is_tried_here() -> None:
    drawn = {"split along a line", "cut out"}
    assert {spec.name for spec in TOOLS} == {*ONE, "merge", "subtract", "intersect"} | drawn


def test_tools_say_what_is_missing(desk: Desk) -> None:
    desk.select(1)
    desk.press("merge")
    desk.qtbot.waitUntil(lambda: "two objects or more" in desk.said, timeout=5000)
    desk.select()
    desk.press("grow")
    assert "Select an object" in desk.said
    desk.press("convex hull")
    desk.qtbot.waitUntil(lambda: "no object is selected" in desk.said, timeout=5000)
    np.testing.assert_array_equal(desk.mask.data, scene())


def test_a_preview_changes_nothing_until_it_is_applied(desk: Desk) -> None:
    desk.select(1)
    shown = desk.dock.toolbox.shown
    with desk.qtbot.waitSignal(shown, timeout=10_000):
        desk.press("grow")
    with desk.qtbot.waitSignal(shown, timeout=10_000):
        desk.dock.tools.value.setValue(3)
    np.testing.assert_array_equal(desk.mask.data, scene())
    seen = desk.viewer.layers["Correct · overlay"]
    assert is_scratch(seen)
    assert seen.visible
    assert set(np.unique(seen.data)) == {0, 1}
    assert "Enter applies" in desk.said
    assert desk.viewer.layers.selection.active is desk.mask
    desk.dock._on_drop()
    assert 1 not in seen.data
    np.testing.assert_array_equal(desk.mask.data, scene())


def test_a_stroke_under_a_preview_is_taken_into_account(desk: Desk) -> None:
    desk.select(1)
    with desk.qtbot.waitSignal(desk.dock.toolbox.shown, timeout=10_000):
        desk.press("grow")
    with desk.qtbot.waitSignal(desk.dock.toolbox.shown, timeout=10_000):
        desk.mask.data_setitem(np.nonzero(desk.mask.data == 0), 9)
    with desk.qtbot.waitSignal(desk.dock.toolbox.written, timeout=10_000):
        desk.dock.tools.apply_button.click()
    assert (desk.mask.data == 1).sum() == 752
    assert "nothing to change" in desk.said


@pytest.mark.parametrize("name", ["split along a line", "cut out"])
def test_tools_that_are_drawn(desk: Desk, name: str) -> None:
    desk.select(1)
    desk.press(name)
    layer = desk.dock.drawing.layer
    assert layer is not None
    assert is_scratch(layer)
    assert desk.viewer.layers.selection.active is layer
    with desk.qtbot.waitSignal(desk.dock.toolbox.written, timeout=10_000):
        if name == "cut out":
            layer.add([[0, 0], [0, 79], [14.5, 79], [14.5, 0]], shape_type="polygon")
        else:
            layer.add([[2, 30], [33, 30]], shape_type="path")
    assert layer not in desk.viewer.layers
    assert desk.viewer.layers.selection.active is desk.mask
    if name == "cut out":
        assert not desk.mask.data[:15].any()
        assert desk.mask.data[15, 5] == 1
    else:
        assert desk.mask.data[20, 20] != desk.mask.data[20, 45]
        assert desk.table()[4][0] == "coin"
    desk.agree()
    desk.mask.undo()
    np.testing.assert_array_equal(desk.mask.data, scene())


def test_copying_brings_rows_and_classes_along(desk: Desk) -> None:
    other = Labels(np.zeros((60, 80), np.int32), name="other")
    other.data[2:6, 60:70] = 5
    other.data[40:50, 20:30] = 6  # something is there
    bind(other, image=None, image_name="x", model="", classes=(ClassDef("pan", (9, 9, 9)),))
    adopt(other, [5, 6])
    desk.viewer.add_layer(other)
    desk.dock.mask.layer = desk.mask
    desk.counted()
    desk.dock.copy.source.layer = other
    with desk.qtbot.waitSignal(desk.dock.toolbox.written, timeout=10_000):
        desk.dock.copy.button.click()
    assert desk.table()[4] == ("pan", 40)
    assert [one.name for one in classes_of(desk.mask)] == ["coin", "egg", "pan"]
    desk.agree()
    desk.mask.undo()
    assert [one.name for one in classes_of(desk.mask)] == ["coin", "egg"]
    np.testing.assert_array_equal(desk.mask.data, scene())


def test_the_previous_image_is_asked_for_where_there_is_none(desk: Desk) -> None:
    desk.dock.copy.button.click()
    assert "no previous image" in desk.said


def test_classes_are_given_typed_filtered_and_undone(desk: Desk) -> None:
    panel = desk.dock.instances
    desk.select(2, 3)
    panel.class_bar.combo.setEditText("egg")
    panel.class_bar.give_button.click()
    assert {key: name for key, (name, _) in desk.table().items()} == {1: "coin", 2: "egg", 3: "egg"}
    index = panel.rows.index(panel.rows.row_of(2), 1)
    panel.rows.setData(index, "yolk")
    assert desk.table()[3][0] == "yolk"
    panel.only.setCurrentText("yolk")
    panel._on_filter()
    assert set(desk.table()) == {2, 3}
    assert panel.summary.text().startswith("2 of 3 objects")
    panel.only.setCurrentIndex(0)
    panel.search.setText("1")
    assert set(desk.table()) == {1}
    panel.search.setText("")
    desk.mask.undo()
    desk.mask.undo()
    assert {name for name, _ in desk.table().values()} == {"coin"}
    desk.agree()


def test_a_new_object_is_painted_with_the_class_that_is_chosen(desk: Desk) -> None:
    bar = desk.dock.instances.class_bar
    bar.combo.setEditText("egg")
    bar._on_activated()
    bar.new_button.click()
    assert desk.mask.selected_label == 4
    assert str(desk.mask.mode) == "paint"
    desk.mask.brush_size = 3
    desk.mask.paint((55, 70), desk.mask.selected_label)
    assert desk.table()[4][0] == "egg"
    desk.agree()
    bar.combo.setEditText("a new one")
    bar._on_activated()
    assert desk.mask.selected_label == 5
    desk.mask.paint((5, 70), 5)
    assert desk.table()[5][0] == "a new one"
    desk.agree()


def test_selecting_in_the_table_selects_in_the_viewer_and_back(desk: Desk) -> None:
    table = desk.dock.instances.table
    table.selectRow(desk.dock.instances.rows.row_of(2))
    assert desk.mask.selected_label == 2
    desk.qtbot.waitUntil(
        lambda: "Correct · overlay" in desk.viewer.layers,
        timeout=5000,
    )
    desk.mask.selected_label = 3
    assert table.keys() == (3,)
    desk.select(1, 2)
    desk.mask.colormap = desk.mask.colormap  # says the selected label again
    assert set(table.keys()) == {1, 2}


def test_sorting_keeps_the_selection(desk: Desk) -> None:
    from qtpy.QtCore import Qt

    panel = desk.dock.instances
    desk.select(1)
    panel.table.sortByColumn(3, Qt.SortOrder.DescendingOrder)
    assert panel.rows.key(0) == 1
    assert panel.keys() == (1,)
    desk.tool("delete", 1)
    assert [panel.rows.key(row) for row in range(2)] == [2, 3]


@pytest.mark.parametrize("box", [True, False])
def test_an_object_is_corrected_by_prompts(desk: Desk, box: bool) -> None:
    desk.select(2)
    prompts = desk.dock.prompts
    (prompts.box_button if box else prompts.clicks_button).click()
    shown = desk.dock.toolbox.shown
    with desk.qtbot.waitSignal(shown, timeout=20_000):
        if box:
            layer = desk.dock.prompting.drawing.layer
            layer.add([[37, 17], [37, 30.4], [52, 30.4], [52, 17]], shape_type="rectangle")
        else:
            desk.dock.prompting.clicks.add(19.5, 45.0, on=True)
    np.testing.assert_array_equal(desk.mask.data, scene())
    with desk.qtbot.waitSignal(shown, timeout=20_000):
        desk.dock.prompting.clicks.add(20.5, 38.9, on=True)
    assert desk.dock.prompting.accept()
    assert (desk.mask.data == 2).sum() > 100
    assert (desk.mask.data[scene() == 3] == 3).all()
    assert not any(is_scratch(one) and "clicks" in one.name for one in desk.viewer.layers)
    desk.agree()
    desk.mask.undo()
    np.testing.assert_array_equal(desk.mask.data, scene())


def test_prompts_are_dropped_with_esc_and_one_click_can_be_taken_back(desk: Desk) -> None:
    desk.select(2)
    desk.dock.prompts.clicks_button.click()
    clicks, shown = desk.dock.prompting.clicks, desk.dock.toolbox.shown
    with desk.qtbot.waitSignal(shown, timeout=20_000):
        clicks.add(19.5, 45.0, on=True)
    with desk.qtbot.waitSignal(shown, timeout=20_000):
        clicks.add(25.0, 45.0, on=False)
    with desk.qtbot.waitSignal(shown, timeout=20_000):
        clicks.take_back()
    assert len(clicks.layer.data) == 1
    desk.dock._on_drop()
    assert not desk.dock.prompting.active
    np.testing.assert_array_equal(desk.mask.data, scene())


def test_a_new_object_is_begun_by_a_box(desk: Desk) -> None:
    desk.mask.data_setitem(np.nonzero(desk.mask.data == 2), 0)
    desk.mask.data_setitem(np.nonzero(desk.mask.data == 3), 0)
    desk.select()
    desk.dock.prompts.box_button.click()
    with desk.qtbot.waitSignal(desk.dock.toolbox.shown, timeout=20_000):
        desk.dock.prompting.drawing.layer.add(
            [[35, 15], [35, 45], [55, 45], [55, 15]], shape_type="rectangle"
        )
    assert desk.dock.prompting.accept()
    key = int(desk.mask.data[45, 25])
    assert key == 2
    assert (desk.mask.data == key).sum() > 120
    desk.agree()


def test_a_plain_mask_is_left_alone_until_something_is_done_with_it(desk: Desk) -> None:
    plain = Labels(scene().astype(np.uint8), name="plain")
    desk.viewer.add_layer(plain)
    desk.counted()
    desk.qtbot.waitUntil(lambda: len(desk.table()) == 3, timeout=5000)
    assert desk.dock.mask.layer is plain
    assert not classes_of(plain)
    assert desk.table()[2] == ("", 100)
    desk.mask = plain
    desk.tool("grow", 2)
    assert desk.table()[2][0] == "object"
    desk.agree()


def test_what_cannot_be_edited_is_said(desk: Desk) -> None:
    data = scene()
    data.setflags(write=False)
    desk.viewer.add_layer(Labels(data, name="read-only"))
    assert "cannot be edited" in desk.dock.instances.summary.text()
    desk.press("cut out")
    assert "cannot be edited" in desk.said


def test_removing_the_mask_ends_what_goes_on(desk: Desk) -> None:
    desk.select(1)
    desk.press("grow")
    desk.viewer.layers.remove(desk.mask)
    assert desk.dock.mask.layer is None
    assert desk.table() == {}
    assert not [layer for layer in desk.viewer.layers if is_scratch(layer)]
    desk.press("delete")
    assert "no mask is open" in desk.said


def test_other_data_is_counted_anew(desk: Desk) -> None:
    other = np.roll(scene(), 5, axis=0)
    other[0, 0] = 9
    desk.mask.data = other
    desk.counted()
    desk.qtbot.waitUntil(lambda: 9 in desk.table(), timeout=5000)


def test_listeners_are_gone_with_the_dock(desk: Desk) -> None:
    state = state_of(desk.mask)
    dock = CorrectDock(desk.viewer)
    assert len(state.changed) == 2
    dock.deleteLater()
    desk.qtbot.waitUntil(lambda: len(state.changed) == 1, timeout=5000)

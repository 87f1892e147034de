"""The dock that runs a model, on a viewer without a window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels, Shapes
from qtpy.QtCore import QThreadPool

from napari_segkit.errors import ImageError
from napari_segkit.widgets.masks._binding import find_mask
from napari_segkit.widgets.segment.dock import CoinsDock, SegmentDock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytestqt.qtbot import QtBot

    Gate = Any


class GateDock(SegmentDock):
    model_id = "gate"


class Bench:
    def __init__(self, gate: Gate, qtbot: QtBot, shape: tuple[int, ...] = (40, 60)) -> None:
        self.gate, self.qtbot = gate, qtbot
        self.viewer = ViewerModel()
        self.image = self.viewer.add_layer(Image(np.zeros(shape, np.uint8), name="photo"))
        self.dock = GateDock(self.viewer)
        qtbot.addWidget(self.dock)

    @property
    def masks(self) -> list[Labels]:
        return [layer for layer in self.viewer.layers if isinstance(layer, Labels)]

    def begin(self) -> None:
        """Press Run, and wait until the model is half-way."""
        self.gate.close(self.gate.labels)
        self.dock.run_button.click()
        self.qtbot.waitUntil(self.gate.inside.is_set)

    def end(self) -> str:
        """Let the model through; the text that the person reads then."""
        with self.qtbot.waitSignal(self.dock.run.finished):
            self.gate.open.set()
        return self.text()

    def text(self) -> str:
        return self.dock.status.sentence.text()

    def go(self) -> str:
        self.begin()
        return self.end()


@pytest.fixture
def bench(gate: Gate, qtbot: QtBot) -> Iterator[Bench]:
    yield Bench(gate, qtbot)
    gate.open.set()
    QThreadPool.globalInstance().waitForDone(2000)


def test_a_run_says_what_it_found_and_how_long_it_took(bench: Bench) -> None:
    text = bench.go()
    assert text.startswith("2 coins in 0.")
    assert text.endswith(" s · gate")
    assert [mask.name for mask in bench.masks] == ["photo · gate"]
    assert bench.dock.run_button.text() == "Run"


def test_a_second_run_updates_the_same_layer_even_when_it_was_renamed(bench: Bench) -> None:
    bench.go()
    (mask,) = bench.masks
    mask.name, bench.image.name = "my mask", "other"
    bench.gate.labels = np.where(bench.gate.labels == 1, 1, 0).astype(np.int32)
    assert bench.go().startswith("1 coin in ")
    assert bench.masks == [mask]
    assert set(np.unique(mask.data)) == {0, 1}


def test_f45_while_it_runs_the_button_cancels_and_nothing_else_starts(bench: Bench) -> None:
    bench.begin()
    assert bench.dock.run_button.text() == "Cancel"
    assert bench.dock.run_button.toolTip() == "Stop; the mask stays as it is (Esc)"
    bench.dock._on_run()
    assert bench.end().startswith("2 coins")
    assert len(bench.gate.seen) == 1


def test_f46_cancel_leaves_the_mask_as_it_was(bench: Bench) -> None:
    bench.go()
    before = bench.masks[0].data.copy()
    bench.gate.labels = np.zeros_like(bench.gate.labels)
    bench.begin()
    with bench.qtbot.waitSignal(bench.dock.run.finished):
        bench.dock.run_button.click()
    assert bench.text() == "Cancelled: the mask is as it was"
    np.testing.assert_array_equal(bench.masks[0].data, before)
    assert bench.dock.run_button.text() == "Run"
    assert bench.dock.run_button.isEnabled()


def test_f39_without_an_image_the_dock_says_so(gate: Gate, qtbot: QtBot) -> None:
    dock = GateDock(ViewerModel())
    qtbot.addWidget(dock)
    assert dock.image.currentText() == "open an image first"
    assert not dock.run_button.isEnabled()
    dock._on_run()
    assert dock.status.sentence.text() == "⚠ no image is open; open one, or File > Open Sample"


def test_f39_boxes_that_are_not_there_are_said_and_nothing_runs(bench: Bench) -> None:
    shapes = bench.viewer.add_layer(Shapes(name="boxes"))
    bench.dock.boxes.layer = shapes
    bench.dock.run_button.click()
    assert bench.text() == '⚠ no boxes are drawn (boxes); draw some, or choose "Whole image"'
    assert not bench.dock.run.running
    assert bench.masks == []


def test_f37_f38_boxes_are_clipped_and_the_useless_ones_told(bench: Bench) -> None:
    boxes = [
        [[5, 5], [5, 100], [20, 100], [20, 5]],
        [[200, 200], [200, 220], [220, 220], [220, 200]],
        [[7, 7], [7, 7], [7, 7], [7, 7]],
    ]
    bench.dock.boxes.layer = bench.viewer.add_layer(Shapes(boxes, name="boxes"))
    bench.go()
    assert bench.gate.seen[0][1].boxes.tolist() == [[5.5, 5.5, 60, 20.5]]
    assert bench.dock.status.notes.text().split("\n") == [
        "1 box dropped: no area, or not finite",
        "1 box skipped: outside of the image",
        "1 box clipped to the image",
    ]


def _remove_image(bench: Bench) -> None:
    bench.viewer.layers.remove(bench.image)


def _swap_image(bench: Bench) -> None:
    bench.image.data = np.ones((40, 60), np.uint8)


def _remove_mask(bench: Bench) -> None:
    bench.viewer.layers.remove(bench.masks[0])


def _replace_mask(bench: Bench) -> None:
    bench.masks[0].data = np.full((40, 60), 9, np.uint16)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_remove_image, "the image was removed while the model ran"),
        (_swap_image, "the image was changed while the model ran"),
        (_remove_mask, "the mask was removed while the model ran"),
        (_replace_mask, "the mask was replaced while the model ran"),
    ],
    ids=["F42-image-removed", "F43-image-swapped", "F42-mask-removed", "F42-mask-replaced"],
)
def test_a_stale_result_is_offered_as_a_new_layer(
    bench: Bench, change: Callable[[Bench], None], reason: str
) -> None:
    bench.go()
    bench.gate.labels = np.where(bench.gate.labels == 1, 1, 0).astype(np.int32)
    bench.begin()
    change(bench)
    before = {mask: mask.data.copy() for mask in bench.masks}
    assert bench.end() == f"⚠ Not written: {reason}"
    for mask, data in before.items():
        np.testing.assert_array_equal(mask.data, data)
    assert bench.dock.status.action_button.text() == "Add as a new layer"
    bench.dock.status.action_button.click()
    (added,) = set(bench.masks) - set(before)
    np.testing.assert_array_equal(added.data, bench.gate.labels)
    assert added.name.startswith("photo · gate")
    assert bench.text() == "Added as a new layer"
    alive = bench.image in bench.viewer.layers and change is not _swap_image
    if alive and change is _remove_mask:
        assert find_mask(bench.viewer.layers, bench.image, "gate") is added


def test_f42_a_renamed_image_keeps_its_result(bench: Bench) -> None:
    bench.begin()
    bench.image.name = "renamed"
    assert bench.end().startswith("2 coins")
    assert bench.masks[0].name == "renamed · gate"


def test_f44_strokes_made_while_it_runs_win(bench: Bench) -> None:
    bench.go()
    (mask,) = bench.masks
    bench.begin()
    mask.selected_label = 5
    mask.brush_size = 3
    mask.paint((5, 5), 5)
    mask.undo()
    mask.paint((22, 32), 5)
    bench.end()
    assert mask.data[5, 5] == 1
    assert mask.data[22, 32] == 5
    mask.undo()
    assert mask.data[22, 32] == 2


def test_f44_a_result_that_comes_in_the_middle_of_a_stroke_waits_for_its_end(
    bench: Bench,
) -> None:
    bench.go()
    (mask,) = bench.masks
    mask.brush_size = 1
    bench.gate.labels = np.where(bench.gate.labels == 1, 1, 0).astype(np.int32)
    bench.begin()
    # the history is blocked from pressing the mouse button to letting it go
    with bench.qtbot.waitSignal(bench.dock.run.finished), mask.block_history():
        mask.paint((22, 32), 5)
        bench.gate.open.set()
        bench.qtbot.waitUntil(lambda: bench.dock.run._stroke_timer.isActive())
        mask.paint((24, 34), 5)
        assert mask.data[20, 30] == 2
    assert (mask.data == 5).sum() == 2
    assert mask.data[5, 5] == 1
    assert mask.data[20, 30] == 0
    mask.undo()
    assert mask.data[20, 30] == 2
    assert (mask.data == 5).sum() == 2
    mask.undo()
    assert not (mask.data == 5).any()


def test_f46_a_result_that_waits_for_the_end_of_a_stroke_can_be_cancelled(bench: Bench) -> None:
    bench.go()
    (mask,) = bench.masks
    before = np.array(mask.data)
    bench.gate.labels = np.where(bench.gate.labels == 1, 1, 0).astype(np.int32)
    bench.begin()
    with mask.block_history():
        bench.gate.open.set()
        bench.qtbot.waitUntil(lambda: bench.dock.run._stroke_timer.isActive())
        with bench.qtbot.waitSignal(bench.dock.run.finished):
            bench.dock.run_button.click()
    assert bench.dock.status.sentence.text() == "Cancelled: the mask is as it was"
    assert not bench.dock.run.running
    np.testing.assert_array_equal(mask.data, before)


def test_f44_a_run_that_is_undone_while_the_next_one_goes_on(bench: Bench) -> None:
    bench.go()
    (mask,) = bench.masks
    bench.begin()
    mask.undo()
    bench.end()
    np.testing.assert_array_equal(mask.data, bench.gate.labels)


def test_a_large_result_is_written_in_portions_and_still_undone_in_one_step(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_segkit.widgets.runs._run._AT_ONCE", 10)
    monkeypatch.setattr("napari_segkit.widgets.masks._pixels._CHUNK", 10)
    bench.go()
    (mask,) = bench.masks
    np.testing.assert_array_equal(mask.data, bench.gate.labels)
    mask.undo()
    assert not mask.data.any()


def test_f42_a_mask_that_is_replaced_while_its_result_is_written(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_segkit.widgets.runs._run._AT_ONCE", 10)
    monkeypatch.setattr("napari_segkit.widgets.masks._pixels._CHUNK", 1)
    bench.begin()
    bench.gate.open.set()
    bench.qtbot.waitUntil(lambda: bool(bench.masks))
    assert bench.dock.run.running
    (mask,) = bench.masks
    with bench.qtbot.waitSignal(bench.dock.run.finished):
        mask.data = np.full((5, 5), 9, np.uint16)
    assert bench.text() == "⚠ Not written: the mask was replaced while the model ran"
    assert (mask.data == 9).all()
    assert bench.go().startswith("2 coins")


def test_f47_a_dock_that_goes_while_its_result_is_written_leaves_it_whole(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_segkit.widgets.runs._run._AT_ONCE", 10)
    monkeypatch.setattr("napari_segkit.widgets.masks._pixels._CHUNK", 1)
    bench.dock = GateDock(bench.viewer)  # qtbot would close the other one again
    bench.begin()
    bench.gate.open.set()
    bench.qtbot.waitUntil(lambda: bool(bench.masks))
    assert bench.dock.run.running
    with bench.qtbot.waitSignal(bench.dock.destroyed):
        bench.dock.deleteLater()
    np.testing.assert_array_equal(bench.masks[0].data, bench.gate.labels)
    bench.masks[0].undo()
    assert not bench.masks[0].data.any()


def test_an_object_under_strokes_is_left_out_and_told(bench: Bench) -> None:
    bench.go()
    (mask,) = bench.masks
    mask.data_setitem(np.nonzero(mask.data == 2), 0)
    bench.go()
    assert bench.dock.status.notes.text() == "1 object left out: your strokes are there"
    assert set(np.unique(mask.data)) == {0, 1}


def test_an_image_that_was_given_another_size_gets_a_new_mask(bench: Bench) -> None:
    bench.go()
    (old,) = bench.masks
    bench.image.data = np.zeros((50, 70), np.uint8)
    bench.gate.labels = np.pad(bench.gate.labels, ((0, 10), (0, 10)))
    bench.go()
    new = find_mask(bench.viewer.layers, bench.image, "gate")
    assert new is not old
    assert new is not None
    assert new.data.shape == (50, 70)
    assert old.data.shape == (40, 60)


def test_f10_a_multiscale_image_gets_its_mask_on_the_full_grid(bench: Bench) -> None:
    levels = [np.zeros((40, 60), np.uint8), np.zeros((20, 30), np.uint8)]
    bench.viewer.add_layer(Image(levels, multiscale=True, name="pyramid"))
    assert bench.go().startswith("2 coins")
    assert bench.masks[0].name == "pyramid · gate"
    assert bench.masks[0].data.shape == (40, 60)


def test_f9_a_result_for_a_plane_of_a_stack_says_which(gate: Gate, qtbot: QtBot) -> None:
    bench = Bench(gate, qtbot, (3, 40, 60))
    bench.viewer.dims.set_point(0, 2)
    bench.go()
    assert bench.dock.status.notes.text() == "plane 2 of the stack"
    assert bench.masks[0].data.any(axis=(1, 2)).tolist() == [False, False, True]


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        (
            np.zeros((3, 3), np.int32),
            "⚠ model gate returned another size than the image's: expected (40, 60), got (3, 3)",
        ),
        (np.full((40, 60), -1, np.int32), "⚠ label image has negative ids: expected >= 0, got -1"),
    ],
    ids=["F50-wrong-size", "F50-negative-ids"],
)
def test_a_result_that_cannot_be_is_refused(bench: Bench, labels: np.ndarray, text: str) -> None:
    bench.gate.labels = labels
    assert bench.go() == text
    assert bench.masks == []
    assert bench.dock.run_button.text() == "Run"


def test_a_users_error_is_one_sentence_with_details(bench: Bench) -> None:
    bench.begin()
    bench.gate.error = ImageError("too dark", remedy="brighten it")
    assert bench.end() == "⚠ too dark; brighten it"
    assert bench.dock.status.details.toPlainText().startswith("error: ImageError")


def test_f48_out_of_memory_ends_the_run_with_a_sentence(bench: Bench) -> None:
    bench.begin()
    bench.gate.error = RuntimeError("DefaultCPUAllocator: can't allocate memory")
    assert bench.end().startswith("⚠ Something went wrong: RuntimeError: DefaultCPUAllocator")
    status = bench.dock.status
    assert "Traceback" in status.details.toPlainText()
    status.copy_button.click()
    from qtpy.QtWidgets import QApplication

    assert "DefaultCPUAllocator" in QApplication.clipboard().text()
    assert bench.go().startswith("2 coins")


def test_progress_shows_what_is_done(bench: Bench) -> None:
    bench.begin()
    bench.qtbot.waitUntil(lambda: bench.dock.status.bar.maximum() == 1000)
    assert bench.dock.status.bar.toolTip().endswith(" % · waiting")
    bench.end()
    assert not bench.dock.status.bar.isVisibleTo(bench.dock)


def test_the_chooser_follows_the_viewer(bench: Bench) -> None:
    second = bench.viewer.add_layer(Image(np.zeros((4, 4)), name="second"))
    assert bench.dock.image.layer is second
    bench.viewer.layers.selection.active = bench.image
    assert bench.dock.image.layer is bench.image
    bench.image.name = "first"
    assert bench.dock.image.currentText() == "first"
    bench.viewer.layers.remove(bench.image)
    assert bench.dock.image.layer is second


def test_f47_a_dock_that_is_gone_hears_nothing_more(bench: Bench) -> None:
    bench.dock = GateDock(bench.viewer)  # qtbot would close the other one again
    bench.begin()
    with bench.qtbot.waitSignal(bench.dock.destroyed):
        bench.dock.deleteLater()
    bench.viewer.add_layer(Image(np.zeros((4, 4))))
    bench.gate.open.set()
    QThreadPool.globalInstance().waitForDone(2000)
    assert bench.masks == []


def test_presets_fill_the_form_and_reset_brings_them_back(qtbot: QtBot) -> None:
    dock = CoinsDock(ViewerModel())
    qtbot.addWidget(dock)
    assert not dock.reset_button.isEnabled()
    dock.preset.setCurrentText("origin-best")
    assert dock.form.get() == dock.model.presets["origin-best"]
    dock.form._widgets["sensitivity"].value = 0.9
    assert dock.form.get() != dock.model.presets["origin-best"]
    dock.reset_button.click()
    assert dock.form.get() == dock.model.presets["origin-best"]
    assert not dock.advanced.isExpanded()

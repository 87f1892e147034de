"""The dock for rings, on a viewer without a window and with a model that is quick."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels, Points, Shapes
from qtpy.QtCore import QThreadPool

from napari_segkit.errors import ModelError, WeightsError
from napari_segkit.models.rings import Prepared, Rings
from napari_segkit.models.rings_plan import Found
from napari_segkit.types import Progress
from napari_segkit.widgets.masks._binding import find_mask, read_binding
from napari_segkit.widgets.rings._two_clicks import TwoClicks
from napari_segkit.widgets.rings.dock import RingsDock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytestqt.qtbot import QtBot


class Hoops(Rings):
    """Finds a hoop in every box, a disc around clicks; waits where it is told to."""

    ready: ClassVar[threading.Event]
    go: ClassVar[threading.Event]
    looks: ClassVar[list[np.ndarray]]
    calls: ClassVar[list[tuple[list[Any], Any]]]
    error: ClassVar[Exception | None]

    @classmethod
    def reset(cls) -> None:
        cls.ready, cls.go = threading.Event(), threading.Event()
        cls.ready.set()
        cls.go.set()
        cls.looks, cls.calls, cls.error = [], [], None

    def load(self, weights: Any = None, *, device: str = "auto", backend: str = "auto") -> None:
        pass

    def prepare(self, image: np.ndarray, params: Any) -> Any:
        yield Progress(0, None, "loading the base")
        while not self.ready.wait(0.002):
            yield Progress(0, 1, "encoding")
        if self.error is not None:
            raise self.error
        fresh = not any(image is one for one in self.looks)
        self.looks.append(image)
        return Prepared(fresh, "base+adapter", 0.1, ())

    def find(self, image: np.ndarray, objects: Any, params: Any) -> Any:
        yield Progress(0, len(objects))
        while not self.go.wait(0.002):
            yield Progress(0, len(objects), "waiting")
        self.calls.append((list(objects), params))
        if self.error is not None:
            raise self.error
        return [_hoop(image.shape[:2], one, params.candidate) for one in objects]


def _hoop(shape: tuple[int, int], one: Any, candidate: str) -> Found:
    y, x = np.mgrid[: shape[0], : shape[1]]
    mask = np.zeros(shape, bool) if one.mask is None else one.mask > 0
    if len(one.boxes):
        x0, y0, x1, y1 = one.boxes[0]
        a, b = (x1 - x0) / 2, (y1 - y0) / 2
        r = np.hypot((x + 0.5 - x0 - a) / a, (y + 0.5 - y0 - b) / b)
        mask = mask | ((r <= 1) & (r > 0.5))
    for (cx, cy), on in zip(one.points, one.point_labels, strict=True):
        near = np.hypot(x + 0.5 - cx, y + 0.5 - cy) < (3 if candidate == "auto" else 6)
        mask = mask | near if on else mask & ~near
    return Found((0, 0, shape[1], shape[0]), mask, 0.9)


class Bench:
    def __init__(
        self, qtbot: QtBot, shape: tuple[int, ...] = (60, 80), *, close: bool = True
    ) -> None:
        self.qtbot = qtbot
        self.viewer = ViewerModel()
        self.photo = self.viewer.add_layer(Image(np.zeros(shape, np.uint8), name="photo"))
        self.dock = RingsDock(self.viewer)
        self.panel, self.session = self.dock.panel, self.dock.session
        if close:
            qtbot.addWidget(self.dock)

    def settle(self) -> None:
        """Wait until everything that is wanted is there and drawn."""
        busy = (self.session._settled, self.session.pending._timer)
        self.qtbot.waitUntil(
            lambda: (
                not self.session.asker.busy
                and not self.session.run.running
                and not any(timer.isActive() for timer in busy)
            )
        )

    @property
    def boxes(self) -> Shapes:
        return self.viewer.layers["photo · boxes"]

    @property
    def points(self) -> Points:
        return self.viewer.layers["photo · points"]

    @property
    def mask(self) -> Labels:
        found = find_mask(self.viewer.layers, self.photo, "rings")
        assert found is not None
        return found

    @property
    def pending(self) -> np.ndarray:
        return self.viewer.layers["photo · not accepted"].data

    def box(self, *rows: tuple[float, float, float, float], settle: bool = True) -> None:
        """Draw boxes x0 y0 x1 y1, as napari's tool does."""
        self.panel.tools["boxes"].click()
        for x0, y0, x1, y1 in rows:
            corners = np.array([[y0, x0], [y0, x1], [y1, x1], [y1, x0]]) - 0.5
            self.boxes.add_rectangles(corners)
        if settle:
            self.settle()

    def click(self, x: float, y: float, *, on: bool = True) -> None:
        if "photo · points" not in self.viewer.layers:
            self.panel.tools["points"].click()
        self.panel.sign.setChecked(not on)
        self.points.add([y - 0.5, x - 0.5])
        self.settle()

    def accept(self) -> str:
        self.panel.accept_button.click()
        self.settle()
        return self.text()

    def text(self) -> str:
        return self.panel.status.sentence.text()


@pytest.fixture
def bench(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    Hoops.reset()
    monkeypatch.setattr("napari_segkit.widgets.rings.dock.get_model", lambda _: Hoops)
    yield Bench(qtbot)
    Hoops.ready.set()
    Hoops.go.set()
    QThreadPool.globalInstance().waitForDone(2000)


def test_the_image_is_encoded_at_once_and_the_dock_says_so(bench: Bench) -> None:
    Hoops.ready.clear()
    bench.dock.session.asker.look_again()
    assert bench.panel.state.text().startswith("◌ Encoding the image")
    assert bench.panel.stop_button.isVisibleTo(bench.panel)
    Hoops.ready.set()
    bench.settle()
    assert bench.panel.state.text().startswith("● Ready · ")
    assert not bench.panel.stop_button.isVisibleTo(bench.panel)


def test_a_box_shows_its_mask_and_accepting_makes_it_a_part_of_the_labels(bench: Bench) -> None:
    bench.box((10, 10, 40, 40))
    assert bench.text() == "1 object found"
    assert bench.pending[25, 12] > 0
    assert bench.pending[25, 25] == 0, "the hole of the ring is a hole"
    assert "photo · rings" not in bench.viewer.layers
    assert bench.accept() == "1 ring accepted"
    assert bench.mask.data[25, 12] == 1
    assert bench.mask.data[25, 25] == 0
    assert bench.mask.features["class"].tolist() == ["ring"]
    assert len(bench.boxes.data) == 0
    assert not bench.pending.any()
    assert bench.viewer.layers.selection.active is bench.boxes, "the tool stays in hand"
    names = [layer.name for layer in bench.viewer.layers]
    assert names.index("photo · rings") < names.index("photo · boxes")


def test_the_mask_of_a_box_comes_while_the_next_one_is_drawn(bench: Bench) -> None:
    bench.box((10, 10, 30, 30))
    bench.boxes._is_creating = True  # as napari's tool does from pressing to letting go
    bench.boxes.add_rectangles(np.array([[40, 40], [40, 41], [41, 41], [41, 40]]))
    bench.settle()
    assert len(bench.session.scene.objects) == 1
    assert bench.pending[20, 11] > 0
    bench.boxes._is_creating = False


def test_clicks_in_a_box_refine_its_object_live(bench: Bench) -> None:
    bench.box((10, 10, 40, 40))
    before = bench.pending.copy()
    bench.click(12, 25, on=False)
    bench.click(25, 25)
    assert before[25, 12] > 0
    assert bench.pending[25, 12] == 0
    assert bench.pending[25, 25] == before[25, 12], "one object, in one colour"
    assert bench.points.features["on"].tolist() == [False, True]
    assert bench.accept() == "1 ring accepted"
    assert len(bench.points.data) == 0


def test_clicks_alone_are_an_object_and_candidates_can_be_chosen(bench: Bench) -> None:
    bench.click(30, 30)
    small = (bench.pending > 0).sum()
    bench.dock._on_next_candidate()
    bench.settle()
    assert (bench.pending > 0).sum() > small
    assert bench.panel.candidate.currentData() == "1"
    assert Hoops.calls[-1][1].candidate == "1"
    bench.accept()
    bench.click(60, 20)
    assert Hoops.calls[-1][1].candidate == "auto", "the next object begins anew"


def test_each_box_is_one_instance_of_the_class_that_was_chosen(bench: Bench) -> None:
    bench.panel.classes.setEditText("earring")
    bench.box((5, 5, 20, 20), (30, 5, 50, 25))
    assert bench.panel.accept_button.text() == "Accept 2"
    assert bench.accept() == "2 earrings accepted"
    bench.panel.classes.setEditText("ring")
    bench.box((30, 30, 50, 50))
    bench.accept()
    assert bench.mask.features["class"].tolist() == ["earring", "earring", "ring"]
    binding = read_binding(bench.mask)
    assert binding is not None
    assert [name for name, _ in binding.classes] == ["ring", "earring"]
    assert len(binding.provenance[""]["prompts"]["boxes"]) == 3
    assert binding.provenance[""]["weights_sha256"] == "base+adapter"


def test_F41_the_later_of_two_boxes_lies_on_top(bench: Bench) -> None:
    bench.box((10, 10, 40, 40), (30, 10, 60, 40))
    bench.accept()
    assert bench.mask.data[25, 32] == 2
    assert bench.mask.data[25, 12] == 1


def test_F37_F38_boxes_outside_are_clipped_or_told_and_the_useless_ones_dropped(
    bench: Bench,
) -> None:
    bench.box((60, 10, 120, 40), (200, 200, 220, 220), (7, 7, 7, 7))
    assert bench.text() == "1 object found"
    assert bench.session.scene.objects[0].box == (60, 10, 80, 40)
    assert bench.panel.status.notes.text().split("\n") == [
        "1 box dropped: no area, or not finite",
        "1 box skipped: outside of the image",
        "1 box clipped to the image",
    ]


def test_F39_without_prompts_nothing_is_accepted_and_it_is_said(bench: Bench) -> None:
    bench.settle()
    assert bench.accept() == "⚠ nothing to accept; draw a box around an object, or click on it"
    bench.box((200, 200, 220, 220))
    assert bench.accept().startswith("⚠ no usable prompt: got 1 box skipped")
    assert "photo · rings" not in bench.viewer.layers


def test_F39_prompts_on_another_plane_are_not_accepted_here(bench: Bench, qtbot: QtBot) -> None:
    bench = Bench(qtbot, (3, 60, 80))
    bench.viewer.dims.set_point(0, 0)
    bench.panel.tools["boxes"].click()
    bench.boxes.add_rectangles(np.array([[1, 10, 10], [1, 10, 30], [1, 30, 30], [1, 30, 10]]))
    bench.settle()
    text = "⚠ nothing is asked for on this plane: got 1 prompt elsewhere; move the slider, or draw"
    assert bench.accept().startswith(text)
    bench.viewer.dims.set_point(0, 1)
    bench.settle()
    assert bench.text() == "1 object found"
    bench.accept()
    assert bench.mask.data[1].any()
    assert not bench.mask.data[[0, 2]].any()


def test_F40_many_boxes_come_in_portions_the_newest_first_and_can_be_stopped(
    bench: Bench,
) -> None:
    bench.settle()
    Hoops.go.clear()
    side = np.arange(50)
    rows = [(x, y, x + 6, y + 6) for x in side for y in side[:20]]
    bench.panel.tools["boxes"].click()
    corners = np.array([[[y0, x0], [y0, x1], [y1, x1], [y1, x0]] for x0, y0, x1, y1 in rows])
    bench.boxes.add_rectangles(corners - 0.5)
    bench.qtbot.waitUntil(lambda: bench.session.asker._runner.running)
    Hoops.go.set()
    bench.qtbot.waitUntil(lambda: len(bench.session.ready) >= 32)
    assert bench.panel.stop_button.isVisibleTo(bench.panel)
    bench.panel.stop_button.click()
    bench.settle()
    asked = [len(objects) for objects, _ in Hoops.calls]
    assert max(asked) <= 16
    assert Hoops.calls[0][0][-1].boxes.tolist() == [[49, 19, 55, 25]]
    found = len(bench.session.ready)
    assert 32 <= found < 1000
    assert bench.text() == f"{found} objects found of 1000"
    bench.box((0, 0, 10, 10))
    assert len(bench.session.ready) == found + 1, "what is drawn after that is found"


def test_take_back_undoes_prompts_then_the_acceptance_with_its_prompts(bench: Bench) -> None:
    bench.box((10, 10, 40, 40))
    bench.click(12, 25, on=False)
    bench.accept()
    bench.panel.back_button.click()
    bench.settle()
    assert not bench.mask.data.any()
    assert (len(bench.boxes.data), len(bench.points.data)) == (1, 1)
    assert bench.points.features["on"].tolist() == [False]
    assert bench.text() == "1 object found"
    bench.panel.back_button.click()
    bench.settle()
    assert (len(bench.boxes.data), len(bench.points.data)) == (1, 0)
    bench.panel.back_button.click()
    bench.settle()
    assert len(bench.boxes.data) == 0
    bench.panel.back_button.click()
    assert bench.text() == "Nothing to take back"


def test_take_back_leaves_what_the_person_painted_since(bench: Bench) -> None:
    bench.box((10, 10, 40, 40))
    bench.accept()
    bench.mask.selected_label = 5
    bench.mask.paint((50, 70), 5)
    before = bench.mask.data.copy()
    said = bench.session.take_back()
    assert said == "The prompts are there again; the mask was changed since and stays"
    bench.settle()
    assert np.array_equal(bench.mask.data, before)
    assert len(bench.boxes.data) == 1


def test_strokes_on_the_object_that_is_corrected_are_asked_about_first(bench: Bench) -> None:
    bench.box((10, 10, 30, 30))
    bench.accept()
    bench.panel.tools["correct"].click()
    bench.click(11, 20, on=False)
    Hoops.go.clear()
    bench.mask.data_setitem((np.array([20]), np.array([21])), 1)
    bench.panel.accept_button.click()
    assert bench.text() == "⚠ the masks are not there yet; wait for the image"
    Hoops.go.set()
    bench.settle()
    bench.accept()
    assert bench.mask.data[20, 21] == 1
    assert bench.mask.data[20, 11] == 0


def test_clear_can_be_taken_back(bench: Bench) -> None:
    bench.box((10, 10, 40, 40), (50, 10, 60, 20))
    bench.panel.clear_button.click()
    bench.settle()
    assert len(bench.boxes.data) == 0
    assert not bench.pending.any()
    bench.panel.back_button.click()
    bench.settle()
    assert len(bench.session.ready) == 2


def test_an_accepted_object_is_one_undo_step_of_the_mask(bench: Bench) -> None:
    bench.box((10, 10, 30, 30))
    bench.accept()
    bench.box((40, 10, 60, 30))
    bench.accept()
    bench.mask.undo()
    assert set(np.unique(bench.mask.data)) == {0, 1}
    bench.mask.redo()
    assert set(np.unique(bench.mask.data)) == {0, 1, 2}


def test_F44_strokes_win_over_what_is_accepted(bench: Bench) -> None:
    bench.box((10, 10, 30, 30))
    bench.accept()
    bench.mask.data_setitem((np.array([45]), np.array([12])), 9)
    bench.box((10, 35, 30, 55))
    bench.accept()
    assert bench.mask.data[45, 12] == 9
    assert bench.mask.data[45, 11] == 2


def test_clicks_correct_an_object_of_the_mask_and_nothing_else(bench: Bench) -> None:
    bench.box((10, 10, 30, 30), (40, 10, 60, 30))
    bench.accept()
    before = bench.mask.data.copy()
    bench.panel.tools["correct"].click()
    bench.click(11, 20, on=False)
    objects = bench.session.scene.objects
    assert objects[0].start is not None
    assert objects[0].start.label == 1
    assert np.array_equal(Hoops.calls[-1][0][0].mask > 0, before == 1)
    bench.click(20, 20)
    bench.accept()
    assert bench.mask.data[20, 11] == 0
    assert bench.mask.data[20, 20] == 1
    assert np.array_equal(bench.mask.data == 2, before == 2)
    assert len(bench.points.data) == 0


def test_a_click_that_hits_no_object_corrects_nothing(bench: Bench) -> None:
    bench.box((10, 10, 30, 30))
    bench.accept()
    calls = len(Hoops.calls)
    bench.panel.tools["correct"].click()
    bench.click(70, 50)
    assert bench.session.scene.objects == ()
    assert len(Hoops.calls) == calls


def test_correct_needs_a_mask(bench: Bench) -> None:
    bench.settle()
    bench.panel.tools["correct"].click()
    assert bench.text() == "There is no mask to correct yet: accept an object first"
    assert not bench.panel.tools["correct"].isChecked()


def test_nothing_of_one_image_or_object_reaches_the_next(bench: Bench) -> None:
    bench.box((10, 10, 30, 30))
    bench.click(20, 20)
    bench.accept()
    bench.box((10, 10, 30, 30))
    ((one,), _) = Hoops.calls[-1]
    assert one.mask is None
    assert len(one.points) == 0
    other = bench.viewer.add_layer(Image(np.ones((60, 80), np.uint8), name="other"))
    bench.settle()
    assert bench.session.image is other
    assert bench.session.scene.objects == ()
    assert bench.session.asker.answers == {}
    assert not bench.pending.any()
    bench.panel.image.layer = bench.photo
    bench.settle()
    assert len(bench.session.ready) == 1, "its box is still there"


def test_F43_an_answer_for_another_image_is_dropped(bench: Bench) -> None:
    bench.settle()
    before = len(Hoops.looks)
    Hoops.go.clear()
    bench.box((10, 10, 30, 30), settle=False)
    bench.qtbot.waitUntil(lambda: bench.session.asker._now is not None)
    bench.photo.data = np.ones((60, 80), np.uint8)
    Hoops.go.set()
    bench.settle()
    assert [one.shape for one in Hoops.looks[before:]] == [(60, 80, 3)]
    assert (Hoops.looks[-1] > 0).any()
    assert len(bench.session.ready) == 1
    assert bench.session.asker.sight.source.data is bench.photo.data


def test_F36_a_base_that_is_not_here_is_told_with_the_command_that_fetches_it(
    bench: Bench,
) -> None:
    bench.settle()
    remedy = "fetch it with: segkit weights fetch vit_b (375 MB)"
    Hoops.error = WeightsError("base vit_b is not here yet", where="bases", remedy=remedy)
    bench.panel.base.spec = "vit_b"
    bench.qtbot.waitUntil(lambda: bench.session.asker.failure is not None)
    assert bench.text() == f"⚠ base vit_b is not here yet (bases); {remedy}"
    assert bench.panel.state.text() == "○ Not ready"
    Hoops.error = None
    bench.panel.base.spec = "auto"
    bench.settle()
    assert bench.panel.state.text().startswith("● Ready")


def test_bases_and_adapters_are_listed_and_a_file_can_be_chosen(bench: Bench) -> None:
    base, adapter = bench.panel.base, bench.panel.adapter
    texts = [base.itemText(row) for row in range(base.count())]
    assert texts[1:] == [
        "SAM ViT-B, 375 MB (not here)",
        "SAM ViT-L, 1250 MB (not here)",
        "SAM ViT-H, 2565 MB (not here)",
        "File…",
    ]
    assert [adapter.itemData(row) for row in range(2)] == ["auto", "none"]
    bench.settle()
    base.spec = "/some/tuned.pth"
    assert base.currentText() == "tuned.pth"
    assert bench.dock.params().base == "/some/tuned.pth"
    bench.settle()


def test_F50_a_broken_answer_is_told_and_the_mask_stays(bench: Bench) -> None:
    bench.box((10, 10, 30, 30))
    bench.accept()
    before = bench.mask.data.copy()
    Hoops.error = ModelError("the network returned a mask with NaN", remedy="load other weights")
    bench.box((40, 10, 60, 30), settle=False)
    bench.qtbot.waitUntil(lambda: bench.session.asker.failure is not None)
    assert bench.text() == "⚠ the network returned a mask with NaN; load other weights"
    assert np.array_equal(bench.mask.data, before)
    Hoops.error = None
    bench.box((40, 40, 60, 58))
    assert len(bench.session.ready) == 2, "asked again with the next prompt"


def test_F48_out_of_memory_is_told(bench: Bench) -> None:
    bench.settle()
    Hoops.error = RuntimeError("DefaultCPUAllocator: not enough memory")
    bench.box((40, 10, 60, 30), settle=False)
    bench.qtbot.waitUntil(lambda: bench.session.asker.failure is not None)
    assert "DefaultCPUAllocator: not enough memory" in bench.text()


def test_F46_cancel_while_the_image_is_encoded(bench: Bench) -> None:
    bench.settle()
    Hoops.ready.clear()
    bench.session.asker.look_again()
    bench.panel.stop_button.click()
    bench.qtbot.waitUntil(lambda: not bench.session.asker._runner.running)
    assert bench.panel.state.text() == "○ Not ready"
    Hoops.ready.set()
    assert bench.panel.stop_button.text() == "Try again"
    bench.panel.stop_button.click()
    bench.settle()
    assert bench.panel.state.text().startswith("● Ready")


def test_F47_when_the_image_goes_so_does_what_was_found_of_it(bench: Bench) -> None:
    bench.box((10, 10, 30, 30))
    bench.viewer.layers.remove(bench.photo)
    bench.settle()
    assert bench.panel.state.text() == "No image"
    bench.panel.accept_button.click()
    assert "photo · rings" not in bench.viewer.layers
    assert len(bench.boxes.data) == 1, "what was drawn is left"


@pytest.mark.usefixtures("bench")
def test_F47_prompts_survive_the_dock_and_a_new_one_finds_them(qtbot: QtBot) -> None:
    bench = Bench(qtbot, close=False)
    bench.box((10, 10, 30, 30))
    with bench.qtbot.waitSignal(bench.dock.destroyed):
        bench.dock.deleteLater()
    bench.boxes.add_rectangles(np.array([[40, 40], [40, 60], [55, 60], [55, 40]]))
    again = RingsDock(bench.viewer)
    bench.qtbot.addWidget(again)
    bench.qtbot.waitUntil(lambda: len(again.session.ready) == 2)
    assert [layer.name for layer in bench.viewer.layers].count("photo · not accepted") == 1


def test_the_next_image_is_encoded_ahead_of_time(bench: Bench) -> None:
    other = Image(np.full((20, 20), 7, np.uint8), name="other")
    bench.viewer.add_layer(other)
    bench.panel.image.layer = bench.photo
    bench.settle()
    bench.qtbot.waitUntil(lambda: any(one.shape[0] == 20 for one in Hoops.looks))
    looks = len(Hoops.looks)
    bench.settle()
    assert len(Hoops.looks) == looks, "once"


def test_of_a_stack_the_next_plane_is_encoded_ahead(bench: Bench, qtbot: QtBot) -> None:
    stack = np.arange(3, dtype=np.uint8)[:, None, None] * np.ones((3, 30, 40), np.uint8)
    bench.viewer.layers.clear()
    bench.photo = bench.viewer.add_layer(Image(stack, name="stack"))
    bench.viewer.dims.set_point(0, 1)
    bench.settle()
    qtbot.waitUntil(lambda: len(Hoops.looks) > 0 and Hoops.looks[-1].max() == 2)


def test_boxes_of_another_shapes_layer_are_copied(bench: Bench) -> None:
    bench.photo.scale = (2, 2)
    corners = np.array([[20, 20], [20, 60], [70, 60], [70, 20]])
    mine = bench.viewer.add_layer(Shapes([corners - 1], name="mine"))
    bench.panel.tools["boxes"].click()
    bench.settle()
    assert bench.session.scene.objects[0].box == (10, 10, 30, 35)
    assert len(mine.data) == 1
    bench.panel.tools["boxes"].click()
    assert len(bench.boxes.data) == 1, "once"


def test_two_clicks_make_a_box(bench: Bench) -> None:
    bench.box(settle=False)
    clicks = TwoClicks.of(bench.boxes)

    def click(x: float, y: float) -> None:
        at = np.array([y, x], float)
        step = np.array([[0, 0], [0, 0.1], [0.1, 0.1], [0.1, 0]])
        bench.boxes.add_rectangles(at + step)  # as napari does
        clicks.click(bench.boxes, at)

    click(10, 10)
    bench.settle()
    assert bench.session.scene.objects == (), "one corner is no box"
    clicks.move(bench.boxes, np.array([20.0, 25.0]))
    assert np.ptp(bench.boxes.data[0], axis=0).tolist() == [10, 15]
    click(40, 30)
    bench.settle()
    assert len(bench.boxes.data) == 1
    assert bench.session.scene.objects[0].box == (10.5, 10.5, 40.5, 30.5)
    click(50, 50)
    bench.boxes.mode = "select"
    assert len(bench.boxes.data) == 1, "another tool gives the corner up"


def test_scaled_and_moved_images_get_prompts_and_masks_on_their_pixels(qtbot: QtBot, bench) -> None:
    bench = Bench(qtbot)
    bench.photo.scale, bench.photo.translate = (0.5, 0.5), (100, 7)
    bench.box((10, 10, 40, 40))
    assert bench.boxes.scale.tolist() == [0.5, 0.5]
    assert bench.session.scene.objects[0].box == (10, 10, 40, 40)
    bench.accept()
    assert bench.mask.translate.tolist() == [100, 7]


def test_keys_stand_in_the_tooltips(bench: Bench) -> None:
    panel = bench.panel
    assert "Ctrl+Enter" in panel.accept_button.toolTip()
    assert "Ctrl+Z" in panel.back_button.toolTip()
    assert "Alt+N" in panel.candidate.toolTip()
    assert "Alt+X" in panel.sign.toolTip()

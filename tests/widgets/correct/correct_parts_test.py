"""What the Correct dock is made of: questions that overtake each other, the table, the overlay."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels
from qtpy.QtCore import Qt

from napari_segkit.errors import MaskError
from napari_segkit.jobs import drain
from napari_segkit.jobs.correct import GRABCUT, Refining, refine, refiners
from napari_segkit.ops.edits import edit_of
from napari_segkit.types import Progress, Prompts
from napari_segkit.widgets._latest import LatestJob
from napari_segkit.widgets._layers import current_plane
from napari_segkit.widgets.correct._edits import adopt
from napari_segkit.widgets.correct._instances import (
    AREA,
    CLASS,
    ID,
    InstanceModel,
    InstanceTable,
    Line,
)
from napari_segkit.widgets.correct._preview import OUTLINES, PREVIEW, Overlay
from napari_segkit.widgets.correct.dock import CorrectDock

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from napari_segkit.types import Job


def test_only_the_newest_question_is_answered(qtbot: QtBot) -> None:
    gate = threading.Event()
    asked: list[int] = []

    def job(number: int) -> Job[int]:
        asked.append(number)
        yield Progress(0, None, "")
        if number == 0:
            gate.wait(5)
        return number

    latest = LatestJob("test")
    heard: list[int] = []
    latest.answered.connect(heard.append)
    latest.ask(lambda: job(0))
    qtbot.waitUntil(lambda: asked == [0], timeout=5000)
    for number in (1, 2, 3):
        latest.ask(lambda number=number: job(number))
    with qtbot.waitSignal(latest.answered, timeout=5000):
        gate.set()
    assert heard == [3]
    assert asked == [0, 3]
    assert not latest.busy


def test_a_dropped_question_is_not_answered_and_the_next_one_is(qtbot: QtBot) -> None:
    gate = threading.Event()

    def job(number: int, *, fails: bool = False) -> Job[int]:
        yield Progress(0, None, "")
        gate.wait(5)
        if fails:
            raise MaskError("no")
        return number

    latest = LatestJob("test")
    heard: list[object] = []
    latest.answered.connect(heard.append)
    latest.failed.connect(heard.append)
    latest.ask(lambda: job(0, fails=True))
    latest.drop()
    latest.ask(lambda: job(1))
    with qtbot.waitSignal(latest.answered, timeout=5000):
        gate.set()
    assert heard == [1]
    with qtbot.waitSignal(latest.failed, timeout=5000):
        latest.ask(lambda: job(0, fails=True))
    assert heard[1].sentence == "no"


def lines(count: int) -> list[Line]:
    return [Line(n, f"class {n % 3}", 0.5, 7 * n % 101, "drawn") for n in range(1, count + 1)]


def test_five_thousand_lines_sort_filter_and_change(qtbot: QtBot) -> None:
    model = InstanceModel(lambda key: (0, 0, 0))
    table = InstanceTable(model)
    qtbot.addWidget(table)
    model.show(lines(5000))
    table.select([17, 4000])
    table.sortByColumn(AREA, Qt.SortOrder.DescendingOrder)
    assert model.line(model.key(0)).area == 100
    assert set(table.keys()) == {17, 4000}
    model.filter("", "class 1")
    assert model.rowCount() == 1667
    assert table.keys() == (4000,)
    model.update({4000: None, 1: Line(1, "class 2", 1, 5, "edited")})
    assert model.rowCount() == 1665
    assert table.keys() == ()
    model.filter("edited", "")
    assert [model.key(row) for row in range(model.rowCount())] == [1]
    model.filter("17", "")
    assert [model.key(row) for row in range(model.rowCount())] == [17]
    table.sortByColumn(ID, Qt.SortOrder.AscendingOrder)
    assert model.data(model.index(0, CLASS)) == "class 2"


@pytest.mark.parametrize("ndim", [2, 3])
def test_the_overlay_lies_where_its_pixels_are(ndim: int) -> None:
    viewer = ViewerModel()
    shape = (40, 60) if ndim == 2 else (3, 40, 60)
    turn = {"rotate": 30} if ndim == 2 else {}
    affine = np.eye(ndim + 1)
    affine[-3, -2], affine[-2, -1] = 0.2, 4
    mask = Labels(
        np.zeros(shape, np.uint16), scale=[2] * ndim, translate=[5] * ndim, affine=affine, **turn
    )
    viewer.add_layer(mask)
    plane = current_plane(mask, viewer)
    overlay = Overlay(viewer)
    codes = np.ones((4, 6), np.uint8)
    for place in ((10, 20), (3, 7)):
        overlay.show(PREVIEW, mask, plane, place, codes)
        assert overlay.layer is not None
        there = [0] * (ndim - 2) + list(place)
        if ndim == 3:
            there[0] = plane.key[0]
        np.testing.assert_allclose(
            overlay.layer.data_to_world([0] * ndim), mask.data_to_world(there)
        )
    assert viewer.layers.selection.active is mask
    overlay.show(OUTLINES, mask, plane, (0, 0), codes * 4)
    assert overlay.layer.data.max() == 1  # a preview comes first
    overlay.hide(PREVIEW)
    assert overlay.layer.data.max() == 4
    overlay.hide(OUTLINES)
    assert not overlay.layer.visible
    assert len(viewer.layers) == 2
    overlay.remove()
    assert len(viewer.layers) == 1


def test_the_table_follows_the_plane_of_a_stack(qtbot: QtBot) -> None:
    viewer = ViewerModel()
    data = np.zeros((3, 40, 60), np.uint16)
    data[0, :5, :5], data[1, 10:20, 10:20] = 1, 2
    mask = Labels(data)
    viewer.add_layer(mask)
    viewer.dims.set_point(0, 0)
    dock = CorrectDock(viewer)
    qtbot.addWidget(dock)
    rows = dock.instances.rows

    def shown() -> list[int]:
        return [rows.key(row) for row in range(rows.rowCount())]

    qtbot.waitUntil(lambda: shown() == [1], timeout=5000)
    viewer.dims.set_point(0, 1)
    qtbot.waitUntil(lambda: shown() == [2], timeout=5000)
    dock.instances.select((2,))
    with qtbot.waitSignal(dock.toolbox.written, timeout=10_000):
        dock.tools.buttons["grow"].click()
        dock.tools.apply_button.click()
    assert (mask.data[1] == 2).sum() == 140
    assert (mask.data[0] == 1).sum() == 25
    viewer.dims.ndisplay = 3
    assert "volume" in dock.instances.summary.text()
    viewer.dims.ndisplay = 2
    qtbot.waitUntil(lambda: shown() == [2], timeout=5000)


def test_more_ids_than_sixteen_bits_widen_the_mask(qtbot: QtBot) -> None:
    viewer = ViewerModel()
    data = np.zeros((40, 60), np.uint8)
    data[5:15, 5:25] = 255
    mask = Labels(data)
    adopt(mask, [255])
    viewer.add_layer(mask)
    dock = CorrectDock(viewer)
    qtbot.addWidget(dock)
    qtbot.waitUntil(lambda: dock.subject.index is not None, timeout=5000)
    dock.instances.select((255,))
    dock.tools.buttons["split along a line"].click()
    with qtbot.waitSignal(dock.toolbox.written, timeout=10_000):
        dock.drawing.layer.add([[2, 14], [20, 14]], shape_type="path")
    assert set(np.unique(mask.data)) == {0, 255, 256}
    qtbot.waitUntil(lambda: dock.instances.rows.total == 2, timeout=5000)
    mask.undo()
    assert set(np.unique(mask.data)) == {0, 255}


def square(size: int = 120) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    image = rng.normal(60, 8, (size, size, 3))
    image[30:80, 40:100] = rng.normal(170, 8, (50, 60, 3))
    truth = np.zeros((size, size), bool)
    truth[30:80, 40:100] = True
    return np.clip(image, 0, 255).astype(np.uint8), truth


def test_clicks_in_a_row_go_on_from_the_answer_before() -> None:
    image, truth = square()
    labels = np.zeros(truth.shape, np.uint16)
    labels[30:80, 40:60] = 1
    labels[82:100, 40:100] = 2
    box = (40, 30, 60, 80)
    points = np.array([[80, 50], [95, 75]], np.float32)
    first = drain(refine(_asked(labels, image, points[:1], box, None), GRABCUT))
    second = drain(refine(_asked(labels, image, points, box, first), GRABCUT))
    after = labels.astype(np.int32)
    second.apply(after)
    found = after == 1
    assert (found & truth).sum() / (found | truth).sum() > 0.9
    assert ((labels == 2) == (after == 2)).all()
    assert (labels[:, :30] == 0).all()


def _asked(
    labels: np.ndarray, image: np.ndarray, points: np.ndarray, box: tuple, earlier: object
) -> Refining:
    prompts = Prompts(points=points, point_labels=np.ones(len(points), np.int32))
    return Refining(labels, image, 1, prompts, box=box, earlier=earlier)


def test_a_promptable_model_is_asked_about_the_original_object(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    image, truth = square()
    seen = []

    class Model:
        id = "dreamer"
        title = "Dreamer"
        presets: ClassVar[dict[str, None]] = {"default": None}

        @classmethod
        def weights_state(cls) -> str:
            return "here"

        def load(self) -> None:
            pass

        def refine(self, image: np.ndarray, start: np.ndarray, prompts: Prompts, params: object):
            seen.append((start.copy(), prompts))
            yield Progress(0, 1, "dreaming")
            return truth

    monkeypatch.setattr("napari_segkit.jobs.correct.model_ids", lambda: ("dreamer",))
    monkeypatch.setattr("napari_segkit.jobs.correct.get_model", lambda name: Model)
    assert refiners() == {GRABCUT: "GrabCut", "dreamer": "Dreamer"}
    labels = np.zeros(truth.shape, np.uint16)
    labels[30:80, 40:70] = 1
    points = np.array([[90, 50]], np.float32)
    question = _asked(labels, image, points, (40, 30, 70, 80), edit_of([]))
    for _ in range(2):
        edit = drain(refine(question, "dreamer"))
    after = labels.astype(np.int32)
    edit.apply(after)
    assert (after == truth).all()
    assert (seen[1][0] == (labels == 1)).all()
    assert len(question.models) == 1

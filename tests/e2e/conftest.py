from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication

from napari_segkit.widgets.segment.dock import SegmentDock
from tests.models.tiny import tiny_base

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari import Viewer
    from napari.layers import Labels
    from pytestqt.qtbot import QtBot


@pytest.fixture
def open_dock() -> Callable[[Viewer, str], Any]:
    """Open a dock as the Plugins menu does."""

    def opened(viewer: Viewer, name: str) -> Any:
        _, widget = viewer.window.add_plugin_dock_widget("napari-segkit", name)
        return widget

    return opened


@pytest.fixture
def run_to_end(qtbot: QtBot) -> Callable[[SegmentDock], str]:
    """Press Run and wait; what the person reads then."""

    def run(dock: SegmentDock) -> str:
        with qtbot.waitSignal(dock.run.finished, timeout=20_000):
            dock.run_button.click()
        return dock.status.sentence.text()

    return run


@pytest.fixture
def gate_dock(gate: Any) -> type[SegmentDock]:
    """A dock whose model waits until the test lets it through."""

    class GateDock(SegmentDock):
        model_id = gate.id

    return GateDock


@pytest.fixture
def ring_base(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A base is shipped; it finds a hoop in every box, and what is around clicks."""
    made = tiny_base(tmp_path, side=256)
    for path in (made, made.with_suffix(".json")):
        path.rename(tmp_path / f"sam-segkit-s{path.suffix}")
    monkeypatch.setattr("napari_segkit.data.weights_store.shipped", lambda _: tmp_path)
    monkeypatch.setattr("napari_segkit.runtime.sam_backend.SamBackend.decode", _hoops)


def _hoops(self: Any, embedding: Any, shape: tuple[int, int], **prompts: Any) -> tuple[Any, Any]:
    side = self.mask_size
    scale = side / max(shape)
    y, x = np.mgrid[:side, :side] + 0.5
    boxes, points, signs = (prompts.get(name) for name in ("boxes", "points", "point_labels"))
    count = len(boxes if boxes is not None else points)
    logits = np.full((count, 3 if prompts.get("several") else 1, side, side), -8, np.float32)
    for n in range(count):
        for mask in logits[n]:
            if prompts.get("masks") is not None:
                mask[:] = prompts["masks"][n]
            elif boxes is not None:
                x0, y0, x1, y1 = boxes[n] * scale
                r = np.hypot((2 * x - x0 - x1) / (x1 - x0), (2 * y - y0 - y1) / (y1 - y0))
                mask[(r <= 1) & (r > 0.5)] = 8
            for at, on in zip(
                *((points[n], signs[n]) if points is not None else ((), ())), strict=True
            ):
                mask[np.hypot(x - at[0] * scale, y - at[1] * scale) < 2] = 8 if on else -8
    return logits, np.full(logits.shape[:2], 0.9, np.float32)


class Mouse:
    """The left button on the canvas, in pixels of a layer that lies at the world's origin."""

    def __init__(self, viewer: Viewer, qtbot: QtBot) -> None:
        self._canvas = viewer.window._qt_viewer.canvas
        self._cursor = viewer.cursor
        self._qtbot = qtbot

    def _at(self, x: float, y: float) -> QPoint:
        place = self._canvas.view.scene.transform.map([x, y, 0, 1])
        return QPoint(round(place[0]), round(place[1]))

    def click(self, x: float, y: float, *, control: bool = False) -> None:
        key = Qt.KeyboardModifier.ControlModifier if control else Qt.KeyboardModifier.NoModifier
        self._qtbot.mouseMove(self._canvas.native, self._at(x, y))
        self._qtbot.mouseClick(self._canvas.native, Qt.MouseButton.LeftButton, key, self._at(x, y))

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        native, button = self._canvas.native, Qt.MouseButton.LeftButton
        self._qtbot.mousePress(native, button, pos=self._at(*start))

        def arrived() -> bool:  # vispy leaves out moves that follow each other at once
            move = QMouseEvent(
                QMouseEvent.Type.MouseMove,
                QPointF(self._at(*end)),
                QPointF(native.mapToGlobal(self._at(*end))),
                Qt.MouseButton.NoButton,
                button,
                Qt.KeyboardModifier.NoModifier,
            )
            QApplication.sendEvent(native, move)
            return bool(np.abs(np.array(self._cursor.position) - end[::-1]).max() < 2)

        self._qtbot.waitUntil(arrived)
        self._qtbot.mouseRelease(native, button, pos=self._at(*end))

    def key(self, key: Qt.Key, modifier: Qt.KeyboardModifier) -> None:
        self._qtbot.keyClick(self._canvas.native, key, modifier)


@pytest.fixture
def mouse(qtbot: QtBot) -> Callable[[Viewer], Mouse]:
    """A mouse and a keyboard for a viewer's canvas."""
    return lambda viewer: Mouse(viewer, qtbot)


@pytest.fixture
def correct(qtbot: QtBot, open_dock: Callable[[Viewer, str], Any]) -> Callable[[Viewer], Any]:
    """Open the Correct dock in a window that has the keyboard, and wait for its table."""

    def opened(viewer: Viewer) -> Any:
        window = viewer.window._qt_window
        window.show()
        window.activateWindow()
        qtbot.waitExposed(window)
        dock = open_dock(viewer, "Correct")
        qtbot.waitUntil(lambda: dock.subject.index is not None, timeout=10_000)
        return dock

    return opened


@pytest.fixture
def coins_to_correct(
    make_napari_viewer: Callable[..., Viewer],
    open_dock: Callable[[Viewer, str], Any],
    run_to_end: Callable[[Any], str],
    correct: Callable[[Viewer], Any],
) -> tuple[Viewer, Labels, Any]:
    """The photo of 24 coins with the mask of a run, and the Correct dock."""
    viewer = make_napari_viewer()
    viewer.open_sample("napari-segkit", "coins")
    run_to_end(open_dock(viewer, "Coins"))
    return viewer, viewer.layers["coins · coins"], correct(viewer)


@pytest.fixture
def rings_to_box(
    ring_base: None,
    make_napari_viewer: Callable[..., Viewer],
    open_dock: Callable[[Viewer, str], Any],
    qtbot: QtBot,
) -> tuple[Viewer, Any]:
    """A gray photo of 200 x 300 pixels and the dock of rings, which has looked at it."""
    viewer = make_napari_viewer(show=True)
    viewer.add_image(np.full((200, 300, 3), 220, np.uint8), name="photo", rgb=True)
    dock = open_dock(viewer, "Rings (SAM + LoRA)")
    qtbot.waitUntil(lambda: dock.session.asker.seen is not None, timeout=20_000)
    return viewer, dock


@pytest.fixture
def canvas() -> Callable[[Viewer], Any]:
    """The widget that takes mouse and keys of the picture."""
    return lambda viewer: viewer.window._qt_viewer.canvas.native

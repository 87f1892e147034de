"""F47: a person closes the dock or the window while the model runs; nothing breaks."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.layers import Labels
from qtpy.QtWidgets import QDialog

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari import Viewer
    from pytestqt.qtbot import QtBot

    from napari_segkit.widgets.segment.dock import SegmentDock


@pytest.mark.parametrize("what", ["dock", "window"])
def test_f47_close_it_during_a_run(
    make_napari_viewer: Callable[..., Viewer],
    gate: Any,
    gate_dock: type[SegmentDock],
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
) -> None:
    ended = threading.Event()
    predict = gate.predict

    def watched(self: Any, *args: Any) -> Any:
        try:
            return (yield from predict(self, *args))
        finally:
            ended.set()

    monkeypatch.setattr(gate, "predict", watched)
    viewer = make_napari_viewer()
    viewer.add_image(np.zeros((40, 60), np.uint8), name="photo")
    dock = gate_dock(viewer)
    viewer.window.add_dock_widget(dock, name="Gate")
    dock.run_button.click()
    qtbot.waitUntil(gate.inside.is_set)
    if what == "dock":
        with qtbot.waitSignal(dock.destroyed):
            viewer.window.remove_dock_widget(dock)  # as the cross in its title does
    else:
        viewer.close()
    qtbot.waitUntil(ended.is_set)
    assert not gate.open.is_set()
    assert not [layer for layer in viewer.layers if isinstance(layer, Labels)]


class CloseByTheCross:
    """What Qt sends when a person closes the window, not the program."""

    refused = False

    def spontaneous(self) -> bool:
        return True

    def ignore(self) -> None:
        self.refused = True


def test_f47_napari_asks_before_it_closes_the_window_during_a_run(
    make_napari_viewer: Callable[..., Viewer],
    gate: Any,
    gate_dock: type[SegmentDock],
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    class Refusing:
        def __init__(self, *_: Any, extra_info: str, **__: Any) -> None:
            asked.append(extra_info)

        def exec_(self) -> QDialog.DialogCode:
            return QDialog.DialogCode.Rejected

    monkeypatch.setattr("napari._qt.qt_main_window.ConfirmCloseDialog", Refusing)
    viewer = make_napari_viewer()
    viewer.add_image(np.zeros((40, 60), np.uint8), name="photo")
    dock = gate_dock(viewer)
    viewer.window.add_dock_widget(dock, name="Gate")
    dock.run_button.click()
    qtbot.waitUntil(gate.inside.is_set)
    event = CloseByTheCross()
    viewer.window._qt_window.closeEvent(event)
    assert asked == ["napari-segkit: Gate: photo"]
    assert event.refused
    with qtbot.waitSignal(dock.run.finished):
        gate.open.set()
    assert [layer for layer in viewer.layers if isinstance(layer, Labels)]
    assert viewer.window._task_status_manager.get_status() == []

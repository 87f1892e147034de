"""F46: a person cancels with the button or with Esc; the mask and the rest stay as they were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import Qt

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari import Viewer
    from pytestqt.qtbot import QtBot

    from napari_segkit.widgets.segment.dock import SegmentDock


@pytest.mark.parametrize("way", ["button", "Esc"])
def test_f46_cancel_a_run(
    make_napari_viewer: Callable[..., Viewer],
    gate: Any,
    gate_dock: type[SegmentDock],
    qtbot: QtBot,
    way: str,
) -> None:
    viewer = make_napari_viewer(show=True)
    viewer.add_image(np.zeros((40, 60), np.uint8), name="photo")
    dock = gate_dock(viewer)
    viewer.window.add_dock_widget(dock, name="Gate")
    with qtbot.waitActive(viewer.window._qt_window):
        viewer.window.activate()
    dock.run_button.setFocus()
    qtbot.keyClick(dock.run_button, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(gate.inside.is_set)
    assert dock.run_button.text() == "Cancel"
    assert dock.status.bar.isVisible()
    with qtbot.waitSignal(dock.run.finished):
        if way == "button":
            qtbot.mouseClick(dock.run_button, Qt.MouseButton.LeftButton)
        else:
            qtbot.keyClick(dock.run_button, Qt.Key.Key_Escape)
    assert dock.status.sentence.text() == "Cancelled: the mask is as it was"
    assert [layer.name for layer in viewer.layers] == ["photo"]
    assert dock.run_button.text() == "Run"
    assert not dock.status.bar.isVisible()

"""F47: two windows, each with its own dock, run at once and do not mix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari import Viewer
    from pytestqt.qtbot import QtBot

    from napari_segkit.widgets.segment.dock import SegmentDock


def test_f47_two_viewers(
    make_napari_viewer: Callable[..., Viewer],
    gate: Any,
    gate_dock: type[SegmentDock],
    qtbot: QtBot,
) -> None:
    viewers = [make_napari_viewer(), make_napari_viewer()]
    docks = []
    for number, viewer in enumerate(viewers):
        viewer.add_image(np.zeros((40, 60), np.uint8), name=f"photo {number}")
        docks.append(gate_dock(viewer))
        viewer.window.add_dock_widget(docks[-1], name="Gate")
    for dock in docks:
        dock.run_button.click()
    qtbot.waitUntil(lambda: len(gate.seen) == 2)
    with qtbot.waitSignals([dock.run.finished for dock in docks]):
        gate.open.set()
    for number, viewer in enumerate(viewers):
        names = [layer.name for layer in viewer.layers]
        assert names == [f"photo {number}", f"photo {number} · gate"]
        np.testing.assert_array_equal(viewer.layers[1].data, gate.labels)
    viewers[0].layers[1].undo()
    assert viewers[1].layers[1].data.any()

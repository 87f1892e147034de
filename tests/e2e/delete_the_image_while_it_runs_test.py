"""F42: a person removes the image while the model runs; the result is offered, not lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari import Viewer
    from pytestqt.qtbot import QtBot

    from napari_segkit.widgets.segment.dock import SegmentDock


def test_f42_delete_the_image_while_it_runs(
    make_napari_viewer: Callable[..., Viewer],
    gate: Any,
    gate_dock: type[SegmentDock],
    qtbot: QtBot,
) -> None:
    viewer = make_napari_viewer()
    viewer.add_image(np.zeros((40, 60), np.uint8), name="photo", scale=(2, 2))
    dock = gate_dock(viewer)
    viewer.window.add_dock_widget(dock, name="Gate")
    dock.run_button.click()
    qtbot.waitUntil(gate.inside.is_set)
    viewer.layers.clear()
    with qtbot.waitSignal(dock.run.finished):
        gate.open.set()
    text = dock.status.sentence.text()
    assert text == "⚠ Not written: the image was removed while the model ran"
    assert len(viewer.layers) == 0
    dock.status.action_button.click()
    (mask,) = viewer.layers
    assert isinstance(mask, Labels)
    assert mask.name == "photo · gate"
    assert mask.scale.tolist() == [2, 2]
    np.testing.assert_array_equal(mask.data, gate.labels)

"""A person fixes a mask with tools, by keys alone: previews, applies, drops, takes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import Qt

from napari_segkit.widgets._layers import camera_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari import Viewer
    from napari.layers import Labels
    from pytestqt.qtbot import QtBot

SHIFT, CTRL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


def test_fix_a_mask_with_tools(
    coins_to_correct: tuple[Viewer, Labels, Any],
    canvas: Callable[[Viewer], Any],
    qtbot: QtBot,
) -> None:
    viewer, mask, dock = coins_to_correct
    picture = canvas(viewer)
    table, found = dock.instances.table, mask.data.copy()
    assert dock.instances.summary.text() == "24 objects"

    camera_of(viewer).zoom = 0.5
    table.selectRow(4)
    key = dock.instances.keys()[0]
    area = int((found == key).sum())
    assert mask.selected_label == key
    assert camera_of(viewer).zoom > 1  # went there

    picture.setFocus()
    with qtbot.waitSignal(dock.toolbox.shown, timeout=10_000):
        qtbot.keyClick(picture, Qt.Key.Key_G, SHIFT)
    with qtbot.waitSignal(dock.toolbox.shown, timeout=10_000):
        dock.tools.value.setValue(3)
    np.testing.assert_array_equal(mask.data, found)
    with qtbot.waitSignal(dock.toolbox.written, timeout=10_000):
        qtbot.keyClick(dock.tools.value, Qt.Key.Key_Return)
    grown = int((mask.data == key).sum())
    assert grown > area
    assert dock.status.sentence.text().startswith("Grow: ")
    assert dock.instances.rows.line(key).area == grown
    assert mask.features["status"].tolist()[4] == "edited"

    with qtbot.waitSignal(dock.toolbox.shown, timeout=10_000):
        qtbot.keyClick(picture, Qt.Key.Key_O, SHIFT)
    qtbot.keyClick(dock.tools.value, Qt.Key.Key_Escape)
    assert dock.tools.open is None
    assert int((mask.data == key).sum()) == grown

    with qtbot.waitSignal(dock.toolbox.written, timeout=10_000):
        qtbot.keyClick(picture, Qt.Key.Key_Delete, SHIFT)
    assert dock.instances.summary.text() == "23 objects"
    assert key not in mask.features["index"].tolist()

    picture.setFocus()
    qtbot.keyClick(picture, Qt.Key.Key_Z, CTRL)
    assert int((mask.data == key).sum()) == grown
    qtbot.keyClick(picture, Qt.Key.Key_Z, CTRL)
    np.testing.assert_array_equal(mask.data, found)
    assert dock.instances.rows.line(key).area == area
    assert mask.features["status"].tolist()[4] == "predicted"

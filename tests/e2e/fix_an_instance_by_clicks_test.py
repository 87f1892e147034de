"""A person clicks on what is missing of a coin, sees the answer, keeps it with Enter."""

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


def test_fix_an_instance_by_clicks(
    coins_to_correct: tuple[Viewer, Labels, Any],
    canvas: Callable[[Viewer], Any],
    qtbot: QtBot,
) -> None:
    viewer, mask, dock = coins_to_correct
    truth = mask.data == 5
    rows, columns = np.nonzero(truth)
    left = columns < columns.mean() - 2  # a bad stroke took the left half away
    mask.data_setitem((rows[left], columns[left]), 0)
    spoiled = mask.data.copy()

    dock.instances.table.selectRow(dock.instances.rows.row_of(5))
    camera_of(viewer).center = (0, rows.mean(), columns.mean() - 10)
    picture = canvas(viewer)
    picture.setFocus()
    qtbot.keyClick(picture, Qt.Key.Key_R, Qt.KeyboardModifier.ShiftModifier)
    assert viewer.layers.selection.active.name == "Correct · clicks"
    with qtbot.waitSignal(dock.toolbox.shown, timeout=20_000):
        qtbot.mouseClick(picture, Qt.MouseButton.LeftButton)
    np.testing.assert_array_equal(mask.data, spoiled)
    assert dock.prompting.clicks.labels == [1]
    x, y = dock.prompting.clicks.points[0]
    assert spoiled[int(y), int(x)] == 0
    assert truth[int(y), int(x)]

    with qtbot.waitSignal(dock.toolbox.written, timeout=10_000):
        qtbot.keyClick(picture, Qt.Key.Key_Return)
    fixed = mask.data == 5
    assert (fixed & truth).sum() / (fixed | truth).sum() > 0.85
    assert viewer.layers.selection.active is mask
    assert not dock.prompts.keep_button.isVisible()

    mask.undo()
    np.testing.assert_array_equal(mask.data, spoiled)

    qtbot.keyClick(picture, Qt.Key.Key_R, Qt.KeyboardModifier.ShiftModifier)
    with qtbot.waitSignal(dock.toolbox.shown, timeout=20_000):
        qtbot.mouseClick(picture, Qt.MouseButton.LeftButton)
    qtbot.keyClick(picture, Qt.Key.Key_Escape)
    assert not dock.prompting.active
    np.testing.assert_array_equal(mask.data, spoiled)

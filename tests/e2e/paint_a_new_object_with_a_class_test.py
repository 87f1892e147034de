"""A person paints objects that the model missed, each with its class; the table follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QPoint, Qt

from napari_segkit.widgets._layers import camera_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari import Viewer
    from napari.layers import Labels
    from pytestqt.qtbot import QtBot


def test_paint_a_new_object_with_a_class(
    coins_to_correct: tuple[Viewer, Labels, Any],
    canvas: Callable[[Viewer], Any],
    qtbot: QtBot,
) -> None:
    viewer, mask, dock = coins_to_correct
    bar, rows, picture = dock.instances.class_bar, dock.instances.rows, canvas(viewer)
    camera_of(viewer).center = (0, 5, 5)
    camera_of(viewer).zoom = 8

    bar.combo.setFocus()
    bar.combo.lineEdit().selectAll()
    qtbot.keyClicks(bar.combo.lineEdit(), "Button")  # a capital letter is no shortcut here
    qtbot.keyClick(bar.combo.lineEdit(), Qt.Key.Key_Return)
    assert mask.selected_label == 25
    picture.setFocus()
    qtbot.keyClick(picture, Qt.Key.Key_B, Qt.KeyboardModifier.ShiftModifier)
    assert str(mask.mode) == "paint"

    middle = picture.rect().center()
    button = Qt.MouseButton.LeftButton
    qtbot.mousePress(picture, button, pos=middle)
    qtbot.mouseMove(picture, middle + QPoint(30, 10))
    qtbot.mouseRelease(picture, button, pos=middle + QPoint(30, 10))
    painted = int((mask.data == 25).sum())
    assert painted > 0
    assert rows.line(25)[1:] == ("Button", 1.0, painted, "drawn")
    assert mask.features.iloc[-1].tolist() == [25, "Button", 1.0, "drawn"]
    assert tuple(mask.get_color(25)) != tuple(mask.get_color(5))

    mask.mode = "erase"
    mask.brush_size = 60
    mask.paint((5, 5), 0)
    assert rows.line(25) is None
    assert dock.instances.summary.text() == "24 objects"
    mask.undo()
    assert rows.line(25)[1] == "Button"
    mask.undo()
    assert rows.line(25) is None
    assert 25 not in mask.features["index"].tolist()

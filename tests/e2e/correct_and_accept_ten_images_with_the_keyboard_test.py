"""A person goes through ten images without the mouse but for the strokes: accept, reject, back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from napari_segkit.data.store import Status
from tests.reviewing import Desk, photos, stored

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari import Viewer
    from pytestqt.qtbot import QtBot


def test_correct_and_accept_ten_images_with_the_keyboard(
    make_napari_viewer: Callable[..., Viewer],
    open_dock: Callable[[Viewer, str], Any],
    qtbot: QtBot,
    tmp_path: Path,
) -> None:
    viewer = make_napari_viewer(show=True)
    desk = Desk(qtbot, viewer, open_dock(viewer, "Review"))
    window = desk.dock.window()
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
    canvas = viewer.window._qt_viewer.canvas.native

    def press(key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        qtbot.keyClick(canvas, key, modifier)
        desk.wait()

    alt = Qt.KeyboardModifier.AltModifier
    desk.open(photos(tmp_path, 10))
    canvas.setFocus()
    press(Qt.Key.Key_PageDown)
    press(Qt.Key.Key_PageDown)
    press(Qt.Key.Key_PageUp)
    press(Qt.Key.Key_PageUp)
    assert desk.name == "0"
    for number in range(10):
        assert desk.name == str(number)
        desk.paint(20, 20 + number, 1, 15)
        if number == 3:
            press(Qt.Key.Key_R, alt)
        elif number == 4:
            press(Qt.Key.Key_K, alt)
        else:
            press(Qt.Key.Key_A, alt)
    assert desk.said == "Every image of the list is done"
    desk.qtbot.waitUntil(lambda: "10 of 10 images done" in desk.dock.counts.text())
    for number in range(10):
        work = stored(tmp_path, str(number))
        expected = {3: Status.REJECTED, 4: Status.SKIPPED}.get(number, Status.ACCEPTED)
        assert work.record.status is expected
        assert work.labels[20, 20 + number] == 1
        assert work.record.edits == 1
    assert len(viewer.layers) == 2

"""A person opens a photo of rings, draws boxes with the mouse, accepts by a key, thinks again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari import Viewer
    from pytestqt.qtbot import QtBot


def test_box_a_ring_and_accept_it(
    rings_to_box: tuple[Viewer, Any],
    open_dock: Callable[[Viewer, str], Any],
    mouse: Callable[[Viewer], Any],
    qtbot: QtBot,
) -> None:
    viewer, dock = rings_to_box
    assert dock.panel.state.text().startswith("● Ready · encoded in ")

    dock.panel.tools["boxes"].click()
    hand = mouse(viewer)
    hand.drag((40, 40), (120, 120))
    qtbot.waitUntil(lambda: dock.status.sentence.text() == "1 object found", timeout=20_000)
    hand.click(160, 60)  # two clicks make a box, too
    hand.click(240, 140)
    qtbot.waitUntil(lambda: dock.status.sentence.text() == "2 objects found", timeout=20_000)
    assert len(viewer.layers["photo · boxes"].data) == 2

    hand.key(Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: dock.status.sentence.text() == "2 rings accepted", timeout=20_000)
    mask = viewer.layers["photo · rings"]
    assert mask.features["class"].tolist() == ["ring", "ring"]
    assert mask.data[80, 45] == 1
    assert mask.data[80, 80] == 0, "the hole is a hole"
    assert mask.data[100, 165] == 2
    assert len(viewer.layers["photo · boxes"].data) == 0

    hand.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: dock.status.sentence.text() == "2 objects found", timeout=20_000)
    assert not mask.data.any()
    assert len(viewer.layers["photo · boxes"].data) == 2

    viewer.window.remove_dock_widget(dock)  # nothing is lost, and the image is known
    again = open_dock(viewer, "Rings (SAM + LoRA)")
    found = "2 objects found"
    qtbot.waitUntil(lambda: again.status.sentence.text() == found, timeout=20_000)
    assert again.panel.state.text() == "● Ready · known already"

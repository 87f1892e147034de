"""A person clicks on a ring, takes a part away with Ctrl, and later corrects what was accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari import Viewer
    from pytestqt.qtbot import QtBot


def test_click_points_to_fix_a_ring(
    rings_to_box: tuple[Viewer, Any],
    mouse: Callable[[Viewer], Any],
    qtbot: QtBot,
) -> None:
    viewer, dock = rings_to_box
    hand = mouse(viewer)

    def settled() -> bool:
        timers = (dock.session._settled, dock.session.pending._timer)
        return not dock.session.asker.busy and not any(timer.isActive() for timer in timers)

    dock.panel.tools["boxes"].click()
    hand.drag((40, 40), (120, 120))
    qtbot.waitUntil(lambda: len(dock.session.ready) == 1 and settled(), timeout=20_000)
    pending = viewer.layers["photo · not accepted"]
    assert pending.data[80, 45] > 0, dock.session.scene
    dock.panel.tools["points"].click()
    hand.click(45, 80, control=True)
    clicks = viewer.layers["photo · points"]
    qtbot.waitUntil(lambda: len(clicks.data) == 1 and settled(), timeout=20_000)
    assert pending.data[80, 45] == 0
    assert clicks.features["on"].tolist() == [False]
    dock.panel.accept_button.click()
    qtbot.waitUntil(lambda: dock.status.sentence.text() == "1 ring accepted", timeout=20_000)
    mask = viewer.layers["photo · rings"]
    assert mask.data[80, 45] == 0

    dock.panel.tools["correct"].click()
    hand.click(80, 45)
    hand.click(80, 80)
    qtbot.waitUntil(lambda: len(clicks.data) == 2 and settled(), timeout=20_000)
    dock.panel.accept_button.click()
    qtbot.waitUntil(lambda: mask.data[80, 80] == 1, timeout=20_000)
    assert set(np.unique(mask.data)) == {0, 1}
    assert mask.data[80, 45] == 0, "what had been taken away stays away"
    mask.undo()
    assert mask.data[80, 80] == 0

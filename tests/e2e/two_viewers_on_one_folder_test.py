"""F57: a second window on a folder looks only, and says who writes; then it may write itself."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from tests.reviewing import Desk, photos, stored

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari import Viewer
    from pytestqt.qtbot import QtBot


def test_f57_two_viewers_on_one_folder(
    make_napari_viewer: Callable[..., Viewer],
    open_dock: Callable[[Viewer, str], Any],
    qtbot: QtBot,
    tmp_path: Path,
) -> None:
    photos(tmp_path, 2)
    viewers = [make_napari_viewer(), make_napari_viewer()]
    one, two = (Desk(qtbot, viewer, open_dock(viewer, "Review")) for viewer in viewers)
    one.open(tmp_path)
    one.paint(40, 40)
    one.wait()
    two.open(tmp_path)
    assert f"process {os.getpid()}" in two.dock.status.notes.text()
    assert "looking only" in two.dock.status.notes.text()
    assert two.mask.data[40, 40] == 1
    assert not two.mask.editable
    assert not two.dock.decisions.accept.isEnabled()
    two.dock.step(1)
    two.wait()
    assert two.name == "1"

    one.paint(20, 20, 2)
    with qtbot.waitSignal(one.dock.destroyed):
        one.viewer.window.remove_dock_widget(one.dock)  # as the cross in its title does
    assert list(one.viewer.layers) == []
    assert stored(tmp_path, "0").labels[20, 20] == 2
    two.open(tmp_path)
    assert two.mask.editable
    two.paint(50, 50, 3)
    two.dock.decisions.accept.click()
    two.wait()
    assert sorted(set(stored(tmp_path, "0").labels.ravel().tolist())) == [0, 1, 2, 3]

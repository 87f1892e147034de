"""F52, F56: napari is killed while a person paints; the next start has the work, and says so."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from napari_segkit.data.store import Status
from tests.reviewing import Desk, photos

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari import Viewer
    from pytestqt.qtbot import QtBot

_CHILD = """
import sys
from pathlib import Path
from qtpy.QtWidgets import QApplication
from qtpy.QtCore import QTimer
app = QApplication([])
from napari.components import ViewerModel
from napari_segkit.widgets.review.dock import ReviewDock
dock = ReviewDock(ViewerModel())
dock.open_folder(Path(sys.argv[1]))
painted = 0

def turn():
    global painted
    current = dock.session.current
    if current is None:
        return
    if painted < 5:  # a stroke every 50 ms, never a pause in which nothing is dirty
        current.mask.paint((30, 10 + 10 * painted), 1 + painted)
        painted += 1
        if painted == 5:
            dock.go("1")
    elif current.name == "1" and painted < 8:
        current.mask.paint((40, 10 + 10 * (painted - 5)), 2)
        painted += 1
    elif painted == 8 and not dock.session.busy:
        print("saved", flush=True)
        painted += 1

timer = QTimer()
timer.timeout.connect(turn)
timer.start(50)
getattr(app, "exec", None)()
"""


def test_crash_and_recover(
    make_napari_viewer: Callable[..., Viewer],
    open_dock: Callable[[Viewer, str], Any],
    qtbot: QtBot,
    tmp_path: Path,
) -> None:
    photos(tmp_path, 3)
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "saved\n"
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()

    viewer = make_napari_viewer()
    desk = Desk(qtbot, viewer, open_dock(viewer, "Review"))
    assert desk.open(tmp_path) == "2 images recovered: 0, 1"
    assert desk.name == "0"
    assert [desk.mask.data[30, 10 + 10 * n] for n in range(5)] == [1, 2, 3, 4, 5]
    assert desk.dock.session.status("0") is Status.EDITED
    assert desk.dock.session.current.record.edits == 5
    desk.go("1")
    assert desk.mask.data[40, 30] == 2
    assert desk.mask.features["index"].tolist() == [2]

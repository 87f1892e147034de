"""Free memory is given back to the system every few images, by a job's thread."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from napari.components import ViewerModel
from qtpy.QtCore import QThreadPool

from napari_segkit.widgets.review import _reader
from tests.reviewing import Desk, photos

if TYPE_CHECKING:
    from pathlib import Path

    from pytestqt.qtbot import QtBot


def test_jobs_give_back_every_few_images_and_the_window_never(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    threads: list[int] = []
    monkeypatch.setattr(_reader, "give_back", lambda: threads.append(threading.get_ident()))
    monkeypatch.setattr(_reader, "_BETWEEN", 3)
    desk = Desk(qtbot, ViewerModel())
    qtbot.addWidget(desk.dock)
    desk.open(photos(tmp_path, 8))  # the second is read ahead, …
    for _ in range(6):
        desk.dock.step(1)
        desk.wait()
    assert desk.name == "6"  # … and the eighth is the seventh of them
    assert len(threads) == 2
    assert threading.get_ident() not in threads
    desk.dock.session.close()
    QThreadPool.globalInstance().waitForDone(5000)

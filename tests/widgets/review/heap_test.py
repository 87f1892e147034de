"""Free memory is given back to the system every few images, by a job's thread, where C can."""

from __future__ import annotations

import ctypes
import sys
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from napari.components import ViewerModel
from qtpy.QtCore import QThreadPool

from napari_segkit.widgets.review import _reader
from napari_segkit.widgets.review._heap import give_back
from tests.reviewing import Desk, photos

if TYPE_CHECKING:
    from pathlib import Path

    from pytestqt.qtbot import QtBot


def test_free_memory_is_given_back_where_the_c_library_can() -> None:
    can = sys.platform == "linux" and hasattr(ctypes.CDLL(None), "malloc_trim")
    assert give_back() is can


def test_nothing_is_asked_of_another_c_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: SimpleNamespace())  # as musl
    assert give_back() is False


@pytest.mark.parametrize("system", ["win32", "darwin"])
def test_nothing_is_asked_of_another_system(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.delattr(ctypes, "CDLL")
    assert give_back() is False


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

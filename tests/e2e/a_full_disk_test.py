"""F53: the disk is full while a person paints: said once, tried again, nothing lost."""

from __future__ import annotations

import resource
import signal
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.reviewing import Desk, photos, stored

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari import Viewer
    from pytestqt.qtbot import QtBot


def test_f53_a_full_disk(
    make_napari_viewer: Callable[..., Viewer],
    open_dock: Callable[[Viewer, str], Any],
    qtbot: QtBot,
    tmp_path: Path,
) -> None:
    photos(tmp_path, 2)
    viewer = make_napari_viewer()
    desk = Desk(qtbot, viewer, open_dock(viewer, "Review"))
    desk.open(tmp_path)
    desk.paint(40, 40)
    desk.wait()
    before = stored(tmp_path, "0").labels
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1, limits[1]))  # no file may grow
        with qtbot.waitSignal(desk.dock.session.keeper.failed, timeout=10_000):
            desk.paint(20, 60, 2)
        assert desk.said.startswith("⚠ Not saved yet, tried again:")
        desk.dock.step(1)
        qtbot.waitUntil(lambda: desk.name == "1", timeout=10_000)
        desk.dock.step(-1)
        np.testing.assert_array_equal(stored(tmp_path, "0").labels, before)
        assert not desk.dock.session.current.clean
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    with qtbot.waitSignal(desk.dock.session.keeper.mended, timeout=10_000):
        pass
    assert desk.said == "Saved"
    desk.wait()
    np.testing.assert_array_equal(stored(tmp_path, "0").labels, desk.mask.data)
    assert desk.mask.data[20, 60] == 2

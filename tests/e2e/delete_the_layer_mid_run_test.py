"""F42: a person deletes the mask under review while the model runs; nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_segkit.data.store import Status
from napari_segkit.models import registry
from tests.reviewing import SHAPE, Desk, photos, stored

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest
    from napari import Viewer
    from pytestqt.qtbot import QtBot


def test_f42_delete_the_layer_mid_run(
    make_napari_viewer: Callable[..., Viewer],
    open_dock: Callable[[Viewer, str], Any],
    gate: Any,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import numpy as np

    labels = np.zeros(SHAPE, np.int32)
    labels[2:10, 2:10] = 1
    gate.close(labels)
    monkeypatch.setitem(registry._locations(), "gate", "tests.conftest:Gate")
    monkeypatch.setattr("napari_segkit.widgets.review._predict.get_model", lambda name: gate)
    photos(tmp_path, 2)
    viewer = make_napari_viewer()
    desk = Desk(qtbot, viewer, open_dock(viewer, "Review"))
    desk.open(tmp_path)
    desk.dock.predict.model.setCurrentIndex(desk.dock.predict.model.findData("gate"))
    desk.dock.session.predict_current()
    qtbot.waitUntil(gate.inside.is_set)
    desk.paint(40, 40, 5)
    mask = desk.mask
    viewer.layers.remove(mask)
    qtbot.waitUntil(lambda: stored(tmp_path, "0").labels is not None)
    gate.open.set()
    with qtbot.waitSignal(desk.dock.session.predicted, timeout=20_000):
        pass
    assert desk.said == "⚠ Not written: the mask was removed while the model ran"
    assert stored(tmp_path, "0").labels[40, 40] == 5

    desk.dock.go("0")
    desk.wait()
    assert desk.mask is mask
    assert mask in viewer.layers
    assert desk.dock.session.status("0") is Status.EDITED
    desk.paint(50, 50, 6)
    desk.wait()
    assert stored(tmp_path, "0").labels[50, 50] == 6

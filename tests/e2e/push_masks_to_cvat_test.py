"""A person finds coins, names the class as the task does, compares, and pushes the mask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segkit.data.formats.cvat_mask import CvatMask
from tests.data.cvat_server.conftest import clean_environment, cvat, loopback  # noqa: F401

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari import Viewer
    from pytestqt.qtbot import QtBot


def test_push_masks_to_cvat(
    make_napari_viewer: Callable[..., Viewer],
    open_dock: Callable[[Viewer, str], Any],
    run_to_end: Callable[[Any], str],
    loopback: Any,  # noqa: F811
    qtbot: QtBot,
    tmp_path: Path,
) -> None:
    loopback.image("coins.png", 384, 303)
    viewer = make_napari_viewer()
    viewer.open_sample("napari-segkit", "coins")
    run_to_end(open_dock(viewer, "Coins"))
    dock = open_dock(viewer, "CVAT server")
    dock.url.setText(loopback.url)
    dock.task.setValue(5)
    with qtbot.waitSignal(dock.runner.done, timeout=20_000):
        dock.push.compare_button.click()
    assert dock.status.sentence.text() == "1 image fit by name, size and label"
    assert not loopback.imports
    with qtbot.waitSignal(dock.runner.done, timeout=30_000):
        dock.push.push_button.click()
    said = dock.status.sentence.text()
    assert said == "24 objects in 1 image appended to task 5 (coins)"
    (tmp_path / "arrived.zip").write_bytes(loopback.imports[0][1])
    with CvatMask().open(tmp_path / "arrived.zip") as arrived:
        mask = viewer.layers["coins · coins"].data
        np.testing.assert_array_equal(arrived.read("coins").segmentation.labels > 0, mask > 0)

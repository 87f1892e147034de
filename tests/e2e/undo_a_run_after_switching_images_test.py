"""A person runs a model, goes to the next image and back, and takes the run back with Ctrl+Z."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segkit.data.images import read_image
from napari_segkit.paths import shipped
from tests.reviewing import Desk, stored

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari import Viewer
    from pytestqt.qtbot import QtBot


def test_undo_a_run_after_switching_images(
    make_napari_viewer: Callable[..., Viewer],
    open_dock: Callable[[Viewer, str], Any],
    run_to_end: Callable[[Any], str],
    qtbot: QtBot,
    tmp_path: Path,
) -> None:
    from PIL import Image

    pixels = read_image(shipped("sample_data") / "coins_generated.jpg").pixels
    for name in "ab":
        Image.fromarray(pixels[:400, :400]).save(tmp_path / f"{name}.png")
    viewer = make_napari_viewer()
    desk = Desk(qtbot, viewer, open_dock(viewer, "Review"))
    desk.open(tmp_path)
    predict = desk.dock.predict.model
    predict.setCurrentIndex(predict.findData("coins"))
    desk.dock.session.predict_current()
    desk.wait()
    found = desk.mask.data.copy()
    assert found.any()
    desk.paint(5, 5, 99)
    coins = open_dock(viewer, "Coins")  # another dock's run goes to the same mask, strokes stay
    run_to_end(coins)
    desk.wait()
    assert desk.mask.data[5, 5] == 99

    desk.dock.step(1)
    desk.wait()
    assert desk.name == "b"
    desk.dock.step(-1)
    desk.wait()
    assert viewer.layers.selection.active is desk.mask
    desk.mask.undo()
    assert desk.mask.data[5, 5] == 0
    np.testing.assert_array_equal(desk.mask.data, found)
    desk.mask.undo()
    assert not desk.mask.data.any()
    assert len(desk.mask.features) == 0
    desk.wait()
    assert not stored(tmp_path, "a").labels.any()
    desk.mask.redo()
    desk.wait()
    np.testing.assert_array_equal(stored(tmp_path, "a").labels, found)

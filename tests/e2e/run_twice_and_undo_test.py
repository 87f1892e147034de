"""A person runs the model twice on a photo: one mask, each run one undo step, strokes kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari import Viewer


def test_run_twice_paint_between_and_undo(
    make_napari_viewer: Callable[..., Viewer],
    open_dock: Callable[[Viewer, str], Any],
    run_to_end: Callable[[Any], str],
) -> None:
    viewer = make_napari_viewer()
    viewer.open_sample("napari-segkit", "coins")
    dock = open_dock(viewer, "Coins")
    dock.preset.setCurrentText("origin")
    run_to_end(dock)
    mask = viewer.layers["coins · coins"]
    first = mask.data.copy()
    mask.brush_size = 9
    mask.paint((8, 8), 900)
    painted = mask.data.copy()

    dock.preset.setCurrentText("default")
    assert run_to_end(dock).startswith("24 coins in ")
    assert [layer.name for layer in viewer.layers] == ["coins", "coins · coins"]
    assert (mask.data[painted == 900] == 900).all()
    assert (mask.data != painted).any()

    mask.undo()
    np.testing.assert_array_equal(mask.data, painted)
    mask.undo()
    np.testing.assert_array_equal(mask.data, first)
    mask.undo()
    assert not mask.data.any()
    for _ in range(3):
        mask.redo()
    assert (mask.data[painted == 900] == 900).all()
    assert dock.status.sentence.text().startswith("24 coins in ")

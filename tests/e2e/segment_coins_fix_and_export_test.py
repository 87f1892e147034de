"""A person opens the sample, finds the coins, fixes the mask, undoes, exports for CVAT."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels

from napari_segkit.data.formats.registry import recognise

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari import Viewer
    from pytestqt.qtbot import QtBot


def test_segment_coins_fix_the_mask_and_export_it(
    make_napari_viewer: Callable[..., Viewer],
    open_dock: Callable[[Viewer, str], Any],
    run_to_end: Callable[[Any], str],
    qtbot: QtBot,
    tmp_path: Path,
) -> None:
    viewer = make_napari_viewer()
    viewer.open_sample("napari-segkit", "coins")
    dock = open_dock(viewer, "Coins")
    assert dock.image.currentText() == "coins"

    assert re.fullmatch(r"24 coins in \d+\.\d\d s · coins", run_to_end(dock))
    mask = viewer.layers["coins · coins"]
    assert isinstance(mask, Labels)
    assert len(np.unique(mask.data)) == 25
    assert mask.features["class"].tolist() == ["coin"] * 24
    assert viewer.layers.selection.active is mask
    found = mask.data.copy()

    mask.selected_label = 25
    mask.brush_size = 9
    mask.paint((4, 4), 25)
    assert mask.features["status"].tolist()[-1] == "drawn"
    painted = mask.data.copy()

    export = open_dock(viewer, "Export masks")
    assert export.masks.layers() == [mask]
    target = tmp_path / "für CVAT" / "masks.zip"
    export.target.setText(str(target))
    export.include_images.setChecked(True)
    with qtbot.waitSignal(export.runner.done, timeout=20_000):
        export.export_button.click()
    assert export.status.sentence.text() == "1 image, 25 objects written"
    assert export.status.notes.text().startswith(str(target))
    assert export.status.action_button.text() == "Open folder"

    sample = recognise(target).open(target).read("coins")
    labels = sample.segmentation.labels
    np.testing.assert_array_equal(labels > 0, painted > 0)
    assert len(sample.segmentation.instances) == 25
    assert {one.class_name for one in sample.segmentation.instances.values()} == {"coin"}

    mask.undo()
    np.testing.assert_array_equal(mask.data, found)
    mask.undo()
    assert not mask.data.any()

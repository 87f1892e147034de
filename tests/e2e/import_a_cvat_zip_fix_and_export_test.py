"""A person opens a CVAT export, paints in one mask, goes on to the next, exports both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels

from napari_segkit.data.formats.registry import get_format, recognise
from tests.data.formats.scenes import hard, samples, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari import Viewer
    from pytestqt.qtbot import QtBot


def test_import_a_cvat_zip_fix_and_export(
    make_napari_viewer: Callable[..., Viewer],
    open_dock: Callable[[Viewer, str], Any],
    qtbot: QtBot,
    tmp_path: Path,
) -> None:
    source = tmp_path / "from cvat.zip"
    write(get_format("cvat-mask"), source, samples(tmp_path / "photos"), include_images=True)
    viewer = make_napari_viewer()
    dock = open_dock(viewer, "Import masks")
    dock.source.line.setText(str(source))
    with qtbot.waitSignal(dock.run.counted, timeout=20_000):
        dock.open_button.click()
    with qtbot.waitSignal(dock.loader.loaded, timeout=20_000):
        dock.images.open_button.click()
    mask = viewer.layers["a/hard one · from cvat"]
    np.testing.assert_array_equal(mask.data, hard().labels)

    mask.selected_label = 6
    mask.brush_size = 3
    mask.paint((35, 50), 6)
    assert mask.features["status"].tolist()[-1] == "drawn"
    painted = np.array(mask.data)

    with qtbot.waitSignal(dock.loader.loaded, timeout=20_000):
        dock.images.next_button.click()
    assert [layer.name for layer in viewer.layers if isinstance(layer, Labels)] == [
        "a/hard one · from cvat",
        "a/b.c · from cvat",
    ]

    export = open_dock(viewer, "Export masks")
    export.target.setText(str(tmp_path / "back.zip"))
    export.include_images.setChecked(True)
    with qtbot.waitSignal(export.runner.done, timeout=20_000):
        export.export_button.click()
    assert export.status.sentence.text() == "2 images, 12 objects written"
    with recognise(tmp_path / "back.zip").open(tmp_path / "back.zip") as back:
        assert set(back.names) == {"a/hard one", "a/b.c"}
        found = back.read("a/hard one")
        np.testing.assert_array_equal(found.segmentation.labels > 0, painted > 0)
        original = tmp_path / "photos/a/hard one.jpg"
        assert found.image.read() == original.read_bytes()

    mask.undo()
    np.testing.assert_array_equal(mask.data, hard().labels)

"""A person drops a dataset's folder, an archive or a mask into the window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import npe2
import numpy as np
import pytest
from PIL import Image as PilImage
from qtpy.QtCore import QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDropEvent

from napari_segkit.data.formats.registry import get_format
from tests.data.formats.scenes import hard, photo, samples, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari import Viewer
    from pytestqt.qtbot import QtBot


def read_with_us(viewer: Viewer, path: Path) -> None:
    """As a drop does after the person chose our reader."""
    manager = npe2.PluginManager.instance()
    if "napari-segkit" not in manager:
        manager.register(npe2.PluginManifest.from_distribution("napari-segkit"))
    viewer.open(str(path), plugin="napari-segkit")


@pytest.mark.parametrize("to", ["set", "set.zip"])
def test_drop_a_dataset(
    make_napari_viewer: Callable[..., Viewer], qtbot: QtBot, tmp_path: Path, to: str
) -> None:
    path = tmp_path / to
    write(get_format("cvat-mask"), path, samples(tmp_path / "photos"), include_images=True)
    viewer = make_napari_viewer()
    read_with_us(viewer, path)
    dock = viewer.window.dock_widgets["Import masks (napari-segkit)"]
    qtbot.waitUntil(lambda: len(viewer.layers) == 2, timeout=20_000)
    assert [layer.name for layer in viewer.layers] == ["a/hard one", "a/hard one · set"]
    assert dock.images.model.rowCount() == 5
    qtbot.waitUntil(lambda: not dock.run.running and not dock.loader.busy, timeout=20_000)
    assert dock.status.sentence.text() == "a/hard one: 3 ring, 2 Löffel groß"


def test_open_a_mask_beside_its_image(
    make_napari_viewer: Callable[..., Viewer], qtbot: QtBot, tmp_path: Path
) -> None:
    photo(tmp_path / "a.jpg", (40, 57))
    PilImage.fromarray((hard().labels > 0).astype(np.uint8)).save(tmp_path / "a_mask.png")
    viewer = make_napari_viewer()
    read_with_us(viewer, tmp_path / "a_mask.png")
    qtbot.waitUntil(lambda: len(viewer.layers) == 2, timeout=20_000)
    assert [layer.name for layer in viewer.layers] == ["a", "a · a_mask"]
    dock = viewer.window.dock_widgets["Import masks (napari-segkit)"]
    qtbot.waitUntil(lambda: not dock.run.running and not dock.loader.busy, timeout=20_000)


def test_drop_a_folder_onto_the_dock(
    make_napari_viewer: Callable[..., Viewer],
    open_dock: Callable[[Viewer, str], object],
    qtbot: QtBot,
    tmp_path: Path,
) -> None:
    path = tmp_path / "set"
    write(get_format("coco"), path, samples(tmp_path / "photos"))
    viewer = make_napari_viewer()
    dock = open_dock(viewer, "Import masks")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    copy, left = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    place = QPointF(5, 5)
    if not hasattr(QDropEvent, "position"):  # Qt 5
        place = place.toPoint()
    event = QDropEvent(place, copy, data, left, Qt.KeyboardModifier.NoModifier)
    with qtbot.waitSignal(dock.run.counted, timeout=20_000):
        dock.dropEvent(event)
    assert event.isAccepted()
    assert dock.about.text().startswith("COCO")
    assert not viewer.layers
    qtbot.waitUntil(lambda: not dock.loader.busy, timeout=20_000)

"""Review for tests: photos with one bright square each, and a dock that is waited for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from napari_segkit.data.store import Store, Work
from napari_segkit.widgets.review.dock import ReviewDock

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels
    from pytestqt.qtbot import QtBot

SHAPE = (60, 80)


def photos(folder: Path, count: int = 4, shape: tuple[int, int] = SHAPE) -> Path:
    """``0.png``, ``1.png``, …: dark, with a bright square of 20 x 20 at 10 + number."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        pixels = np.full((*shape, 3), 20, np.uint8)
        pixels[10:30, 10 + number : 30 + number] = 200
        pixels[0, 0, 2] = 250 - 20 * number
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


def stored(folder: Path, name: str) -> Work:
    """What is on the disk of an image, as another program sees it."""
    with Store.open(folder) as store:
        return store.load(name)


class Desk:
    """A Review dock, and what a person does with it."""

    def __init__(self, qtbot: QtBot, viewer: ViewerModel, dock: ReviewDock | None = None) -> None:
        self.qtbot, self.viewer = qtbot, viewer
        self.dock = dock or ReviewDock(viewer)

    @property
    def name(self) -> str:
        current = self.dock.session.current
        return "" if current is None else current.name

    @property
    def mask(self) -> Labels:
        return self.dock.session.current.mask

    @property
    def said(self) -> str:
        return self.dock.status.sentence.text()

    @property
    def names(self) -> list[str]:
        return [layer.name for layer in self.viewer.layers]

    def open(self, folder: Path) -> str:
        self.dock.open_folder(folder)
        self.wait()
        return self.said

    def busy(self) -> bool:
        session = self.dock.session
        return self.dock.opener.running or session.busy or session.reader.ahead_busy

    def wait(self) -> None:
        self.qtbot.waitUntil(lambda: not self.busy(), timeout=20_000)

    def go(self, name: str) -> None:
        self.dock.go(name)
        self.wait()

    def paint(self, row: int, column: int, label: int = 1, size: int = 5) -> None:
        self.mask.selected_label = label
        self.mask.brush_size = size
        self.mask.paint((row, column), label)

"""A dust dock on a viewer without a window, and a backend that knows its specks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_segkit.widgets.segment.dust import DustDock

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytestqt.qtbot import QtBot


class Specks:
    """Knows its specks: the darker, the surer; breaks down when it is told to."""

    name, device, stride = "test", "cpu", 32

    def __init__(self) -> None:
        self.calls = 0
        self.trouble: Callable[[np.ndarray], np.ndarray | None] = lambda batch: None

    def run(self, batch: np.ndarray) -> np.ndarray:
        self.calls += 1
        other = self.trouble(batch)
        found = ((255 - batch[..., 0]) / np.float32(255))[:, None]
        return found if other is None else other


def photo(shape: tuple[int, int] = (120, 160)) -> np.ndarray:
    image = np.full((*shape, 3), 250, np.uint8)
    image[20:26, 30:36] = 10  # sure
    image[80:86, 100:106] = 170  # doubtful: a third
    return image


class Bench:
    def __init__(self, qtbot: QtBot, specks: Specks) -> None:
        self.qtbot, self.specks = qtbot, specks
        self.viewer = ViewerModel()
        self.image = self.viewer.add_layer(Image(photo(), name="photo", rgb=True))
        self.dock = DustDock(self.viewer)
        qtbot.addWidget(self.dock)

    @property
    def mask(self) -> Labels:
        (mask,) = [one for one in self.viewer.layers if isinstance(one, Labels)]
        return mask

    def text(self) -> str:
        return self.dock.status.sentence.text()

    def go(self) -> str:
        """Press Run (or Cancel) and wait."""
        with self.qtbot.waitSignal(self.dock.run.finished, timeout=60_000):
            self.dock.run_button.click()
        return self.text()

    def slide(self, value: float) -> str:
        with self.qtbot.waitSignal(self.dock.run.finished, timeout=20_000):
            for step in (0.1, 0.9, value):  # only where it comes to rest counts
                self.dock.form._widgets["sensitivity"].value = step
        return self.text()

    def fill(self) -> str:
        with self.qtbot.waitSignal(self.dock.fill.finished, timeout=20_000):
            self.dock.fill.button.click()
        return self.text()

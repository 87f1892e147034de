from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from napari_segkit.widgets.segment import SegmentDock

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari import Viewer
    from pytestqt.qtbot import QtBot


@pytest.fixture
def open_dock() -> Callable[[Viewer, str], Any]:
    """Open a dock as the Plugins menu does."""

    def opened(viewer: Viewer, name: str) -> Any:
        _, widget = viewer.window.add_plugin_dock_widget("napari-segkit", name)
        return widget

    return opened


@pytest.fixture
def run_to_end(qtbot: QtBot) -> Callable[[SegmentDock], str]:
    """Press Run and wait; what the person reads then."""

    def run(dock: SegmentDock) -> str:
        with qtbot.waitSignal(dock.run.finished, timeout=20_000):
            dock.run_button.click()
        return dock.status.sentence.text()

    return run


@pytest.fixture
def gate_dock(gate: Any) -> type[SegmentDock]:
    """A dock whose model waits until the test lets it through."""

    class GateDock(SegmentDock):
        model_id = gate.id

    return GateDock

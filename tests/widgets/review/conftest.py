from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from napari.components import ViewerModel
from qtpy.QtCore import QThreadPool

from napari_segkit.models import registry
from tests.bright import Bright
from tests.reviewing import Desk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytestqt.qtbot import QtBot


@pytest.fixture
def desk(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A Review dock whose model finds what is bright."""
    monkeypatch.setitem(registry._locations(), "bright", "tests.bright:Bright")
    Bright.runs = 0
    found = Desk(qtbot, ViewerModel())
    qtbot.addWidget(found.dock)
    yield found
    found.dock.session.close()
    QThreadPool.globalInstance().waitForDone(5000)

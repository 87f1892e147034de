"""What the tests of the docks of networks share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from qtpy.QtCore import QThreadPool

from napari_segkit.runtime.careful import Careful
from tests.models.tiny import tiny_weights
from tests.widgets.segment.dust_bench import Bench, Specks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytestqt.qtbot import QtBot


@pytest.fixture
def specks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Specks:
    """In the place of every network; the weights files are real."""
    (tmp_path / "shipped").mkdir()
    tiny_weights("dust", tmp_path / "shipped")
    specks = Specks()
    monkeypatch.setattr(
        "napari_segkit.runtime.choose.open_backend", lambda *_, **__: Careful(specks, channels=1)
    )
    where = "napari_segkit.data.weights_store"
    monkeypatch.setattr(f"{where}.shipped", lambda _: tmp_path / "shipped")
    monkeypatch.setattr("napari_segkit.models.dust.shipped", lambda _: tmp_path / "none")
    monkeypatch.setattr(f"{where}.user_data", lambda: tmp_path / "user")
    return specks


@pytest.fixture
def bench(qtbot: QtBot, specks: Specks) -> Iterator[Bench]:
    yield Bench(qtbot, specks)
    QThreadPool.globalInstance().waitForDone(5000)

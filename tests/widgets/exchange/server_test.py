"""The CVAT dock against a server on this machine, on a viewer without a window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels
from qtpy.QtCore import QThreadPool

from napari_segkit.data.formats.cvat_mask import CvatMask
from napari_segkit.types import ClassDef
from napari_segkit.widgets.exchange.server_dock import CvatDock
from napari_segkit.widgets.masks._binding import bind
from tests.data.cvat_server.conftest import (  # noqa: F401  fixtures
    clean_environment,
    cvat,
    loopback,
    make_dataset,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytestqt.qtbot import QtBot

COIN = ClassDef("coin", (255, 196, 0))


class Bench:
    def __init__(self, qtbot: QtBot, url: str, folder: Path) -> None:
        self.qtbot, self.folder = qtbot, folder
        self.viewer = ViewerModel()
        self.dock = CvatDock(self.viewer)
        qtbot.addWidget(self.dock)
        self.dock.url.setText(url)
        self.dock.task.setValue(5)

    def add_mask(self, name: str = "a", shape: tuple[int, int] = (8, 12), **known: Any) -> Labels:
        image = self.viewer.add_layer(Image(np.zeros(shape, np.uint8), name=name))
        mask = Labels(np.zeros(shape, np.uint16), name=f"{name} · coins")
        mask.data[1:3, 1:4], mask.data[5:7, 5:7] = 1, 2
        classes = known.pop("classes", (COIN,))
        bind(mask, image=image, image_name=name, model="coins", classes=classes, **known)
        return self.viewer.add_layer(mask)

    def press(self, button: Any) -> str:
        button.click()
        self.qtbot.waitUntil(lambda: not self.dock.runner.running, timeout=30_000)
        return self.text()

    def text(self) -> str:
        return self.dock.status.sentence.text()

    def findings(self) -> list[str]:
        shown = self.dock.push.findings
        return [shown.item(row).text() for row in range(shown.count())]


@pytest.fixture
def bench(qtbot: QtBot, loopback: Any, tmp_path: Path) -> Iterator[Bench]:  # noqa: F811
    yield Bench(qtbot, loopback.url, tmp_path)
    QThreadPool.globalInstance().waitForDone(5000)


def test_masks_of_the_viewer_are_compared_then_pushed(
    bench: Bench,
    loopback: Any,  # noqa: F811
    tmp_path: Path,
) -> None:
    mask = bench.add_mask()
    assert bench.press(bench.dock.push.compare_button) == "1 image fit by name, size and label"
    assert bench.dock.status.notes.text().split("\n") == [
        "task 5 (coins): 2 frames",
        "1 frame of the task would stay as they are",
    ]
    assert not loopback.imports
    said = bench.press(bench.dock.push.push_button)
    assert said == "2 objects in 1 image appended to task 5 (coins)"
    ((query, archive),) = loopback.imports
    assert query["import_mode"] == "append"
    (tmp_path / "arrived.zip").write_bytes(archive)
    with CvatMask().open(tmp_path / "arrived.zip") as arrived:
        np.testing.assert_array_equal(arrived.read("a").segmentation.labels, mask.data)


def test_masks_from_a_dataset_keep_their_folders(bench: Bench, loopback: Any) -> None:  # noqa: F811
    bench.add_mask("b", (10, 20), sample="sub/b")
    assert bench.press(bench.dock.push.compare_button) == "1 image fit by name, size and label"


def test_everything_that_does_not_fit_is_listed_and_nothing_sent(
    bench: Bench,
    loopback: Any,  # noqa: F811
) -> None:
    bench.add_mask("a", (9, 12), classes=(ClassDef("Coin", (1, 2, 3)),))
    said = bench.press(bench.dock.push.compare_button)
    assert said == "⚠ 2 differences: nothing would be sent"
    assert bench.findings() == [
        "✖ class 'Coin' (a): the task has no such label (is it 'coin'?)",
        "✖ a: the mask is 12x9, the task's a.png is 12x8",
    ]
    said = bench.press(bench.dock.push.push_button)
    assert said == "⚠ Masks and task do not fit: nothing was sent"
    assert len(bench.findings()) == 2
    assert not loopback.imports


def test_replacing_is_asked_for_once_more(bench: Bench, loopback: Any) -> None:  # noqa: F811
    bench.add_mask()
    bench.dock.push.mode.setCurrentIndex(1)
    bench.dock.push.push_button.click()
    assert "cannot be undone" in bench.text()
    assert not loopback.asked
    said = bench.press(bench.dock.status.action_button)
    assert said == "2 objects in 1 image put in the place of everything in task 5 (coins)"
    assert loopback.imports[0][0]["import_mode"] == "replace"


def test_a_dataset_is_pushed_as_shapes(
    bench: Bench,
    loopback: Any,  # noqa: F811
    make_dataset: Any,  # noqa: F811
) -> None:
    bench.dock.push.kind.setCurrentIndex(1)
    bench.dock.push.source.line.setText(str(make_dataset()))
    bench.dock.push.mode.setCurrentIndex(1)
    bench.dock.push.objects.setCurrentIndex(2)
    assert not bench.dock.push.replaces
    said = bench.press(bench.dock.push.push_button)
    assert said == "3 objects in 2 images appended to task 5 (coins)"
    assert not loopback.imports
    assert len(loopback.shapes) == 3


def test_pulled_masks_become_a_dataset(
    bench: Bench,
    loopback: Any,  # noqa: F811
    make_dataset: Any,  # noqa: F811
) -> None:
    loopback.export = make_dataset().read_bytes()
    target = bench.folder / "pulled"
    bench.dock.pull.target.setText(str(target))
    assert bench.press(bench.dock.pull.pull_button) == "2 images, 3 objects pulled"
    assert CvatMask().open(target).names == ("a", "sub/b")
    said = bench.press(bench.dock.pull.pull_button)
    assert said == f"⚠ {target} exists already"
    assert bench.dock.status.action_button.text() == "Replace it"
    other = bench.folder / "of another task"
    other.mkdir()
    (other / "notes.txt").write_text("keep")
    bench.dock.pull.target.setText(str(other))  # typed after the question
    assert bench.press(bench.dock.status.action_button) == f"⚠ {other} exists already"
    assert (other / "notes.txt").read_text() == "keep"
    bench.dock.pull.target.setText(str(target))
    bench.press(bench.dock.pull.pull_button)
    assert bench.press(bench.dock.status.action_button) == "2 images, 3 objects pulled"


def test_without_a_token_it_says_where_one_comes_from(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CVAT_ACCESS_TOKEN")
    bench.add_mask()
    said = bench.press(bench.dock.push.push_button)
    assert said.startswith("⚠ no credentials for the CVAT server")
    assert "CVAT_ACCESS_TOKEN" in said


def test_what_is_missing_is_told_before_anything_is_asked(
    bench: Bench,
    loopback: Any,  # noqa: F811
) -> None:
    assert bench.press(bench.dock.push.push_button) == "⚠ no mask is chosen; tick one in the list"
    bench.add_mask()
    bench.dock.task.setValue(0)
    assert bench.press(bench.dock.push.push_button).startswith("⚠ no task is named")
    bench.dock.url.setText("")
    assert bench.press(bench.dock.push.push_button).startswith("⚠ no server is named")
    bench.dock.url.setText("http://elsewhere.example")
    assert bench.press(bench.dock.push.push_button).startswith("⚠ the address is not encrypted")
    assert not loopback.asked


def test_the_token_is_shown_nowhere(bench: Bench, cvat: Any, loopback: Any) -> None:  # noqa: F811
    bench.add_mask()
    loopback.fail("GET", "tasks/5", cvat.Fail(400, {"detail": f"bad {cvat.TOKEN}"}))
    said = bench.press(bench.dock.push.push_button)
    assert said.startswith("⚠ ")
    shown = f"{said} {bench.dock.status.details.toPlainText()} {bench.dock.url.toolTip()}"
    assert cvat.TOKEN not in shown

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from napari_segkit.types import Progress
from napari_segkit.widgets.parts._status import StatusBox

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot


@pytest.fixture
def box(qtbot: QtBot) -> StatusBox:
    box = StatusBox()
    qtbot.addWidget(box)
    return box


@pytest.mark.parametrize(
    ("elapsed", "step", "text"),
    [
        (0.2, Progress(1, 4, "a.png"), "25 % · a.png"),
        (10, Progress(1, 4, "a.png"), "25 % · about 30 s left · a.png"),
        (100, Progress(1, 4), "25 % · about 5 min left"),
        (100, Progress(4, 4), "100 %"),
        (100, Progress(0, None, "reading the image"), "reading the image"),
        (100, Progress(5, 4), "100 %"),
    ],
)
def test_progress_comes_with_an_estimate_as_soon_as_it_means_something(
    box: StatusBox, monkeypatch: pytest.MonkeyPatch, elapsed: float, step: Progress, text: str
) -> None:
    clock = "napari_segkit.widgets.parts._status.time.monotonic"
    monkeypatch.setattr(clock, lambda: 1000.0)
    box.start("starting")
    monkeypatch.setattr(clock, lambda: 1000.0 + elapsed)
    box.show_progress(step)
    assert box.bar.toolTip() == text


def test_a_long_message_is_shortened_in_the_bar(box: StatusBox) -> None:
    box.resize(200, 100)
    box.bar.resize(200, 20)
    box.start("starting")
    box.show_progress(Progress(30, 100, "photos/" + "holiday/" * 20))
    assert box.bar.format().startswith("30 % · photos/")
    assert box.bar.format().endswith("…")


def test_details_are_folded_until_asked_for(box: StatusBox) -> None:
    box.say("it failed", details="because", bad=True)
    assert box.sentence.text() == "⚠ it failed"
    assert box.details.isHidden()
    box.details_button.click()
    assert not box.details.isHidden()
    box.say("done")
    assert box.details.isHidden()
    assert box.details_button.isHidden()
    assert box.sentence.text() == "done"

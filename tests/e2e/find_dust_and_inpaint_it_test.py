"""A person finds dust, turns the slider, paints a speck, undoes, and fills it all."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.layers import Image, Labels

from napari_segkit.paths import shipped

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari import Viewer
    from pytestqt.qtbot import QtBot


def _sky() -> tuple[np.ndarray, np.ndarray]:
    """A sky with soft dark spots, and where the marked ones are: some can hardly be seen."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:400, :500]
    sky = np.stack([150 + y / 10, 170 + y / 12, 205 + y / 20], 2)
    spots, faint = np.zeros(y.shape), np.zeros(y.shape)
    places = zip(rng.integers(30, 370, 20), rng.integers(30, 470, 20), strict=True)
    for number, (cy, cx) in enumerate(places):
        spot = np.exp(-(((y - cy) ** 2 + (x - cx) ** 2) / 18))
        if number % 2:
            faint += spot
        else:
            spots += spot
    sky += rng.normal(0, 2, (*y.shape, 1)) - (90 * spots + 7 * faint)[..., None]
    return np.clip(sky, 0, 255).astype(np.uint8), spots > 0.5


@pytest.mark.skipif(
    not (shipped("weights") / "dust.safetensors").is_file(),
    reason="the dust weights are not made yet: make weights-dust",
)
def test_find_dust_and_inpaint_it(
    make_napari_viewer: Callable[..., Viewer],
    open_dock: Callable[[Viewer, str], Any],
    run_to_end: Callable[[Any], str],
    qtbot: QtBot,
) -> None:
    viewer = make_napari_viewer()
    pixels, spots = _sky()
    viewer.add_image(pixels, name="sky", rgb=True)
    dock = open_dock(viewer, "Dust spots")
    assert dock.weights.currentText() == "shipped (in use)"
    dock.runtime.backend.setCurrentText("OpenVINO")  # once, its end of a thread ended the program
    assert re.fullmatch(r"\d+ dust spots? in \d+\.\d\d s · dust", run_to_end(dock))
    mask = viewer.layers["sky · dust"]
    assert isinstance(mask, Labels)
    assert mask.data[spots].astype(bool).mean() > 0.5

    few = (mask.data > 0).sum()
    with qtbot.waitSignal(dock.run.finished, timeout=20_000):
        dock.form._widgets["sensitivity"].value = 0.9
    assert (mask.data > 0).sum() > few
    mask.undo()
    assert (mask.data > 0).sum() == few

    mask.brush_size = 9
    mask.paint((5, 5), 99)
    marked = mask.data > 0
    dock.fill.widen.setValue(0)
    with qtbot.waitSignal(dock.fill.finished, timeout=20_000):
        dock.fill.button.click()
    assert re.fullmatch(r"\d+ objects, [\d,]+ pixels filled in .* s · inpaint", _text(dock))
    clean = viewer.layers["sky · inpainted"]
    assert isinstance(clean, Image)
    np.testing.assert_array_equal(clean.data[~marked], pixels[~marked])
    dark = marked & spots
    assert clean.data[dark].mean() > pixels[dark].mean() + 20


def _text(dock: Any) -> str:
    return dock.status.sentence.text()

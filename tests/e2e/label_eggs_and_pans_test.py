"""A person labels eggs and pans, fixes the mask, and writes a file of class values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.layers import Labels
from PIL import Image

from napari_segkit.runtime.careful import Careful
from tests.models.tiny import tiny_weights

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari import Viewer


class Yolks:
    """Knows eggs by yellow and pans by black."""

    name, device, stride = "test", "cpu", 32

    def run(self, batch: np.ndarray) -> np.ndarray:
        red, blue = batch[..., 0], batch[..., 2]
        egg, pan = (red > 180) & (blue < 90), (red > 20) & (red < 70)
        return np.stack([~egg & ~pan, egg, pan], 1).astype(np.float32)


def _scene() -> np.ndarray:
    y, x = np.mgrid[:300, :400]
    image = np.full((300, 400, 3), 120, np.uint8)
    image[(y - 150) ** 2 + (x - 200) ** 2 < 110**2] = 40
    for cx in (150, 250):
        image[(y - 150) ** 2 + (x - cx) ** 2 < 35**2] = (240, 200, 60)
    return image


@pytest.fixture
def weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tiny_weights("eggpan", tmp_path, side=416)
    monkeypatch.setattr("napari_segkit.data.weights_store.shipped", lambda _: tmp_path)
    monkeypatch.setattr(
        "napari_segkit.runtime.choose.open_backend", lambda *_, **__: Careful(Yolks(), channels=3)
    )


@pytest.mark.usefixtures("weights")
def test_label_eggs_and_pans(
    make_napari_viewer: Callable[..., Viewer],
    open_dock: Callable[[Viewer, str], Any],
    run_to_end: Callable[[Any], str],
    tmp_path: Path,
) -> None:
    viewer = make_napari_viewer()
    viewer.add_image(_scene(), name="kitchen", rgb=True)
    dock = open_dock(viewer, "Eggs & pans")
    text = run_to_end(dock)
    assert re.fullmatch(r"(2 eggs, 1 pan|1 pan, 2 eggs) in \d+\.\d\d s · eggpan", text)
    mask = viewer.layers["kitchen · eggpan"]
    assert isinstance(mask, Labels)
    assert sorted(mask.features["class"]) == ["egg", "egg", "pan"]
    assert mask.data[150, 150] != mask.data[150, 250], "two eggs"

    mask.data_setitem(np.nonzero(mask.data == mask.data[150, 250]), 0)
    run_to_end(dock)
    assert dock.status.notes.text() == "1 object left out: your strokes are there"
    assert mask.data[150, 250] == 0, "what was erased stays erased"

    target = tmp_path / "kitchen.png"
    assert mask.save(str(target), plugin="napari-segkit") == [str(target)]
    values = np.array(Image.open(target))
    assert [values[150, 150], values[60, 200], values[150, 250]] == [1, 2, 0]

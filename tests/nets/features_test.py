"""Features of a network: numbers for each pixel, at any size; other networks are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_segkit.data.weights import save_weights
from napari_segkit.data.weights_card import WeightsCard
from napari_segkit.errors import WeightsError
from napari_segkit.nets.features import DeepFeatures
from napari_segkit.nets.registry import build


def _weights(path: Path, arch: str, config: dict[str, object]) -> Path:
    net = build(arch, classes=3, config=config)
    card = WeightsCard(
        name="tiny",
        model="eggpan",
        arch=arch,
        arch_config=config,
        classes=("egg", "pan"),
        input_size=64,
    )
    save_weights(path, {key: value.numpy() for key, value in net.state_dict().items()}, card)
    return path


@pytest.mark.parametrize("shape", [(64, 64), (37, 90), (9, 200)])
@pytest.mark.parametrize("arch", ["unet-light", "unet-lite0"])
def test_a_row_for_each_pixel(tmp_path: Path, shape: tuple[int, int], arch: str) -> None:
    config: dict[str, object] = {"widths": [8, 16, 24], "blocks": [0, 0, 1]}
    config = config if arch == "unet-light" else {}
    features = DeepFeatures.of(_weights(tmp_path / "w.safetensors", arch, config))
    image = np.random.default_rng(0).integers(0, 255, (*shape, 3)).astype(np.uint8)
    found = features(image)
    assert found.shape[:2] == shape
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert np.array_equal(found, features(image))


def test_a_network_without_levels_is_refused(tmp_path: Path) -> None:
    config: dict[str, object] = {"widths": [4, 4, 4, 4, 4]}
    path = _weights(tmp_path / "w.safetensors", "unet-origin", config)
    with pytest.raises(WeightsError, match="no features"):
        DeepFeatures.of(path)

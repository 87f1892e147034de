"""Weights between two others (`tools/blend_weights.py`)."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_segkit.data.weights import load_weights, save_weights
from napari_segkit.data.weights_card import TrainingFacts, WeightsCard

TOOL = Path(__file__).resolve().parents[2] / "tools" / "blend_weights.py"


def _blended(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *options: str
) -> tuple[dict[str, np.ndarray], WeightsCard]:
    card = WeightsCard(
        name="eggpan",
        model="eggpan",
        arch="unet-lite0",
        classes=("egg", "pan"),
        input_size=64,
        training=TrainingFacts(recipe="as told", steps=7),
        metrics={"mean_iou": 0.5},
    )
    for name, value in (("first", 1.0), ("last", 3.0)):
        tensors = {
            "w": np.full(4, value, np.float32),
            "head.bias": np.full(3, value, np.float32),
            "seen": np.array(value, np.int64),
        }
        save_weights(folder / f"{name}.safetensors", tensors, card)
    files = [str(folder / f"{name}.safetensors") for name in ("first", "last")]
    out = folder / "out"
    monkeypatch.setattr(sys, "argv", [str(TOOL), *files, "--out", str(out), *options])
    runpy.run_path(str(TOOL), run_name="__main__")
    return load_weights(out / "eggpan.safetensors")


def test_a_share_of_the_way_from_the_first_to_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tensors, told = _blended(tmp_path, monkeypatch, "--share", "0.75")
    assert np.allclose(tensors["head.bias"], 2.5)
    assert np.allclose(tensors["w"], 2.5)
    assert int(tensors["seen"]) == 3
    assert told.training.recipe == "as told; then 0.75 of the way from its start"
    assert told.training.steps == 7
    assert not told.metrics


def test_odds_of_a_class_against_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tensors, told = _blended(tmp_path, monkeypatch, "--share", "0.75", "--odds", "pan=1.5")
    odds = np.exp(tensors["head.bias"].astype(float) - 2.5)
    assert np.allclose(odds, [1, 1, 1.5], atol=0.003)
    assert told.training.recipe.endswith("from its start, odds of pan by 1.5")

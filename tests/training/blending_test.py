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


def test_a_share_of_the_way_from_the_first_to_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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
        tensors = {"w": np.full(4, value, np.float32), "seen": np.array(value, np.int64)}
        save_weights(tmp_path / f"{name}.safetensors", tensors, card)
    files = [str(tmp_path / f"{name}.safetensors") for name in ("first", "last")]
    out = tmp_path / "out"
    monkeypatch.setattr(sys, "argv", [str(TOOL), *files, "--share", "0.75", "--out", str(out)])
    runpy.run_path(str(TOOL), run_name="__main__")
    tensors, told = load_weights(out / "eggpan.safetensors")
    assert np.allclose(tensors["w"], 2.5)
    assert int(tensors["seen"]) == 3
    assert told.training.recipe == "as told; then 0.75 of the way from its start"
    assert told.training.steps == 7
    assert not told.metrics

"""`benchmarks/pruning_speed.py` compares what it says: zeros, and half of the channels."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "pruning_speed.py"


def test_half_of_the_channels_is_a_network_that_runs() -> None:
    script = runpy.run_path(str(SCRIPT))
    widths = script["half"]()
    assert widths == (8, 16, 32, 48, 64)
    chances = script["backend"](0.0, widths).run(np.zeros((1, 64, 64, 3), np.uint8))
    assert chances.shape == (1, 1, 64, 64)

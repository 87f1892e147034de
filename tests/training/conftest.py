"""Images so small that a training takes seconds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from napari_segkit.training.config import TrainConfig
from napari_segkit.training.store import Item

TINY = {"widths": [8, 16, 24], "blocks": [0, 0, 1]}


def speck_item(number: int, side: int = 64, specks: int = 3) -> Item:
    """A grey picture with dark squares."""
    rng = np.random.default_rng([5, number])
    image = rng.integers(120, 180, (side, side, 3)).astype(np.uint8)
    ids = np.zeros((side, side), np.int32)
    for key, (row, col) in enumerate(rng.integers(4, side - 12, (specks, 2)), 1):
        image[row : row + 8, col : col + 8] = 20
        ids[row : row + 8, col : col + 8] = key
    keys = np.unique(ids[ids > 0])
    centres = [np.argwhere(ids == key).mean(0) for key in keys]
    target = (ids > 0).astype(np.uint8)
    return Item(f"speck_{number}", image, target, ids, np.array(centres, np.int32).reshape(-1, 2))


@pytest.fixture
def specks() -> Callable[[int], list[Item]]:
    return lambda count: [speck_item(number) for number in range(count)]


@pytest.fixture
def tiny() -> Callable[..., TrainConfig]:
    """A configuration that takes a second; any value can be changed."""
    base = {"epochs": 4, "epoch_steps": 3, "batch": 4, "size": 64, "warmup": 2, "threads": 1}
    base |= {"arch": "unet-light", "arch_config": TINY, "device": "cpu", "lr": 5e-3, "ema": 0.9}
    return lambda **changes: TrainConfig.model_validate(base | changes)

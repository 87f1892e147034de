"""Small networks with random weights, for tests that need one but not what it has learned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from napari_segkit.data.weights import save_weights
from napari_segkit.data.weights_card import WeightsCard
from napari_segkit.nets.registry import build

CLASSES = {"dust": ("dust",), "eggpan": ("egg", "pan")}
TINY: dict[str, Any] = {"widths": (8, 12, 16), "blocks": (0, 1, 1)}


def tiny_weights(model_id: str, folder: Path, *, seed: int = 0, side: int = 64) -> Path:
    """Weights file with its card; the same each time."""
    path = folder / f"{model_id}.safetensors"
    if path.is_file():
        return path
    classes = CLASSES[model_id]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = build("unet-light", classes=1 if len(classes) == 1 else 3, config=TINY)
        net.head.weight.data *= 0.3
        net.head.bias.data[-1] = 0.3  # something is found, most of it clearly
    card = WeightsCard(
        name=model_id,
        model=model_id,
        arch="unet-light",
        arch_config=TINY,
        classes=classes,
        input_size=side,
    )
    save_weights(path, {name: one.numpy() for name, one in net.state_dict().items()}, card)
    return path


def tiny_base(folder: Path, *, seed: int = 2, side: int = 64, evidence: bool = False) -> Path:
    """A small SAM's file with its card; the same each time."""
    from napari_segkit.nets.sam_small import SmallSamConfig, build_small_sam

    path = folder / f"tiny-base-{seed}-{side}-{evidence:d}.safetensors"
    if path.is_file():
        return path
    config = SmallSamConfig(
        image_size=side,
        widths=(8, 8, 16),
        width=32,
        depth=2,
        heads=2,
        channels=16,
        decoder_heads=2,
        evidence=evidence,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        sam = build_small_sam(config)
    card = WeightsCard(
        name="tiny",
        model="rings",
        arch="sam-segkit-s",
        arch_config=config.as_dict(),
        classes=("thing",),
        input_size=config.image_size,
    )
    save_weights(path, {name: one.numpy() for name, one in sam.state_dict().items()}, card)
    return path

"""The optimizer and its learning rate."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from napari_segkit.training.encoder import in_encoder

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer

    from napari_segkit.training.config import TrainConfig


def make_optimizer(net: nn.Module, config: TrainConfig) -> Optimizer:
    """Of what is not frozen; weight decay for matrices and filters only.

    Each group's ``share`` of the learning rate is 1, or the configuration's for an encoder.
    """
    learned = [(name, p) for name, p in net.named_parameters() if p.requires_grad]
    groups: list[dict[str, Any]] = []
    for share, encoder in ((1.0, False), (config.encoder_rate, True)):
        some = [p for name, p in learned if _slow(name, config) == encoder]
        heavy, light = [p for p in some if p.ndim > 1], [p for p in some if p.ndim <= 1]
        if some:
            groups += [
                {"params": heavy, "share": share},
                {"params": light, "share": share, "weight_decay": 0.0},
            ]
    method = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adamax
    return method(groups, lr=config.lr, weight_decay=config.weight_decay)


def _slow(name: str, config: TrainConfig) -> bool:
    return config.encoder_rate < 1 and in_encoder(name)


def learning_rate(config: TrainConfig, step: int, steps: int, factor: float) -> float:
    """Rate of a step: rises over the warm-up, then follows the schedule."""
    rise = min(1.0, (step + 1) / (config.warmup + 1))
    fall = 1.0
    if config.schedule == "cosine":
        done = max(0, step - config.warmup) / max(1, steps - config.warmup)
        fall = 0.01 + 0.99 * (1 + math.cos(math.pi * min(1.0, done))) / 2
    return config.lr * factor * rise * fall

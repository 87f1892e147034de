"""The optimizer and its learning rate."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer

    from napari_segkit.training.config import TrainConfig


def make_optimizer(net: nn.Module, config: TrainConfig) -> Optimizer:
    """Of what is not frozen; weight decay for matrices and filters only."""
    learned = [p for p in net.parameters() if p.requires_grad]
    heavy = [p for p in learned if p.ndim > 1]
    light = [p for p in learned if p.ndim <= 1]
    groups: list[dict[str, Any]] = [{"params": heavy}, {"params": light, "weight_decay": 0.0}]
    method = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adamax
    return method(groups, lr=config.lr, weight_decay=config.weight_decay)


def learning_rate(config: TrainConfig, step: int, steps: int, factor: float) -> float:
    """Rate of a step: rises over the warm-up, then follows the schedule."""
    rise = min(1.0, (step + 1) / (config.warmup + 1))
    fall = 1.0
    if config.schedule == "cosine":
        done = max(0, step - config.warmup) / max(1, steps - config.warmup)
        fall = 0.01 + 0.99 * (1 + math.cos(math.pi * min(1.0, done))) / 2
    return config.lr * factor * rise * fall

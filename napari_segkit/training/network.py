"""The network of a task and its configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_segkit.nets.registry import PRESETS, Spec, build

if TYPE_CHECKING:
    from torch import nn

    from napari_segkit.training.config import TrainConfig
    from napari_segkit.training.tasks import Task


def network_spec(task: Task, config: TrainConfig) -> Spec:
    """Architecture and its configuration: the model's own unless told otherwise."""
    if config.arch is None:
        preset = PRESETS[task.id]
        return Spec(preset.arch, {**preset.config, **config.arch_config})
    return Spec(config.arch, config.arch_config)


def make_network(task: Task, config: TrainConfig) -> nn.Module:
    """A network with untrained weights."""
    spec = network_spec(task, config)
    return build(spec.arch, classes=task.channels, config=spec.config)

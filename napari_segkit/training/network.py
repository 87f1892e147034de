"""The network of a task and its configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_segkit.errors import ParamsError
from napari_segkit.nets.registry import PRESETS, Spec, build

if TYPE_CHECKING:
    from torch import nn

    from napari_segkit.training.config import TrainConfig
    from napari_segkit.training.dense_tasks import DenseTask


def network_spec(task: DenseTask, config: TrainConfig) -> Spec:
    """Architecture and its configuration: the model's own unless told otherwise."""
    if config.arch is None:
        preset = PRESETS[task.id]
        return Spec(preset.arch, {**preset.config, **config.arch_config})
    return Spec(config.arch, config.arch_config)


def make_network(task: DenseTask, config: TrainConfig) -> nn.Module:
    """A network with untrained weights.

    Raises
    ------
    InputError
        For an unknown architecture, or a setting that does not fit it.
    """
    spec = network_spec(task, config)
    net = build(spec.arch, classes=task.channels, config=spec.config)
    size, stride = config.size or task.size, int(getattr(net, "stride", 1))
    if size % stride:
        raise ParamsError(
            "size does not fit the network",
            where=spec.arch,
            expected=f"a multiple of {stride}, such as {size + -size % stride}",
            got=size,
        )
    if len(config.class_weights) not in (0, task.channels):
        raise ParamsError(
            "class_weights does not fit the model",
            where=task.id,
            expected=f"{task.channels} numbers",
            got=len(config.class_weights),
        )
    return net

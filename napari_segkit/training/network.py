"""The network of a configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn


def make_network(arch: str, channels: int, config: Mapping[str, Any]) -> nn.Module:
    """A network with untrained weights."""
    try:
        from napari_segkit.nets.registry import build
    except ModuleNotFoundError:
        import segmentation_models_pytorch as smp

        net: nn.Module = smp.Unet(
            "timm-mobilenetv3_small_100",
            encoder_weights=None,
            decoder_channels=(128, 64, 48, 32, 16),
            classes=channels,
        )
        return net
    return build(arch, classes=channels, config=config)

"""A small decoder on EfficientNet-Lite0: for classes whose looks real photos must have taught.

::

    image   /2   /4   /8   /16   /32         encoder: timm's `tf_efficientnet_lite0`
             │    │    │    │     │          (16, 24, 40, 112, 320 channels)
            1x1  1x1  1x1  1x1   1x1
             │    │    │    │     │
    logits ◄ + ◄─ + ◄─ + ◄─ + ◄───┘          decoder: 1x1, twice the size, add, 3x3

Its encoder can begin with weights that were trained on ImageNet (`tools/imagenet_start.py`); it has
neither squeeze-and-excitation nor swish, so it stays exact in 8 bits and quick on a CPU.
EfficientNet: Tan and Le 2019 (arXiv:1905.11946).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import timm
from pydantic import BaseModel, ConfigDict, Field
from torch import nn
from torch.nn import functional

from napari_segkit.nets.unet_contrast import conv

if TYPE_CHECKING:
    from torch import Tensor

ENCODER = "tf_efficientnet_lite0"
_LEVELS = 5


class LiteConfig(BaseModel):
    """What can be set.

    Attributes
    ----------
    widths
        Channels of the decoder at 1/2, 1/4, 1/8, 1/16 and 1/32 of the image.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    widths: tuple[int, ...] = Field((32, 48, 64, 96, 160), min_length=_LEVELS, max_length=_LEVELS)


class _Up(nn.Module):
    """From a level to the next finer one."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(inside, outside, 1)
        self.mix = conv(outside, outside)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        wide = functional.interpolate(self.narrow(x), scale_factor=2.0, mode="nearest")
        mixed: Tensor = self.mix(wide + skip)
        return mixed


class UNetLite(nn.Module):
    """See the module.

    Parameters
    ----------
    classes
        Channels of the logits.
    config
        Widths of the decoder.
    """

    stride = 2**_LEVELS

    def __init__(self, *, classes: int, config: LiteConfig) -> None:
        super().__init__()
        self.encoder = timm.create_model(ENCODER, pretrained=False, features_only=True)
        channels: list[int] = self.encoder.feature_info.channels()
        self.skips = nn.ModuleList(
            nn.Conv2d(inside, outside, 1)
            for inside, outside in zip(channels, config.widths, strict=True)
        )
        self.ups = nn.ModuleList(
            _Up(below, above)
            for below, above in zip(config.widths[:0:-1], config.widths[-2::-1], strict=True)
        )
        self.head = nn.Conv2d(config.widths[0], classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes, H, W) of images (N, 3, H, W); H and W multiples of ``stride``."""
        levels = [skip(level) for skip, level in zip(self.skips, self.encoder(x), strict=True)]
        x = levels[-1]
        for up, beside in zip(self.ups, levels[-2::-1], strict=True):
            x = up(x, beside)
        return functional.interpolate(
            self.head(x), scale_factor=2.0, mode="bilinear", align_corners=False
        )

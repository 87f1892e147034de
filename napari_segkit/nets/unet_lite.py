"""A small decoder on EfficientNet-Lite0: for classes whose looks real photos must have taught.

::

    image   /2   /4   /8   /16   /32         encoder: timm's `tf_efficientnet_lite0`
             │    │    │    │     │          (16, 24, 40, 112, 320 channels)
            1x1  1x1  1x1  1x1   1x1
             │    │    │    │     │
    logits ◄ + ◄─ + ◄─ + ◄─ + ◄───┘          decoder: 1x1, twice the size, add, 3x3

With ``fine`` the two finest levels get, beside the encoder's, what `unet_contrast` sees: all four
pixels of each 2x2 block and their local contrast; the head has an output for each pixel.

Its encoder can begin with weights that were trained on ImageNet (`tools/imagenet_start.py`); it has
neither squeeze-and-excitation nor swish, so it stays exact in 8 bits and quick on a CPU.
EfficientNet: Tan and Le 2019 (arXiv:1905.11946).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import timm
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn
from torch.nn import functional

from napari_segkit.nets.unet_contrast import BLOCK, Residual, conv, local_contrast

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
    fine
        For faint things of few pixels; see the module.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    widths: tuple[int, ...] = Field((32, 48, 64, 96, 160), min_length=_LEVELS, max_length=_LEVELS)
    fine: bool = False


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
        self.fine = config.fine
        if config.fine:
            half, quarter = config.widths[:2]
            self.stem = conv((3 + 1) * BLOCK**2, half)
            self.down = nn.Sequential(conv(half, quarter, stride=2), Residual(quarter))
        self.head = nn.Conv2d(config.widths[0], classes * (BLOCK**2 if config.fine else 1), 1)
        if classes == 1:
            nn.init.constant_(self.head.bias, -3.0)  # type: ignore[arg-type]  # objects are rare

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes, H, W) of images (N, 3, H, W); H and W multiples of ``stride``."""
        levels = [skip(level) for skip, level in zip(self.skips, self.encoder(x), strict=True)]
        if self.fine:
            blocks = functional.pixel_unshuffle(x, BLOCK)
            half = self.stem(torch.cat([blocks, local_contrast(blocks)], 1))
            levels[0] = levels[0] + half
            levels[1] = levels[1] + self.down(half)
        x = levels[-1]
        for up, beside in zip(self.ups, levels[-2::-1], strict=True):
            x = up(x, beside)
        logits = self.head(x)
        if self.fine:
            return functional.pixel_shuffle(logits, BLOCK)
        return functional.interpolate(
            logits, scale_factor=2.0, mode="bilinear", align_corners=False
        )

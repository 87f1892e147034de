"""The U-Net of the egg and pan project, tensor for tensor, so that its checkpoints fit."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor


class OriginConfig(BaseModel):
    """Channels of each level, the finest first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    widths: tuple[int, ...] = Field((64, 128, 256, 512, 1024), min_length=2)


def _double(inside: int, outside: int) -> nn.Sequential:
    """Two 3x3 convolutions with ReLU, the first one with batch norm."""
    return nn.Sequential(
        nn.Conv2d(inside, outside, 3, padding=1, bias=False),
        nn.BatchNorm2d(outside),
        nn.ReLU(),
        nn.Conv2d(outside, outside, 3, padding=1),
        nn.ReLU(),
    )


class UNetOrigin(nn.Module):
    """Max pooling down, nearest doubling and a 3x3 convolution up, concatenated skips.

    Attributes
    ----------
    stride
        The height and width of the input are multiples of it. (400 = 25 x 16 is.)
    """

    def __init__(self, *, classes: int, config: OriginConfig) -> None:
        super().__init__()
        widths = config.widths
        self.stride = 2 ** (len(widths) - 1)
        self.double_conv_downs = nn.ModuleList(
            _double(inside, outside) for inside, outside in pairwise((3, *widths))
        )
        steps = [(deep, shallow) for shallow, deep in pairwise(widths)][::-1]
        self.up_convs = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in steps)
        self.double_conv_ups = nn.ModuleList(_double(2 * b, b) for _, b in steps)
        self.final_conv = nn.Conv2d(widths[0], classes, 1)
        self.pool = nn.MaxPool2d(2)
        self.grow = nn.Upsample(scale_factor=2)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes, H, W) of images (N, 3, H, W)."""
        skips: list[Tensor] = []
        for down in self.double_conv_downs[:-1]:
            x = down(x)
            skips.append(x)
            x = self.pool(x)
        x = self.double_conv_downs[-1](x)
        for skip, up, mix in zip(skips[::-1], self.up_convs, self.double_conv_ups, strict=True):
            x = mix(torch.cat((up(self.grow(x)), skip), dim=1))
        logits: Tensor = self.final_conv(x)
        return logits

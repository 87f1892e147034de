"""A small U-Net that looks at local contrast: for faint, small things on any ground.

::

    RGB ── 2x2 pixels to channels ─┬──────────────────────── stem ─ down ─ down ─ …
                                   └ minus mean of 24 px, x6 ┘  │ added │ added  │
    logits ── channels to 2x2 pixels ── head ───────────────── mix ─── mix ───── …

All layers work at half the resolution or less, yet no pixel is left out: the four pixels of a
2x2 block are channels of the stem, and the head has one output for each.
"""

from __future__ import annotations

from itertools import chain, pairwise, repeat
from typing import TYPE_CHECKING, Annotated, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

BLOCK = 2


class ContrastConfig(BaseModel):
    """What can be set.

    Attributes
    ----------
    widths
        Channels of each level, the finest (half resolution) first.
    depths
        Residual blocks of each level but the finest, at least one; of levels not named, one.
        Further ones begin as identity: a deeper network goes on where a shallower one was.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    widths: tuple[int, ...] = Field((16, 32, 64, 96, 128), min_length=3, max_length=7)
    depths: tuple[Annotated[int, Field(ge=1, le=16)], ...] = ()

    @model_validator(mode="after")
    def _depths_of_levels(self) -> Self:
        if len(self.depths) >= len(self.widths):
            raise ValueError("more depths than levels below the finest")
        return self


def conv(inputs: int, outputs: int, *, stride: int = 1) -> nn.Sequential:
    """3x3 convolution, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class _Residual(nn.Module):
    """relu(x + conv(relu(conv(x)))), each with batch normalisation; `idle`: at first relu(x)."""

    def __init__(self, channels: int, *, idle: bool) -> None:
        super().__init__()
        norm = nn.BatchNorm2d(channels)
        if idle:
            nn.init.zeros_(norm.weight)
        self.first = conv(channels, channels)
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 3, 1, 1, bias=False), norm)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.second(self.first(x)), inplace=True)


def local_contrast(blocks: Tensor) -> Tensor:
    """How much each pixel's gray differs from the mean of about 24 pixels around, within ±3.

    Parameters
    ----------
    blocks : (N, 3 * 4, h, w), colours first, the pixels of a block second; h and w divide by 4

    Returns
    -------
    (N, 4, h, w)
    """
    count, channels, height, width = blocks.shape
    gray = blocks.reshape(count, 3, channels // 3, height, width).mean(1)
    around = functional.avg_pool2d(gray.mean(1, keepdim=True), 4)
    around = functional.avg_pool2d(around, 3, 1, 1, count_include_pad=False)
    around = functional.interpolate(
        around, size=(height, width), mode="bilinear", align_corners=False
    )
    return torch.clamp((gray - around) * 6, -3, 3)


class UNetContrast(nn.Module):
    """(N, 3, H, W) normalised RGB to (N, classes, H, W) logits; H and W divide by `stride`.

    Parameters
    ----------
    classes
        Channels of the logits.
    config
        Widths of the levels.
    """

    def __init__(self, *, classes: int, config: ContrastConfig) -> None:
        super().__init__()
        channels = config.widths
        self.stride = BLOCK * max(4, 2 ** (len(channels) - 1))
        self.stem = conv((3 + 1) * BLOCK**2, channels[0])
        pairs = list(pairwise(channels))
        self.down = nn.ModuleList(
            nn.Sequential(
                conv(a, b, stride=2), *(_Residual(b, idle=number > 0) for number in range(depth))
            )
            for (a, b), depth in zip(pairs, chain(config.depths, repeat(1)), strict=False)
        )
        self.narrow = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in reversed(pairs))
        self.mix = nn.ModuleList(conv(a, a) for a, _ in reversed(pairs))
        self.head = nn.Conv2d(channels[0], classes * BLOCK**2, 1)
        nn.init.constant_(self.head.bias, -3.0)  # type: ignore[arg-type]  # objects are rare

    def forward(self, image: Tensor) -> Tensor:
        """Logits of a batch."""
        blocks = functional.pixel_unshuffle(image, BLOCK)
        x = self.stem(torch.cat([blocks, local_contrast(blocks)], 1))
        skips = [x]
        for level in self.down:
            x = level(x)
            skips.append(x)
        for narrow, mix, skip in zip(self.narrow, self.mix, skips[-2::-1], strict=True):
            x = mix(functional.interpolate(narrow(x), scale_factor=2.0) + skip)
        return functional.pixel_shuffle(self.head(x), BLOCK)

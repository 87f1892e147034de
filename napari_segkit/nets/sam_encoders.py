"""Image encoders of the small SAM: a pyramid of convolutions, attention at its top, all joined.

::

    image S x S ── 1/2 ───────── 1/4 ───────── 1/8 ───── 1/16 ── blocks (attention, all to all)
                    │             │             │                   │        x depth
                 unshuffle,    unshuffle,      1x1               x2, 1x1
                    1x1           1x1           │                   │
                    └─────────────┴──────────── + ◄─────────────────┘
                                                └─ 3x3, 3x3 ──►  embedding at 1/8
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import timm
import torch
from torch import nn
from torch.nn import functional

from napari_segkit.nets.unet_lite import ENCODER

if TYPE_CHECKING:
    from torch import Tensor


class Pyramid(nn.Module):
    """(N, 3, S, S) -> four levels (N, c, S/k, S/k), k = 2, 4, 8, 16; ``channels`` are the c."""

    channels: tuple[int, int, int, int]


class SmallEncoder(nn.Module):
    """(N, 3, S, S) normalised image -> (N, channels, S/8, S/8) embedding.

    ``blocks[i].attn.qkv`` and ``.proj`` carry LoRA adapters as in SAM's own encoder.

    Parameters
    ----------
    image_size
        S; it works at any multiple of 32.
    pyramid
        Of convolutions, a module.
    width, depth, heads
        Channels, number and heads of the attention blocks.
    channels
        Of the embedding.
    """

    def __init__(
        self,
        image_size: int,
        pyramid: Pyramid,
        *,
        width: int,
        depth: int,
        heads: int,
        channels: int,
    ) -> None:
        super().__init__()
        self.img_size = image_size
        self.encoder = pyramid
        half, quarter, eighth, deep = pyramid.channels
        self.sixteenth = nn.Conv2d(deep, width, 1)
        self.blocks = nn.ModuleList(_Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.from_sixteenth = nn.Conv2d(width, channels, 1)
        self.from_eighth = nn.Conv2d(eighth, channels, 1)
        self.from_quarter = nn.Conv2d(4 * quarter, channels, 1)
        self.from_half = nn.Conv2d(16 * half, channels, 1)
        self.neck = nn.Sequential(
            _conv(channels, channels),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.GroupNorm(1, channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        half, quarter, eighth, deep = self.encoder(x)
        deep = self.sixteenth(deep)
        tokens = deep.flatten(2).transpose(1, 2)
        for block in self.blocks:
            tokens = block(tokens)
        deep = self.norm(tokens).transpose(1, 2).reshape(deep.shape)
        wide = functional.interpolate(
            self.from_sixteenth(deep), size=eighth.shape[-2:], mode="bilinear", align_corners=False
        )
        fine = self.from_quarter(functional.pixel_unshuffle(quarter, 2))
        finest = self.from_half(functional.pixel_unshuffle(half, 4))
        embedding: Tensor = self.neck(wide + self.from_eighth(eighth) + fine + finest)
        return embedding


class Plain(Pyramid):
    """Convolutions and residual blocks, to be trained from nothing.

    Parameters
    ----------
    widths
        Channels at 1/2, 1/4 and 1/8 of the image; at 1/16 twice those at 1/8.
    """

    def __init__(self, widths: tuple[int, int, int]) -> None:
        super().__init__()
        half, quarter, eighth = widths
        self.channels = (half, quarter, eighth, 2 * eighth)
        self.half_size = _conv(3, half, stride=2)
        self.quarter_size = nn.Sequential(_conv(half, quarter, stride=2), _Residual(quarter))
        self.eighth = nn.Sequential(
            _conv(quarter, eighth, stride=2), _Residual(eighth), _Residual(eighth)
        )
        self.sixteenth = _conv(eighth, 2 * eighth, stride=2)

    def forward(self, x: Tensor) -> list[Tensor]:
        """The four levels."""
        levels = []
        for level in (self.half_size, self.quarter_size, self.eighth, self.sixteenth):
            x = level(x)
            levels.append(x)
        return levels


class Lite0(Pyramid):
    """EfficientNet-Lite0, as `unet_lite` has it, which can begin with ImageNet's weights."""

    def __init__(self) -> None:
        super().__init__()
        self.net = timm.create_model(
            ENCODER, pretrained=False, features_only=True, out_indices=(0, 1, 2, 3)
        )
        self.channels = tuple(self.net.feature_info.channels())

    def forward(self, x: Tensor) -> list[Tensor]:
        """The four levels."""
        levels: list[Tensor] = self.net(x)
        return levels


class _Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attn = _Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        y: Tensor = x + self.mlp(self.norm2(x))
        return y


class _Attention(nn.Module):
    """Every token to every token; places are told by the convolutions before."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        count, tokens, width = x.shape
        split = self.qkv(x).view(count, tokens, 3, self.heads, width // self.heads)
        q, k, v = split.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = functional.scaled_dot_product_attention(q, k, v)
        y: Tensor = self.proj(mixed.transpose(1, 2).reshape(count, tokens, width))
        return y


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _conv(channels, channels)
        self.second = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.second(self.first(x)))


def _conv(inputs: int, outputs: int, *, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )

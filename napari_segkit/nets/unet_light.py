"""Our own small U-Net: residual blocks, skips that are added, few channels where pixels are many.

::

    image   stem /2    /4     /8     /16    /32
      │       ├──────── add ◄─ 1x1, x2 ── … ─┤        encoder: stride-2 convolution, residual blocks
      ▼       ▼                              ▼        decoder: 1x1, twice the size, add, 3x3
    logits ◄ x2 ◄ 1x1

Adding instead of concatenating, and a stem that halves the image, spare three quarters of the work
of a plain U-Net (`benchmarks/nets_speed.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor


class LightConfig(BaseModel):
    """What can be set.

    Attributes
    ----------
    widths
        Channels of each level, the finest first.
    blocks
        Residual blocks of each level's encoder.
    stem
        Pixels per pixel of the finest level: 2 or 4.
    separable
        Depthwise 3x3 and 1x1 instead of full convolutions.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    widths: tuple[int, ...] = Field((24, 48, 96, 144, 192), min_length=2, max_length=7)
    blocks: tuple[int, ...] = (0, 1, 2, 2, 2)
    stem: int = Field(2, ge=2, le=4, multiple_of=2)
    separable: bool = False


def _conv(
    inside: int, outside: int, *, stride: int = 1, separable: bool = False, relu: bool = True
) -> nn.Sequential:
    """3x3 convolution, batch norm, ReLU."""
    layers: list[nn.Module] = []
    if separable:
        layers += [
            nn.Conv2d(inside, inside, 3, stride=stride, padding=1, groups=inside, bias=False),
            nn.BatchNorm2d(inside),
            nn.Conv2d(inside, outside, 1, bias=False),
        ]
    else:
        layers.append(nn.Conv2d(inside, outside, 3, stride=stride, padding=1, bias=False))
    layers.append(nn.BatchNorm2d(outside))
    return nn.Sequential(*layers, *([nn.ReLU(inplace=True)] if relu else []))


class _Residual(nn.Module):
    """x + two convolutions (He et al. 2016, https://doi.org/10.1109/CVPR.2016.90)."""

    def __init__(self, width: int, *, separable: bool) -> None:
        super().__init__()
        last = _conv(width, width, separable=separable, relu=False)
        self.body = nn.Sequential(_conv(width, width, separable=separable), last)
        nn.init.zeros_(last[-1].weight)  # type: ignore[arg-type]  # begins as the identity

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.body(x))


class _Up(nn.Module):
    """From a level to the next finer one."""

    def __init__(self, inside: int, outside: int, *, separable: bool) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(inside, outside, 1)
        self.mix = _conv(outside, outside, separable=separable)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        wide = F.interpolate(self.narrow(x), scale_factor=2.0, mode="nearest")
        mixed: Tensor = self.mix(wide + skip)
        return mixed


class UNetLight(nn.Module):
    """See the module.

    Parameters
    ----------
    classes
        Channels of the logits.
    config
        Widths, depths, stem.
    """

    def __init__(self, *, classes: int, config: LightConfig) -> None:
        super().__init__()
        widths, separable = config.widths, config.separable
        self.stride = config.stem * 2 ** (len(widths) - 1)
        half = widths[0] if config.stem == 2 else widths[0] // 2
        stem = [_conv(3, half, stride=2)]
        if config.stem == 4:
            stem.append(_conv(half, widths[0], stride=2))
        self.stem = nn.Sequential(*stem, _conv(widths[0], widths[0], separable=separable))
        self.levels = nn.ModuleList()
        for level, width in enumerate(widths):
            down = [_conv(widths[level - 1], width, stride=2, separable=separable)]
            body = [_Residual(width, separable=separable) for _ in range(config.blocks[level])]
            self.levels.append(nn.Sequential(*(down if level else []), *body))
        self.ups = nn.ModuleList(
            _Up(below, above, separable=separable)
            for below, above in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.head = nn.Conv2d(widths[0], classes, 1)
        self._scale = float(config.stem)
        self._initialise()

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes, H, W) of images (N, 3, H, W); H and W multiples of ``stride``."""
        x = self.stem(x)
        skips: list[Tensor] = []
        for level in self.levels:
            x = level(x)
            skips.append(x)
        for up, skip in zip(self.ups, skips[-2::-1], strict=True):
            x = up(x, skip)
        return F.interpolate(
            self.head(x), scale_factor=self._scale, mode="bilinear", align_corners=False
        )

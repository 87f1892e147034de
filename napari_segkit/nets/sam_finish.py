"""The last step of the small base: a U-Net on the window, the start and the decoder's logits.

::

    image S x S ─ unshuffle ─ 12 ┐
    start       M x M ──────── 1 ├─ M ──────────────────────── + ─ M ─► added to the coarse logits
    coarse      M x M ──────── 1 ┘  └─ M/2 ─────────── + ─ M/2 ┘        M = S / 2
                                        └─ M/4 ── + ───┘
                                            └ M/8 ┘

SAM's decoder sees the image at 1/8 of its size, and a start pixel by pixel; here both meet where
the edges are. After Ronneberger, Fischer and Brox 2015 (arXiv:1505.04597).
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

_INPUTS = 14


class Finisher(nn.Module):
    """Sharper logits of P prompts.

    Parameters
    ----------
    widths
        Channels at 1, 1/2, 1/4 and 1/8 of the logits' grid.
    """

    def __init__(self, widths: tuple[int, ...] = (16, 32, 64, 96)) -> None:
        super().__init__()
        inputs = (_INPUTS, *widths[:-1])
        self.down = nn.ModuleList(
            nn.Sequential(_conv(a, b), _conv(b, b)) for a, b in zip(inputs, widths, strict=True)
        )
        self.deep = nn.Sequential(_conv(widths[-1], widths[-1]), _conv(widths[-1], widths[-1]))
        self.up = nn.ModuleList(_conv(a + b, a) for a, b in itertools.pairwise(widths))
        self.last = nn.Conv2d(widths[0], 1, 3, padding=1)
        for parameter in self.last.parameters():
            nn.init.zeros_(parameter)

    def forward(self, image: Tensor, start: Tensor, coarse: Tensor) -> Tensor:
        """Add what it finds to the coarse logits.

        Parameters
        ----------
        image : (P, 3, 2M, 2M), normalised
        start : (P, 1, M, M)
            Logits that were given to start from; 0 where none were.
        coarse : (P, 1, M, M)
            The decoder's.
        """
        x = torch.cat((functional.pixel_unshuffle(image, 2), start / 4, coarse / 4), dim=1)
        x = x.contiguous(memory_format=torch.channels_last)
        kept = []
        for step, layer in enumerate(self.down):
            x = layer(functional.max_pool2d(x, 2) if step else x)
            kept.append(x)
        x = x + self.deep(x)
        for layer, beside in zip(reversed(self.up), reversed(kept[:-1]), strict=True):
            x = functional.interpolate(x, size=beside.shape[-2:], mode="nearest")
            x = layer(torch.cat((beside, x), dim=1))
        better: Tensor = coarse + self.last(x)
        return better


def _conv(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )

"""Says of one candidate whether it is an object: measures of its surroundings, known looks.

::

    views of 96 pixels at 1 and 1/3 of the scale, all around the candidate's middle
      ── measures at 1, 1/3 and 1/9 on 32 pixels: contrast, texture, edges, colour, shape, what
      │  else is there ── several small networks ── logit: what is surely none ends here
      └─ with features of EfficientNet-Lite0, in the middle and all over
         ── several small networks ── logit; the mean of both decides

What decides is context: a speck on an even sky is dust, the same speck among a hundred like it is
gravel. The measures say so outright, so a few thousand candidates teach it in a minute. What they
cannot say, that this is a leaf, a letter or a bird, an encoder knows that has seen ImageNet; its
first blocks stay as they were trained there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import timm
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn
from torch.nn import functional

from napari_segkit.data.weights_card import IMAGENET
from napari_segkit.nets.unet_lite import ENCODER

if TYPE_CHECKING:
    from torch import Tensor

SIDE = 32
"""Pixels of the side of what is measured, at 1, 1/3 and 1/9 of the scale."""
VIEW, VIEWS = 96, (1, 3)
"""Side of a view, and how many pixels of the image one of its own covers."""
PLANES = 5
"""R, G, B, chance, mask."""
_SURELY_NOT = -16.0
_AT_ONCE = 16
"""Candidates that the encoder sees at once: about 60 MB."""
_FAINT = 0.004  # one of 255: below it a ratio says nothing
_LEVELS = (1, 2, 3)  # at 1/4, 1/8 and 1/16 of a view
_BLOCKS = 5
_REACH = (16, 16, 32)  # pixels of a view's middle that are looked at by themselves, by level


class JudgeConfig(BaseModel):
    """What can be set.

    Attributes
    ----------
    first, width
        Of the hidden layers of what judges by measures alone, and by both.
    voters
        How many networks vote, each time.
    sift
        Chance by measures alone below which a candidate is not looked at further.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    first: int = Field(64, ge=1)
    width: int = Field(96, ge=1)
    voters: int = Field(3, ge=1)
    sift: float = Field(0.01, ge=0, lt=1)


def _total(plane: Tensor) -> Tensor:
    return plane.sum((-1, -2))


def _mean(plane: Tensor, where: Tensor) -> Tensor:
    """(N,) means of (N, H, W) planes, weighted; 0 where there is no weight."""
    return _total(plane * where) / _total(where).clamp(min=1e-3)


def _spread(plane: Tensor, middle: Tensor, where: Tensor) -> Tensor:
    return _mean((plane - middle[:, None, None]) ** 2, where).clamp(min=0).sqrt()


def _log(value: Tensor, least: float = 1e-4) -> Tensor:
    return value.abs().clamp(min=least).log()


def _ratio(one: Tensor, other: Tensor) -> Tensor:
    return _log(one, _FAINT / 4) - (other.abs() + _FAINT).log()


def _wider(mask: Tensor, by: int) -> Tensor:
    return functional.max_pool2d(mask[:, None], 2 * by + 1, 1, by)[:, 0]


def measures(views: Tensor) -> Tensor:
    """Measures of candidates, scale by scale.

    Parameters
    ----------
    views : (N, 2, 5, 96, 96) in [0, 255], R G B chance mask

    Returns
    -------
    (N, K) float32
    """
    near, wide = (views[:, number].float() / 255 for number in range(len(VIEWS)))
    middle = slice((VIEW - SIDE) // 2, (VIEW + SIDE) // 2)
    small = [near[..., middle, middle], *(functional.avg_pool2d(v, 3) for v in (near, wide))]
    shares = torch.stack(small, 1)
    parts = [
        torch.stack(_of_scale(shares[:, number], widen=2 if number == 0 else 1), 1)
        for number in range(shares.shape[1])
    ]
    return torch.cat(parts, 1)


def _of_scale(shares: Tensor, *, widen: int) -> list[Tensor]:
    colours, chance, mask = shares[:, :3], shares[:, 3], shares[:, 4]
    gray = colours.mean(1)
    wide = _wider(mask, widen)
    around, ring = 1 - wide, _wider(wide, 3) - wide
    far, near = _mean(gray, around), _mean(gray, ring)
    texture, close = _spread(gray, far, around), _spread(gray, near, ring)
    contrast = _mean(gray, mask) - near
    sign = contrast.sign()[:, None, None]
    peak = (sign * (gray - near[:, None, None]) * (mask > 0.5)).amax((-1, -2))
    deviation = sign * (gray - far[:, None, None])
    limit = 0.5 * contrast.abs()[:, None, None]
    return [
        contrast,
        _mean(gray, mask) - far,
        _log(contrast),
        _log(peak),
        _log(texture),
        _log(close),
        _ratio(contrast, texture),
        _ratio(contrast, close),
        _ratio(peak, texture),
        _ratio(peak, close),
        _mean((deviation > limit).float(), around).sqrt(),  # how much else is as extreme
        _mean((-deviation > limit).float(), around).sqrt(),
        far,
        near,
        *_edges(gray, wide, around, contrast),
        *_colour(colours, mask, ring, contrast),
        (chance * mask).amax((-1, -2)),
        _mean(chance, mask),
        *_shape(mask),
        *_unevenness(gray, ring, contrast),
    ]


def _edges(gray: Tensor, wide: Tensor, around: Tensor, contrast: Tensor) -> list[Tensor]:
    """How sharp the candidate is, and what surrounds it."""
    across = (gray[..., 1:] - gray[..., :-1]).abs()
    down = (gray[:, 1:] - gray[:, :-1]).abs()
    count = _total(around[..., 1:]) + _total(around[:, 1:])
    total = _total(across * around[..., 1:]) + _total(down * around[:, 1:])
    outside = total / count.clamp(min=1)
    own = torch.maximum(
        (across * wide[..., 1:]).amax((-1, -2)), (down * wide[:, 1:]).amax((-1, -2))
    )
    return [_log(outside), _log(own), _ratio(own, contrast), _ratio(own, outside)]


def _colour(colours: Tensor, mask: Tensor, ring: Tensor, contrast: Tensor) -> list[Tensor]:
    """Dust takes light of all colours alike."""
    inside, near = (
        torch.stack([_mean(colours[:, k], where) for k in range(3)], 1) for where in (mask, ring)
    )
    change = inside - near
    tint = (change - change.mean(1, keepdim=True)).abs().amax(1)
    return [tint, _ratio(tint, contrast), near.amax(1) - near.amin(1), near[:, 2] - near[:, 0]]


def _shape(mask: Tensor) -> list[Tensor]:
    """Logarithms of area, long and short axis, and of the area beside that of an ellipse."""
    side = mask.shape[-1]
    place = torch.arange(side, device=mask.device) - (side - 1) / 2
    y, x = place[:, None], place[None, :]
    row, column = (_mean(axis.expand(mask.shape), mask)[:, None, None] for axis in (y, x))
    high = _mean((y - row) ** 2, mask) + 1 / 12
    broad = _mean((x - column) ** 2, mask) + 1 / 12
    slant = _mean((y - row) * (x - column), mask)
    root = ((high - broad) ** 2 + 4 * slant**2).sqrt()
    long, short = (high + broad + root) / 2, ((high + broad - root) / 2).clamp(min=0.05)
    area = _total(mask).clamp(min=1e-3)
    return [area.log(), long.log(), short.log(), (area / (long * short).sqrt()).log()]


def _unevenness(gray: Tensor, ring: Tensor, contrast: Tensor) -> list[Tensor]:
    """Whether an edge runs past: differences of opposite halves of the ring."""
    middle = gray.shape[-1] // 2
    upper, lower = (
        _mean(gray[:, half], ring[:, half]) for half in (slice(middle), slice(middle, None))
    )
    left, right = (
        _mean(gray[..., half], ring[..., half]) for half in (slice(middle), slice(middle, None))
    )
    return [_ratio(upper - lower, contrast), _ratio(left - right, contrast)]


class PatchJudge(nn.Module):
    """(N, 2, 5, 96, 96) uint8 views to (N,) logits; see the module."""

    middle: Tensor
    spread: Tensor
    temperature: Tensor

    def __init__(self, config: JudgeConfig) -> None:
        super().__init__()
        self.encoder = timm.create_model(
            ENCODER, pretrained=False, features_only=True, out_indices=_LEVELS
        ).eval()
        self.encoder.blocks = self.encoder.blocks[:_BLOCKS]  # timm keeps what no level needs
        blank = torch.zeros(1, len(VIEWS), PLANES, VIEW, VIEW)
        with torch.inference_mode():
            counts = measures(blank).shape[1], self.features(blank).shape[1]
        self.measured, self.sift = counts[0], config.sift
        self.register_buffer("middle", torch.zeros(sum(counts)))
        self.register_buffer("spread", torch.ones(sum(counts)))
        self.register_buffer("temperature", torch.ones(()))
        self.first = nn.ModuleList(
            _voter(counts[0], config.first, 0.25) for _ in range(config.voters)
        )
        self.voters = nn.ModuleList(
            _voter(sum(counts), config.width, 0.4) for _ in range(config.voters)
        )

    def forward(self, views: Tensor) -> Tensor:
        """Logits; those of what is sifted out lie below every threshold."""
        values = measures(views)
        kept = self.likely(values)
        logits = torch.full_like(values[:, 0], _SURELY_NOT)
        if kept.any():
            seen = torch.cat([self.features(some) for some in torch.split(views[kept], _AT_ONCE)])
            both = torch.cat((values[kept], seen), 1)
            logits[kept] = self.of_all(both) / self.temperature
        return logits

    def likely(self, values: Tensor) -> Tensor:
        """(N,) bool of (N, K) `measures`: which are looked at further; what is no number is."""
        return ~(self.of_measures(values).mean(0).sigmoid() < self.sift)

    def features(self, views: Tensor) -> Tensor:
        """(N, L) of the encoder: of each view and level the mean of its middle, and of all."""
        flat = views[:, :, :3].flatten(0, 1).float() / 255
        mean, std = (flat.new_tensor(v).view(3, 1, 1) for v in (IMAGENET.mean, IMAGENET.std))
        pixels = ((flat - mean) / std).contiguous(memory_format=torch.channels_last)
        parts = []
        for level, reach in zip(self.encoder(pixels), _REACH, strict=True):
            side = level.shape[-1]
            half = max(1, side * reach // VIEW // 2)
            near = slice(side // 2 - half, side // 2 + half)
            parts += [level[:, :, near, near].mean((2, 3)), level.mean((2, 3))]
        return torch.cat(parts, 1).view(len(views), -1)

    def of_measures(self, values: Tensor) -> Tensor:
        """(voters, N) logits of (N, K) `measures`."""
        even = self._even(values, slice(self.measured))
        return torch.stack([voter(even)[:, 0] for voter in self.first])

    def of_both(self, values: Tensor) -> Tensor:
        """(voters, N) logits of (N, K + L) `measures` and `features`."""
        even = self._even(values, slice(None))
        return torch.stack([voter(even)[:, 0] for voter in self.voters])

    def of_all(self, values: Tensor) -> Tensor:
        """(N,) logits of (N, K + L): half by measures alone, which hold on looks never seen."""
        first = self.of_measures(values[:, : self.measured]).mean(0)
        return (first + self.of_both(values).mean(0)) / 2

    def _even(self, values: Tensor, part: slice) -> Tensor:
        return ((values - self.middle[part]) / self.spread[part]).clamp(-6, 6)


def _voter(count: int, width: int, drop: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(count, width),
        nn.ReLU(inplace=True),
        nn.Dropout(drop),
        nn.Linear(width, width),
        nn.ReLU(inplace=True),
        nn.Dropout(drop),
        nn.Linear(width, 1),
    )

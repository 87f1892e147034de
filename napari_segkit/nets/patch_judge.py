"""Says of one candidate whether it is an object: measures of its surroundings, a small network.

::

    patches of 32 pixels at 1, 1/3 and 1/9 of the scale, all around the candidate's middle
      ── measures of each scale: contrast, texture, edges, colour, shape, what else is there
      ── several small networks (64 ── 64 ── logit), their mean

What decides is context: a speck on an even sky is dust, the same speck among a hundred like it
is gravel. The measures say so outright, so a few thousand candidates teach it in a minute; a
convolutional network on the same patches needs far more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

SIDE = 32
SCALES = (1, 3, 9)
PLANES = 5
"""R, G, B, chance, mask."""
_FAINT = 0.004  # one of 255: below it a ratio says nothing


class JudgeConfig(BaseModel):
    """What can be set: width of the hidden layers, and how many networks vote."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: int = Field(64, ge=1)
    voters: int = Field(3, ge=1)


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


def measures(patches: Tensor) -> Tensor:
    """Measures of candidates, scale by scale.

    Parameters
    ----------
    patches : (N, scales, 5, side, side) in [0, 255], R G B chance mask

    Returns
    -------
    (N, K) float32
    """
    shares = patches.float() / 255
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
    """(N, 3, 5, 32, 32) uint8 patches to (N,) logits; see the module."""

    middle: Tensor
    spread: Tensor

    def __init__(self, config: JudgeConfig) -> None:
        super().__init__()
        blank = torch.zeros(1, len(SCALES), PLANES, SIDE, SIDE)
        count = measures(blank).shape[1]
        self.register_buffer("middle", torch.zeros(count))
        self.register_buffer("spread", torch.ones(count))
        self.voters = nn.ModuleList(_voter(count, config.width) for _ in range(config.voters))

    def forward(self, patches: Tensor) -> Tensor:
        """Logits."""
        return self.of_measures(measures(patches)).mean(0)

    def of_measures(self, values: Tensor) -> Tensor:
        """(voters, N) logits of (N, K) `measures`."""
        even = ((values - self.middle) / self.spread).clamp(-6, 6)
        return torch.stack([voter(even)[:, 0] for voter in self.voters])


def _voter(count: int, width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(count, width),
        nn.ReLU(inplace=True),
        nn.Dropout(0.25),
        nn.Linear(width, width),
        nn.ReLU(inplace=True),
        nn.Dropout(0.25),
        nn.Linear(width, 1),
    )

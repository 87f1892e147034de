"""Losses of logits against class maps; pixels of `IGNORE` count in none.

One channel means one class against the background (sigmoid), several one class each, the first
the background (softmax).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

IGNORE = 255
_FOCUS = 2.0


def seg_loss(name: str, logits: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean loss.

    Parameters
    ----------
    name
        ``bce``, ``dice``, ``dice-ce``, ``focal`` or ``lovasz``.
    logits : (N, C, H, W) float
    target : (N, H, W) integer
        0 = background, then the classes; `IGNORE` is left out.
    weights : (C,) float or None
        Of the channels; for one channel the weight of the object's pixels.
    """
    return _LOSSES[name](logits.float(), target.long(), weights)


def probabilities(logits: Tensor) -> Tensor:
    """(N, C, H, W) in [0, 1]: sigmoid of one channel, softmax of several."""
    return logits.sigmoid() if logits.shape[1] == 1 else logits.softmax(1)


def _cross_entropy(logits: Tensor, target: Tensor, weights: Tensor | None) -> Tensor:
    known = (target != IGNORE).sum().clamp(min=1)
    return _pixel_entropy(logits, target, weights).sum() / known


def _pixel_entropy(logits: Tensor, target: Tensor, weights: Tensor | None) -> Tensor:
    """(N, H, W), 0 where the target is unknown."""
    if logits.shape[1] > 1:
        return functional.cross_entropy(
            logits, target, weight=weights, ignore_index=IGNORE, reduction="none"
        )
    loss = functional.binary_cross_entropy_with_logits(
        logits[:, 0], (target == 1).float(), pos_weight=weights, reduction="none"
    )
    return loss * (target != IGNORE)


def _focal(logits: Tensor, target: Tensor, weights: Tensor | None) -> Tensor:
    """Lin et al. 2017, doi:10.1109/ICCV.2017.324."""
    plain = _pixel_entropy(logits, target, None)
    loss = (1 - torch.exp(-plain)) ** _FOCUS * _pixel_entropy(logits, target, weights)
    return loss.sum() / (target != IGNORE).sum().clamp(min=1)


def _foreground(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Probability and truth (N, K, H, W) of each class but the background; known (N, 1, H, W)."""
    chance = probabilities(logits)
    chance = chance if chance.shape[1] == 1 else chance[:, 1:]
    numbers = torch.arange(1, chance.shape[1] + 1, device=target.device)
    truth = (target[:, None] == numbers[:, None, None]).float()
    return chance, truth, (target != IGNORE)[:, None].float()


def _dice(logits: Tensor, target: Tensor, weights: Tensor | None) -> Tensor:
    """1 - soft Dice over the whole batch, mean of the classes (doi:10.1109/3DV.2016.79)."""
    chance, truth, known = _foreground(logits, target)
    over = (0, 2, 3)
    shared = (chance * truth * known).sum(over)
    both = ((chance + truth) * known).sum(over)
    return _mean_of_classes(1 - (2 * shared + 1) / (both + 1), weights)


def _mean_of_classes(loss: Tensor, weights: Tensor | None) -> Tensor:
    if weights is None or len(weights) == 1:
        return loss.mean()
    return (loss * weights[1:]).sum() / weights[1:].sum()


def _dice_ce(logits: Tensor, target: Tensor, weights: Tensor | None) -> Tensor:
    return _dice(logits, target, weights) + _cross_entropy(logits, target, weights)


def _lovasz(logits: Tensor, target: Tensor, weights: Tensor | None) -> Tensor:
    """Lovász-softmax, a convex surrogate of 1 - IoU (Berman et al. 2018, arXiv:1705.08790)."""
    chance, truth, known = _foreground(logits, target)
    inside = known[:, 0] > 0
    losses = []
    for k in range(chance.shape[1]):
        right = truth[:, k][inside]
        order = ((right - chance[:, k][inside]).abs()).sort(descending=True)
        losses.append(torch.dot(order.values, _lovasz_slope(right[order.indices])))
    return _mean_of_classes(torch.stack(losses), weights)


def _lovasz_slope(truth: Tensor) -> Tensor:
    """By how much 1 - IoU grows with each further wrong pixel, worst first."""
    total = truth.sum()
    loss = 1 - (total - truth.cumsum(0)) / (total + (1 - truth).cumsum(0))
    return torch.cat((loss[:1], loss[1:] - loss[:-1]))


_LOSSES: dict[str, Callable[[Tensor, Tensor, Tensor | None], Tensor]] = {
    "bce": _cross_entropy,
    "dice": _dice,
    "dice-ce": _dice_ce,
    "focal": _focal,
    "lovasz": _lovasz,
}

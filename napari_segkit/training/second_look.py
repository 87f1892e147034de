"""Teach the judge of `models.second_look`: candidates of the first network on labelled images.

A candidate that covers a true object is one, one that touches none is not; between the two it is
left out. The images must be others than those that the first network learned from, on which it is
surer than it will be later.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from napari_segkit.models.second_look import Window, views_of
from napari_segkit.models.tiled import ArrayRows
from napari_segkit.nets.patch_judge import measures
from napari_segkit.ops.candidates import find_candidates

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from napari_segkit.nets.patch_judge import PatchJudge
    from napari_segkit.ops.candidates import Candidate, Levels
    from napari_segkit.types import Image, Labels

_BATCH = 64
_LOG = logging.getLogger(__name__)
TOUCH = 0.3
"""IoU from which a candidate covers an object."""


@dataclass(frozen=True)
class Lessons:
    """Candidates and what they are.

    Attributes
    ----------
    values : (N, K + L) float32
        `measures` and `PatchJudge.features`.
    true : (N,) bool
    """

    values: NDArray[np.float32]
    true: NDArray[np.bool_]

    def __add__(self, other: Lessons) -> Lessons:
        return Lessons(
            np.concatenate((self.values, other.values)), np.concatenate((self.true, other.true))
        )


@torch.inference_mode()
def lessons_of(
    net: PatchJudge,
    image: Image,
    chances: NDArray[np.uint8],
    truth: Labels,
    levels: Levels,
    *,
    seed: int = 0,
    most: int | None = None,
) -> Lessons:
    """Candidates of one image, or ``most`` of them by lot, each as it is and once changed.

    Parameters
    ----------
    net
        With its encoder's weights.
    truth : (H, W) int32
        An id for each object.
    """
    area = np.bincount(truth.ravel())
    window = Window(ArrayRows(image))
    chance = torch.Generator().manual_seed(seed)
    values, true, waiting = [np.zeros((0, len(net.middle)), np.float32)], [], []
    candidates = list(find_candidates(chances, levels))
    if most is not None and len(candidates) > most:
        drawn = np.random.default_rng(seed).choice(len(candidates), most, replace=False)
        candidates = [candidates[k] for k in sorted(drawn)]
    for one in candidates:
        overlap = _overlap(one, truth, area)
        if overlap is not None:
            waiting.append(views_of(one, window, chances))
            true.append(overlap)
        if len(waiting) == _BATCH:
            values.append(_valued(net, waiting, chance))
            waiting = []
    if waiting:
        values.append(_valued(net, waiting, chance))
    return Lessons(np.concatenate(values), np.repeat(np.array(true, bool), 2))


def _valued(
    net: PatchJudge, views: list[NDArray[np.uint8]], chance: torch.Generator
) -> NDArray[np.float32]:
    """(2 N, K + L): each candidate as it is, then changed."""
    plain = torch.from_numpy(np.stack(views)).float()
    both = torch.stack((plain, changed(plain, chance)), 1).flatten(0, 1)
    found: NDArray[np.float32] = torch.cat((measures(both), net.features(both)), 1).numpy()
    return found


def _overlap(one: Candidate, truth: Labels, area: NDArray[np.int64]) -> bool | None:
    """Whether a candidate covers an object; None where it only touches one."""
    height, width = one.mask.shape
    inside = truth[one.y : one.y + height, one.x : one.x + width][one.mask]
    ids, both = np.unique(inside[inside > 0], return_counts=True)
    if not len(ids):
        return False
    iou = both / (area[ids] + one.mask.sum() - both)
    return True if iou.max() >= TOUCH else None


def train_judge(
    net: PatchJudge,
    lessons: Lessons,
    *,
    steps: int,
    batch: int = 256,
    lr: float = 3e-3,
    seed: int = 0,
) -> float:
    """Teach a judge's voters, in place; the mean loss over the last tenth of the steps.

    The voters differ by how they began and by what is dropped. The same network, lessons, seed and
    number of threads give the same weights.
    """
    torch.manual_seed(seed)
    chance = torch.Generator().manual_seed(seed)
    values, true = torch.from_numpy(lessons.values), torch.from_numpy(lessons.true).float()
    net.middle.copy_(values.mean(0))
    net.spread.copy_(values.std(0) + 1e-3)
    net.encoder.requires_grad_(False)
    net.first.train()
    net.voters.train()
    optimizer = torch.optim.AdamW(
        [
            {"params": net.first.parameters(), "weight_decay": 5e-2},
            {"params": net.voters.parameters(), "weight_decay": 1e-1},
        ],
        lr=lr,
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps)
    losses = []
    for step in range(steps):
        some = torch.randint(len(true), (batch,), generator=chance)
        first = net.of_measures(values[some][:, : net.measured])
        logits = torch.stack((first, net.of_both(values[some])))
        targets = true[some].expand_as(logits)
        loss = functional.binary_cross_entropy_with_logits(logits, targets)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        if step % 500 == 499:
            _LOG.info("judge, step %d of %d: loss %.3f", step + 1, steps, np.mean(losses[-500:]))
    net.eval()
    return float(np.mean(losses[-max(1, steps // 10) :]))


def calibrate(net: PatchJudge, lessons: Lessons) -> float:
    """Set the temperature at which its chances fit lessons that it has not seen, and return it.

    After Guo et al. 2017 (arXiv:1706.04599). Without it nearly every score is 0 or 1, and the
    sensitivity slider moves nothing.
    """
    net.eval()
    true = torch.from_numpy(lessons.true).float()
    with torch.inference_mode():
        logits = net.of_all(torch.from_numpy(lessons.values))
    steps = torch.linspace(0.5, 8, 76)
    losses = [functional.binary_cross_entropy_with_logits(logits / t, true) for t in steps]
    net.temperature.fill_(float(steps[int(torch.stack(losses).argmin())]))
    return float(net.temperature)


def changed(patches: Tensor, chance: torch.Generator) -> Tensor:
    """Lighter or darker, flatter, every third gray, surer or less sure."""
    count = len(patches)

    def draw() -> Tensor:
        return torch.rand(count, 1, 1, 1, 1, generator=chance)

    patches = patches.float()
    colour = (patches[:, :, :3] - 128) * (0.7 + 0.6 * draw()) + 128 + 60 * (draw() - 0.5)
    gray = colour.mean(2, keepdim=True).expand_as(colour)
    colour = torch.where(draw() < 1 / 3, gray, colour)
    first = patches[:, :, 3:4] * (0.8 + 0.4 * draw())
    return torch.cat((colour.clamp(0, 255), first.clamp(0, 255), patches[:, :, 4:]), 2)

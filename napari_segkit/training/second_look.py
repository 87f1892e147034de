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

from napari_segkit.models.second_look import Window, patches_of
from napari_segkit.models.tiled import ArrayRows
from napari_segkit.nets.patch_judge import (
    PLANES,
    SCALES,
    SIDE,
    JudgeConfig,
    PatchJudge,
    measures,
)
from napari_segkit.ops.candidates import find_candidates

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from napari_segkit.ops.candidates import Candidate, Levels
    from napari_segkit.types import Image, Labels

_BATCH = 1024
_LOG = logging.getLogger(__name__)
TOUCH = 0.3
"""IoU from which a candidate covers an object."""


@dataclass(frozen=True)
class Lessons:
    """Candidates and what they are.

    Attributes
    ----------
    patches : (N, scales, 5, side, side) uint8
    true : (N,) bool
    """

    patches: NDArray[np.uint8]
    true: NDArray[np.bool_]

    def __add__(self, other: Lessons) -> Lessons:
        return Lessons(
            np.concatenate((self.patches, other.patches)), np.concatenate((self.true, other.true))
        )


def lessons_of(image: Image, chances: NDArray[np.uint8], truth: Labels, levels: Levels) -> Lessons:
    """Candidates of one image; `truth` (H, W) int32 has an id for each object."""
    area = np.bincount(truth.ravel())
    window = Window(ArrayRows(image))
    patches, true = [], []
    for one in find_candidates(chances, levels):
        overlap = _overlap(one, truth, area)
        if overlap is not None:
            patches.append(patches_of(one, window, chances))
            true.append(overlap)
    shape = (len(patches), len(SCALES), PLANES, SIDE, SIDE)
    return Lessons(np.array(patches, np.uint8).reshape(shape), np.array(true, bool))


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
    lessons: Lessons, *, steps: int, batch: int = 256, lr: float = 3e-3, seed: int = 0
) -> tuple[PatchJudge, float]:
    """A judge and its mean loss over the last tenth of the steps.

    The voters differ by how they began and by what is dropped. The same lessons, seed and number
    of threads give the same weights.
    """
    torch.manual_seed(seed)
    chance = torch.Generator().manual_seed(seed)
    net = PatchJudge(JudgeConfig())
    values = torch.cat([_measured(lessons, chance, change=change) for change in (False, True)])
    true = torch.from_numpy(lessons.true).float().repeat(2)
    net.middle.copy_(values.mean(0))
    net.spread.copy_(values.std(0) + 1e-3)
    optimizer = torch.optim.AdamW(net.parameters(), lr=lr, weight_decay=5e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps)
    losses = []
    for step in range(steps):
        some = torch.randint(len(true), (batch,), generator=chance)
        logits = net.of_measures(values[some])
        targets = true[some].expand_as(logits)
        loss = functional.binary_cross_entropy_with_logits(logits, targets)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        if step % 500 == 499:
            _LOG.info("judge, step %d of %d: loss %.3f", step + 1, steps, np.mean(losses[-500:]))
    return net.eval(), float(np.mean(losses[-max(1, steps // 10) :]))


def _measured(lessons: Lessons, chance: torch.Generator, *, change: bool) -> Tensor:
    parts = []
    for start in range(0, len(lessons.true), _BATCH):
        patches = torch.from_numpy(lessons.patches[start : start + _BATCH])
        parts.append(measures(changed(patches, chance) if change else patches))
    return torch.cat(parts)


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

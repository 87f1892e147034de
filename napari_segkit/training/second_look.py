"""Teach the judge of `models.second_look`: candidates of the first network on labelled images.

A candidate that covers a true object is one, one that touches none is not; between the two it is
left out. The images must be others than those that the first network learned from, on which it is
surer than it will be later.

First the measures of all candidates are learned (`learn_measures`), which tells what is surely
none; then the encoder's later blocks and the voters learn from the views of the rest
(`learn_views`), and the chances are made to fit what was kept aside (`calibrate`).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional

from napari_segkit.models.second_look import Window, views_of
from napari_segkit.models.tiled import ArrayRows
from napari_segkit.nets.patch_judge import PLANES, VIEW, VIEWS, measures
from napari_segkit.ops.candidates import find_candidates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from napari_segkit.nets.patch_judge import PatchJudge
    from napari_segkit.ops.candidates import Candidate, Levels
    from napari_segkit.types import Image, Labels

_BATCH = 64
_LOG = logging.getLogger(__name__)
TOUCH = 0.3
"""IoU from which a candidate covers an object."""
STILL = 2
"""Blocks of the encoder, the first ones, that stay as they are, and with them edges and colours."""
_SOME = 1500
"""Candidates from which mean and spread of the encoder's features are taken."""


@dataclass(frozen=True)
class Lessons:
    """Candidates and what they are.

    Attributes
    ----------
    views : (N, 2, 5, 96, 96) uint8
        What `views_of` shows.
    true : (N,) bool
    """

    views: NDArray[np.uint8]
    true: NDArray[np.bool_]

    def __getitem__(self, which: slice | NDArray[np.bool_]) -> Lessons:
        return Lessons(self.views[which], self.true[which])


def lessons_of(
    image: Image,
    chances: NDArray[np.uint8],
    truth: Labels,
    levels: Levels,
    *,
    seed: int = 0,
    most: int | None = None,
) -> Lessons:
    """Candidates of one image, or ``most`` of them by lot.

    Parameters
    ----------
    truth : (H, W) int32
        An id for each object.
    """
    area = np.bincount(truth.ravel())
    window = Window(ArrayRows(image))
    candidates = list(find_candidates(chances, levels))
    if most is not None and len(candidates) > most:
        drawn = np.random.default_rng(seed).choice(len(candidates), most, replace=False)
        candidates = [candidates[k] for k in sorted(drawn)]
    known = [(one, _overlap(one, truth, area)) for one in candidates]
    views = [views_of(one, window, chances) for one, true in known if true is not None]
    empty = np.zeros((0, len(VIEWS), PLANES, VIEW, VIEW), np.uint8)
    return Lessons(
        np.stack(views) if views else empty,
        np.array([true for _, true in known if true is not None], bool),
    )


def _overlap(one: Candidate, truth: Labels, area: NDArray[np.int64]) -> bool | None:
    """Whether a candidate covers an object; None where it only touches one."""
    height, width = one.mask.shape
    inside = truth[one.y : one.y + height, one.x : one.x + width][one.mask]
    ids, both = np.unique(inside[inside > 0], return_counts=True)
    if not len(ids):
        return False
    iou = both / (area[ids] + one.mask.sum() - both)
    return True if iou.max() >= TOUCH else None


@torch.inference_mode()
def measured(net: PatchJudge, views: NDArray[np.uint8], *, seed: int = 0) -> NDArray[np.float32]:
    """(2 N, K) `measures` of N candidates, each as it is, then changed."""
    chance = torch.Generator().manual_seed(seed)
    parts = [np.zeros((0, net.measured), np.float32)]
    for start in range(0, len(views), _BATCH):
        plain = torch.from_numpy(views[start : start + _BATCH])
        both = torch.stack((plain.float(), changed(plain, chance)), 1).flatten(0, 1)
        parts.append(measures(both).numpy())
    return np.concatenate(parts)


def learn_measures(
    net: PatchJudge,
    values: NDArray[np.float32],
    true: NDArray[np.bool_],
    *,
    steps: int,
    batch: int = 256,
    lr: float = 3e-3,
    seed: int = 0,
) -> float:
    """Teach the voters that judge by measures alone, in place.

    They differ by how they began and by what is dropped. The same network, values, seed and number
    of threads give the same weights.

    Parameters
    ----------
    values : (N, K) float32
        As of `measured`.
    true : (N,) bool

    Returns
    -------
    float
        The mean loss over the last tenth of the steps.
    """
    torch.manual_seed(seed)
    given, wanted = torch.from_numpy(values), torch.from_numpy(true).float()
    net.middle[: net.measured] = given.mean(0)
    net.spread[: net.measured] = given.std(0) + 1e-3
    groups = [{"params": net.first.parameters(), "lr": lr, "weight_decay": 5e-2}]
    draw = _laps(len(wanted), batch, seed)

    def loss() -> Tensor:
        some = next(draw)
        return _loss(net.of_measures(given[some]), wanted[some])

    net.first.train()
    last = _descend(groups, steps, loss, "measures")
    net.eval()
    return last


def learn_views(
    net: PatchJudge,
    lessons: Lessons,
    *,
    steps: int,
    batch: int = 64,
    lr: float = 2e-3,
    encoder_rate: float = 0.15,
    seed: int = 0,
) -> float:
    """Teach the encoder's later blocks and the voters that judge by both, in place.

    After `learn_measures`, on candidates that are not surely none. Views are mirrored, turned and
    changed as in `changed`; the encoder's norms keep their statistics.

    Returns
    -------
    float
        The mean loss over the last tenth of the steps.
    """
    torch.manual_seed(seed)
    chance = torch.Generator().manual_seed(seed)
    _even_features(net, lessons.views[:: max(1, len(lessons.views) // _SOME)])
    still = (net.encoder.conv_stem, net.encoder.bn1, net.encoder.blocks[:STILL])
    for part in still:
        part.requires_grad_(False)
    learning = [one for one in net.encoder.parameters() if one.requires_grad]
    groups = [
        {"params": net.voters.parameters(), "lr": lr, "weight_decay": 1e-1},
        {"params": learning, "lr": lr * encoder_rate, "weight_decay": 1e-2},
    ]
    wanted = torch.from_numpy(lessons.true).float()
    draw = _laps(len(wanted), batch, seed)

    def loss() -> Tensor:
        some = next(draw)
        views = changed(torch.from_numpy(lessons.views[some.numpy()]), chance)
        views = turned(views, int(torch.randint(8, (), generator=chance)))
        return _loss(
            net.of_both(torch.cat((measures(views), net.features(views)), 1)), wanted[some]
        )

    net.voters.train()
    last = _descend(groups, steps, loss, "views")
    net.eval()
    return last


def _even_features(net: PatchJudge, views: NDArray[np.uint8]) -> None:
    with torch.inference_mode():
        parts = [net.features(some) for some in torch.split(torch.from_numpy(views), _BATCH)]
        seen = torch.cat(parts)
        middle, spread = seen.mean(0), seen.std(0) + 1e-3
    net.middle[net.measured :] = middle
    net.spread[net.measured :] = spread


def _laps(count: int, batch: int, seed: int) -> Iterator[Tensor]:
    """Batches of places without end: each place once in a lap, each lap in another order."""
    chance = torch.Generator().manual_seed(seed)
    while True:
        order = torch.randperm(count, generator=chance)
        yield from (order[start : start + batch] for start in range(0, count, batch))


def _loss(votes: Tensor, wanted: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(votes, wanted.expand_as(votes))


def _descend(
    groups: list[dict[str, Any]], steps: int, loss_of: Callable[[], Tensor], name: str
) -> float:
    """AdamW on one cycle of the rates; the mean loss over the last tenth."""
    optimizer = torch.optim.AdamW(groups)
    rates = [group["lr"] for group in groups]
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, total_steps=steps)
    losses = []
    for step in range(steps):
        loss = loss_of()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        if step % 100 == 99:
            _LOG.info("%s, step %d of %d: loss %.3f", name, step + 1, steps, np.mean(losses[-100:]))
    return float(np.mean(losses[-max(1, steps // 10) :]))


def calibrate(net: PatchJudge, lessons: Lessons) -> float:
    """Set the temperature at which its chances fit lessons that it has not seen, and return it.

    After Guo et al. 2017 (arXiv:1706.04599). Without it nearly every score is 0 or 1, and the
    sensitivity slider moves nothing.
    """
    net.eval()
    true = torch.from_numpy(lessons.true).float()
    with torch.inference_mode():
        parts = torch.split(torch.from_numpy(lessons.views), _BATCH)
        logits = torch.cat(
            [net.of_all(torch.cat((measures(some), net.features(some)), 1)) for some in parts]
        )
    steps = torch.linspace(0.5, 8, 76)
    losses = [functional.binary_cross_entropy_with_logits(logits / t, true) for t in steps]
    net.temperature.fill_(float(steps[int(torch.stack(losses).argmin())]))
    return float(net.temperature)


def turned(views: Tensor, way: int) -> Tensor:
    """One of the eight ways in which a square lies on itself."""
    if way & 1:
        views = views.flip(-1)
    if way & 2:
        views = views.flip(-2)
    return views.transpose(-1, -2) if way & 4 else views


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

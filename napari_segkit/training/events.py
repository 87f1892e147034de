"""What a training tells while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class BatchDone:
    """One optimizer step; ``steps`` = of the whole training."""

    step: int
    steps: int
    epoch: int
    loss: float
    lr: float


@dataclass(frozen=True)
class EpochDone:
    """One epoch; ``waiting`` = share of its time that was spent waiting for crops."""

    epoch: int
    epochs: int
    loss: float
    seconds: float
    images_per_s: float
    waiting: float


@dataclass(frozen=True)
class Validated:
    """One validation; ``metrics["score"]`` is what the best weights are chosen by.

    Without images to judge by there are no metrics, and the last weights are the best.
    """

    epoch: int
    metrics: Mapping[str, float]
    best: bool
    seconds: float


@dataclass(frozen=True)
class Note:
    """A sentence for the person."""

    text: str


Event = BatchDone | EpochDone | Validated | Note

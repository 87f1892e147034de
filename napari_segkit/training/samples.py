"""Crops of an epoch: crop i depends on seed, epoch and i alone, so that training can resume."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from napari_segkit.training.config import TrainConfig
    from napari_segkit.training.store import Item
    from napari_segkit.training.tasks import Task

Crop = tuple["Tensor", "Tensor"]


@dataclass(frozen=True)
class Epoch(Dataset[Crop]):
    """Every image equally often, in a new order; with several processes each gets its share."""

    task: Task
    items: Sequence[Item]
    config: TrainConfig
    number: int
    length: int
    rank: int = 0
    world: int = 1

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Crop:
        place = (self.number * self.length + index) * self.world + self.rank
        lap, position = divmod(place, len(self.items))
        order = np.random.default_rng([self.config.seed, 1, lap]).permutation(len(self.items))
        rng = np.random.default_rng([self.config.seed, 2, place])
        size = self.config.size or self.task.size
        with torch.random.fork_rng(devices=[]):
            # torch.manual_seed also looks at the GPUs, which takes longer than a crop
            torch.default_generator.manual_seed(int(rng.integers(2**62)))
            item = self.items[int(order[position])]
            return self.task.sample(item, rng, size=size, augment=self.config.augment)


def loader(epoch: Epoch, batch: int) -> DataLoader[Crop]:
    """Batches of an epoch."""
    workers = epoch.config.workers
    return DataLoader(
        epoch,
        batch_size=batch,
        num_workers=workers,
        multiprocessing_context="spawn" if workers else None,
    )

"""Crops of an epoch: crop i depends on seed, epoch and i alone, so that training can resume."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_segkit.training.config import TrainConfig
    from napari_segkit.training.store import Item
    from napari_segkit.training.task import Task


@dataclass(frozen=True)
class Epoch(Dataset[Any]):
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

    def __getitem__(self, index: int) -> Any:
        place = (self.number * self.length + index) * self.world + self.rank
        lap, position = divmod(place, len(self.items))
        order = np.random.default_rng([self.config.seed, 1, lap]).permutation(len(self.items))
        rng = np.random.default_rng([self.config.seed, 2, place])
        with torch.random.fork_rng(devices=[]):
            # torch.manual_seed also looks at the GPUs, which takes longer than a crop
            torch.default_generator.manual_seed(int(rng.integers(2**62)))
            item = self.items[int(order[position])]
            return self.task.sample(item, rng, config=self.config)


def loader(epoch: Epoch, batch: int) -> DataLoader[Any]:
    """Batches of an epoch."""
    workers = epoch.config.workers
    return DataLoader(
        epoch,
        batch_size=batch,
        collate_fn=epoch.task.collate,
        num_workers=workers,
        multiprocessing_context="spawn" if workers else None,
    )

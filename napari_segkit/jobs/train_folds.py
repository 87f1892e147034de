"""Few photos: train several times, each time judged by photos left out, before the training of all.

The mean of the folds' validations, epoch by epoch, says how long to train on all images, and is
what the weights' card tells of them: no image is judged by weights that saw it.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.data.atomic import disk_errors
from napari_segkit.errors import DatasetError
from napari_segkit.jobs.train_split import photos_of, without
from napari_segkit.types import Progress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

    from napari_segkit.training.config import TrainConfig
    from napari_segkit.training.store import Item
    from napari_segkit.training.task import Task
    from napari_segkit.types import Job


@dataclass(frozen=True)
class Folded:
    """What cross-validation says: the best epoch, and the mean measures after it."""

    folds: int
    epoch: int
    metrics: Mapping[str, float]


def folds_of(task: Task, config: TrainConfig, photos: int) -> int:
    """In how many folds to cross-validate, as many as photos at most; 0 = not at all."""
    if config.folds is None:
        return photos if 2 <= photos < task.few else 0
    folds = min(config.folds, photos)
    return folds if folds > 1 else 0


def cross_validate(
    task: Task,
    items: Sequence[Item],
    config: TrainConfig,
    out: Path,
    *,
    folds: int,
    resume: bool = False,
    init: Mapping[str, Tensor] | None = None,
) -> Job[Folded]:
    """Train ``folds`` times into ``out/fold1`` and so on; photo i is left out of fold i mod folds.

    Raises
    ------
    InputError, ModelError, WriteError
        As `napari_segkit.training.fit.fit`.
    """
    from napari_segkit.training.export import Sources
    from napari_segkit.training.fit import fit
    from napari_segkit.training.keeper import Keeper
    from napari_segkit.training.store import fingerprint

    plain = config.model_copy(update={"patience": 0})
    curves, photos = [], photos_of(items)
    for number in range(folds):
        yield Progress(number, folds, f"fold {number + 1} of {folds}")
        place = out / f"fold{number + 1}"
        with disk_errors(place):
            place.mkdir(parents=True, exist_ok=True)
        names = photos[number::folds]
        rest, left_out = without(items, set(names))
        keeper = Keeper(
            place,
            task.id,
            task=task,
            config=plain,
            sources=Sources(f"{len(rest)} images, all but {', '.join(names)}", ""),
            resume=resume,
        )
        learn = [task.lean(item) for item in rest]
        mark = fingerprint(learn)
        try:
            for event in fit(
                task, learn, left_out, plain, place, resume=resume, init=init, fingerprint=mark
            ):
                keeper.add(event)
                yield Progress(number, folds, f"fold {number + 1} of {folds}")
        finally:
            keeper.close()
        curves.append(_curve(place))
    return _summed(curves)


def _curve(folder: Path) -> list[dict[str, float]]:
    """Rows of a training's log, one for each epoch."""
    with (folder / "log.csv").open(newline="", encoding="utf-8") as file:
        return [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(file)]


def _summed(curves: Sequence[Sequence[Mapping[str, float]]]) -> Folded:
    length = min(map(len, curves))
    if not length:
        raise DatasetError("no fold was trained for an epoch", remedy="train for longer")
    means = [
        {
            key: float(np.mean([curve[epoch].get(key, 0.0) for curve in curves]))
            for key in curves[0][epoch]
            if key not in ("epoch", "loss", "lr", "seconds", "images_per_s")
        }
        for epoch in range(length)
    ]
    best = max(range(length), key=lambda epoch: means[epoch]["score"])
    return Folded(len(curves), best + 1, means[best])

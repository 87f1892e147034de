"""Train a model on datasets, and keep what came of it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.data.atomic import atomic_write, disk_errors
from napari_segkit.data.formats.registry import recognise
from napari_segkit.errors import DatasetError
from napari_segkit.types import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

    from napari_segkit.training.config import TrainConfig
    from napari_segkit.training.events import Event
    from napari_segkit.training.store import Item
    from napari_segkit.training.tasks import Task
    from napari_segkit.types import Job


@dataclass(frozen=True)
class TrainReport:
    """What came of a training."""

    out: Path
    train_images: int
    valid_images: int
    epoch: int
    best_epoch: int
    seconds: float
    metrics: Mapping[str, float]
    notes: tuple[str, ...] = ()


def train(
    model_id: str,
    dataset: Path,
    out: Path,
    *,
    config: TrainConfig,
    valid: Path | None = None,
    resume: bool = False,
    init: Path | None = None,
    on_event: Callable[[Event], object] | None = None,
) -> Job[TrainReport]:
    """Train a model; ``out`` gets checkpoint, weights, log and configuration.

    Parameters
    ----------
    valid
        Dataset to judge by; otherwise a share of the images is set aside.
    resume
        Go on from the checkpoint in ``out``.
    init
        Weights file to start from.
    on_event
        Is told everything as it happens.

    Raises
    ------
    InputError
        Where a dataset, the configuration or a checkpoint cannot be used.
    ModelError
        Where the training fails.
    WriteError
        Where the disk refuses; the checkpoint before is intact.
    """
    from napari_segkit.training.checkpoint import read_state
    from napari_segkit.training.events import BatchDone, Note
    from napari_segkit.training.fit import LAST, fit
    from napari_segkit.training.tasks import get_task

    task = get_task(model_id)
    with disk_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    learn = yield from load_items(task, dataset)
    if valid is None:
        learn, judge = split(learn, config.valid_share, config.seed)
    else:
        judge = yield from load_items(task, valid)
    with atomic_write(out / "config.json") as file:
        file.write(config.model_dump_json(indent=1).encode())
    notes = []
    tensors = None if init is None else _tensors(init)
    for event in fit(task, learn, judge, config, out, resume=resume, init=tensors):
        _log(out / "log.jsonl", event)
        if on_event is not None:
            on_event(event)
        if isinstance(event, BatchDone):
            yield Progress(event.step, event.steps, f"epoch {event.epoch + 1} {event.loss:.3f}")
        elif isinstance(event, Note):
            notes.append(event.text)
    state = read_state(out / LAST)
    return TrainReport(
        out,
        len(learn),
        len(judge),
        state.epoch,
        state.best_epoch,
        state.seconds,
        state.metrics,
        tuple(notes),
    )


def load_items(task: Task, path: Path) -> Job[list[Item]]:
    """Decode every image of a dataset, once.

    Raises
    ------
    DatasetError
        Where it is empty, or an image or mask cannot be used.
    """
    from napari_segkit.training.store import item_of

    items = []
    with recognise(path).open(path) as dataset:
        for number, name in enumerate(dataset.names):
            yield Progress(number, len(dataset), f"reading {name}")
            items.append(task.prepare(item_of(dataset.read(name), task.classes)))
    if not items:
        raise DatasetError("dataset has no images", where=path)
    return items


def split(items: Sequence[Item], share: float, seed: int) -> tuple[list[Item], list[Item]]:
    """Images to learn from and to judge by: from two on, at least one of each."""
    order = np.random.default_rng([seed, 0]).permutation(len(items))
    count = min(max(1, round(share * len(items))), len(items) - 1)
    chosen = set(order[:count].tolist())
    learn = [item for k, item in enumerate(items) if k not in chosen]
    return learn, [items[k] for k in sorted(chosen)]


def _tensors(path: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    return {key: value.float() for key, value in load_file(path).items()}


def _log(path: Path, event: Event) -> None:
    """Add a line; single steps are left out."""
    from napari_segkit.training.events import BatchDone

    if isinstance(event, BatchDone):
        return
    with disk_errors(path), path.open("a", encoding="utf-8") as file:
        file.write(event_json(event) + "\n")


def event_json(event: Event) -> str:
    """One line for a program that follows: the kind of event, its values, the time."""
    content = {"event": type(event).__name__, "time": time.time(), **vars(event)}
    return json.dumps(content)

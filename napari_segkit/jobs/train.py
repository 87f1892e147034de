"""Train a model on datasets, and keep what came of it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_segkit.data.atomic import disk_errors
from napari_segkit.data.formats.registry import recognise
from napari_segkit.errors import DatasetError
from napari_segkit.jobs.train_folds import cross_validate, folds_of
from napari_segkit.jobs.train_split import photos_of, split
from napari_segkit.types import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from torch import Tensor

    from napari_segkit.data.weights_card import WeightsCard
    from napari_segkit.training.config import TrainConfig
    from napari_segkit.training.events import Event
    from napari_segkit.training.export import Sources
    from napari_segkit.training.keeper import Keeper
    from napari_segkit.training.store import Item
    from napari_segkit.training.task import Task
    from napari_segkit.types import Job


@dataclass(frozen=True)
class TrainReport:
    """What came of a training; ``metrics``: of the best epoch, or the mean of ``folds``."""

    weights: Path
    train_images: int
    valid_images: int
    epoch: int
    best_epoch: int
    seconds: float
    metrics: Mapping[str, float]
    notes: tuple[str, ...] = ()
    folds: int = 0


def train(
    model_id: str,
    dataset: Path | Sequence[Path],
    out: Path,
    *,
    config: TrainConfig,
    valid: Path | Sequence[Path] | None = None,
    resume: bool = False,
    init: Path | None = None,
    name: str = "",
    on_event: Callable[[Event], object] | None = None,
) -> Job[TrainReport]:
    """Train a model.

    ::

        out/NAME.safetensors, NAME.json   the best weights so far and their card
        out/last.ckpt, best.safetensors   what training goes on from
        out/log.csv, curves.svg           one row for each epoch, and how it looks
        out/fold1 …                       the same of each fold, where there are few images

    Parameters
    ----------
    dataset
        One, or several that are learned from together.
    valid
        Dataset or datasets to judge by; otherwise a share of the photos is set aside.
    resume
        Go on from the checkpoint in ``out``.
    init
        Weights to start from: a file, or the folder of another training. Their architecture is
        kept unless the configuration names another.
    name
        Of the weights; by default the model's id.
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
    from napari_segkit.training.fit import fit
    from napari_segkit.training.keeper import Keeper
    from napari_segkit.training.store import fingerprint
    from napari_segkit.training.tasks import get_task

    begun = _card(init)
    task = get_task(model_id)
    config = task.continued(config, begun) if begun else config
    task = task.configured(config)
    with disk_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    datasets, valids = _paths(dataset), _paths(valid)
    learn, judge = yield from _images(task, datasets, valids)
    folds = 0 if valids else folds_of(task, config, len(photos_of(learn)))
    first, folded = init_tensors(init), None
    if folds:
        folded = yield from cross_validate(
            task, learn, config, out, folds=folds, resume=resume, init=first
        )
    elif not valids:
        learn, judge = split(learn, config.valid_share, config.seed)
    learn = [task.lean(item) for item in learn]
    recipe = _recipe(model_id, datasets, valids, config)
    keeper = Keeper(
        out,
        name or model_id,
        task=task,
        config=config,
        sources=_sources(len(learn), datasets, recipe, init, begun),
        resume=resume,
        metrics=folded.metrics if folded else None,
    )
    images = fingerprint(learn)
    last = folded.epoch if folded else None
    run = fit(
        task, learn, judge, config, out, resume=resume, init=first, fingerprint=images, last=last
    )
    notes = yield from _drained(run, keeper, on_event)
    report = _report(keeper.weights, out, counts=(len(learn), len(judge)), notes=notes)
    return replace(report, metrics=folded.metrics, folds=folds) if folded else report


def _report(
    weights: Path, out: Path, *, counts: tuple[int, int], notes: tuple[str, ...]
) -> TrainReport:
    """What the last checkpoint says; ``counts`` of images to learn from and to judge by."""
    from napari_segkit.training.checkpoint import read_state
    from napari_segkit.training.fit import LAST

    state = read_state(out / LAST)
    return TrainReport(
        weights,
        *counts,
        epoch=state.epoch,
        best_epoch=state.best_epoch,
        seconds=state.seconds,
        metrics=state.metrics,
        notes=notes,
    )


def _drained(
    run: Iterable[Event], keeper: Keeper, on_event: Callable[[Event], object] | None
) -> Job[tuple[str, ...]]:
    """Keep and tell every event, then close the keeper; the notes come back."""
    from napari_segkit.training.events import BatchDone, Note

    notes = []
    try:
        for event in run:
            keeper.add(event)
            if keeper.writes and on_event is not None:
                on_event(event)
            if isinstance(event, BatchDone):
                yield Progress(event.step, event.steps, f"epoch {event.epoch + 1} {event.loss:.3f}")
            elif isinstance(event, Note):
                notes.append(event.text)
    finally:
        keeper.close()
    return tuple(notes)


def _paths(given: Path | Sequence[Path] | None) -> list[Path]:
    return [] if given is None else [given] if isinstance(given, Path) else list(given)


def _images(
    task: Task, datasets: Sequence[Path], valids: Sequence[Path]
) -> Job[tuple[list[Item], list[Item]]]:
    """Images to learn from and to judge by."""
    learn, judge = [], []
    for path in datasets:
        learn += yield from load_items(task, path, lean=bool(valids))
    for path in valids:
        judge += yield from load_items(task, path)
    return learn, judge


def load_items(task: Task, path: Path, *, lean: bool = False) -> Job[list[Item]]:
    """Decode every image of a dataset, once; ``lean`` ones are only learned from.

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
            item = task.prepare(item_of(dataset.read(name), task.classes))
            items.append(task.lean(item) if lean else item)
    if not items:
        raise DatasetError("dataset has no images", where=path)
    return items


def init_tensors(path: Path | None) -> dict[str, Tensor] | None:
    """Tensors of a weights file, or of the best weights in a training's folder."""
    if path is None:
        return None
    import torch

    from napari_segkit.data.weights import read_safetensors
    from napari_segkit.training.fit import BEST

    found = read_safetensors(path / BEST if path.is_dir() else path)
    return {key: torch.from_numpy(value) for key, value in found.items()}


def _card(init: Path | None) -> WeightsCard | None:
    """The card of what a training begins with, where it has one."""
    from napari_segkit.data.weights_card import card_path, read_card

    if init is None:
        return None
    files = sorted(init.glob("*.safetensors")) if init.is_dir() else [init]
    return next((read_card(one) for one in files if card_path(one).is_file()), None)


def _sources(
    count: int, datasets: Sequence[Path], recipe: str, init: Path | None, card: WeightsCard | None
) -> Sources:
    """What the weights come from; ``card``: of those that the training begins with."""
    from napari_segkit.data.weights import sha256_of
    from napari_segkit.data.weights_card import LICENCE
    from napari_segkit.training.export import Sources
    from napari_segkit.training.fit import BEST

    data = f"{count} images of {', '.join(one.name for one in datasets)}"
    if init is None:
        return Sources(data, recipe)
    start = sha256_of(init / BEST if init.is_dir() else init)
    given = LICENCE if card is None else card.licence
    licence = given if LICENCE in given else f"{LICENCE} AND {given}"
    return Sources(data, recipe, start, licence)


def _recipe(
    model_id: str, datasets: Sequence[Path], valids: Sequence[Path], config: TrainConfig
) -> str:
    """The command, with the names of the datasets and of the base, no folders, and what was set."""
    settings = config.model_dump(exclude_defaults=True, mode="json")
    if "base" in settings:
        settings["base"] = Path(settings["base"]).name
    parts = [f"segkit train {model_id}", *(path.name for path in datasets)]
    parts += [f"--valid {path.name}" for path in valids]
    parts += [
        f"--set {key}={value if isinstance(value, (int, float, str)) else json.dumps(value)}"
        for key, value in settings.items()
    ]
    return " ".join(parts)


def event_json(event: Event) -> str:
    """One line for a program that follows: the kind of event, its values, the time."""
    content = {"event": type(event).__name__, "time": round(time.time(), 3), **vars(event)}
    return json.dumps(content)

"""The weights file of a training and its card."""

from __future__ import annotations

import math
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, NamedTuple

from napari_segkit.data.weights import sha256_of
from napari_segkit.data.weights_card import LICENCE, TrainingFacts, WeightsCard, read_card
from napari_segkit.errors import WeightsError
from napari_segkit.training.checkpoint import read_state
from napari_segkit.training.fit import LAST, best_weights

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari_segkit.training.config import TrainConfig
    from napari_segkit.training.task import Task

_PACKAGES = ("napari-segkit", "torch", "torchvision", "accelerate", "numpy")


class Sources(NamedTuple):
    """What weights come from, for the card.

    Attributes
    ----------
    data, recipe
        What they are trained on, in words, and the command.
    start
        Hash of the weights that they begin with, or empty.
    licence
        In SPDX's terms.
    """

    data: str
    recipe: str
    start: str = ""
    licence: str = LICENCE


def export_weights(
    out: Path,
    name: str,
    *,
    task: Task,
    config: TrainConfig,
    sources: Sources,
    metrics: Mapping[str, float] | None = None,
) -> None:
    """Write the best weights so far as ``NAME.safetensors`` with its card.

    Parameters
    ----------
    out
        Folder of the training.
    sources
        For the card.
    metrics
        By default those of the best validation.

    Raises
    ------
    WeightsError
        Where the weights are not finite.
    WriteError
        Where the disk refuses.
    """
    state = read_state(out / LAST)
    card = WeightsCard(
        name=name,
        model=task.id,
        training=TrainingFacts(
            data=sources.data,
            data_sha256=state.fingerprint,
            seed=config.seed,
            steps=state.best_step,
            seconds=round(state.seconds, 1),
            recipe=sources.recipe,
            start=sources.start,
        ),
        metrics=_rounded(state.metrics if metrics is None else metrics),
        versions={name: found for name in _PACKAGES if (found := _version(name))},
        licence=sources.licence,
        **task.card_facts(config),
    )
    tensors = {key: value.numpy() for key, value in best_weights(out).items()}
    task.save(out / f"{name}.safetensors", tensors, card, config)


def is_exported(out: Path, name: str, *, metrics: Mapping[str, float] | None = None) -> bool:
    """Whether ``NAME.safetensors`` and its card are whole and the best of the last checkpoint.

    Parameters as `export_weights`.
    """
    state, path = read_state(out / LAST), out / f"{name}.safetensors"
    measured = _rounded(state.metrics if metrics is None else metrics)
    try:
        card = read_card(path)
        whole = card.sha256 == sha256_of(path)
    except WeightsError:
        return False
    return whole and card.training.steps == state.best_step and card.metrics == measured


def _rounded(metrics: Mapping[str, float]) -> dict[str, float]:
    return {key: round(v, 5) for key, v in metrics.items() if math.isfinite(v)}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""

"""Train with photos that have no masks: predict, keep what the model is sure of, train again.

Self-training with hard labels and a threshold of confidence (Lee 2013, "Pseudo-Label").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_segkit.data.dataset import Sample, WriteOptions
from napari_segkit.data.formats.registry import get_format, recognise
from napari_segkit.data.images import read_image
from napari_segkit.errors import ParamsError
from napari_segkit.jobs.predict import segment
from napari_segkit.jobs.train import train
from napari_segkit.models.registry import get_model
from napari_segkit.types import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from napari_segkit.data.images import ImageSource
    from napari_segkit.models.base import Segmenter
    from napari_segkit.training.config import TrainConfig
    from napari_segkit.training.events import Event
    from napari_segkit.types import Job, Segmentation


@dataclass(frozen=True)
class Round:
    """What came of one round: weights, photos that were kept, score by validation."""

    weights: Path
    kept: int
    score: float


@dataclass(frozen=True)
class SelfTraining:
    """All rounds; round 0 saw only the labelled images. ``best`` is the one to use."""

    rounds: tuple[Round, ...]
    best: Round


def self_train(
    model_id: str,
    labelled: Path,
    photos: Sequence[ImageSource],
    out: Path,
    *,
    config: TrainConfig,
    valid: Path,
    rounds: int = 1,
    sure: float = 0.9,
    init: Path | None = None,
    on_event: Callable[[Event], object] | None = None,
) -> Job[SelfTraining]:
    """Train on labelled images, then on these and on photos that the model is sure of.

    ::

        out/round0/                   trained on the labelled images
        out/round1/data, out/round1/  with the photos that round 0 was sure of

    Parameters
    ----------
    valid
        Dataset that every round is judged by; it must hold other images than ``labelled``.
    sure
        A photo is kept where something was found and every object's score is at least this.
    init
        Weights that every round starts from.

    Raises
    ------
    InputError, ModelError, WriteError
        As `train`.
    """
    if not 0 < sure <= 1 or not 1 <= rounds <= 20:
        raise ParamsError(
            "rounds or confidence", expected="1 to 20 rounds, above 0 to 1",
            got=f"{rounds} and {sure:g}",
        )  # fmt: skip
    done: list[Round] = []
    data = labelled
    kept = 0
    for number in range(rounds + 1):
        place = out / f"round{number}"
        if number:
            data = place / "data"
            kept = yield from _with_photos(model_id, done[-1].weights, labelled, photos, data, sure)
            if not kept:
                break
        report = yield from train(
            model_id, data, place, config=config, valid=valid, init=init, on_event=on_event
        )
        done.append(Round(report.weights, kept, report.metrics.get("score", 0.0)))
    return SelfTraining(tuple(done), max(done, key=lambda one: one.score))


def _with_photos(
    model_id: str,
    weights: Path,
    labelled: Path,
    photos: Sequence[ImageSource],
    target: Path,
    sure: float,
) -> Job[int]:
    """Write the labelled images and the photos that the model is sure of; how many of these."""
    model = get_model(model_id)()
    model.load(weights)
    kept = 0
    options = WriteOptions(include_images=True)
    with recognise(labelled).open(labelled) as dataset:
        form = get_format("tiff16")  # holds any number of objects
        with form.open_writer(target, classes=dataset.classes, options=options) as writer:
            for sample in dataset:
                yield Progress(0, None, sample.name)
                writer.add(Sample(f"labelled/{sample.name}", sample.segmentation, sample.image))
            for number, source in enumerate(photos):
                yield Progress(number, len(photos), source.name)
                found = yield from _segmented(model, source)
                if is_sure(found, sure):
                    kept += 1
                    writer.add(Sample(f"photos/{source.name}", found, source.path))
    return kept


def _segmented(model: Segmenter, source: ImageSource) -> Job[Segmentation]:
    params = next(iter(model.presets.values()))
    return (yield from segment(model, read_image(source.path).pixels, params=params))


def is_sure(found: Segmentation, least: float) -> bool:
    """Whether there are objects and each has at least this score."""
    scores = [one.score for one in found.instances.values()]
    return bool(scores) and min(scores) >= least

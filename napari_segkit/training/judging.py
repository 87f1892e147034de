"""How good a model's answers are: measures of each image, then of all."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segkit.ops.masks import lookup
from napari_segkit.training.metrics import (
    boundary_iou,
    mask_dice,
    mask_iou,
    match_instances,
    worst_decile,
)
from napari_segkit.training.promptable_metrics import holes_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_segkit.types import Labels, Segmentation


@dataclass(frozen=True)
class ClassResult:
    """One class in one image.

    Attributes
    ----------
    iou, dice, boundary_iou
        Of its pixels; ``None`` where it neither is nor was found.
    hole_iou
        Of what it encloses and does not cover, such as a ring's inside; ``None`` without holes.
    true, hit, false
        Objects that are there, were found, and were found without being there.
    """

    iou: float | None
    dice: float | None
    boundary_iou: float | None
    true: int
    hit: int
    false: int
    hole_iou: float | None = None


@dataclass(frozen=True)
class ImageJudgement:
    """One image: class name -> result, and the seconds that the model took."""

    name: str
    classes: dict[str, ClassResult]
    seconds: float = 0.0

    @property
    def mean_iou(self) -> float:
        """Of the classes that are there or were found; 1 where there is none."""
        ious = [one.iou for one in self.classes.values() if one.iou is not None]
        return float(np.mean(ious)) if ious else 1.0


@dataclass(frozen=True)
class Verdict:
    """All images: overall and class by class, measure -> value."""

    overall: dict[str, float]
    classes: dict[str, dict[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Judged:
    """One weights file's answers.

    Attributes
    ----------
    weights
        Name of the file; ``model`` where the model's own were used.
    pictures
        Image -> (truth, answer) as ``data:`` addresses, of the worst images.
    """

    weights: str
    verdict: Verdict
    images: tuple[ImageJudgement, ...]
    pictures: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Evaluation:
    """Every weights file on one dataset."""

    model: str
    dataset: str
    touch: float
    judged: tuple[Judged, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, without the pictures."""
        return {
            "model": self.model,
            "dataset": self.dataset,
            "object_iou": self.touch,
            "weights": [
                {
                    "name": one.weights,
                    **asdict(one.verdict),
                    "images": [asdict(row) | {"mean_iou": row.mean_iou} for row in one.images],
                }
                for one in self.judged
            ],
        }


def judge_image(
    name: str,
    truth: Segmentation,
    found: Segmentation,
    *,
    classes: Sequence[str],
    touch: float,
    ignore: NDArray[np.bool_] | None = None,
    seconds: float = 0.0,
) -> ImageJudgement:
    """Compare an answer with the truth.

    Parameters
    ----------
    classes
        To compare, by name.
    touch
        IoU from which a found object is a true one.
    ignore : (H, W) bool
        Pixels that count neither way, and with them objects that lie mostly there.
    """
    results = {}
    for one in classes:
        true_ids, found_ids = _of_class(truth, one), _of_class(found, one)
        if ignore is not None and ignore.any():
            true_ids, found_ids = (_without(ids, ignore) for ids in (true_ids, found_ids))
        results[one] = _judge_class(true_ids, found_ids, touch)
    return ImageJudgement(name, results, seconds)


def _of_class(segmentation: Segmentation, name: str) -> Labels:
    instances = segmentation.instances
    table = {key: key if one.class_name == name else 0 for key, one in instances.items()}
    return lookup(segmentation.labels, table)


def _without(ids: Labels, ignore: NDArray[np.bool_]) -> Labels:
    """Ids without the objects of which half or more is ignored, and without ignored pixels."""
    whole = np.bincount(ids.ravel())
    hidden = np.bincount(ids[ignore], minlength=len(whole))
    kept: Labels = np.where(ignore | (2 * hidden >= whole)[ids], 0, ids).astype(np.int32)
    return kept


def _judge_class(truth: Labels, found: Labels, touch: float) -> ClassResult:
    pairs = match_instances(truth, found, threshold=touch)
    counts = len(pairs.pairs) + len(pairs.missed), len(pairs.pairs), len(pairs.extra)
    if not truth.any() and not found.any():
        return ClassResult(None, None, None, *counts)
    measures = mask_iou(truth, found), mask_dice(truth, found), boundary_iou(truth, found)
    holes = holes_of(truth > 0), holes_of(found > 0)
    hole_iou = mask_iou(*holes) if holes[0].any() else None
    return ClassResult(*measures, *counts, hole_iou)


def sum_up(images: Sequence[ImageJudgement]) -> Verdict:
    """Means over images, the worst tenth, and objects of all images together."""
    names = list(dict.fromkeys(name for one in images for name in one.classes))
    classes = {
        name: _of_results([one.classes[name] for one in images if name in one.classes])
        for name in names
    }
    ious = [one.mean_iou for one in images]
    means = [row["iou"] for row in classes.values() if "iou" in row]
    overall = {
        "mean_iou": float(np.mean(means)) if means else 1.0,
        "worst_decile": worst_decile(ious),
        **_objects([result for one in images for result in one.classes.values()]),
        "seconds_per_image": float(np.mean([one.seconds for one in images])),
    }
    clean = [
        sum(result.false for result in one.classes.values())
        for one in images
        if not any(result.true for result in one.classes.values())
    ]
    if clean:
        overall["false_per_clean_image"] = float(np.mean(clean))
    return Verdict(overall, classes)


def _of_results(results: Sequence[ClassResult]) -> dict[str, float]:
    row = {}
    for measure in ("iou", "dice", "boundary_iou", "hole_iou"):
        values = [v for one in results if (v := getattr(one, measure)) is not None]
        if values:
            row[measure] = float(np.mean(values))
    present = [one.dice for one in results if one.true and one.dice is not None]
    if present:  # of a class that is rare, the mean over images where it is
        row["dice_where_present"] = float(np.mean(present))
    ious = [one.iou for one in results if one.iou is not None]
    if ious:
        row["worst_decile"] = worst_decile(ious)
    return row | _objects(results)


def _objects(results: Sequence[ClassResult]) -> dict[str, float]:
    true, hit, false = (
        sum(getattr(one, key) for one in results) for key in ("true", "hit", "false")
    )
    right = 2 * hit + false + true - hit
    return {
        "object_f1": 2 * hit / right if right else 1.0,
        "precision": hit / (hit + false) if hit + false else 1.0,
        "recall": hit / true if true else 1.0,
    }

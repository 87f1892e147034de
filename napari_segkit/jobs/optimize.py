"""Smaller, faster weights for OpenVINO, refused where they are worse."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from napari_segkit.data.atomic import atomic_write, disk_errors
from napari_segkit.data.weights import sha256_of
from napari_segkit.data.weights_card import card_path
from napari_segkit.errors import DatasetError, ModelError
from napari_segkit.jobs.evaluate import evaluate
from napari_segkit.jobs.optimize_parts import EncoderPart, NetworkPart
from napari_segkit.jobs.synth import synthesise
from napari_segkit.synth.registry import KINDS
from napari_segkit.types import Progress

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_segkit.data.weights_card import WeightsCard
    from napari_segkit.types import Job

Precision = Literal["fp16", "int8"]
_GENERATED, _SEED = 8, 20_261
LARGEST_FALL = 0.005
"""Half a point of object F1 (dust) or mean IoU."""
_MEASURE = {"dust": "object_f1"}


@dataclass(frozen=True)
class Optimized:
    """What was written, and its measure beside that of the weights it was made from."""

    path: Path
    measure: str
    before: float
    after: float
    bytes: int


def optimize(
    model_id: str,
    out: Path,
    *,
    precision: Precision,
    calibration: Path | None = None,
    validation: Path | None = None,
    weights: Path | None = None,
) -> Job[Optimized]:
    """Write ``NAME-PRECISION.xml``, ``.bin`` and a card into a folder; all three or none.

    Of rings it is the image encoder of a base: as a base's file it stands for that base.

    Parameters
    ----------
    calibration
        Dataset with images: activations are measured on them or on crops. By default generated.
    validation
        Dataset to judge by; by default the calibration's.
    weights
        File; of rings a base by its name, too. By default those in use.

    Raises
    ------
    ModelError
        Where the measure falls by more than half a point; what was in the folder stays.
    InputError, WriteError
        Where model, weights or dataset cannot be used, or the disk refuses.
    """
    part = EncoderPart(weights) if model_id == "rings" else NetworkPart(model_id, weights)
    card = part.card
    with disk_errors(out):
        out.mkdir(parents=True, exist_ok=True)
        staging = tempfile.TemporaryDirectory(dir=out, prefix=".optimize-")
    from napari_segkit.runtime.openvino_backend import save_ir

    with staging as folder:
        path = Path(folder) / f"{card.name}-{precision}.xml"
        if calibration is None:
            calibration = yield from _generated(model_id, Path(folder) / "generated")
        yield Progress(0, 3, "converting")
        model = part.converted()
        if precision == "int8":
            yield Progress(1, 3, "measuring activations")
            model = part.quantised(model, calibration)
        save_ir(model, path, half=True)
        _write_card(path, card, precision, {})
        yield Progress(2, 3, "comparing")
        measure, before, after = yield from _compared(
            model_id, validation or calibration, (part.source, path), part.changes, precision
        )
        figures = {f"{measure}_before_{precision}": before, f"{measure}_{precision}": after}
        _write_card(path, card, precision, figures)
        target = _arrived(path, out)
    size = target.with_suffix(".bin").stat().st_size
    return Optimized(target, measure, before, after, size)


def _compared(
    model_id: str,
    dataset: Path,
    weights: tuple[Path, Path],
    changes: Mapping[str, Any],
    precision: Precision,
) -> Job[tuple[str, float, float]]:
    """The measure's name, before and after; `ModelError` where it falls too far."""
    judged = yield from evaluate(model_id, dataset, weights=weights, changes=changes)
    measure = _MEASURE.get(model_id, "mean_iou")
    before, after = (one.verdict.overall[measure] for one in judged.judged)
    if after < before - LARGEST_FALL:
        raise ModelError(
            f"{precision} would make the weights worse; nothing was written",
            expected=f"{measure} of at least {before - LARGEST_FALL:.3f}",
            got=f"{after:.3f}",
            remedy="calibrate with more varied images, or use fp16",
        )
    return measure, before, after


def _generated(model_id: str, target: Path) -> Job[Path]:
    """A few generated images, always the same, where no dataset is given."""
    if model_id not in KINDS:
        raise DatasetError(
            f"nothing to compare {model_id} on", remedy="name a dataset (--calibration)"
        )
    yield from synthesise(model_id, target, count=_GENERATED, seed=_SEED)
    return target


def _arrived(made: Path, out: Path) -> Path:
    """Move the three files, the one that names the others last."""
    with disk_errors(out):
        for one in (made.with_suffix(".bin"), card_path(made), made):
            os.replace(one, out / one.name)
    return out / made.name


def _write_card(
    path: Path, card: WeightsCard, precision: Precision, figures: Mapping[str, float]
) -> None:
    made = card.model_copy(
        update={
            "name": path.stem,
            "sha256": sha256_of(path.with_suffix(".bin")),
            "versions": card.versions | {"precision": precision.upper()},
            "metrics": card.metrics | {name: round(one, 4) for name, one in figures.items()},
        }
    )
    with atomic_write(card_path(path)) as file:
        file.write(made.model_dump_json(indent=2).encode() + b"\n")

"""Smaller, faster weights for OpenVINO, refused where they are worse."""

from __future__ import annotations

import itertools
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_segkit.data.atomic import atomic_write, disk_errors
from napari_segkit.data.formats.registry import recognise
from napari_segkit.data.pixels import sample_pixels
from napari_segkit.data.weights import load_weights, sha256_of
from napari_segkit.data.weights_card import card_path
from napari_segkit.data.weights_store import find_weights
from napari_segkit.errors import DatasetError, ModelError
from napari_segkit.jobs.evaluate import evaluate
from napari_segkit.jobs.synth import synthesise
from napari_segkit.synth.registry import KINDS
from napari_segkit.types import Progress

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_segkit.data.weights_card import WeightsCard
    from napari_segkit.types import Image, Job

Precision = Literal["fp16", "int8"]
_CALIBRATION = 64
_SIDE = 256
_GENERATED, _SEED = 8, 20_261
LARGEST_FALL = 0.005
"""Half a point of object F1 (dust) or mean IoU (eggs and pans)."""
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

    Parameters
    ----------
    calibration
        Dataset with images: activations are measured on crops of them. By default generated ones.
    validation
        Dataset to judge by; by default the calibration's.

    Raises
    ------
    ModelError
        Where the measure falls by more than half a point; what was in the folder stays.
    InputError, WriteError
        Where model, weights or dataset cannot be used, or the disk refuses.
    """
    source = find_weights(model_id, weights)
    tensors, card = load_weights(source)
    with disk_errors(out):
        out.mkdir(parents=True, exist_ok=True)
        staging = tempfile.TemporaryDirectory(dir=out, prefix=".optimize-")
    with staging as folder:
        path = Path(folder) / f"{card.name}-{precision}.xml"
        if calibration is None:
            calibration = yield from _generated(model_id, Path(folder) / "generated")
        yield Progress(0, 3, "converting")
        yield from _convert(path, precision, (card, tensors, source), calibration)
        _write_card(path, card, precision, {})
        yield Progress(2, 3, "comparing")
        judged = yield from evaluate(model_id, validation or calibration, weights=(source, path))
        measure = _MEASURE.get(model_id, "mean_iou")
        before, after = (one.verdict.overall[measure] for one in judged.judged)
        if after < before - LARGEST_FALL:
            raise ModelError(
                f"{precision} would make the weights worse; nothing was written",
                expected=f"{measure} of at least {before - LARGEST_FALL:.3f}",
                got=f"{after:.3f}",
                remedy="calibrate with more varied images, or use fp16",
            )
        figures = {f"{measure}_before_{precision}": before, f"{measure}_{precision}": after}
        _write_card(path, card, precision, figures)
        target = _arrived(path, out)
    size = target.with_suffix(".bin").stat().st_size
    return Optimized(target, measure, before, after, size)


def _generated(model_id: str, target: Path) -> Job[Path]:
    """A few generated images, always the same, where no dataset is given."""
    if model_id not in KINDS:
        raise DatasetError(
            f"nothing to compare {model_id} on", remedy="name a dataset (--calibration)"
        )
    yield from synthesise(model_id, target, count=_GENERATED, seed=_SEED)
    return target


def _convert(
    path: Path,
    precision: Precision,
    weights: tuple[WeightsCard, Mapping[str, NDArray[Any]], Path],
    calibration: Path,
) -> Job[None]:
    from napari_segkit.runtime.openvino_backend import convert, save_ir
    from napari_segkit.runtime.torch_backend import make_served

    card, tensors, source = weights
    model = convert(make_served(card, tensors, where=source))
    if precision == "int8":
        from napari_segkit.runtime.quantize import quantised

        yield Progress(1, 3, "measuring activations")
        model = quantised(model, _crops(card, calibration))
    save_ir(model, path, half=True)


def _arrived(made: Path, out: Path) -> Path:
    """Move the three files, the one that names the others last."""
    with disk_errors(out):
        for one in (made.with_suffix(".bin"), card_path(made), made):
            os.replace(one, out / one.name)
    return out / made.name


def _crops(card: WeightsCard, dataset: Path) -> list[Image]:
    """Batches of one: crops for tiled models, whole scaled images for the others."""
    from napari_segkit.ops.resizing import pad_square, resize_image

    rng = np.random.default_rng(0)
    crops: list[Image] = []
    with recognise(dataset).open(dataset) as opened:
        names = list(opened.names)
        for name in itertools.islice(itertools.cycle(names), max(_CALIBRATION, len(names))):
            loaded = sample_pixels(opened.read(name))
            if loaded is None:
                raise DatasetError("no image to calibrate with", where=name)
            pixels = loaded.pixels
            if card.model == "dust":
                side = _SIDE
                y, x = (int(rng.integers(max(1, n - side + 1))) for n in pixels.shape[:2])
                pixels = pixels[y : y + side, x : x + side]
            else:
                side = card.input_size
            crops.append(resize_image(pad_square(pixels), (side, side))[None])
            if len(crops) == _CALIBRATION:
                break
    if not crops:
        raise DatasetError("dataset has no images", where=dataset)
    return crops


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

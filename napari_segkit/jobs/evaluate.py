"""Compare a model's answers with the truth, for one or several weights."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segkit.data.atomic import atomic_write, disk_errors
from napari_segkit.data.formats.registry import recognise
from napari_segkit.data.pixels import sample_pixels
from napari_segkit.errors import DatasetError
from napari_segkit.jobs.predict import segment
from napari_segkit.models.base import make_params
from napari_segkit.models.registry import get_model
from napari_segkit.types import Progress, Prompts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from napari_segkit.data.dataset import Dataset, Sample
    from napari_segkit.data.formats.base import Format
    from napari_segkit.models.base import ModelParams, Segmenter
    from napari_segkit.training.ignore import Region
    from napari_segkit.training.judging import Evaluation, ImageJudgement, Judged
    from napari_segkit.types import Image, Job, Segmentation

TOUCH = {"dust": 0.3}
"""IoU from which a found object is a true one, where it is not 0.5."""
MOST_PICTURES = 12


def evaluate(
    model_id: str,
    path: Path,
    *,
    weights: Sequence[Path | None] = (None,),
    preset: str | None = None,
    changes: Mapping[str, Any] | None = None,
    device: str = "auto",
    source_format: Format | None = None,
    ignore: Path | None = None,
    out: Path | None = None,
    pictures: bool = False,
) -> Job[Evaluation]:
    """Let a model answer for every image of a dataset, and compare.

    A model that has to be asked is asked by the boxes of the true objects.

    Parameters
    ----------
    weights
        Files, each judged by itself; ``None`` = the model's own.
    preset, changes
        Parameters of the model.
    source_format
        How the dataset is read; by default as it looks.
    ignore
        JSON file of regions that count neither way (`napari_segkit.training.ignore`).
    out
        HTML report to write, with pictures of the worst images.
    pictures
        Keep them without a report, too.

    Raises
    ------
    InputError
        Where model, dataset, weights or parameters cannot be used.
    WriteError
        Where the disk refuses.
    """
    from napari_segkit.training.ignore import read_ignore
    from napari_segkit.training.judging import Evaluation

    chosen = get_model(model_id)
    params = make_params(chosen, preset, dict(changes or {}))
    regions = {} if ignore is None else read_ignore(ignore)
    judged = []
    with (source_format or recognise(path)).open(path) as dataset:
        if not len(dataset):
            raise DatasetError("dataset has no images", where=path)
        for file in weights:
            model = chosen()
            model.load(file, device=device)
            one = yield from _judge(
                model, dataset, params, regions, pictures=pictures or out is not None
            )
            judged.append(replace(one, weights="model" if file is None else file.stem))
    result = Evaluation(model_id, path.name, TOUCH.get(model_id, 0.5), tuple(judged))
    if out is not None:
        from napari_segkit.training.evaluation_page import evaluation_page

        with disk_errors(out):
            out.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(out) as file_out:
            file_out.write(evaluation_page(result).encode())
    return result


def _judge(
    model: Segmenter,
    dataset: Dataset,
    params: ModelParams,
    regions: Mapping[str, list[Region]],
    *,
    pictures: bool,
) -> Job[Judged]:
    from napari_segkit.training.ignore import ignored
    from napari_segkit.training.judging import Judged, judge_image, sum_up

    names = [one.name for one in model.classes]
    rows: list[ImageJudgement] = []
    shown: dict[str, tuple[str, str]] = {}
    for number, name in enumerate(dataset.names):
        yield Progress(number, len(dataset), name)
        image, truth = _pixels(dataset.read(name), model)
        if model.needs_prompts and not truth.instances:
            continue  # nothing to ask for
        begun = time.perf_counter()
        found = yield from segment(model, image, params=params, prompts=_prompts(model, truth))
        row = judge_image(
            name,
            truth,
            found,
            classes=names,
            touch=TOUCH.get(model.id, 0.5),
            ignore=ignored(regions, name, truth.labels.shape[:2]),
            seconds=time.perf_counter() - begun,
        )
        rows.append(row)
        if pictures:
            _show(shown, rows, image, (truth, found))
    return Judged("", sum_up(rows), tuple(rows), shown)


def _prompts(model: Segmenter, truth: Segmentation) -> Prompts | None:
    """The objects' boxes, for a model that has to be asked."""
    if not model.needs_prompts:
        return None
    boxes = [one.box for one in truth.instances.values()]
    return Prompts(boxes=np.array(boxes, np.float32).reshape(-1, 4))


def _pixels(sample: Sample, model: Segmenter) -> tuple[Image, Segmentation]:
    """Image and truth; a dataset's one class is the model's one, whatever it is called."""
    loaded = sample_pixels(sample)
    if loaded is None:
        raise DatasetError(
            "no image to judge by",
            where=sample.name,
            remedy="write the dataset with its images (--images)",
        )
    truth = sample.segmentation
    if loaded.pixels.shape[:2] != truth.labels.shape:
        raise DatasetError(
            "mask does not match its image",
            where=sample.name,
            expected=loaded.pixels.shape[:2],
            got=truth.labels.shape,
        )
    if len(model.classes) == 1 and len(truth.classes) == 1:
        name = model.classes[0].name
        same = {key: replace(one, class_name=name) for key, one in truth.instances.items()}
        truth = replace(truth, instances=same, classes=model.classes)
    unknown = {one.class_name for one in truth.instances.values()}
    unknown -= {one.name for one in model.classes}
    if unknown:
        raise DatasetError(
            "class is not one of the model's",
            where=sample.name,
            expected=", ".join(one.name for one in model.classes),
            got=", ".join(sorted(unknown)),
            remedy="rename it with `segkit export --rename OLD=NEW`; masks of values: --values",
        )
    return loaded.pixels, truth


def _show(
    shown: dict[str, tuple[str, str]],
    rows: Sequence[ImageJudgement],
    image: Image,
    answers: tuple[Segmentation, Segmentation],
) -> None:
    """Keep pictures of the worst images so far."""
    from napari_segkit.training.evaluation_page import picture

    worst = sorted(rows, key=lambda row: row.mean_iou)[:MOST_PICTURES]
    if rows[-1] in worst:
        shown[rows[-1].name] = picture(image, answers[0]), picture(image, answers[1])
    for name in set(shown) - {row.name for row in worst}:
        del shown[name]

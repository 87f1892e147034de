"""Clicks to reach IoU 0.9 (NoC@90, at most 20), of any model that takes points, and of GrabCut.

    python benchmarks/clicks.py ../shared/data/pantry/valid --images 40 --out clicks.json
    python benchmarks/clicks.py DATASET --model rings [--weights FILE] [--set adapter=none]

The next click goes into the middle of the largest error, jittered, with a seed per object. Each
method is examined from a first click and from the object's box. GrabCut goes on from its mask
before; a model is asked with all clicks, and the box, each time, as the docks do.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from napari_segkit.data.formats.registry import recognise
from napari_segkit.data.images import read_image
from napari_segkit.errors import SegkitError
from napari_segkit.jobs import drain, segment
from napari_segkit.jobs.prompting import is_promptable
from napari_segkit.models.base import PromptKind, make_params
from napari_segkit.models.registry import get_model
from napari_segkit.ops.clicks import click_ious, number_of_clicks
from napari_segkit.ops.refine import refine_instance
from napari_segkit.types import Prompts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari_segkit.jobs.prompting import Refiner

    Predict = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
    Method = Callable[[np.ndarray, np.ndarray], Predict]
    """Image, and the object's box (N, 4) where there is one -> what answers clicks."""


def grabcut(image: np.ndarray, box: np.ndarray) -> Predict:
    """The refiner of the Correct dock, as a method of the harness."""

    def predict(points: np.ndarray, labels: np.ndarray, before: np.ndarray) -> np.ndarray:
        mask = before.astype(np.int32)
        asked = Prompts(points=points, point_labels=labels)
        if not len(points):
            asked = Prompts(boxes=box)
        refine_instance(mask, image, 1, asked).apply(mask)
        return mask == 1

    return predict


def registry_model(name: str, weights: Path | None, changes: list[str]) -> Method:
    """Any model of the registry that takes points."""
    kind = get_model(name)
    if PromptKind.POINTS not in kind.prompts:
        raise SystemExit(f"{name} takes no points")
    model = kind()
    model.load(weights)
    params = make_params(kind, None, dict(change.split("=", 1) for change in changes))

    def method(image: np.ndarray, box: np.ndarray) -> Predict:
        def predict(points: np.ndarray, labels: np.ndarray, before: np.ndarray) -> np.ndarray:
            prompts = Prompts(boxes=box, points=points, point_labels=labels)
            if is_promptable(model):
                nothing = np.zeros(image.shape[:2], bool)
                asked = cast("Refiner", model).refine(image, nothing, prompts, params)
                return np.asarray(drain(asked))
            try:
                return drain(segment(model, image, params=params, prompts=prompts)).labels > 0
            except SegkitError:
                return before

        return predict

    return method


def box_of(truth: np.ndarray) -> np.ndarray:
    """(1, 4) float32."""
    rows, columns = np.nonzero(truth)
    edges = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    return np.array([edges], np.float32)


def objects(place: Path, images: int, smallest: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Image and mask of each object of the first images."""
    with recognise(place).open(place) as dataset:
        for name in sorted(dataset.names)[:images]:
            sample = dataset.read(name)
            if not isinstance(sample.image, Path):
                continue
            image = read_image(sample.image).pixels
            labels = sample.segmentation.labels
            for key in sample.segmentation.instances:
                if np.count_nonzero(labels == key) >= smallest:
                    yield image, labels == key


def measure(method: Method, cases: list[Any], *, box: bool) -> dict[str, Any]:
    """NoC and IoU by number of clicks over all objects."""
    clicks, curves, seconds = [], [], []
    for number, (image, truth) in enumerate(cases):
        begin = time.perf_counter()
        predict = method(image, box_of(truth) if box else np.zeros((0, 4), np.float32))
        start = None
        if box:
            none = np.zeros((0, 2), np.float32), np.zeros(0, np.int32)
            start = predict(*none, np.zeros(truth.shape, bool))
        ious = click_ious(truth, predict, start=start, seed=number)
        steps = len(ious) - 1 + box
        seconds.append((time.perf_counter() - begin) / max(steps, 1))
        clicks.append(number_of_clicks(ious))
        curves.append(ious)

    def iou_after(count: int) -> float:
        return statistics.fmean(c[min(count, len(c) - 1)] for c in curves)

    return {
        "objects": len(cases),
        "noc90": statistics.fmean(clicks),
        "median": statistics.median(clicks),
        "reached": sum(max(c) >= 0.9 for c in curves) / len(curves),
        "iou_after": {count: iou_after(count) for count in (0, 1, 2, 3, 5, 10, 20)},
        "seconds_per_click": statistics.median(seconds),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--images", type=int, default=40)
    parser.add_argument("--smallest", type=int, default=400, help="pixels of an object")
    parser.add_argument("--every", type=int, default=1, help="every n-th object")
    parser.add_argument("--model", help="a model of the registry beside GrabCut")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    found = objects(arguments.dataset, arguments.images, arguments.smallest)
    cases = list(islice(found, 0, None, arguments.every))
    methods: dict[str, Method] = {"grabcut": grabcut}
    if arguments.model:
        one = registry_model(arguments.model, arguments.weights, arguments.set)
        methods[arguments.model] = one
    result = {
        f"{name}, from {start}": measure(method, cases, box=start == "the box")
        for name, method in methods.items()
        for start in ("a click", "the box")
    }
    print(json.dumps(result, indent=2))
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"dataset": arguments.dataset.name, **result}, indent=2)
        arguments.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""Clicks to reach IoU 0.9 (NoC@90, at most 20), of any model that takes points, and of GrabCut.

    python benchmarks/clicks.py ../shared/data/pantry/valid --images 40 --out clicks.json
    python benchmarks/clicks.py DATASET --model rings [--weights FILE]

The next click goes into the middle of the largest error, jittered, with a seed per object. GrabCut
is examined from a first click and from the object's box; a model of the registry from a first
click, given all clicks and the box of its mask before where it takes boxes.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segkit.data.formats.registry import recognise
from napari_segkit.data.images import read_image
from napari_segkit.errors import SegkitError
from napari_segkit.jobs import drain, segment
from napari_segkit.models.base import PromptKind, make_params
from napari_segkit.models.registry import get_model
from napari_segkit.ops.clicks import click_ious, number_of_clicks
from napari_segkit.ops.refine import refine_instance
from napari_segkit.types import Prompts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Method = Callable[[np.ndarray], Callable[..., np.ndarray]]


def grabcut(image: np.ndarray) -> Callable[..., np.ndarray]:
    """The refiner of the Correct dock, as a method of the harness."""

    def predict(points: np.ndarray, labels: np.ndarray, before: np.ndarray) -> np.ndarray:
        mask = before.astype(np.int32)
        refine_instance(mask, image, 1, Prompts(points=points, point_labels=labels)).apply(mask)
        return mask == 1

    return predict


def registry_model(name: str, weights: Path | None) -> Method:
    """Any model of the registry that takes points."""
    kind = get_model(name)
    if PromptKind.POINTS not in kind.prompts:
        raise SystemExit(f"{name} takes no points")
    model = kind()
    model.load(weights)
    params = make_params(kind)

    def method(image: np.ndarray) -> Callable[..., np.ndarray]:
        def predict(points: np.ndarray, labels: np.ndarray, before: np.ndarray) -> np.ndarray:
            boxes = np.zeros((0, 4), np.float32)
            if PromptKind.BOXES in kind.prompts and before.any():
                rows, columns = np.nonzero(before)
                edges = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
                boxes = np.array([edges], np.float32)
            mask = before.astype(np.int32) if PromptKind.MASK in kind.prompts else None
            prompts = Prompts(boxes=boxes, points=points, point_labels=labels, mask=mask)
            try:
                found = drain(segment(model, image, params=params, prompts=prompts))
            except SegkitError:
                return before
            return found.labels > 0

        return predict

    return method


def from_box(image: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """GrabCut's mask from an object's box alone."""
    rows, columns = np.nonzero(truth)
    box = [[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]]
    mask = np.zeros(truth.shape, np.int32)
    refine_instance(mask, image, 1, Prompts(boxes=np.array(box, np.float32))).apply(mask)
    return mask == 1


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
        start = from_box(image, truth) if box else None
        ious = click_ious(truth, method(image), start=start, seed=number)
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
    parser.add_argument("--model", help="a model of the registry instead of GrabCut")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    cases = list(objects(arguments.dataset, arguments.images, arguments.smallest))
    if arguments.model:
        method = registry_model(arguments.model, arguments.weights)
        result = {arguments.model: measure(method, cases, box=False)}
    else:
        result = {
            "grabcut, from a click": measure(grabcut, cases, box=False),
            "grabcut, from the box": measure(grabcut, cases, box=True),
        }
    print(json.dumps(result, indent=2))
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"dataset": arguments.dataset.name, **result}, indent=2)
        arguments.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

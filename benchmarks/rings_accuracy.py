"""Masks from a box or a point against the truth, beside OpenCV's GrabCut given the same boxes.

    python benchmarks/rings_accuracy.py --out benchmarks/results/rings_accuracy.json
    python benchmarks/rings_accuracy.py --base FILE --adapter FILE --every 4 --pictures FOLDER

Reads ``../shared/data/rings`` (8 packshots; once with the project's own boxes, of which that of
ring5.jpg misses a third of the ring, once with the masks' boxes) and ``../shared/data/pantry``
(1,533 polygons on kitchen photos, their tight boxes); what is not there is left out. GrabCut gets
the image, or a window of twice the box where the image is large, and five iterations.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch

from napari_segkit.data.embeddings import EmbeddingCache
from napari_segkit.data.formats.registry import recognise
from napari_segkit.data.images import read_image
from napari_segkit.jobs import drain, segment
from napari_segkit.models.rings import RingParams, Rings
from napari_segkit.ops.mask_logits import without_specks
from napari_segkit.ops.masks import instance_boxes
from napari_segkit.training.promptable_metrics import score_mask, summary
from napari_segkit.types import Prompts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SHARED = Path(__file__).resolve().parents[2] / "shared/data"
SMALLEST = 400
"""Pixels of an object of the pantry, below which it is left out."""


@dataclass(frozen=True)
class Case:
    """An image, the mask of one object, and its box."""

    name: str
    image: np.ndarray
    truth: np.ndarray
    box: np.ndarray


def ring_cases(folder: Path, *, tight: bool) -> Iterator[Case]:
    """The ring project's photos, by their masks' boxes or its own; JPEG masks lose their specks."""
    notes = json.loads((folder / "annotations.json").read_text())["train"]
    for name, note in notes.items():
        raw = cv2.imread(str(folder / "masks" / name), cv2.IMREAD_GRAYSCALE)
        truth = without_specks(raw > 127, 30)
        image = read_image(folder / "images" / name).pixels
        box = instance_boxes(truth.astype(np.int32))[1] if tight else note["bbox"]
        yield Case(name, image, truth, np.array(box, np.float32))


def pantry_cases(folder: Path, every: int) -> Iterator[Case]:
    """Every n-th object."""
    number = 0
    with recognise(folder).open(folder) as dataset:
        for name in sorted(dataset.names):
            sample = dataset.read(name)
            if not isinstance(sample.image, Path):
                continue
            image = None
            for key, one in sample.segmentation.instances.items():
                truth = sample.segmentation.labels == key
                if truth.sum() < SMALLEST:
                    continue
                if number % every == 0:
                    image = read_image(sample.image).pixels if image is None else image
                    yield Case(f"{name} {key}", image, truth, np.array(one.box, np.float32))
                number += 1


def grabcut(case: Case) -> np.ndarray:
    """OpenCV's own, from the box."""
    height, width = case.truth.shape
    x0, y0, x1, y1 = (round(float(value)) for value in case.box)
    dx, dy = max(8, (x1 - x0) // 2), max(8, (y1 - y0) // 2)
    left, top = max(0, x0 - dx), max(0, y0 - dy)
    view = np.ascontiguousarray(case.image[top : y1 + dy, left : x1 + dx])
    x0, x1 = max(1, x0 - left), min(view.shape[1] - 1, x1 - left)
    y0, y1 = max(1, y0 - top), min(view.shape[0] - 1, y1 - top)
    marks = np.zeros(view.shape[:2], np.uint8)
    cv2.setRNGSeed(0)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(view, marks, (x0, y0, x1 - x0, y1 - y0), *models, 5, cv2.GC_INIT_WITH_RECT)
    found = np.zeros((height, width), bool)
    found[top : top + view.shape[0], left : left + view.shape[1]] = np.isin(marks, (1, 3))
    return found


def by_model(model: Rings, params: RingParams, kind: str) -> Callable[[Case], np.ndarray]:
    """The registry's model, from the box or from the point furthest inside."""

    def predict(case: Case) -> np.ndarray:
        if kind == "box":
            prompts = Prompts(boxes=case.box[None])
        else:
            inside = np.pad(case.truth, 1).astype(np.uint8)
            deep = cv2.distanceTransform(inside, cv2.DIST_L2, 5)[1:-1, 1:-1]
            row, column = np.unravel_index(int(deep.argmax()), deep.shape)
            at = np.array([[column + 0.5, row + 0.5]], np.float32)
            prompts = Prompts(points=at, point_labels=np.ones(1, np.int32))
        return drain(segment(model, case.image, params=params, prompts=prompts)).labels > 0

    return predict


def measure(
    cases: list[Case], predict: Callable[[Case], np.ndarray], pictures: Path | None = None
) -> dict[str, Any]:
    """Summary, and the IoU of each case."""
    scores, seconds = {}, []
    for case in cases:
        begun = time.perf_counter()
        found = predict(case)
        seconds.append(time.perf_counter() - begun)
        scores[case.name] = score_mask(case.truth, found)
        if pictures is not None:
            draw(case, found, scores[case.name].iou, pictures)
    result: dict[str, Any] = {
        key: round(value, 4) for key, value in summary(list(scores.values())).as_dict().items()
    }
    result["seconds"] = round(float(np.median(seconds)), 4)
    if len(cases) <= 20:
        result["dice_of_each"] = {name: round(one.dice, 4) for name, one in scores.items()}
    return result


def draw(case: Case, found: np.ndarray, iou: float, folder: Path) -> None:
    """Truth in green, answer in red; the file's name begins with the IoU."""
    folder.mkdir(parents=True, exist_ok=True)
    picture = case.image[..., ::-1].copy()
    for mask, colour in ((case.truth, (0, 200, 0)), (found, (0, 0, 255))):
        lines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, lines, -1, colour, max(1, round(max(picture.shape) / 500)))
    name = "".join(c if c.isalnum() else "_" for c in case.name)[-40:]
    cv2.imwrite(str(folder / f"{iou:.2f}_{name}.jpg"), picture)


def speed(model: Rings, params: RingParams) -> dict[str, float]:
    """Milliseconds to encode a window and from a box to its mask, on two threads: medians."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    rng = np.random.default_rng(0)
    whole, encode = [], []
    backend = model._bases.ready(params.base, params.adapter)
    base = drain(backend)[0]
    for _ in range(12):
        image = rng.integers(0, 256, (300, 300, 3), np.uint8)
        begun = time.perf_counter()
        base.backend.encode(image)
        encode.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        prompts = Prompts(boxes=np.array([[50, 50, 250, 250]], np.float32))
        drain(segment(model, image, params=params, prompts=prompts))
        whole.append(time.perf_counter() - begun - encode[-1])
    torch.set_num_threads(before)
    return {
        "encode_ms": round(1000 * float(np.median(encode[2:])), 1),
        "box_to_mask_ms": round(1000 * float(np.median(whole[2:])), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", default="auto")
    parser.add_argument("--adapter", default="auto")
    parser.add_argument("--every", type=int, default=10, help="of the pantry's objects")
    parser.add_argument("--points", action="store_true", help="from a point, too")
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    model = Rings(EmbeddingCache())
    bare = RingParams(base=arguments.base, adapter="none")
    adapted = RingParams(base=arguments.base, adapter=arguments.adapter)
    sets: dict[str, list[Case]] = {}
    if (SHARED / "rings").is_dir():
        sets["rings"] = list(ring_cases(SHARED / "rings", tight=False))
        sets["rings, tight boxes"] = list(ring_cases(SHARED / "rings", tight=True))
    if (SHARED / "pantry/valid").is_dir():
        sets["pantry"] = list(pantry_cases(SHARED / "pantry/valid", arguments.every))
    result: dict[str, Any] = {"speed": speed(model, bare)}
    for name, cases in sets.items():
        pictures = arguments.pictures and arguments.pictures / name.replace(", ", "-")
        rows = {
            "grabcut, box": measure(cases, grabcut),
            "base, box": measure(cases, by_model(model, bare, "box"), pictures),
        }
        if arguments.points:
            rows["base, point"] = measure(cases, by_model(model, bare, "point"))
        if name.startswith("rings") and arguments.adapter != "none":
            folder = pictures and pictures / "adapter"
            rows["base and adapter, box"] = measure(cases, by_model(model, adapted, "box"), folder)
        result[name] = rows
    text = json.dumps(result, indent=2)
    print(text)
    if arguments.out:
        arguments.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

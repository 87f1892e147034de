"""How well dust is found: generated images, a few real photos, clean photos; beside a DoG filter.

    python benchmarks/dust_accuracy.py --n 100 --out results.json

A found object is a true one from an IoU of 0.3. `generated` uses only artefacts and photos that
training never sees; the difference-of-Gaussians filter is tuned on other generated images in the
same run.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_segkit.data.images import read_image
from napari_segkit.jobs.predict import segment
from napari_segkit.jobs.synth import image_seed
from napari_segkit.models.base import make_params
from napari_segkit.models.registry import get_model
from napari_segkit.synth.dust import Dust, DustOptions
from napari_segkit.training.metrics import match_instances

DATA = Path(__file__).parents[2] / "shared" / "data"
SEED = 900_000

Predictor = Callable[[NDArray[np.uint8]], NDArray[np.int32]]


@dataclass(frozen=True)
class Case:
    """An image, its true objects, and pixels that count neither way."""

    name: str
    image: NDArray[np.uint8]
    labels: NDArray[np.int32]
    ignore: NDArray[np.bool_] | None = None


@dataclass
class Scores:
    """Counts over a set of images."""

    hit: int = 0
    missed: int = 0
    extra: int = 0
    dice: list[float] = field(default_factory=list)
    clean: list[int] = field(default_factory=list)
    pixels: int = 0
    seconds: float = 0.0

    def add(self, case: Case, found: NDArray[np.int32]) -> None:
        """Score one image."""
        pairs = match_instances(case.labels, found, threshold=0.3)
        hidden = _ignored_ids(found, case.ignore)
        extra = [i for i in pairs.extra if i not in hidden]
        self.hit += len(pairs.pairs)
        self.missed += len(pairs.missed)
        self.extra += len(extra)
        self.pixels += found.size
        truth, mask = case.labels > 0, found > 0
        if case.ignore is not None:
            mask &= ~case.ignore | truth
        if truth.any():
            self.dice.append(2 * int((truth & mask).sum()) / int(truth.sum() + mask.sum()))
        else:
            self.clean.append(len(extra))

    def summary(self) -> dict[str, Any]:
        """What is printed and written."""
        found, true = self.hit + self.extra, self.hit + self.missed
        result: dict[str, Any] = {
            "images": len(self.dice) + len(self.clean),
            "objects": true,
            "false": self.extra,
            "mpx": round(self.pixels / 1e6, 2),
            "seconds": round(self.seconds, 2),
        }
        if true:
            result |= {
                "precision": round(self.hit / max(found, 1), 4),
                "recall": round(self.hit / true, 4),
                "f1": round(2 * self.hit / (found + true), 4),
                "dice": round(float(np.mean(self.dice)), 4),
            }
        if self.clean:
            result["false_per_clean_image"] = round(float(np.mean(self.clean)), 4)
        if not true:
            result["false_per_12_mpx"] = round(12e6 * self.extra / self.pixels, 4)
        return result


def _ignored_ids(found: NDArray[np.int32], ignore: NDArray[np.bool_] | None) -> set[int]:
    """Found objects of which three tenths lie where nothing counts."""
    if ignore is None:
        return set()
    area = np.bincount(found.ravel())
    inside = np.bincount(found[ignore], minlength=len(area))
    return set(np.flatnonzero(inside > 0.3 * area).tolist())


def generated(
    count: int, *, clean: float, seed: int = SEED, held_out: bool = True
) -> Iterator[Case]:
    """Images of the generator."""
    folder = DATA / "film_damage"
    options = DustOptions(
        clean=clean, held_out=held_out, artefacts=folder if folder.is_dir() else None
    )
    for number in range(count):
        one = Dust().generate(image_seed(seed, number), options)
        yield Case(f"generated {number}", one.image, one.labels)


def real() -> Iterator[Case]:
    """The labelled real photos."""
    folder = DATA / "real_dev" / "dust"
    if not folder.is_dir():
        return
    for entry in json.loads((folder / "labels.json").read_text(encoding="utf-8")):
        path = folder / "images" / entry["file"]
        mask = cv2.imread(str(folder / "masks" / f"{path.stem}.png"), cv2.IMREAD_UNCHANGED)
        ignore = np.zeros(mask.shape, np.uint8)
        for region in entry["ignore"]:
            if "ellipse" in region:
                e = region["ellipse"]
                axes = (2 * e["a"] + 6, 2 * e["b"] + 6)
                cv2.ellipse(ignore, ((e["cx"], e["cy"]), axes, e["angle"]), 1, -1)
            else:
                line = np.round(np.array(region["points"])).astype(np.int32)
                cv2.polylines(ignore, [line], False, (1,), int(region["line_width"]) + 6)
        yield Case(path.name, read_image(path).pixels, mask.astype(np.int32), ignore > 0)


def pantry(every: int) -> Iterator[Case]:
    """Clean real photos: whatever is found there is false."""
    for path in sorted((DATA / "pantry" / "valid" / "images").glob("*"))[::every]:
        pixels = read_image(path).pixels
        yield Case(path.name, pixels, np.zeros(pixels.shape[:2], np.int32))


def model_predictor(weights: Path | None, **changes: object) -> Predictor:
    """The `dust` model, called the way every program part calls it."""
    model_class = get_model("dust")
    model = model_class()
    model.load(weights)
    params = make_params(model_class, None, changes)

    def predict(image: NDArray[np.uint8]) -> NDArray[np.int32]:
        steps = segment(model, image, params=params)
        while True:
            try:
                next(steps)
            except StopIteration as stop:
                return np.asarray(stop.value.labels)

    return predict


def dog_predictor(sigma: float, threshold: float, area: int) -> Predictor:
    """Difference of Gaussians of the gray image, both polarities, then components."""

    def predict(image: NDArray[np.uint8]) -> NDArray[np.int32]:
        gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
        near, far = (cv2.GaussianBlur(gray, (0, 0), s) for s in (sigma, 2.5 * sigma))
        mask = (np.abs(near - far) > threshold).astype(np.uint8)
        _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
        keep = stats[:, cv2.CC_STAT_AREA] >= area
        keep[0] = False
        return np.where(keep, np.cumsum(keep), 0).astype(np.int32)[labels]

    return predict


DOG_GRID = [(s, t, a) for s in (1.0, 2.0, 3.5) for t in (3.0, 5.0, 8.0, 12.0) for a in (6, 20)]


def tuned_dog(cases: list[Case]) -> tuple[float, float, int]:
    """The setting of the best F1."""
    return max(DOG_GRID, key=lambda s: score(dog_predictor(*s), cases).summary().get("f1", 0.0))


def score(predict: Predictor, cases: list[Case]) -> Scores:
    """All images of a set."""
    scores = Scores()
    for case in cases:
        begun = time.perf_counter()
        found = predict(case.image)
        scores.seconds += time.perf_counter() - begun
        scores.add(case, found)
    return scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=100)
    parser.add_argument("--pantry-every", type=int, default=1)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--sensitivity", type=float, default=0.5)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    model = model_predictor(args.weights, sensitivity=args.sensitivity)
    tuning = list(generated(args.n // 4, clean=0.2, seed=SEED + 1, held_out=False))
    dog = tuned_dog(tuning)
    sets = {
        "generated": list(generated(args.n, clean=0.2)),
        "generated_clean": list(generated(args.n // 2, clean=1.0, seed=SEED + 2)),
        **{case.name: [case] for case in real()},
        "pantry_clean": list(pantry(args.pantry_every)),
    }
    results: dict[str, Any] = {"dog": dict(zip(("sigma", "threshold", "area"), dog, strict=True))}
    for name, cases in sets.items():
        if not cases:
            results[name] = "not at hand"
            continue
        results[name] = {
            "model": score(model, cases).summary(),
            "dog": score(dog_predictor(*dog), cases).summary(),
        }
        print(name, json.dumps(results[name]), flush=True)
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

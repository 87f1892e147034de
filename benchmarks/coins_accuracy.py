"""How well coins are found: generated scenes, scikit-image's photo, a few real photos.

    python benchmarks/coins_accuracy.py --n 10 --out results.json --pictures worst/

Development seeds start at 0; report held-out numbers with `--seed-base 100000` and never tune on
those. Each photo is scored as a whole (`mask`: IoU of everything found with everything true, the
convention for photos of one coin) and coin by coin (`coin`: IoU with the matched instance, 0 for
a missed coin).
"""

from __future__ import annotations

import argparse
import importlib
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from coins_cases import REAL, Case, real_cases, scene_cases, skimage_cases, source_key
from numpy.typing import NDArray

from napari_segkit.synth.coin_conditions import LARGE, SEVERAL, SINGLE
from napari_segkit.training.metrics import mask_iou, match_instances, worst_decile

PRESETS = ("default", "origin", "origin-best")

Predictor = Callable[[NDArray[np.uint8]], NDArray[np.integer]]


@dataclass
class Scores:
    """Scores of one predictor on one group; one entry per photo, but `coin` one per true coin."""

    mask: list[float] = field(default_factory=list)
    coin: list[float] = field(default_factory=list)
    f1: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    found: int = 0
    missed: int = 0
    extra: int = 0
    worst: list[tuple[float, str]] = field(default_factory=list)

    def add(self, case: Case, labels: NDArray[np.integer], seconds: float) -> None:
        """Score one photo."""
        matching = match_instances(case.labels, labels)
        self.mask.append(mask_iou(case.labels, labels))
        self.coin.extend(matching.ious)
        self.f1.append(matching.f1)
        self.seconds.append(seconds)
        self.found += len(matching.pairs)
        self.missed += len(matching.missed)
        self.extra += len(matching.extra)
        self.worst.append((self.mask[-1], case.name))

    def merged(self, other: Scores) -> Scores:
        """Both together."""
        return Scores(**{name: getattr(self, name) + getattr(other, name) for name in vars(self)})

    def summary(self) -> dict[str, Any]:
        """What is printed and written."""
        return {
            "photos": len(self.mask),
            "mask_iou": _mean(self.mask),
            "mask_iou_worst_decile": worst_decile(self.mask),
            "coin_iou": _mean(self.coin),
            "coin_iou_worst_decile": worst_decile(self.coin),
            "coins_from_iou_0.9": sum(iou >= 0.9 for iou in self.coin),
            "object_f1": _mean(self.f1),
            "found": self.found,
            "missed": self.missed,
            "extra": self.extra,
            "ms_median": 1000 * float(np.median(self.seconds)),
            "worst": [name for _, name in sorted(self.worst)[:3]],
        }


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def registry_predictor(preset: str) -> Predictor:
    """A preset of the `coins` model, called the way every program part calls it."""
    from napari_segkit.models.base import make_params
    from napari_segkit.models.registry import get_model
    from napari_segkit.types import Prompts

    model_class = get_model("coins")
    name = preset if preset in model_class.presets else None
    if name is None and preset != PRESETS[0]:
        raise LookupError(f"no preset {preset}: there are {', '.join(model_class.presets)}")
    params = make_params(model_class, name)
    model = model_class()
    model.load()

    def predict(image: NDArray[np.uint8]) -> NDArray[np.integer]:
        steps = model.predict(image, Prompts(), params)
        while True:
            try:
                next(steps)
            except StopIteration as stop:
                return np.asarray(stop.value.labels)

    return predict


def named_predictor(path: str) -> Predictor:
    """`module:function`, a callable (H, W, 3) uint8 RGB -> (H, W) integer labels."""
    module, _, name = path.partition(":")
    predictor: Predictor = getattr(importlib.import_module(module), name)
    return predictor


def save_picture(folder: Path, case: Case, labels: NDArray[np.integer], score: float) -> None:
    """True outlines green, found ones red, over the photo, at most 1600 px."""
    factor = min(4.0, max(1.0, 600 / max(case.labels.shape)))
    factor = min(factor, 1600 / max(case.labels.shape))
    picture = np.ascontiguousarray(cv2.resize(case.image, None, fx=factor, fy=factor)[..., ::-1])
    size = picture.shape[1::-1]
    for ids, colour in ((case.labels, (0, 220, 0)), (labels, (0, 0, 255))):
        large = cv2.resize(ids.astype(np.float32), size, interpolation=cv2.INTER_NEAREST)
        for value in np.unique(large[large > 0]):
            mask = (large == value).astype(np.uint8)
            edges, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
            cv2.drawContours(picture, edges, -1, colour, 1)
    folder.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / f"{score:.3f}-{case.name}.jpg"), picture)


def evaluate(
    cases: Iterator[Case], predictors: dict[str, Predictor], pictures: Path | None, below: float
) -> dict[str, dict[str, Scores]]:
    """Scores by predictor and group; pictures are of the first predictor's photos under `below`."""
    scores: dict[str, dict[str, Scores]] = {name: defaultdict(Scores) for name in predictors}
    first = next(iter(predictors))
    for case in cases:
        for name, predictor in predictors.items():
            start = time.perf_counter()
            labels = predictor(case.image.copy())
            scores[name][case.group].add(case, labels, time.perf_counter() - start)
            worst = scores[name][case.group].mask[-1]
            if pictures is not None and name == first and worst < below:
                save_picture(pictures, case, labels, worst)
    return scores


def with_totals(groups: dict[str, Scores]) -> dict[str, Scores]:
    """Add the sums over all scenes of one coin, all of several, all real photos."""
    members: dict[str, list[str]] = {
        "ALL single": [g for g in groups if g in SINGLE],
        "ALL several": [g for g in groups if g in SEVERAL or g in LARGE],
        "ALL real": [g for g in groups if g.startswith("real:")],
    }
    totals: dict[str, Scores] = {}
    for title, names in members.items():
        if names:
            total = Scores()
            for name in names:
                total = total.merged(groups[name])
            totals[title] = total
    return groups | totals


def print_table(report: dict[str, dict[str, dict[str, Any]]]) -> None:
    """One block per predictor."""
    head = f"{'':22}{'photos':>7}{'mask':>7}{'worst':>7}{'coin':>7}{'worst':>7}"
    head += f"{'F1':>7}{'found':>7}{'missed':>7}{'extra':>7}{'ms':>8}"
    for predictor, groups in report.items():
        print(f"\n{predictor}\n{head}")
        for group, s in groups.items():
            numbers = [s["mask_iou"], s["mask_iou_worst_decile"], s["coin_iou"]]
            numbers += [s["coin_iou_worst_decile"], s["object_f1"]]
            counts = "".join(f"{s[name]:7d}" for name in ("found", "missed", "extra"))
            line = "".join(f"{value:7.3f}" for value in numbers)
            print(f"{group:22}{s['photos']:7d}{line}{counts}{s['ms_median']:8.1f}")


def main() -> None:
    options = _arguments()
    if options.predictor:
        predictors = {path: named_predictor(path) for path in options.predictor}
    else:
        predictors = {name: registry_predictor(name) for name in options.presets.split(",")}

    def cases() -> Iterator[Case]:
        yield from scene_cases(
            options.conditions,
            options.n,
            large=options.large,
            seed_base=options.seed_base,
            cache=options.cache,
        )
        if not options.no_photos:
            yield from skimage_cases()
            yield from real_cases()

    scores = evaluate(cases(), predictors, options.pictures, options.below)
    report = {
        name: {group: s.summary() for group, s in with_totals(dict(groups)).items()}
        for name, groups in scores.items()
    }
    print_table(report)
    if not options.no_photos and not REAL.exists():
        print("\nreal photos skipped: absent")
    if options.out:
        facts = {"n": options.n, "seed_base": options.seed_base, "generator": source_key()}
        real = "present" if REAL.exists() else "skipped: absent"
        text = json.dumps({"run": facts | {"real_photos": real}, "scores": report}, indent=1)
        options.out.write_text(text + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--n", type=int, default=10, help="scenes per condition")
    parser.add_argument("--large", type=int, default=1, help="scenes per 12-Mpx condition")
    parser.add_argument("--seed-base", type=int, default=0, help="first seed")
    parser.add_argument("--conditions", default="all", help="single, several, large, all or names")
    parser.add_argument("--predictor", action="append", help="module:function; may be repeated")
    parser.add_argument("--presets", default=",".join(PRESETS), help="of the coin model")
    parser.add_argument("--no-photos", action="store_true", help="generated scenes only")
    parser.add_argument("--cache", type=Path, help="folder that keeps scenes between runs")
    parser.add_argument("--pictures", type=Path, help="folder for overlays of the worst cases")
    parser.add_argument("--below", type=float, default=0.9, help="mask IoU that gets a picture")
    parser.add_argument("--out", type=Path, help="JSON file")
    return parser.parse_args()


if __name__ == "__main__":
    main()

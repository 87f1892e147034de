"""How well eggs and pans are found: generated scenes of unseen textures and poses, a real photo.

    python benchmarks/eggpan_accuracy.py --n 100 --out benchmarks/results/eggpan_accuracy.json

Groups: `held-out` (tables, coats and camera heights that are never trained on), `unseen` (what is
trained on, other seeds), `negative` (no pan, no egg: what is found there is false), `real`
(`../shared/data/real_dev/eggpan`, where present), `kitchen` (real photos of
`../shared/data/pantry` without a labelled egg: food, packets, bowls; a few may show a pan, so
`false_share` is an upper bound), `shells` (those with eggs, mostly whole ones in cartons; only
`egg` is judged), `kept` (`--photos FOLDER`: photos of `weights/eggpan-photos.txt` that training
never sees, without eggs and pans), `outlined` (those with), and `others` (`--others FOLDER`: eggs
and pans of `benchmarks/eggpan-photos.txt`, of other people's cameras and kitchens). A class's IoU
is the mean over the images in which it is or was found. The baseline is GrabCut from a frame,
eggs in it by brightness and colour.
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

from napari_segkit.data.formats.registry import recognise
from napari_segkit.data.images import read_image
from napari_segkit.jobs import drain, segment
from napari_segkit.models.registry import get_model
from napari_segkit.synth.eggpan import make_scene
from napari_segkit.synth.eggpan_outlines import read_photos
from napari_segkit.training.metrics import worst_decile

REAL = Path(__file__).resolve().parents[2] / "shared" / "data" / "real_dev" / "eggpan"
PANTRY = REAL.parents[1] / "pantry" / "valid"
LISTING = Path(__file__).resolve().parents[1] / "weights" / "eggpan-photos.txt"
OTHERS = Path(__file__).resolve().parent / "eggpan-photos.txt"
SEED_BASE = 9_000_000
CLASSES = ("egg", "pan")
ClassMap = NDArray[np.uint8]
Predictor = Callable[[NDArray[np.uint8]], ClassMap]


@dataclass(frozen=True)
class Case:
    """An image (H, W, 3) RGB and its classes (H, W): 0, 1 = egg, 2 = pan, 255 = not judged."""

    group: str
    name: str
    image: NDArray[np.uint8]
    classes: ClassMap


@dataclass
class Scores:
    """Of one group of images."""

    ious: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in CLASSES})
    false_share: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, case: Case, found: ClassMap, seconds: float) -> None:
        """Judge one image."""
        known = case.classes != 255
        row: dict[str, Any] = {"name": case.name}
        for number, name in enumerate(CLASSES, 1):
            truth, mask = (case.classes == number) & known, (found == number) & known
            union = int((truth | mask).sum())
            if union:
                row[name] = int((truth & mask).sum()) / union
                self.ious[name].append(row[name])
        self.rows.append(row)
        self.seconds.append(seconds)
        if not (case.classes == 1).any() and not (case.classes == 2).any():
            self.false_share.append(float((found > 0).mean()))

    def summary(self) -> dict[str, Any]:
        """Means."""
        means = {name: float(np.mean(v)) if v else None for name, v in self.ious.items()}
        known = [value for value in means.values() if value is not None]
        return {
            "images": len(self.rows),
            "iou": means,
            "mean_iou": float(np.mean(known)) if known else None,
            "worst_decile": {name: worst_decile(v) for name, v in self.ious.items() if v},
            "false_share": float(np.mean(self.false_share)) if self.false_share else None,
            "seconds": float(np.median(self.seconds)) if self.seconds else None,
        }


def generated(count: int, group: str, size: int) -> Iterator[Case]:
    """Scenes of seeds that no training set has."""
    for seed in range(SEED_BASE, SEED_BASE + count):
        theme = "look-alikes" if group == "negative" else None
        image, classes = make_scene(seed, size=size, held_out=group == "held-out", theme=theme)
        if group == "negative" and classes.any():
            continue
        yield Case(group, str(seed), image, classes)


def real() -> Iterator[Case]:
    """Hand-labelled photos, where they are present."""
    for path in sorted((REAL / "images").glob("*")) if REAL.is_dir() else []:
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        values = cv2.imread(str(REAL / "masks" / f"{path.stem}.png"), cv2.IMREAD_GRAYSCALE)
        if image is None or values is None:
            continue
        classes = np.select([values > 191, values > 63], [2, 1], 0).astype(np.uint8)
        for row in json.loads((REAL / "labels.json").read_text(encoding="utf-8")):
            for polygon in row.get("ignore", []) if row["file"] == path.name else []:
                cv2.fillPoly(classes, [np.rint(polygon).astype(np.int32)], 255)
        rgb = np.ascontiguousarray(image[..., ::-1], np.uint8)
        yield Case("real", path.name, rgb, classes)


def pantry(every: int) -> Iterator[Case]:
    """Every n-th kitchen photo without eggs, and all with them."""
    if not PANTRY.is_dir():
        return
    with recognise(PANTRY).open(PANTRY) as dataset:
        for number, name in enumerate(sorted(dataset.names)):
            sample = dataset.read(name)
            eggs = [k for k, v in sample.segmentation.instances.items() if v.class_name == "egg"]
            if not isinstance(sample.image, Path) or (not eggs and number % every):
                continue
            classes = np.isin(sample.segmentation.labels, eggs).astype(np.uint8)
            image = read_image(sample.image).pixels
            yield Case("shells" if eggs else "kitchen", name, image, classes)


def kept(folder: Path | None, listing: Path, *, bare: str, outlined: str) -> Iterator[Case]:
    """Photos of a list that training never sees, as two groups."""
    if folder is None:
        return
    photos = read_photos(folder, listing, held_out=True)
    for one in (*photos.grounds, *photos.labelled):
        image = one.pixels()
        group = outlined if one.outlines else bare
        yield Case(group, one.path.name, image, one.classes(image.shape))


def network(weights: Path | None) -> Predictor:
    """The model `eggpan`, default preset."""
    model = get_model("eggpan")
    segmenter = model()
    segmenter.load(weights, device="cpu")
    params = next(iter(model.presets.values()))

    def predict(image: NDArray[np.uint8]) -> ClassMap:
        result = drain(segment(segmenter, image, params=params))
        table = np.zeros(max(result.instances, default=0) + 1, np.uint8)
        for key, one in result.instances.items():
            table[key] = CLASSES.index(one.class_name) + 1
        return table[result.labels]

    return predict


def grabcut(image: NDArray[np.uint8]) -> ClassMap:
    """GrabCut from a frame of 8 %; what is bright and pale or yellow in it is egg."""
    scale = 256 / max(image.shape[:2])
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    height, width = small.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    frame = (round(width * 0.08), round(height * 0.08), round(width * 0.84), round(height * 0.84))
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)
    cv2.grabCut(np.ascontiguousarray(small), mask, frame, *models, 3, cv2.GC_INIT_WITH_RECT)
    inside = (mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD)
    hue, saturation, value = np.moveaxis(cv2.cvtColor(small, cv2.COLOR_RGB2HSV), 2, 0)
    egg = (value > 150) & ((saturation < 60) | ((hue > 10) & (hue < 35)))
    classes = np.where(inside, np.where(egg, 1, 2), 0).astype(np.uint8)
    size = (image.shape[1], image.shape[0])
    return np.asarray(cv2.resize(classes, size, interpolation=cv2.INTER_NEAREST), np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=100, help="images of each generated group")
    parser.add_argument("--size", type=int, default=400, help="longer side of generated images")
    parser.add_argument("--pantry-every", type=int, default=4)
    parser.add_argument("--photos", type=Path, help="folder of weights/eggpan-photos.txt")
    parser.add_argument("--others", type=Path, help="folder of benchmarks/eggpan-photos.txt")
    parser.add_argument("--weights", type=Path, help="instead of those in use")
    parser.add_argument("--no-baseline", action="store_true")
    parser.add_argument("--out", type=Path)
    wanted = parser.parse_args()
    predictors: dict[str, Predictor] = {"eggpan": network(wanted.weights)}
    if not wanted.no_baseline:
        predictors["grabcut"] = grabcut
    scores: dict[str, dict[str, Scores]] = {name: {} for name in predictors}
    groups = ("held-out", "unseen", "negative")
    cases = [generated(wanted.n, group, wanted.size) for group in groups]
    photos = [
        real(),
        pantry(wanted.pantry_every),
        kept(wanted.photos, LISTING, bare="kept", outlined="outlined"),
        kept(wanted.others, OTHERS, bare="others", outlined="others"),
    ]
    for case in (case for group in [*cases, *photos] for case in group):
        for name, predict in predictors.items():
            start = time.perf_counter()
            found = predict(case.image)
            seconds = time.perf_counter() - start
            scores[name].setdefault(case.group, Scores()).add(case, found, seconds)
    result = {
        name: {group: one.summary() | {"rows": one.rows} for group, one in groups.items()}
        for name, groups in scores.items()
    }
    for name, by_group in result.items():
        for group, row in by_group.items():
            shown = {key: value for key, value in row.items() if key != "rows"}
            print(f"{name:8s} {group:9s} {json.dumps(shown)}")
    if wanted.out:
        wanted.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

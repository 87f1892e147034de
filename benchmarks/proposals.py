"""How good masks from `segkit propose` are when every cluster is named as well as can be.

    python benchmarks/proposals.py DATASET --n 30 [--weights W] --out results.json

DATASET has true masks of eggs and pans; each cluster is named after the class that most of its
pixels have (an all-knowing person). IoU by class over all pixels.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from napari_segkit.data.formats.registry import recognise
from napari_segkit.data.images import ImageSource
from napari_segkit.data.pixels import sample_pixels
from napari_segkit.jobs import drain
from napari_segkit.jobs.propose import DATASET, Proposing, propose

if TYPE_CHECKING:
    from numpy.typing import NDArray


def class_map(sample: object, names: list[str]) -> NDArray[np.int64]:
    """(H, W), 0 = background, then the position of the class from 1."""
    segmentation = sample.segmentation  # type: ignore[attr-defined]
    table = np.zeros(max(segmentation.instances, default=0) + 1, np.int64)
    for key, one in segmentation.instances.items():
        table[key] = names.index(one.class_name) + 1
    return table[segmentation.labels]


def measure(truth: dict[str, NDArray[np.int64]], found: Path, classes: int) -> list[float]:
    """IoU of each class after the best naming."""
    votes = np.zeros((100, classes + 1), np.int64)
    with recognise(found).open(found) as dataset:
        names = [one.name for one in dataset.classes]
        maps = {sample.name: class_map(sample, names) for sample in dataset}
    for name, clusters in maps.items():
        np.add.at(votes, (clusters.ravel(), truth[name].ravel()), 1)
    naming = votes.argmax(axis=1)
    naming[0] = 0
    ious = []
    for number in range(1, classes + 1):
        both = sum(int(((naming[maps[n]] == number) & (truth[n] == number)).sum()) for n in maps)
        either = sum(int(((naming[maps[n]] == number) | (truth[n] == number)).sum()) for n in maps)
        ious.append(both / max(either, 1))
    return ious


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--n", type=int, default=30)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--out", type=Path)
    wanted = parser.parse_args()
    result: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as place:
        folder, truth, sources = Path(place), {}, []
        with recognise(wanted.dataset).open(wanted.dataset) as dataset:
            names = [one.name for one in dataset.classes]
            for name in dataset.names[: wanted.n]:
                sample = dataset.read(name)
                loaded = sample_pixels(sample)
                if loaded is None:
                    continue
                path = folder / f"{name}.png"
                Image.fromarray(loaded.pixels).save(path)
                sources.append(ImageSource(path, name))
                truth[name] = class_map(sample, names)
        kinds = {"colour and texture": None, "with features of a network": wanted.weights}
        for title, weights in kinds.items():
            if title != "colour and texture" and weights is None:
                continue
            for clusters in (12, 30):
                out = folder / f"{title} {clusters}"
                drain(propose(sources, out, settings=Proposing(clusters, 8, 0.005, weights)))
                ious = measure(truth, out / DATASET, len(names))
                result[f"{title}, {clusters} clusters"] = dict(zip(names, ious, strict=True))
    print(json.dumps(result, indent=1))
    if wanted.out:
        wanted.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""Train the second look of the dust model on datasets of `segkit synth dust`, and on clean photos.

python tools/train_dust_judge.py DATASET… --clean PHOTOS --weights dust.safetensors --out weights
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from imagenet_start import imagenet_encoder, weights_file

from napari_segkit import __version__
from napari_segkit.data.formats.registry import recognise
from napari_segkit.data.weights import save_weights
from napari_segkit.data.weights_card import TrainingFacts, WeightsCard
from napari_segkit.jobs import drain
from napari_segkit.models.dust import Dust, DustParams
from napari_segkit.models.second_look import ARCH, MODEL
from napari_segkit.nets.patch_judge import VIEW, JudgeConfig, PatchJudge
from napari_segkit.ops.candidates import Levels
from napari_segkit.synth.grounds import photo_source
from napari_segkit.synth.photos import read_photo
from napari_segkit.training.second_look import (
    Lessons,
    calibrate,
    learn_measures,
    learn_views,
    lessons_of,
    measured,
)
from napari_segkit.training.store import item_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_segkit.types import Image, Labels

FIRST = DustParams(second_look=False)
LARGEST, SQUARE, SQUARES = 3200, 1000, 2
"""Pixels of the longer side of a clean photo and of the parts that are looked at; how many."""
MOST = 32
"""Candidates of an image."""
LEVELS = Levels()


def images(folders: list[Path], clean: Path | None) -> Iterator[tuple[Image, Labels]]:
    """Squares of each clean photo but those kept for evaluation; then datasets."""
    rng = np.random.default_rng(0)
    for path in photo_source(clean, held_out=False).own:
        photo = read_photo(path, LARGEST)
        for _ in range(SQUARES):
            top, left = (int(rng.integers(max(1, n - SQUARE))) for n in photo.shape[:2])
            part = np.ascontiguousarray(photo[top : top + SQUARE, left : left + SQUARE])
            yield part, np.zeros(part.shape[:2], np.int32)
    for folder in folders:
        with recognise(folder).open(folder) as dataset:
            for name in dataset.names:
                item = item_of(dataset.read(name), ("dust",))
                yield item.image, item.ids


class Candidates:
    """Those of the first network on every image; what it said is kept for the second round."""

    def __init__(self, folders: list[Path], clean: Path | None, weights: Path) -> None:
        self._sources = folders, clean
        self._model = Dust()
        self._model.load(weights)
        self._said: list[NDArray[np.uint8]] = []

    def __iter__(self) -> Iterator[Lessons]:
        for number, (image, labels) in enumerate(images(*self._sources)):
            if number == len(self._said):
                self._said.append(drain(self._model.probability(image, FIRST)))
            yield lessons_of(image, self._said[number], labels, LEVELS, seed=number, most=MOST)


def joined(parts: list[Lessons]) -> Lessons:
    """All of them, one after the other."""
    return Lessons(
        np.concatenate([one.views for one in parts]), np.concatenate([one.true for one in parts])
    )


def main() -> None:
    import torch

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("datasets", nargs="+", type=Path)
    parser.add_argument("--clean", type=Path, help="Photos without dust; a fourth is kept aside.")
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--laps", type=float, default=2, help="Over what is not surely none.")
    parser.add_argument("--threshold", type=float, default=0.5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(args.threads)
    begun = time.perf_counter()
    torch.manual_seed(args.seed)
    net, named = PatchJudge(JudgeConfig()), imagenet_encoder(weights_file())
    net.encoder.load_state_dict({key: named[key] for key in net.encoder.state_dict()})
    candidates = Candidates(args.datasets, args.clean, args.weights)
    values, true = [], []
    for number, some in enumerate(candidates):
        values.append(measured(net, some.views, seed=number))
        true.append(some.true)
    aside = round(0.85 * len(values))  # what the last images have is for the temperature
    count, dust = sum(map(len, true)), int(sum(one.sum() for one in true))
    logging.info("%d candidates, %d of them dust", count, dust)
    known = np.concatenate(values[:aside])
    learn_measures(net, known, np.repeat(np.concatenate(true[:aside]), 2), steps=1000)
    left = [
        some[net.likely(torch.from_numpy(measures[::2])).numpy()]
        for some, measures in zip(candidates, values, strict=True)
    ]
    lessons, rest = joined(left[:aside]), joined(left[aside:])
    del left
    logging.info("%d are looked at, and %d for the temperature", len(lessons.true), len(rest.true))
    steps = round(args.laps * len(lessons.true) / 64)
    loss = learn_views(net, lessons, steps=steps, seed=args.seed)
    logging.info("temperature %.1f", calibrate(net, rest))
    card = WeightsCard(
        name=MODEL,
        model=MODEL,
        arch=ARCH,
        arch_config={**JudgeConfig().model_dump(mode="json"), "levels": asdict(LEVELS)},
        classes=("dust",),
        input_size=VIEW,
        threshold=args.threshold,
        training=TrainingFacts(
            data=f"{count} candidates of the dust network, {dust} of them dust, on "
            f"generated images (segkit synth dust){' and clean photos' if args.clean else ''}; "
            "its encoder: ImageNet",
            data_sha256=hashlib.sha256(lessons.views.data).hexdigest(),
            seed=args.seed,
            steps=steps,
            seconds=round(time.perf_counter() - begun, 1),
            recipe="make weights-dust",
        ),
        metrics={"loss": round(loss, 4)},
        versions={"napari-segkit": __version__, "torch": torch.__version__},
        licence="BSD-3-Clause AND Apache-2.0",
        made_by="the napari-segkit developers; the encoder: Google, converted by ML Illustrated",
    )
    tensors = {name: one.numpy() for name, one in net.state_dict().items()}
    save_weights(args.out / f"{MODEL}.safetensors", tensors, card)


if __name__ == "__main__":
    main()

"""Self-training: labelled images stay, photos are added where the model is sure, the best wins."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from napari_segkit.data.dataset import Sample, WriteOptions
from napari_segkit.data.formats.registry import get_format, recognise
from napari_segkit.data.images import find_images
from napari_segkit.errors import ParamsError
from napari_segkit.jobs import drain
from napari_segkit.jobs.self_train import SelfTraining, is_sure, self_train
from napari_segkit.ops.masks import segmentation_from_labels
from napari_segkit.training.config import TrainConfig
from napari_segkit.training.metrics import mask_iou
from napari_segkit.types import ClassDef

CLASSES = (ClassDef("egg", (250, 220, 60)), ClassDef("pan", (90, 120, 250)))
CONFIG = TrainConfig(
    epochs=2,
    epoch_steps=2,
    batch=2,
    size=64,
    warmup=1,
    threads=1,
    arch="unet-light",
    arch_config={"widths": [8, 16, 24], "blocks": [0, 0, 1]},
    device="cpu",
)


def _scene(number: int) -> tuple[np.ndarray, np.ndarray]:
    """A bright square within a dark one."""
    rng = np.random.default_rng(number)
    image = rng.integers(90, 130, (64, 64, 3)).astype(np.uint8)
    labels = np.zeros((64, 64), np.int32)
    row, col = rng.integers(2, 20, 2)
    image[row : row + 40, col : col + 40], labels[row : row + 40, col : col + 40] = 10, 2
    image[row + 10 : row + 26, col + 8 : col + 24] = (250, 240, 200)
    labels[row + 10 : row + 26, col + 8 : col + 24] = 1
    return image, labels


def _dataset(target: Path, numbers: range) -> Path:
    options = WriteOptions(include_images=True)
    with get_format("tiff16").open_writer(target, classes=CLASSES, options=options) as writer:
        for number in numbers:
            image, labels = _scene(number)
            found = segmentation_from_labels(labels, classes=CLASSES, class_of={1: "egg", 2: "pan"})
            writer.add(Sample(f"scene{number}", found, image))
    return target


def test_sure_means_every_object() -> None:
    labels = np.array([[1, 1, 2]], np.int32)
    scores = {1: 0.95, 2: 0.7}
    found = segmentation_from_labels(labels, classes=CLASSES, scores=scores)
    assert is_sure(found, 0.7)
    assert not is_sure(found, 0.8)
    assert not is_sure(segmentation_from_labels(labels * 0, classes=CLASSES), 0.1)


def _photos(folder: Path) -> Path:
    """Three scenes, and one without any thing."""
    folder.mkdir()
    for number in range(50, 53):
        cv2.imwrite(str(folder / f"photo{number}.png"), _scene(number)[0])
    nothing = np.random.default_rng(9).integers(90, 130, (64, 64, 3)).astype(np.uint8)
    cv2.imwrite(str(folder / "nothing.png"), nothing)
    return folder


def _trained(tmp_path: Path, *, sure: float, config: TrainConfig) -> SelfTraining:
    return drain(
        self_train(
            "eggpan",
            _dataset(tmp_path / "labelled", range(4)),
            find_images([_photos(tmp_path / "photos")]),
            tmp_path / "out",
            config=config,
            valid=_dataset(tmp_path / "valid", range(20, 22)),
            sure=sure,
        )
    )


def test_a_round_adds_photos_to_the_labelled_images(tmp_path: Path) -> None:
    learns = CONFIG.model_copy(update={"epoch_steps": 15, "lr": 1e-2, "ema": 0.0})
    report = _trained(tmp_path, sure=0.5, config=learns)
    assert [one.kept for one in report.rounds] == [0, 3]
    assert report.best in report.rounds
    assert report.best.score == max(one.score for one in report.rounds)
    assert all(one.weights.is_file() for one in report.rounds)
    data = tmp_path / "out/round1/data"
    with recognise(data).open(data) as merged:
        assert sorted(merged.names) == [
            *(f"labelled/scene{number}" for number in range(4)),
            *(f"photos/photo{number}" for number in (50, 51, 52)),
        ]
        truth = {one.name: one.segmentation for one in merged}
    first = truth["labelled/scene0"].labels > 0
    assert np.array_equal(first, _scene(0)[1] > 0), "labels stay"
    kept = truth["photos/photo50"].labels > 0
    assert mask_iou(kept, _scene(50)[1] > 0) > 0.7, "as round 0 saw it"
    card = json.loads(report.rounds[1].weights.with_suffix(".json").read_text())
    before = json.loads(report.rounds[0].weights.with_suffix(".json").read_text())
    assert card["training"]["data_sha256"] != before["training"]["data_sha256"]


def test_nothing_sure_ends_after_the_first_round(tmp_path: Path) -> None:
    report = _trained(tmp_path, sure=1.0, config=CONFIG)
    assert [one.kept for one in report.rounds] == [0]
    assert report.best is report.rounds[0]


@pytest.mark.parametrize("wrong", [{"rounds": 0}, {"sure": 0.0}, {"sure": 1.5}])
def test_settings_out_of_range_are_refused(tmp_path: Path, wrong: dict[str, float]) -> None:
    with pytest.raises(ParamsError, match="rounds or confidence"):
        drain(self_train("eggpan", tmp_path, [], tmp_path, config=CONFIG, valid=tmp_path, **wrong))

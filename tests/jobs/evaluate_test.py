"""Evaluation: the measures of known answers, several weights, regions that do not count."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from napari_segkit.data.dataset import Sample, WriteOptions
from napari_segkit.data.formats.registry import get_format
from napari_segkit.errors import DatasetError, InputError
from napari_segkit.jobs import drain
from napari_segkit.jobs.evaluate import evaluate
from napari_segkit.models.base import ModelParams, Segmenter
from napari_segkit.ops.masks import segmentation_from_labels
from napari_segkit.types import ClassDef, Job, Progress, Prompts, Segmentation

DUST = (ClassDef("dust", (250, 50, 83)),)


class Bright(Segmenter):
    """Finds what is brighter than 200; its weights file names another level."""

    id = "dust"
    title = "Bright"
    classes = DUST
    Params = ModelParams
    presets: ClassVar[dict[str, ModelParams]] = {"default": ModelParams()}
    level = 200

    def load(self, weights: Path | None = None, *, device: str = "auto") -> None:
        if weights is not None:
            self.level = int(weights.read_text())

    def predict(self, image: np.ndarray, prompts: Prompts, params: Any) -> Job[Segmentation]:
        yield Progress(0, 1)
        import cv2

        _, labels = cv2.connectedComponents((image[..., 0] > self.level).astype(np.uint8))
        return segmentation_from_labels(labels.astype(np.int32), classes=DUST)


@pytest.fixture
def bright(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_segkit.jobs.evaluate.get_model", lambda _: Bright)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Three images: found and missed, found where nothing is, nothing at all."""
    options = WriteOptions(include_images=True)
    classes = (ClassDef("speck", (1, 2, 3)),)
    path = tmp_path / "data"
    with get_format("tiff16").open_writer(path, classes=classes, options=options) as writer:
        for name, bright_at, true_at in (
            ("a", [(2, 2), (20, 20)], [(2, 2), (30, 2)]),
            ("b", [(10, 10)], []),
            ("c", [], []),
        ):
            image, labels = np.full((40, 40, 3), 50, np.uint8), np.zeros((40, 40), np.int32)
            for row, col in bright_at:
                image[row : row + 6, col : col + 6] = 255 if row < 15 else 230
            for key, (row, col) in enumerate(true_at, 1):
                labels[row : row + 6, col : col + 6] = key
            writer.add(Sample(name, segmentation_from_labels(labels, classes=classes), image))
    return path


@pytest.mark.usefixtures("bright")
def test_measures_of_known_answers(dataset: Path) -> None:
    result = drain(evaluate("dust", dataset))
    (one,) = result.judged
    assert result.touch == 0.3
    overall = one.verdict.overall
    assert overall["precision"] == pytest.approx(1 / 3)
    assert overall["recall"] == pytest.approx(1 / 2)
    assert overall["object_f1"] == pytest.approx(2 / 5)
    assert overall["false_per_clean_image"] == pytest.approx(0.5)
    row = one.verdict.classes["dust"]
    assert row["iou"] == pytest.approx((36 / 108 + 0) / 2)
    assert row["dice_where_present"] == pytest.approx(0.5)
    assert overall["worst_decile"] == 0.0
    assert [image.mean_iou for image in one.images] == pytest.approx([1 / 3, 0.0, 1.0])


@pytest.mark.usefixtures("bright")
def test_several_weights_side_by_side_and_a_page(dataset: Path, tmp_path: Path) -> None:
    strict = tmp_path / "strict.safetensors"
    strict.write_text("240")
    page = tmp_path / "report" / "page.html"
    result = drain(evaluate("dust", dataset, weights=(None, strict), out=page))
    assert [one.weights for one in result.judged] == ["model", "strict"]
    plain, better = (one.verdict.overall["precision"] for one in result.judged)
    assert better > plain
    text = page.read_text()
    assert "strict" in text
    assert text.count('alt="answer"') == 6
    assert "http://" not in text.replace("http-equiv", "")
    json.dumps(result.as_dict())


@pytest.mark.usefixtures("bright")
def test_ignored_regions_count_neither_way(dataset: Path, tmp_path: Path) -> None:
    regions = tmp_path / "ignore.json"
    content = [
        {"file": "a.png", "ignore": [{"points": [[18, 18], [30, 18], [30, 30], [18, 30]]}]},
        {"file": "b.png", "ignore": [{"ellipse": {"cx": 13, "cy": 13, "a": 6, "b": 6}}]},
    ]
    regions.write_text(json.dumps(content))
    overall = drain(evaluate("dust", dataset, ignore=regions)).judged[0].verdict.overall
    assert overall["precision"] == 1.0
    assert overall["recall"] == 0.5
    assert overall["false_per_clean_image"] == 0.0
    regions.write_text("{}")
    with pytest.raises(InputError, match="regions to ignore cannot be read"):
        drain(evaluate("dust", dataset, ignore=regions))


@pytest.mark.usefixtures("bright")
def test_what_cannot_be_judged_is_said(tmp_path: Path) -> None:
    options = WriteOptions()
    path = tmp_path / "bare"
    with get_format("tiff16").open_writer(path, classes=DUST, options=options) as writer:
        labels = np.zeros((8, 8), np.int32)
        labels[2, 2] = 1
        writer.add(Sample("a", segmentation_from_labels(labels, classes=DUST), None))
    with pytest.raises(DatasetError, match="no image to judge by"):
        drain(evaluate("dust", path))

"""The benchmark of dust: which ways there are, and that each does all its work every time."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from napari_segkit.cli.app import app
from napari_segkit.data.weights_card import WeightsCard
from napari_segkit.jobs import bench, drain
from napari_segkit.models import dust, dust_origin, second_look
from napari_segkit.ops.candidates import find_candidates
from napari_segkit.types import Progress
from tests.models.tiny import TINY, tiny_weights


class Judge:
    """Counts its looks and believes in everything."""

    card = SimpleNamespace(threshold=0.5)
    backend = SimpleNamespace(notes=())

    def __init__(self, calls: Counter[str], place: str) -> None:
        self.calls, self.place = calls, place

    def judge(self, source: Any, chances: np.ndarray, scores: np.ndarray) -> Any:
        self.calls[self.place] += 1
        yield Progress(0, None, "second look")
        scores[chances > 0] = 255


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """A small photo and small networks; how often who judged."""
    counted: Counter[str] = Counter()

    def read(path: Path, device: str, *, openvino: bool = False) -> Judge:
        assert path.is_file()
        return Judge(counted, "OpenVINO" if openvino else "torch")

    def objects(*given: Any, **options: Any) -> Any:
        counted["objects"] += 1
        return found(*given, **options)

    found = dust.Dust.objects
    card = WeightsCard(
        name="origin", model="dust", arch="unet-light", arch_config=TINY, classes=("dust",),
        input_size=224,
    )  # fmt: skip
    monkeypatch.setattr(bench, "CAMERA", (300, 500))
    monkeypatch.setattr(dust_origin, "BIG", 448)
    monkeypatch.setattr(bench, "_origin_card", lambda: card)
    monkeypatch.setattr(bench, "_can_quantise", lambda: False)
    monkeypatch.setattr(dust.Dust, "objects", objects)
    monkeypatch.setattr(second_look, "read_second_look", read)
    return counted


def test_the_default_rows_are_of_the_whole_default_mode(
    calls: Counter[str], tmp_path: Path
) -> None:
    weights = tiny_weights("dust", tmp_path)
    arguments = ["bench", "dust", "--timer", "0", "--weights", str(weights)]
    done = CliRunner().invoke(app, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert [(row["name"], row["images"]) for row in told["rows"]] == [
        ("origin, torch", 1),
        ("origin, OpenVINO FP16", 1),
        ("default, torch", 1),
        ("default, OpenVINO FP16", 1),
        ("U-Net alone, torch", 1),
        ("U-Net alone, OpenVINO FP16", 1),
    ]
    # OpenVINO is warmed up first, and its answer to that photo does not count
    assert calls == {"torch": 1, "OpenVINO": 2, "objects": 3}
    assert told["notes"] == ["INT8 is left out: it needs the package nncf"]
    table = CliRunner().invoke(app, arguments)
    assert table.exit_code == 0, table.output
    assert "times the origin" in table.stdout.replace("\n", " ")


def test_without_weights_an_untrained_network_is_timed(
    calls: Counter[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_segkit.data.weights_store.shipped", lambda _: tmp_path / "none")
    monkeypatch.setattr("napari_segkit.data.weights_store.user_data", lambda: tmp_path / "none")
    path = bench._own(tmp_path, None)
    assert path.name == "untrained.safetensors"
    model = dust.Dust()
    model.load(path, device="cpu", backend="torch")
    assert model.card.arch == "unet-contrast"


def test_the_photo_has_something_to_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the real size's scale: on noise the second look costs nothing."""
    monkeypatch.setattr(bench, "CAMERA", (504, 504))
    monkeypatch.setattr(dust_origin, "BIG", 504)
    photo = bench._photo()
    assert photo.shape == (504, 504, 3)
    model = dust.Dust()
    model.load(device="cpu", backend="torch")
    chances = drain(model.probability(photo, dust.DustParams(second_look=False)))
    judge = model.judge(dust.DustParams())
    assert judge is not None
    assert len(list(find_candidates(chances, judge.levels))) > 5

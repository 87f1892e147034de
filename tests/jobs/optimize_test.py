"""Weights for OpenVINO: written with a card, or refused and what was there stays."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from napari_segkit.cli.app import app
from napari_segkit.data.dataset import Sample, WriteOptions
from napari_segkit.data.formats.cvat_mask import CvatMask
from napari_segkit.errors import DatasetError, ModelError, ParamsError
from napari_segkit.jobs import drain, segment
from napari_segkit.jobs import optimize as job
from napari_segkit.models.dust import DUST, Dust, DustParams
from napari_segkit.runtime import quantize
from napari_segkit.types import Progress
from tests.models.tiny import tiny_weights

HAS_NNCF = importlib.util.find_spec("nncf") is not None


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for module in ("choose", "openvino_graph"):
        monkeypatch.setattr(
            f"napari_segkit.runtime.{module}.user_cache", lambda: tmp_path / "cache"
        )
    monkeypatch.setattr("napari_segkit.models.dust.shipped", lambda _: tmp_path)  # no second look
    return tiny_weights("dust", tmp_path)


@pytest.fixture
def dataset(weights: Path, tmp_path: Path) -> Path:
    """What the network itself finds is the truth: its F1 is 1."""
    model = Dust()
    model.load(weights, device="cpu", backend="torch")
    rng = np.random.default_rng(0)
    target = tmp_path / "dataset"
    options = WriteOptions(include_images=True)
    with CvatMask().open_writer(target, classes=(DUST,), options=options) as writer:
        for name in ("a", "b"):
            pixels = rng.integers(0, 256, (96, 128, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / f"{name}.png")
            found = drain(segment(model, pixels, params=DustParams()))
            assert found.instances
            writer.add(Sample(name, found, tmp_path / f"{name}.png"))
    return target


def made(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_fp16_is_written_with_a_card_and_can_be_used(
    weights: Path, dataset: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    arguments = ["optimize", "dust", "--precision", "fp16", "--calibration", dataset, "--json"]
    arguments += ["--out", out, "--weights", weights]
    done = CliRunner().invoke(app, [str(one) for one in arguments])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["before"] == 1
    assert told["after"] >= 0.995
    assert made(out) == ["dust-fp16.bin", "dust-fp16.json", "dust-fp16.xml"]
    card = json.loads((out / "dust-fp16.json").read_text())
    assert card["versions"]["precision"] == "FP16"
    assert card["metrics"]["object_f1_fp16"] == pytest.approx(told["after"], abs=1e-4)
    model = Dust()
    model.load(out / "dust-fp16.xml")
    assert model.backend.name == "OpenVINO, FP16"


def test_what_is_worse_is_refused_and_what_was_there_stays(
    weights: Path, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    drain(job.optimize("dust", out, precision="fp16", calibration=dataset, weights=weights))
    before = {name: (out / name).read_bytes() for name in made(out)}

    def worse(model_id: str, path: Path, *, weights: tuple[Path, Path], changes: Any) -> Any:
        assert weights[1].is_file()
        assert changes == {}
        yield Progress(0, None, "judging")
        verdicts = [SimpleNamespace(overall={"object_f1": one}) for one in (1.0, 0.9)]
        return SimpleNamespace(judged=[SimpleNamespace(verdict=one) for one in verdicts])

    monkeypatch.setattr(job, "evaluate", worse)
    with pytest.raises(ModelError, match=r"fp16 would make the weights worse.*at least 0\.995"):
        drain(job.optimize("dust", out, precision="fp16", calibration=dataset, weights=weights))
    assert {name: (out / name).read_bytes() for name in made(out)} == before


def test_without_a_dataset_it_is_generated(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def generate(kind: str, target: Path, **options: object) -> Any:
        asked.append((kind, options["count"]))
        raise DatasetError("enough")
        yield

    monkeypatch.setattr(job, "synthesise", generate)
    with pytest.raises(DatasetError, match="enough"):
        drain(job.optimize("dust", tmp_path / "out", precision="fp16", weights=weights))
    assert asked == [("dust", 8)]
    assert made(tmp_path / "out") == []


def test_int8_without_its_package_says_how_to_get_it(
    weights: Path, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "nncf", None)
    with pytest.raises(ParamsError, match=r"pip install .*napari-segkit\[quantize\]"):
        drain(
            job.optimize(
                "dust", tmp_path / "out", precision="int8", calibration=dataset, weights=weights
            )
        )
    assert made(tmp_path / "out") == []


@pytest.mark.slow
@pytest.mark.skipif(not HAS_NNCF, reason='needs the extra quantize: pip install ".[quantize]"')
def test_int8_runs_and_says_nearly_the_same(weights: Path, dataset: Path, tmp_path: Path) -> None:
    batches = [np.random.default_rng(k).integers(0, 256, (1, 64, 64, 3), np.uint8) for k in (0, 1)]
    job.LARGEST_FALL, kept = 1.0, job.LARGEST_FALL  # untrained: its edges are everywhere
    try:
        done = drain(
            job.optimize(
                "dust", tmp_path / "out", precision="int8", calibration=dataset, weights=weights
            )
        )
    finally:
        job.LARGEST_FALL = kept
    assert done.path.name == "dust-int8.xml"
    assert 'element_type="i8"' in done.path.read_text() or "i8" in done.path.read_text()
    model, plain = Dust(), Dust()
    model.load(done.path)
    plain.load(weights, device="cpu", backend="torch")
    assert model.backend.name == "OpenVINO, INT8"
    far = np.abs(model.backend.run(batches[0]) - plain.backend.run(batches[0]))
    assert far.mean() < 0.05


def test_the_model_s_inputs_stay_free_after_int8(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes: list[object] = []

    class Net:
        def clone(self) -> Net:
            return self

        def reshape(self, shape: object) -> None:
            shapes.append(str(shape))

    monkeypatch.setattr(quantize, "quantised_graph", lambda model, batches: model)
    quantize.quantised(Net(), [np.zeros((1, 64, 64, 3), np.uint8)])
    assert shapes == ["[1,64,64,3]", "[?,?,?,3]"]

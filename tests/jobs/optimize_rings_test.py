"""The image encoder of a base of rings, made smaller by `segkit optimize`."""

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
from napari_segkit.errors import ParamsError, WeightsError
from napari_segkit.jobs import drain, segment
from napari_segkit.jobs import optimize as job
from napari_segkit.models.rings import RingParams, Rings
from napari_segkit.models.rings_base import load_base
from napari_segkit.models.rings_params import RING
from napari_segkit.ops.masks import segmentation_from_labels
from napari_segkit.types import Progress, Prompts
from tests.models.tiny import tiny_base

HAS_NNCF = importlib.util.find_spec("nncf") is not None
BARE = RingParams(adapter="none")


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for module in ("openvino_backend", "openvino_graph"):
        monkeypatch.setattr(f"napari_segkit.runtime.{module}.user_cache", lambda: tmp_path / "kept")
    return tiny_base(tmp_path)


def photo() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    target = tmp_path / "dataset"
    labels = np.zeros((48, 64), np.int32)
    labels[10:30, 20:50] = 1
    Image.fromarray(photo()).save(tmp_path / "a.png")
    options = WriteOptions(include_images=True)
    with CvatMask().open_writer(target, classes=(RING,), options=options) as writer:
        truth = segmentation_from_labels(labels, classes=(RING,))
        writer.add(Sample("a", truth, tmp_path / "a.png"))
    return target


@pytest.fixture
def encoder(base: Path, dataset: Path, tmp_path: Path) -> Path:
    words = ["optimize", "rings", "--precision", "fp16", "--calibration", dataset, "--json"]
    words += ["--out", tmp_path / "out", "--weights", base]
    done = CliRunner().invoke(app, [str(one) for one in words])
    assert done.exit_code == 0, done.output
    return Path(json.loads(done.stdout)["path"])


def test_an_encoder_stands_for_its_base(base: Path, encoder: Path) -> None:
    fast, plain = load_base(encoder), load_base(base)
    assert fast.backend.name == "OpenVINO, optimised encoder"
    far = np.abs(fast.backend.encode(photo()) - plain.backend.encode(photo()))
    assert far.max() < 0.02
    assert fast.sha256 == plain.sha256
    assert fast.key != plain.key, "embeddings are kept apart"
    prompts = Prompts(boxes=np.array([[20, 10, 50, 30]], np.float32))
    masks = []
    for file in (encoder, base):
        model = Rings()
        model.load(file)
        masks.append(drain(segment(model, photo(), params=BARE, prompts=prompts)))
        model = Rings()
        params = BARE.model_copy(update={"base": str(file)})
        again = drain(segment(model, photo(), params=params, prompts=prompts))
        np.testing.assert_array_equal(again.labels, masks[-1].labels)
    assert (masks[0].labels == masks[1].labels).mean() > 0.98
    assert masks[0].provenance.weights_sha256 != masks[1].provenance.weights_sha256


def test_it_finds_its_base_beside_it(base: Path, encoder: Path) -> None:
    moved = base.rename(encoder.parent / base.name)
    base.with_suffix(".json").rename(moved.with_suffix(".json"))
    assert load_base(encoder).encoder
    moved.unlink()
    with pytest.raises(WeightsError, match=f"{base.name} beside it"):
        load_base(encoder)


def test_another_base_a_card_or_a_file_that_does_not_fit_is_told(
    base: Path, encoder: Path, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = tiny_base(tmp_path / "other", seed=9)
    for suffix in (".safetensors", ".json"):
        other.with_suffix(suffix).replace(base.with_suffix(suffix))
    with pytest.raises(WeightsError, match="made from another base"):
        load_base(encoder)
    encoder.with_suffix(".bin").unlink()
    with pytest.raises(WeightsError, match="not an encoder of rings"):
        load_base(encoder)


def test_where_openvino_cannot_compile_it_torch_goes_on(
    base: Path, encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("cannot compile")

    fast, plain = load_base(encoder), load_base(base)
    monkeypatch.setattr("napari_segkit.runtime.sam_openvino.Graph", broken)
    np.testing.assert_array_equal(fast.backend.encode(photo()), plain.backend.encode(photo()))
    assert "cannot compile" in fast.backend.notes[0]


def test_it_takes_no_adapter_and_no_other_place(base: Path, encoder: Path) -> None:
    loaded = load_base(encoder)
    with pytest.raises(WeightsError, match="takes no adapter"):
        loaded.use(base)
    assert loaded.use(None) == ""
    assert not loaded.fits(base)
    model = Rings()
    model.load(encoder)  # with the shipped adapter, which nobody named
    prompts = Prompts(boxes=np.array([[20, 10, 50, 30]], np.float32))
    found = drain(segment(model, photo(), params=RingParams(), prompts=prompts))
    assert "no adapter is used: an optimised encoder takes none" in found.notes
    with pytest.raises(ParamsError, match="needs OpenVINO"):
        load_base(encoder, backend="torch")


def test_one_that_makes_masks_worse_is_refused(
    base: Path, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def worse(model_id: str, path: Path, *, weights: Any, changes: Any) -> Any:
        assert (model_id, changes, weights[0]) == ("rings", {"adapter": "none"}, base)
        yield Progress(0, None, "judging")
        verdicts = [SimpleNamespace(overall={"mean_iou": one}) for one in (0.8, 0.7)]
        return SimpleNamespace(judged=[SimpleNamespace(verdict=one) for one in verdicts])

    monkeypatch.setattr(job, "evaluate", worse)
    out = tmp_path / "out"
    with pytest.raises(job.ModelError, match="fp16 would make the weights worse"):
        drain(job.optimize("rings", out, precision="fp16", calibration=dataset, weights=base))
    assert not list(out.iterdir())


@pytest.mark.slow
@pytest.mark.skipif(not HAS_NNCF, reason='needs the extra quantize: pip install ".[quantize]"')
def test_int8_is_near(
    base: Path, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "LARGEST_FALL", 1.0)  # untrained
    out = tmp_path / "out"
    done = drain(job.optimize("rings", out, precision="int8", calibration=dataset, weights=base))
    assert "i8" in done.path.read_text()
    fast, plain = load_base(done.path), load_base(base)
    a, b = (one.backend.encode(photo()).ravel().astype(float) for one in (fast, plain))
    assert a @ b / (np.linalg.norm(a) * np.linalg.norm(b)) > 0.97

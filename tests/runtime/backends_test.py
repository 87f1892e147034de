from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
import torch

from napari_segkit.data.weights import load_weights
from napari_segkit.errors import ParamsError, WeightsError
from napari_segkit.nets.registry import build
from napari_segkit.runtime import choose
from napari_segkit.runtime.choose import open_backend, open_ir
from napari_segkit.runtime.openvino_backend import convert, save_ir
from napari_segkit.runtime.quantize import _rim
from napari_segkit.runtime.torch_backend import make_served, pick_device
from tests.models.tiny import tiny_weights


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("weights")


@pytest.fixture(autouse=True)
def cache(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("choose", "openvino_graph"):
        monkeypatch.setattr(f"napari_segkit.runtime.{module}.user_cache", lambda: folder / "cache")


def batch(count: int = 2) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 64, 96, 3), np.uint8)


@pytest.mark.parametrize("model_id", ["dust", "eggpan"])
def test_openvino_and_torch_say_the_same(model_id: str, folder: Path) -> None:
    tensors, card = load_weights(tiny_weights(model_id, folder))
    found = {
        name: open_backend(card, tensors, backend=name, device="cpu").run(batch())
        for name in ("torch", "openvino")
    }
    channels = 1 if model_id == "dust" else 3
    assert found["torch"].shape == (2, channels, 64, 96)
    assert np.abs(found["torch"] - found["openvino"]).max() < 1e-3
    if channels == 3:
        assert np.allclose(found["torch"].sum(1), 1, atol=1e-5)


def test_pixels_that_must_not_be_written_are_read(folder: Path) -> None:
    tensors, card = load_weights(tiny_weights("dust", folder))
    backend = open_backend(card, tensors, backend="torch", device="cpu")
    still = batch()
    still.flags.writeable = False
    assert np.array_equal(backend.run(still), backend.run(batch()))


def test_the_faster_one_is_chosen_once_and_remembered(folder: Path, monkeypatch) -> None:
    tensors, card = load_weights(tiny_weights("dust", folder))
    calls = []

    def measured(backends):
        calls.append(set(backends))
        return backends["openvino"], "openvino"

    monkeypatch.setattr(choose, "_faster", measured)
    names = [open_backend(card, tensors, device="cpu").name for _ in range(2)]
    assert names == ["OpenVINO, FP32"] * 2
    assert calls == [{"torch", "openvino"}]
    (folder / "cache" / "backends.json").write_text("broken")
    open_backend(card, tensors, device="cpu")
    assert len(calls) == 2


def test_the_measure_is_the_time(monkeypatch) -> None:
    clock = iter([0.0, 3.0, 10.0, 11.0])
    monkeypatch.setattr(choose.time, "perf_counter", lambda: next(clock))

    class Any:
        def run(self, _: object) -> None: ...

    slow, fast = Any(), Any()
    assert choose._faster({"torch": slow, "openvino": fast}) == (fast, "openvino")


def test_a_cache_that_cannot_be_written_costs_only_time(
    folder: Path, monkeypatch, tmp_path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(choose, "user_cache", lambda: tmp_path / "file")
    tensors, card = load_weights(tiny_weights("dust", folder))
    assert open_backend(card, tensors, device="cpu").run(batch()).shape == (2, 1, 64, 96)


def test_several_threads_at_once(folder: Path) -> None:
    tensors, card = load_weights(tiny_weights("dust", folder))
    for name in ("torch", "openvino"):
        backend = open_backend(card, tensors, backend=name, device="cpu")
        batches = [np.roll(batch(1), 9 * k, axis=2) for k in range(8)]
        alone = [backend.run(one) for one in batches]
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(backend.run, batches))
        assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(alone, together, strict=True))


def test_an_optimised_file(folder: Path, tmp_path: Path) -> None:
    tensors, card = load_weights(tiny_weights("dust", folder))
    path = tmp_path / "dust-fp16.xml"
    save_ir(convert(make_served(card, tensors)), path, half=True)
    expected = open_backend(card, tensors, backend="torch", device="cpu").run(batch())
    assert np.abs(open_ir(path, card).run(batch()) - expected).max() < 0.01
    path.write_text("<net>")
    with pytest.raises(WeightsError, match="segkit optimize"):
        open_ir(path, card)


def test_devices_and_backends_that_are_not_here(folder: Path, monkeypatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    tensors, card = load_weights(tiny_weights("dust", folder))
    assert pick_device("cpu") == "cpu"
    with pytest.raises(ParamsError, match="device is not here"):
        pick_device("cuda")
    with pytest.raises(ParamsError, match="unknown backend"):
        open_backend(card, tensors, backend="onnx")
    monkeypatch.setattr(choose, "pick_device", lambda _: "cuda")
    with pytest.raises(ParamsError, match="OpenVINO runs on the CPU"):
        open_backend(card, tensors, backend="openvino", device="cuda")


@pytest.mark.filterwarnings("ignore:.*torch.jit.trace")
def test_8_bits_spare_all_that_comes_before_the_first_convolution() -> None:
    net = build("unet-contrast", classes=1, config={"widths": [8, 8, 8]})
    image = torch.zeros(1, 3, 64, 64)
    model = ov.convert_model(net.eval(), example_input=image)
    kept = set(_rim(model))
    kinds = {
        one.get_type_name() for one in model.get_ordered_ops() if one.get_friendly_name() in kept
    }
    assert {"AvgPool", "Subtract", "Clamp", "Convolution"} <= kinds
    convolutions = [
        one.get_friendly_name()
        for one in model.get_ordered_ops()
        if one.get_type_name() == "Convolution"
    ]
    assert kept & set(convolutions) == {convolutions[0], convolutions[-1]}

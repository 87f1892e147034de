from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_segkit.data.weights_import import import_checkpoint
from napari_segkit.errors import WeightsError
from napari_segkit.nets.registry import build
from napari_segkit.runtime.torch_backend import make_served

WIDTHS = {"widths": (4, 8, 16)}


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return build("unet-origin", classes=3, config=WIDTHS).state_dict()


def saved(folder: Path, content: object, name: str = "unet.pth") -> Path:
    path = folder / name
    torch.save(content, path)
    return path


def repacked(path: Path, *, compression: int = zipfile.ZIP_STORED, extra: str = "") -> Path:
    made = path.with_name("repacked.pth")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(made, "w", compression) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, old.read(entry))
        if extra:
            new.writestr(extra, b"x")
    return made


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda s: {"epoch": 3, "state_dict": s, "optimizer": {"state": {}, "param_groups": []}},
        lambda s: s,
        lambda s: {"state_dict": {f"module.{name}": one for name, one in s.items()}},
        lambda s: {"model": {"state_dict": s}},
    ],
)
def test_F32_layouts_of_the_egg_and_pan_project(tmp_path: Path, state, wrapped) -> None:
    tensors, card = import_checkpoint(saved(tmp_path, wrapped(state)))
    assert card.model == "eggpan"
    assert card.classes == ("egg", "pan")
    assert card.normalisation.std == (255, 255, 255), "it divides by 255 twice"
    assert card.input_size == 400
    served = make_served(card, tensors)
    pixels = torch.zeros((1, 16, 16, 3), dtype=torch.uint8)
    assert torch.allclose(served(pixels).sum(1), torch.ones(1))
    for name, one in state.items():
        assert np.array_equal(tensors[name], one.numpy())


@pytest.mark.slow
@pytest.mark.parametrize("encoder", ["tu-efficientnet_b1", "efficientnet-b1"])
def test_checkpoints_of_the_dust_project(tmp_path: Path, encoder: str) -> None:
    net = build("efficientnet-b1-unet", classes=1, config={"encoder": encoder})
    own_names = {
        name.replace("segmentation_head.", "head."): one for name, one in net.state_dict().items()
    }
    path = saved(tmp_path, {"model_state_dict": own_names, "loss": 0.1, "epoch": 2})
    tensors, card = import_checkpoint(path)
    assert (card.model, card.arch) == ("dust", "efficientnet-b1-unet")
    make_served(card, tensors)


def test_F30_a_flipped_bit_is_noticed(tmp_path: Path, state) -> None:
    path = saved(tmp_path, state)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(WeightsError, match="damaged"):
        import_checkpoint(path)
    path.write_bytes(bytes(data[: len(data) // 2]))
    with pytest.raises(WeightsError, match="damaged"):
        import_checkpoint(path)


def test_F30_packed_entries_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, {"a": torch.zeros(1_000_000)})
    bomb = repacked(path, compression=zipfile.ZIP_DEFLATED)
    assert bomb.stat().st_size < path.stat().st_size / 100
    with pytest.raises(WeightsError, match="packed"):
        import_checkpoint(bomb)


class Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (Path("/tmp/segkit-was-run"),)


@pytest.mark.parametrize("content", [{"a": Evil()}, Evil(), torch.nn.Linear(2, 2)])
def test_F31_what_runs_code_is_not_opened(tmp_path: Path, content: object) -> None:
    marker = Path("/tmp/segkit-was-run")
    with pytest.raises(WeightsError, match="more than tensors"):
        import_checkpoint(saved(tmp_path, content))
    assert not marker.exists()


def test_F31_plain_pickles_and_programs(tmp_path: Path, state) -> None:
    path = tmp_path / "plain.pth"
    path.write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(WeightsError, match="never opened"):
        import_checkpoint(path)
    with pytest.raises(WeightsError, match="TorchScript"):
        import_checkpoint(repacked(saved(tmp_path, state), extra="unet/code/net.py"))


@pytest.mark.parametrize("data", [b"", b"<html></html>", b"version https://git-lfs", b"x" * 40])
def test_F29_no_checkpoint_at_all(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.pth"
    path.write_bytes(data)
    with pytest.raises(WeightsError, match=r"not a checkpoint.*x\.pth"):
        import_checkpoint(path)


def test_F33_another_network_is_said_in_a_line(tmp_path: Path, state) -> None:
    with pytest.raises(WeightsError, match="network that is not known"):
        import_checkpoint(saved(tmp_path, {"layer.weight": torch.zeros(3)}))
    less = {name: one for name, one in state.items() if "final_conv" not in name}
    less["more"] = torch.zeros(2)
    less["up_convs.0.bias"] = torch.zeros(99)
    tensors, card = import_checkpoint(saved(tmp_path, less))
    with pytest.raises(WeightsError) as caught:
        make_served(card, tensors, where=tmp_path)
    text = str(caught.value)
    assert "2 of" in text
    assert "1 unknown (more" in text
    assert "up_convs.0.bias (99,), not (8,)" in text
    assert len(text) < 400


def test_F34_nan(tmp_path: Path, state) -> None:
    bad = state | {"final_conv.bias": torch.tensor([0, float("nan"), 0])}
    with pytest.raises(WeightsError, match=r"NaN.*final_conv\.bias"):
        import_checkpoint(saved(tmp_path, bad))


@pytest.mark.parametrize(
    "odd",
    [torch.zeros(3, 3).to_sparse(), torch.zeros(3, dtype=torch.complex64)],
    ids=["sparse", "complex"],
)
def test_F35_odd_tensors(tmp_path: Path, state, odd: torch.Tensor) -> None:
    with pytest.raises(WeightsError, match="kind that is not read"):
        import_checkpoint(saved(tmp_path, state | {"odd": odd}))


@pytest.mark.parametrize("content", [[1, 2], {"state_dict": {"a": 3}}, {}, {1: torch.zeros(1)}])
def test_no_state_dict(tmp_path: Path, content: object) -> None:
    with pytest.raises(WeightsError):
        import_checkpoint(saved(tmp_path, content))


def test_what_is_read_is_what_was_checked(tmp_path: Path, state) -> None:
    """One read: a file that changes between check and use makes no difference."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    path = tmp_path / "x.pth"
    path.write_bytes(buffer.getvalue())
    assert import_checkpoint(path)[1].sha256

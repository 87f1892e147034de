"""Weights that a person chooses in a dock and that must not be used: one sentence, the old stay."""

from __future__ import annotations

import hashlib
import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from napari_segkit.models.eggpan import EggPan
from napari_segkit.nets.registry import build
from napari_segkit.widgets.runs._weights import Choice, Loader, WeightsChooser
from tests.models.tiny import tiny_weights

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from tests.widgets.segment.dust_bench import Bench


class Touch:
    """Unpickling it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def evil(folder: Path, good: Path, *, wrapped: bool) -> Path:
    path = folder / "evil.pth"
    touch = Touch(folder / "was-run")
    torch.save({"state_dict": {"a": torch.zeros(2), "b": touch}} if wrapped else touch, path)
    return path


def whole_module(folder: Path, good: Path) -> Path:
    torch.save(torch.nn.Linear(2, 2), folder / "module.pt")
    return folder / "module.pt"


def program(folder: Path, good: Path) -> Path:
    torch.save({"a": torch.zeros(2)}, folder / "program.pt")
    import zipfile

    with zipfile.ZipFile(folder / "program.pt", "a") as archive:
        archive.writestr("program/code/net.py", b"x")
    return folder / "program.pt"


def with_value(folder: Path, good: Path, *, value: float) -> Path:
    """Hash and card are right, a number is none."""
    tensors = load_file(good)
    name = min(name for name, one in tensors.items() if one.dtype == np.float16)
    tensors[name] = np.full_like(tensors[name], value)
    path = folder / "nan.safetensors"
    save_file(tensors, path)
    card = json.loads(good.with_suffix(".json").read_text())
    card["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_suffix(".json").write_text(json.dumps(card))
    return path


def unknown(folder: Path, good: Path) -> Path:
    torch.save({"module.layer.weight": torch.zeros(3)}, folder / "unknown.pth")
    return folder / "unknown.pth"


def part(folder: Path, good: Path) -> Path:
    path = folder / "dust.safetensors.part"
    path.write_bytes(good.read_bytes()[:-100])
    path.with_suffix(".json").write_bytes(good.with_suffix(".json").read_bytes())
    return path


BAD = {
    "F31-pickle": (partial(evil, wrapped=False), "more than tensors"),
    "F31-pickle-inside": (partial(evil, wrapped=True), "more than tensors"),
    "F31-module": (whole_module, "more than tensors"),
    "F31-program": (program, "TorchScript"),
    "F32-unknown": (unknown, "network that is not known"),
    "F34-nan": (partial(with_value, value=np.nan), "NaN"),
    "F34-inf": (partial(with_value, value=np.inf), "infinite"),
    "F36-part": (part, "download"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_weights_are_one_sentence_and_the_old_model_stays(
    bench: Bench, tmp_path: Path, kind: str
) -> None:
    make, words = BAD[kind]
    bench.go()
    card, mask = bench.dock.model.card, bench.mask.data.copy()
    bad = make(tmp_path, tmp_path / "shipped" / "dust.safetensors")
    bench.dock.weights.path = bad
    text = bench.go()
    assert text.startswith("⚠ ")
    assert words in text
    assert bad.name in text
    assert "\n" not in text
    assert len(text) < 400
    assert "Traceback" not in bench.dock.status.details.toPlainText()
    assert not (tmp_path / "was-run").exists(), "nothing in it was run"
    assert bench.dock.model.card is card
    np.testing.assert_array_equal(bench.mask.data, mask)
    assert bench.dock.weights.path is None, "back at those that work"
    assert bench.go().startswith("1 dust spot")


@pytest.mark.parametrize("prefix", ["", "module."])
def test_F32_a_checkpoint_of_the_origin_is_unwrapped(tmp_path: Path, prefix: str) -> None:
    net = build("unet-origin", classes=3, config={"widths": (4, 8)})
    state = {f"{prefix}{name}": one for name, one in net.state_dict().items()}
    torch.save({"epoch": 3, "state_dict": state, "optimizer": {}}, tmp_path / "unet.pth")
    loader, model = Loader(), EggPan()
    loader.load(model, Choice(tmp_path / "unet.pth", "cpu", "torch"))
    assert model.card.arch == "unet-origin"
    assert loader.refused is None


def test_F36_a_part_of_a_download_is_not_offered(
    qtbot: QtBot, specks: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_segkit.widgets.runs._weights.downloads", lambda: tmp_path / "loads")
    (tmp_path / "loads").mkdir()
    whole = tiny_weights("dust", tmp_path / "loads")
    part(tmp_path / "loads", whole)
    chooser = WeightsChooser("dust")
    qtbot.addWidget(chooser)
    texts = [chooser.itemText(row) for row in range(chooser.count())]
    assert texts == ["shipped (in use)", "dust (downloaded)", "File…"]
    whole.unlink()
    chooser.refresh()
    texts = [chooser.itemText(row) for row in range(chooser.count())]
    assert texts == ["shipped (in use)", "File…"]

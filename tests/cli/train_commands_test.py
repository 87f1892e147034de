"""``segkit train`` and ``segkit evaluate`` as a person or a program types them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from napari_segkit.cli import train_commands
from napari_segkit.cli.app import app
from napari_segkit.jobs.train import TrainReport
from napari_segkit.training.events import Validated
from napari_segkit.types import Job, Progress

runner = CliRunner()
TINY = '{"widths": [8, 16], "blocks": [0, 0]}'
FAST = [
    *("--epochs", "1", "--batch", "2", "--threads", "1", "--set", "size=32"),
    *("--set", "epoch_steps=2", "--set", "arch=unet-light", "--set", f"arch_config={TINY}"),
]


@pytest.fixture
def dust(tmp_path: Path) -> Path:
    args = ["synth", "dust", "--n", "3", "--size", "64", "--out", str(tmp_path / "data")]
    assert runner.invoke(app, args).exit_code == 0
    return tmp_path / "data"


def test_a_program_follows_a_training_line_by_line(dust: Path, tmp_path: Path) -> None:
    args = ["train", "dust", str(dust), "--out", str(tmp_path / "out"), "--progress", "json"]
    result = runner.invoke(app, [*args, *FAST])
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    kinds = [line["event"] for line in lines]
    assert kinds == ["BatchDone", "BatchDone", "EpochDone", "Validated", "Finished"]
    assert lines[0]["steps"] == 2
    assert lines[-1]["weights"].endswith("dust.safetensors")
    assert lines[-1]["metrics"].keys() == lines[-2]["metrics"].keys()


def test_a_person_reads_epochs(dust: Path, tmp_path: Path) -> None:
    args = ["train", "dust", str(dust), "--out", str(tmp_path / "out"), "--name", "mine"]
    result = runner.invoke(app, [*args, *FAST])
    assert result.exit_code == 0, result.output
    assert "epoch 1/1: loss" in result.output
    assert (tmp_path / "out/mine.safetensors").exists()


def test_after_ctrl_c_it_says_where_finished_epochs_are(
    dust: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(event: object) -> None:
        if isinstance(event, Validated):
            raise KeyboardInterrupt

    monkeypatch.setattr(train_commands, "tell_text", interrupt)
    out = tmp_path / "out"
    result = runner.invoke(app, ["train", "dust", str(dust), "--out", str(out), *FAST])
    assert result.exit_code == 130
    said = " ".join(result.output.split())
    assert f"cancelled; --resume goes on after the last finished epoch in {out}" in said
    assert (out / "last.ckpt").exists()


def test_going_on_from_the_weights_in_use(dust: Path, tmp_path: Path) -> None:
    """Their architecture is kept: every tensor is taken over."""
    args = ["train", "dust", str(dust), "--out", str(tmp_path / "out"), "--init", "auto"]
    args += ["--steps", "1", "--batch", "1", "--threads", "1", "--set", "size=64", "--json"]
    result = runner.invoke(app, args)
    assert result.exit_code == 0, result.output
    (note,) = json.loads(result.stdout)["notes"]
    count = note.split()[0]
    assert note == f"{count} of {count} tensors start from the given weights"
    card = json.loads((tmp_path / "out/dust.json").read_text())
    shipped = json.loads((Path(__file__).parents[2] / "weights/dust.json").read_text())
    assert card["arch"] == shipped["arch"]
    assert card["training"]["start"] == shipped["sha256"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--set", "epoch=3"], "unknown parameter"),
        (["--lr", "7"], "at most 1"),
        (["--set", "arch=huge"], "unknown architecture"),
        (["--set", "size=50"], "multiple of 4, such as 52"),
        (["--set", "class_weights=[1, 2]"], "expected"),
        (["--config", "gone.toml"], "configuration cannot be read"),
    ],
)
def test_a_wrong_setting_is_one_line_and_exit_2(
    dust: Path, tmp_path: Path, more: list[str], words: str
) -> None:
    args = ["train", "dust", str(dust), "--out", str(tmp_path / "out"), *FAST, *more, "--json"]
    result = runner.invoke(app, args)
    assert result.exit_code == 2
    assert words in json.dumps(json.loads(result.stdout))


@pytest.mark.parametrize("form", [[], ["--json"], ["--progress", "json"]])
def test_of_several_processes_only_the_first_reports(
    form: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def trained(*_: object, **__: object) -> Job[TrainReport]:
        yield Progress(1, 1, "")
        return TrainReport(Path("dust.safetensors"), 2, 1, 3, 2, 1.0, {"score": 0.5})

    monkeypatch.setattr(train_commands, "train", trained)
    told = []
    for rank in ("0", "1"):
        monkeypatch.setenv("RANK", rank)
        told.append(runner.invoke(app, ["train", "dust", "data", "--out", "out", *form]).output)
    assert "dust.safetensors" in told[0]
    assert told[1] == ""


@pytest.mark.slow
def test_two_processes_train_together(dust: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    # `accelerate launch` starts a single process where there is no GPU, whatever it is told
    launch = ["torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    args = ["train", "dust", str(dust), "--progress", "json", *FAST, "--set", "device=cpu"]
    command = [sys.executable, "-m", *launch, "-m", "napari_segkit", *args, "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    kinds = [line["event"] for line in lines]
    assert kinds == ["BatchDone", "BatchDone", "EpochDone", "Validated", "Finished"]
    alone = runner.invoke(app, [*args, "--out", str(tmp_path / "alone")]).stdout.splitlines()
    assert json.loads(alone[0])["loss"] != lines[0]["loss"], "each draws crops of its own"
    assert (out / "dust.safetensors").exists()


def test_evaluate_coins(tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    runner.invoke(app, ["synth", "coins", "--n", "2", "--size", "96", "--out", data])
    page = tmp_path / "page.html"
    result = runner.invoke(app, ["evaluate", "coins", data, "--json", "--out", str(page)])
    assert result.exit_code == 0, result.output
    content = json.loads(result.stdout)
    assert content["object_iou"] == 0.5
    assert {"iou", "dice", "boundary_iou"} <= content["weights"][0]["classes"]["coin"].keys()
    assert page.read_text().startswith("<!DOCTYPE html>")
    table = runner.invoke(app, ["evaluate", "coins", data])
    assert "coin" in table.output

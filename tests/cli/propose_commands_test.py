"""``segkit propose``, ``name-clusters`` and ``self-train``: what a person types and reads."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from napari_segkit.cli import propose_commands
from napari_segkit.cli.app import app
from napari_segkit.jobs.self_train import Round, SelfTraining
from napari_segkit.training.config import TrainConfig
from napari_segkit.training.rings_task import RingsTask
from napari_segkit.types import Progress


def segkit(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_from_photos_to_a_dataset(tmp_path: Path) -> None:
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    for number in range(2):
        image = np.full((60, 80, 3), 120, np.uint8)
        cv2.circle(image, (30 + 5 * number, 30), 15, (20, 200, 240), -1)
        cv2.imwrite(str(photos / f"p{number}.png"), image)
    done = segkit("propose", photos, "--out", out, "--clusters", 3, "--parts", 3)
    assert done.exit_code == 0, done.output
    assert "names.toml" in done.stdout
    done = segkit("name-clusters", out, "--out", tmp_path / "d")
    assert done.exit_code == 2
    assert "no cluster has a name" in done.stderr
    text = (out / "names.toml").read_text()
    (out / "names.toml").write_text(text.replace('= ""', '= "thing"'))
    done = segkit("name-clusters", out, "--out", tmp_path / "d", "--json")
    assert json.loads(done.stdout)["images"] == 2


def test_wrong_numbers_are_one_line(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "p.png"), np.zeros((9, 9, 3), np.uint8))
    done = segkit("propose", tmp_path, "--out", tmp_path / "out", "--clusters", 1)
    assert done.exit_code == 2
    assert "numbers of clusters" in done.stderr
    done = segkit(
        *("self-train", "eggpan", tmp_path, tmp_path, "--out", tmp_path / "o"),
        *("--valid", tmp_path, "--sure", 2),
    )
    assert done.exit_code == 2
    assert "rounds or confidence" in done.stderr


@pytest.fixture
def configs(monkeypatch: pytest.MonkeyPatch) -> list[TrainConfig]:
    """What `segkit self-train` would train with."""
    seen: list[TrainConfig] = []

    def trains(*_: object, config: TrainConfig, **__: object) -> object:
        seen.append(config)
        yield Progress(0, None, "training")
        done = Round(Path("weights"), 2, 0.5)
        return SelfTraining((done,), done)

    monkeypatch.setattr(propose_commands, "self_train", trains)
    return seen


def self_training(model: str, tmp_path: Path, *more: object) -> Result:
    cv2.imwrite(str(tmp_path / "p.png"), np.zeros((9, 9, 3), np.uint8))
    return segkit(
        *("self-train", model, tmp_path, tmp_path, "--out", tmp_path / "o", "--valid", tmp_path),
        *more,
    )


def test_self_train_takes_settings_above_file_and_task(
    tmp_path: Path, configs: list[TrainConfig]
) -> None:
    (tmp_path / "mine.toml").write_text("lr = 0.5\nbatch = 3\n")
    more = ("--set", "lr=0.25", "--set", 'arch_config={"widths": [8, 16, 24]}')
    done = self_training("rings", tmp_path, "--config", tmp_path / "mine.toml", *more)
    assert done.exit_code == 0, done.output
    assert "(best)" in done.stdout
    (config,) = configs
    assert (config.lr, config.batch) == (0.25, 3)
    assert config.arch_config == {"widths": [8, 16, 24]}
    own = {key: value for key, value in RingsTask.defaults.items() if key not in ("lr", "batch")}
    assert own
    assert {key: getattr(config, key) for key in own} == own


def test_self_train_refuses_wrong_settings_and_models(
    tmp_path: Path, configs: list[TrainConfig]
) -> None:
    done = self_training("eggpan", tmp_path, "--set", "epoch=3")
    assert (done.exit_code, configs) == (2, [])
    assert "unknown parameter" in done.stderr
    done = self_training("coins", tmp_path)
    assert (done.exit_code, configs) == (2, [])
    assert "model cannot be trained" in done.stderr

"""``segkit synth``: what a person types and reads."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner, Result

from napari_segkit.cli.app import app


def segkit(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["synth", *(str(argument) for argument in arguments)])


def test_synth_writes_a_dataset(tmp_path: Path) -> None:
    done = segkit("coins", "--n", 2, "--out", tmp_path / "d", "--size", 40, "--seed", 3)
    assert done.exit_code == 0, done.output
    assert "in 2 images" in done.stdout
    assert (tmp_path / "d/SegmentationClass/coins_00001.png").is_file()


def test_synth_json_and_another_format(tmp_path: Path) -> None:
    target = tmp_path / "d"
    done = segkit(
        *("coins", "--n", 1, "--out", target, "--size", 40, "--json"),
        *("--format", "indexed-png", "--jpeg", 90),
    )
    assert json.loads(done.stdout)["images"] == 1
    assert (target / "images/coins_00000.jpg").is_file()


def test_what_cannot_be_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    for wrong in (
        ("moons", "--n", 1),
        ("coins", "--n", 0),
        ("coins", "--n", 1, "--size", 3),
        ("coins", "--n", 1, "--set", "colour=red"),
    ):
        done = segkit(*wrong, "--out", tmp_path / "d")
        assert done.exit_code == 2, done.output
        assert done.stderr.startswith("error: ")
        assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "d").exists()

"""``segkit propose`` and ``segkit name-clusters``: what a person types and reads."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
from typer.testing import CliRunner, Result

from napari_segkit.cli.app import app


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

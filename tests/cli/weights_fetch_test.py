"""``segkit weights fetch`` and ``segkit models``: bases of SAM, what is here and what is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from napari_segkit.cli.app import app


def segkit(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_another_file_than_the_official_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.pth").write_bytes(b"not it")
    done = segkit(
        *("weights", "fetch", "vit_b", "--json"),
        *("--file", tmp_path / "mine.pth", "--out", tmp_path / "bases"),
    )
    assert done.exit_code == 2
    assert json.loads(done.stdout)["what"].startswith("this is not the official file")
    assert not (tmp_path / "bases").exists()


def test_an_address_alone_is_not_enough() -> None:
    done = segkit("weights", "fetch", "http://127.0.0.1:9/x.safetensors", "--json")
    assert done.exit_code == 2
    assert "hash" in json.loads(done.stdout)["what"]


def test_models_say_how_to_get_a_base(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_segkit.models.rings.bases_here", list)
    rows = json.loads(segkit("models", "--json").stdout)["models"]
    weights = {row["id"]: row["weights"] for row in rows}
    assert weights["rings"] == "none yet: segkit weights fetch vit_b"
    assert weights["coins"] is None

"""`segkit predict` where an image is above the limit: by bands alone, refused among others."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from typer.testing import CliRunner

from napari_segkit.cli.app import app
from tests.models.tiny import tiny_weights

LOW = "pixels=20000"


def segkit(*arguments: object, code: int = 0) -> str:
    done = CliRunner().invoke(app, [str(one) for one in arguments])
    assert done.exit_code == code, done.output
    return done.output


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    folder = tmp_path / "scans"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(90, 110, (200, 300, 3), np.uint8)
    pixels[40:46, 50:57] = 0
    tifffile.imwrite(path := folder / "big.tif", pixels, tile=(128, 128), compression="lzw")
    return path


def predict(scan: Path, tmp_path: Path, *more: object, code: int = 0) -> str:
    """One scan by bands."""
    weights = tiny_weights("dust", tmp_path)
    call = ("predict", "dust", scan, "--weights", weights, "--limit", LOW, *more)
    return segkit(*call, code=code)


def test_a_scan_survives_its_own_folder_as_target(scan: Path, tmp_path: Path) -> None:
    before = scan.read_bytes()
    for more in ((), ("--overwrite",)):
        told = predict(scan, tmp_path, "--out", scan.parent, *more, code=2)
        assert "would replace its image" in told
        assert len(told.splitlines()) == 1
    assert scan.read_bytes() == before
    assert [one.name for one in scan.parent.iterdir()] == ["big.tif"]


def test_results_are_replaced_only_when_asked(scan: Path, tmp_path: Path) -> None:
    out = tmp_path / "found"
    predict(scan, tmp_path, "--out", out)
    assert "file already" in predict(scan, tmp_path, "--out", out, code=2)
    predict(scan, tmp_path, "--out", out, "--overwrite")


@pytest.mark.parametrize(
    "option",
    [
        ("--format", "coco"),
        ("--format", "cvat-mask"),  # the default, but asked for
        ("--overlays", "pictures"),
        ("--boxes", "boxes.json"),
        ("--subset", "Train"),
        ("--images",),
        ("--instances", "merge"),
    ],
)
def test_an_option_that_bands_cannot_honour_is_refused(
    scan: Path, tmp_path: Path, option: tuple[str, ...]
) -> None:
    told = predict(scan, tmp_path, "--out", tmp_path / "found", *option, code=2)
    assert f"got {option[0]}; leave that out" in told
    assert len(told.splitlines()) == 1
    assert not (tmp_path / "found").exists()


def test_several_such_options_are_named_together(scan: Path, tmp_path: Path) -> None:
    more = ("--format", "coco", "--overlays", "pictures")
    told = predict(scan, tmp_path, "--out", tmp_path / "found", *more, code=2)
    assert "--format, --overlays" in told


def test_a_model_that_needs_the_whole_image_says_so_first(scan: Path, tmp_path: Path) -> None:
    call = ("predict", "coins", scan, "--limit", LOW, "--out", tmp_path / "out", "--format", "coco")
    assert "Coins needs the whole image in memory" in segkit(*call, code=2)


def test_another_scale_is_refused(scan: Path, tmp_path: Path) -> None:
    more = ("--out", tmp_path / "found", "--set", "scale=0.5")
    assert "scale 1" in predict(scan, tmp_path, *more, code=2)


def test_among_others_the_call_for_it_alone_is_told(scan: Path, tmp_path: Path) -> None:
    Image.new("RGB", (100, 90), "gray").save(scan.parent / "small.png")
    told = predict(scan.parent, tmp_path, "--out", tmp_path / "masks", "--json", code=1)
    report = json.loads(told)
    assert [one["name"] for one in report["images"]] == ["small"]
    [failure] = report["failures"]
    assert failure["what"] == "image is too large"
    assert f"segkit predict dust {scan} --out FOLDER" in failure["remedy"]


def test_other_failures_keep_their_remedy(scan: Path, tmp_path: Path) -> None:
    (scan.parent / "small.tif").write_bytes(b"no image")
    told = predict(scan.parent, tmp_path, "--out", tmp_path / "masks", "--json", code=1)
    wrong = {Path(one["path"]).name: one for one in json.loads(told)["failures"]}
    assert wrong["small.tif"]["what"] == "not an image"


def test_a_zarr_among_others_is_refused(scan: Path, tmp_path: Path) -> None:
    (zarr := tmp_path / "a.zarr").mkdir()
    told = predict(scan, tmp_path, zarr, "--out", tmp_path / "masks", code=2)
    assert f"segkit predict dust {zarr} --out FOLDER" in told

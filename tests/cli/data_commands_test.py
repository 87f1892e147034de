"""``segkit import``: what a person types and reads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from napari_segkit.cli.app import app
from napari_segkit.data.dataset import Sample, WriteOptions
from napari_segkit.data.formats.registry import get_format
from napari_segkit.ops.masks import segmentation_from_labels
from napari_segkit.types import ClassDef

CLASSES = (ClassDef("dust", (250, 50, 83)),)


def segkit(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    target = tmp_path / "source"
    options = WriteOptions(include_images=True)
    with get_format("cvat-mask").open_writer(target, classes=CLASSES, options=options) as writer:
        for number in range(6):
            image = np.random.default_rng(number).integers(0, 255, (60, 80, 3)).astype(np.uint8)
            labels = np.zeros((60, 80), np.int32)
            labels[10:20, 10 + number : 25] = 1
            segmentation = segmentation_from_labels(labels, classes=CLASSES)
            writer.add(Sample(f"photo{number}", segmentation, image))
    return target


def test_import_as_the_dust_project_did(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = segkit("import", source, out, "--resize", 60, "--tiles", 20, "--keep-empty")
    assert done.exit_code == 0, done.output
    assert "in 54 images" in done.stdout
    assert "made from 6 images" in done.stdout
    assert (out / "SegmentationClass/photo0_2_1.png").is_file()


def test_import_json_tells_everything(source: Path, tmp_path: Path) -> None:
    done = segkit(
        *("import", source, tmp_path / "out", "--tiles", 20, "--overlap", 4, "--json"),
        *("--split", "train=0.5,test=0.5", "--boxes", tmp_path / "b.json", "--jitter", 3),
    )
    told = json.loads(done.stdout)
    assert told["sources"] == 6
    assert told["dropped_tiles"] > 0
    assert set(told["written"]) <= {"train", "test"}
    assert (tmp_path / "b.json").is_file()


def test_a_bad_image_is_named_and_skipped_only_when_told(source: Path, tmp_path: Path) -> None:
    (source / "JPEGImages/photo3.png").write_bytes(b"nothing")
    stopped = segkit("import", source, tmp_path / "out", "--pad-square")
    assert stopped.exit_code == 2
    assert "photo3" in stopped.stderr
    assert "--skip-bad" in stopped.stderr
    done = segkit("import", source, tmp_path / "out", "--pad-square", "--skip-bad")
    assert done.exit_code == 1
    assert "left out: photo3" in done.stderr
    assert "in 5 images" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--resize", "big"], "not a size: expected N or WxH"),
        (["--tiles", "0"], "size out of range (tiles)"),
        (["--resize", "20x0"], "size out of range (resize): expected 1 to 65536 px, got 20x0"),
        (["--overlap", "5"], "overlap of tiles"),
        (["--split", "train"], "split cannot be read"),
        (["--split", "a=1", "--split-list", "x"], "both --split and --split-list"),
        (["--split-list", "gone"], "split list cannot be read (gone)"),
        (["--boxes", "b", "--jitter", "-1"], "jitter and seed"),
        (["--images-from", "gone"], "no such file or folder (gone)"),
        (["--format", "svg"], "unknown format"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    source: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    done = segkit("import", source, tmp_path / "out", *arguments)
    assert done.exit_code == 2, done.output
    assert message in done.stderr
    assert not (tmp_path / "out").exists()


def test_profile_prints_a_summary_and_writes_one_page(source: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    done = segkit("profile", source, "--out", page)
    assert done.exit_code == 0, done.output
    assert "6 images, 6 objects, classes: 1" in done.stdout
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert segkit("profile", source, "--out", page).exit_code == 0
    told = json.loads(segkit("profile", source, "--json").stdout)
    assert told["summary"]["objects"] == 6


def test_profile_lists_what_looks_wrong(source: Path, tmp_path: Path) -> None:
    (source / "JPEGImages/photo3.png").write_bytes(b"nothing")
    done = segkit("profile", source)
    assert done.exit_code == 0
    assert "1  Cannot be read" in done.stdout
    page = tmp_path / "report.html"
    page.write_text("mine")
    refused = segkit("profile", source, "--out", page)
    assert refused.exit_code == 2
    assert page.read_text() == "mine"
    assert segkit("profile", tmp_path / "gone").exit_code == 2

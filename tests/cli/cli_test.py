from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from napari_segkit.cli.app import app

RUNNER = CliRunner()


def segkit(*arguments: object) -> Result:
    return RUNNER.invoke(app, [str(argument) for argument in arguments])


def photo(path: Path, discs: int = 2) -> Path:
    """Bright discs on a dark ground."""
    path.parent.mkdir(parents=True, exist_ok=True)
    y, x = np.mgrid[:120, : 110 * discs]
    image = np.full((120, 110 * discs, 3), 40, np.uint8)
    for number in range(discs):
        image[np.hypot(y - 60, x - 55 - 110 * number) < 36] = (190, 165, 110)
    Image.fromarray(image).save(path)
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    photo(tmp_path / "photos/one.png", 1)
    photo(tmp_path / "photos/more/two.png", 2)
    return tmp_path / "photos"


def test_models_are_listed() -> None:
    assert "coins" in segkit("models").stdout
    listed = json.loads(segkit("models", "--json").stdout)["models"]
    coins = next(model for model in listed if model["id"] == "coins")
    assert {"default", "origin", "origin-best"} <= set(coins["presets"])
    assert "description" in next(iter(coins["parameters"].values()))


def test_a_folder_becomes_a_zip_that_passes_validation(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "masks.zip"
    done = segkit("predict", "coins", photos, "--out", out, "--images")
    assert done.exit_code == 0, done.output
    assert "3 objects in 2 images" in done.stdout
    assert "more/two" in done.stdout
    checked = segkit("validate", out)
    assert checked.exit_code == 0, checked.output
    assert "2 images, 3 objects; 0 errors, 0 warnings" in checked.stdout


def test_json_is_the_only_thing_on_standard_output(photos: Path, tmp_path: Path) -> None:
    done = segkit("predict", "coins", photos, "--out", tmp_path / "masks", "--json")
    report = json.loads(done.stdout)
    assert report["written"]["images"] == 2
    assert sorted(len(image["areas"]) for image in report["images"]) == [1, 2]
    assert report["failures"] == []
    assert json.loads(segkit("validate", tmp_path / "masks", "--json").stdout)["ok"] is True


@pytest.mark.skipif(os.name == "nt", reason="file names are not bytes there")
def test_json_is_valid_where_a_file_name_is_not_utf8(photos: Path, tmp_path: Path) -> None:
    odd = os.fsencode(photos) + b"/caf\xe9.png"
    try:
        Path(os.fsdecode(odd)).write_bytes((photos / "one.png").read_bytes())
    except OSError:
        pytest.skip("this disk takes UTF-8 names alone")
    command = [sys.executable, "-m", "napari_segkit", "predict", "coins", photos, "--json"]
    for encoding in ("utf-8:surrogateescape", "ascii"):
        out = tmp_path / encoding.replace(":", "-")
        environment = {**os.environ, "PYTHONIOENCODING": encoding}
        done = subprocess.run([*command, "--out", out], env=environment, capture_output=True)
        assert done.returncode == 1, done.stderr
        (failure,) = json.loads(done.stdout.decode("utf-8"))["failures"]
        assert os.fsencode(failure["path"]) == odd


def test_a_name_that_the_terminal_cannot_show_is_escaped(photos: Path, tmp_path: Path) -> None:
    (photos / "one.png").rename(photos / "münze 币.png")
    command = [sys.executable, "-m", "napari_segkit", "predict", "coins", photos]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [*command, "--out", tmp_path / "masks"], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert r"m\xfcnze \u5e01" in done.stdout


def test_a_bad_image_is_listed_and_the_rest_done(photos: Path, tmp_path: Path) -> None:
    (photos / "bad.jpg").write_text("no image")
    done = segkit("predict", "coins", photos, "--out", tmp_path / "masks")
    assert done.exit_code == 1
    assert "bad.jpg" in done.stderr
    assert "not an image" in done.stderr
    assert "in 2 images" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nomodel", "."], "unknown model: expected coins"),
        (["coins", "gone.png"], "no such file or folder (gone.png)"),
        (["coins", ".", "--preset", "none"], "unknown preset"),
        (["coins", ".", "--set", "nothing=1"], "unknown parameter"),
        (["coins", ".", "--set", "nothing"], "expected --set NAME=VALUE"),
        (["coins", ".", "--format", "svg"], "unknown format"),
        (["coins", ".", "--boxes", "gone.json"], "boxes cannot be read (gone.json)"),
        (["coins", ".", "--weights", "w.safetensors"], "has no weights"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    photos: Path, tmp_path: Path, monkeypatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(photos)
    done = segkit("predict", *arguments, "--out", tmp_path / "masks")
    assert done.exit_code == 2, done.output
    assert message in done.stderr
    assert done.stderr.strip().count("\n") == 0
    assert not (tmp_path / "masks").exists()
    told = json.loads(segkit("predict", *arguments, "--out", tmp_path / "m", "--json").stdout)
    assert told["error"].endswith("Error")


def test_an_existing_target_is_not_overwritten_unasked(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "masks"
    assert segkit("predict", "coins", photos, "--out", out).exit_code == 0
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    assert segkit("predict", "coins", photos, "--out", out).exit_code == 2
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before
    assert segkit("predict", "coins", photos, "--out", out, "--overwrite").exit_code == 0


def test_boxes_and_settings_reach_the_model(photos: Path, tmp_path: Path) -> None:
    boxes = tmp_path / "boxes.json"
    boxes.write_text(json.dumps({"two.png": [[0, 0, 110, 120]]}))
    target = tmp_path / "masks"
    done = segkit("predict", "coins", photos / "more", "--out", target, "--boxes", boxes, "--json")
    assert [len(image["areas"]) for image in json.loads(done.stdout)["images"]] == [1]
    done = segkit(
        "predict", "coins", photos, "--out", tmp_path / "o", "--preset", "origin", "--json"
    )
    assert done.exit_code == 0


def test_export_changes_container_subset_and_classes(photos: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "masks", tmp_path / "again.zip"
    segkit("predict", "coins", photos, "--out", first, "--images")
    done = segkit(
        *("export", first, second, "--format", "cvat-mask", "--subset", "Train", "--images"),
        *("--rename", "coin=euro", "--color", "coin=1,2,3"),
    )
    assert done.exit_code == 0, done.output
    assert "3 objects in 2 images" in done.stdout
    import zipfile

    archive = zipfile.ZipFile(second)
    assert b"euro:1,2,3::" in archive.read("labelmap.txt")
    assert archive.read("ImageSets/Segmentation/Train.txt").split() == [b"more/two", b"one"]
    assert archive.read("JPEGImages/one.png") == (photos / "one.png").read_bytes()
    wrong = segkit("export", first, tmp_path / "x", "--rename", "pan=egg")
    assert wrong.exit_code == 2
    assert "unknown class" in wrong.stderr


def test_validation_finds_faults_and_says_so_by_exit_code(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "masks"
    segkit("predict", "coins", photos, "--out", out)
    (out / "SegmentationObject/one.png").unlink()
    (out / "SegmentationClass/more/two.png").write_bytes(b"broken")
    done = segkit("validate", out)
    assert done.exit_code == 1
    assert "one.png" in done.stdout
    assert "two.png" in done.stdout
    assert segkit("validate", photos).exit_code == 2


def _heed_sigint() -> None:
    """Undo what a shell does to what it runs in the background: there Ctrl+C is ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_end_with_130_and_nothing_written(
    photos: Path, tmp_path: Path, asked: signal.Signals
) -> None:
    for number in range(3000):
        os.link(photos / "one.png", photos / f"copy-{number:04d}.png")
    command = [sys.executable, "-m", "napari_segkit", "predict", "coins", photos, "--out"]
    with subprocess.Popen(
        [*command, tmp_path / "masks"], stderr=subprocess.PIPE, text=True, preexec_fn=_heed_sigint
    ) as process:
        while not list(tmp_path.glob(".segkit-tmp-*")):
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(asked)
        try:
            _, said = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    assert process.returncode == 130
    assert said.strip() == "cancelled; nothing was written"
    assert [p.name for p in tmp_path.iterdir()] == ["photos"]


IN_A_TEXT = 'exec("import signal; signal.raise_signal(signal.SIGINT)")'
IN_A_DESTRUCTOR = "Dropped()"


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("moment", [IN_A_TEXT, IN_A_DESTRUCTOR])
def test_ctrl_c_counts_at_any_moment(photos: Path, tmp_path: Path, moment: str) -> None:
    (tmp_path / "interrupted.py").write_text(f"""
import signal
from napari_segkit.cli import app

class Dropped:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)

def find(places, found=app.find_images):
    {moment}
    return found(places)

app.find_images = find
app.main()
""")
    command = [sys.executable, "-m", "interrupted", "predict", "coins", photos, "--out", "masks"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, preexec_fn=_heed_sigint
    )
    assert done.returncode == 130, done.stderr
    assert done.stderr.strip().endswith("cancelled; nothing was written")
    assert not (tmp_path / "masks").exists()
    assert not list(tmp_path.glob(".segkit-*"))


def test_help_names_every_command() -> None:
    text = segkit("--help").stdout
    assert all(command in text for command in ("models", "predict", "export", "validate"))

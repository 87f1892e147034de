"""What a person or a script gets where the arguments, the output or the limits are at fault."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from napari_segkit import __version__
from napari_segkit.cli.run import end, told
from tests.cli.cli_test import photo, segkit


def child(*arguments: object, redirect: str = "") -> subprocess.CompletedProcess[str]:
    """The program in a shell."""
    words = " ".join(f"'{argument}'" for argument in arguments)
    command = f"'{sys.executable}' -m napari_segkit {words} {redirect}"
    return subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, check=False, timeout=120
    )


def test_the_version_is_told() -> None:
    assert segkit("--version").stdout == f"segkit {__version__}\n"


def test_a_mistake_in_the_arguments_is_json_for_scripts_and_text_for_people() -> None:
    done = child("models", "--nope", "--json")
    assert done.returncode == 2
    told_as = json.loads(done.stdout)
    assert (told_as["error"], told_as["what"]) == ("InputError", "No such option: --nope")
    done = child("models", "--nope")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "No such option: --nope" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("json_flag", [["--json"], []])
def test_a_full_output_is_one_line_and_exit_code_1(json_flag: list[str]) -> None:
    done = child("models", *json_flag, redirect="> /dev/full")
    assert done.returncode == 1
    assert done.stderr == "error: the output cannot be written: No space left on device\n"


def test_a_closed_output_is_no_traceback() -> None:
    done = child("models", "--json", redirect=">&-")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_reader_that_leaves_ends_the_program_as_a_signal_would() -> None:
    for arguments in (["models"], ["models", "--json"]):
        done = child(*arguments, redirect="> >(exit 0)")  # the reader has left long before
        assert (done.stderr, done.returncode) == ("", 141)


def test_cancelling_is_told_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    import typer

    with pytest.raises(typer.Exit) as error, told(True, cancelled="cancelled; x stays"):
        raise KeyboardInterrupt
    assert error.value.exit_code == 130
    assert json.loads(capsys.readouterr().out)["what"] == "cancelled; x stays"


def test_the_exit_code_of_a_command_is_kept() -> None:
    assert end(lambda: 3, []) == 3
    assert end(lambda: None, []) == 0


def test_F3_pixels_are_limited_in_our_words_until_the_limit_is_raised(tmp_path: Path) -> None:
    image = photo(tmp_path / "a.png")
    arguments = ("predict", "coins", image, "--out", tmp_path / "o", "--limit", "pixels=10K")
    refused = segkit(*arguments)
    assert refused.exit_code == 1
    assert "image is too large" in refused.stderr
    assert "--limit pixels=" in refused.stderr
    assert segkit(*arguments[:-1], "pixels=1M").exit_code == 0


def test_F23_an_archive_s_limit_is_raised_by_every_command(tmp_path: Path) -> None:
    photo(tmp_path / "p/a.png")
    archive = tmp_path / "d.zip"
    assert segkit("predict", "coins", tmp_path / "p", "--out", archive).exit_code == 0
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("JPEGImages/other.bmp", bytes(8 << 20))
    commands = {
        "validate": ("validate", archive),
        "convert": ("convert", archive, tmp_path / "c", "--format", "coco"),
        "export": ("export", archive, tmp_path / "e"),
        "import": ("import", archive, tmp_path / "i", "--no-images"),
        "profile": ("profile", archive),
    }
    for name, arguments in commands.items():
        refused = segkit(*arguments)
        assert refused.exit_code in (1, 2), name
        assert "--limit ratio=" in refused.output.replace("\n", " "), name
        done = segkit(*arguments, "--limit", "ratio=5000")
        assert done.exit_code == 0, f"{name}: {done.output}"


def test_a_class_is_not_renamed_to_nothing(tmp_path: Path) -> None:
    done = segkit("export", tmp_path, tmp_path / "o", "--rename", "coin=")
    assert done.exit_code == 2
    assert "--rename coin=" in done.stderr
    assert "a new name" in done.stderr


@pytest.mark.parametrize("name", ["x.tar.gz", "x.tgz", "x.7z", "x.RAR"])
def test_an_archive_of_another_kind_does_not_become_a_folder(tmp_path: Path, name: str) -> None:
    done = segkit("predict", "coins", photo(tmp_path / "a.png"), "--out", tmp_path / name)
    assert done.exit_code == 2
    assert "expected .zip" in done.stderr
    assert not (tmp_path / name).exists()


def test_boxes_of_images_that_are_not_there_are_told(tmp_path: Path) -> None:
    image = photo(tmp_path / "a.png")
    boxes = tmp_path / "boxes.json"
    boxes.write_text('{"a": [[0, 0, 110, 120]], "b": [[0, 0, 9, 9]], "c.jpg": [[1, 1, 9, 9]]}')
    done = segkit("predict", "coins", image, "--out", tmp_path / "o", "--boxes", boxes, "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["notes"] == [
        "boxes of images that are not here: b, c (2 in all)"
    ]


@pytest.mark.parametrize(
    "content",
    [
        '{"a": 5}',
        '{"a": [[1, 2, 3]]}',
        '{"a": [{"x": 1}]}',
        "[1]",
        '{"images": [{}], "annotations": []}',
    ],
)
def test_a_wrong_file_of_boxes_is_told_without_words_of_python(
    tmp_path: Path, content: str
) -> None:
    boxes = tmp_path / "boxes.json"
    boxes.write_text(content)
    image = photo(tmp_path / "a.png")
    done = segkit("predict", "coins", image, "--out", tmp_path / "o", "--boxes", boxes)
    assert done.exit_code == 2
    assert "boxes.json" in done.stderr.replace("\n", "")
    for word in ("Error", "attribute", "object", "unpack", "argument", "subscript"):
        assert word not in done.stderr


def test_a_smallest_diameter_above_the_largest_is_refused(tmp_path: Path) -> None:
    image = photo(tmp_path / "a.png")
    arguments = ["--set", "min_diameter=0.5", "--set", "max_diameter=0.3"]
    done = segkit("predict", "coins", image, "--out", tmp_path / "o", *arguments)
    assert done.exit_code == 2
    assert "max_diameter" in done.stderr
    assert "at least min_diameter, 0.5" in done.stderr


def test_one_is_not_many(tmp_path: Path) -> None:
    image = photo(tmp_path / "p/a.png")
    out = tmp_path / "o"
    assert segkit("predict", "coins", image, "--out", out, "--images").exit_code == 0
    assert "made from 1 image\n" in segkit("import", out, tmp_path / "i").stdout
    assert "1 image, 2 objects, classes: 1" in segkit("profile", out).stdout


def test_two_exports_to_one_place_the_second_is_told(tmp_path: Path) -> None:
    from napari_segkit.data.dataset import Sample, WriteOptions
    from napari_segkit.data.formats.registry import get_format
    from napari_segkit.errors import DatasetError
    from napari_segkit.ops.masks import segmentation_from_labels
    from napari_segkit.types import ClassDef

    classes = (ClassDef("a", (1, 2, 3)),)
    sample = Sample("x", segmentation_from_labels(np.ones((3, 3), np.int32), classes=classes))
    form = get_format("cvat-mask")
    first, second = (
        form.open_writer(tmp_path / "o", classes=classes, options=WriteOptions()) for _ in range(2)
    )
    first.add(sample)
    second.add(sample)
    first.commit()
    with pytest.raises(DatasetError, match=r"something at the target already.*another name"):
        second.commit()
    second.discard()
    assert [path.name for path in tmp_path.iterdir()] == ["o"]

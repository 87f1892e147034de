"""A conversion says what it would lose, counted, before it writes anything."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from napari_segkit import jobs
from napari_segkit.cli.app import app
from napari_segkit.data.dataset import Sample, WriteOptions
from napari_segkit.data.formats.registry import FORMATS, get_format
from napari_segkit.data.losses import losses
from napari_segkit.errors import DatasetError
from tests.data.formats.scenes import CLASSES, expected, hard, noise

runner = CliRunner()


def written(path: Path, form: str = "coco") -> Path:
    samples = [Sample("a/x", hard()), Sample("y", noise(1)), Sample("z", hard(2))]
    job = jobs.write_dataset(samples, path, classes=CLASSES, format_id=form)
    jobs.drain(job)
    return path


@pytest.mark.parametrize("target", FORMATS)
@pytest.mark.parametrize("source", ["coco", "cvat-mask", "tiff16"])
def test_from_every_kind_to_every_format(tmp_path: Path, source: str, target: str) -> None:
    before = written(tmp_path / "before", source)
    job = jobs.convert(before, tmp_path / "after", format_id=target, lossy=True)
    report = jobs.drain(job)
    assert report.images == 3
    old, new = get_format(source).open(before), get_format(target).open(tmp_path / "after")
    for name in old.names:
        want = expected(old.read(name).segmentation, get_format(target).capabilities)
        got = new.read(name).segmentation
        np.testing.assert_array_equal(got.labels, want.labels)
        assert got.instances == want.instances


def test_losses_are_counted_and_refused_before_anything_is_written(tmp_path: Path) -> None:
    source = written(tmp_path / "before")
    with pytest.raises(DatasetError) as caught:
        jobs.drain(jobs.convert(source, tmp_path / "after", format_id="yolo-seg"))
    said = str(caught.value)
    assert said.startswith("YOLO segmentation cannot hold everything: got scores of 10 objects")
    assert "are not kept (in 2 images)" in said
    assert "holes of " in said
    assert "parts of " in said
    assert "--lossy" in said
    assert [path.name for path in tmp_path.iterdir()] == ["before"]
    report = jobs.drain(jobs.convert(source, tmp_path / "o", format_id="yolo-seg", lossy=True))
    assert "scores of 10 objects are not kept (in 2 images)" in report.warnings


def test_nothing_is_asked_where_nothing_is_lost(tmp_path: Path) -> None:
    source = written(tmp_path / "before")
    for name in ("coco", "tiff16", "labelme"):
        report = jobs.drain(jobs.convert(source, tmp_path / name, format_id=name))
        assert report.warnings == ("3 of 3 images are not in the dataset, only what was marked",)


def test_pixels_that_a_file_gives_to_two_objects_are_a_loss(tmp_path: Path) -> None:
    source = written(tmp_path / "before", "cvat-xml")
    file = source / "annotations.xml"
    text = file.read_text()
    box = '<box label="ring" xtl="0" ytl="0" xbr="9" ybr="9" z_order="1"></box>'
    file.write_text(text.replace("<mask", f"{box}<mask", 1))
    with pytest.raises(DatasetError, match=r"27 pixels lie in several .* \(in 1 image\)"):
        jobs.drain(jobs.convert(source, tmp_path / "after", format_id="cvat-mask"))
    done = jobs.drain(jobs.convert(source, tmp_path / "after", format_id="cvat-mask", lossy=True))
    assert done.warnings[0].startswith("27 pixels lie in several")


@pytest.mark.parametrize(
    ("form", "count"),
    [("coco", 0), ("tiff16", 0), ("labelme", 0), ("cvat-mask", 1), ("cvat-xml", 1), ("voc", 1)],
)
def test_losses_of_one_sample(form: str, count: int) -> None:
    assert len(losses(Sample("x", hard()), get_format(form).capabilities)) == count


def test_losses_are_counted_by_object() -> None:
    sample = Sample("x", hard())
    assert losses(sample, get_format("yolo-seg").capabilities) == (
        "scores of 5 objects are not kept (in 1 image)",
        "holes of 1 object are joined to the outline by cuts of no width, which programs that "
        "paint outlines fill (in 1 image)",
        "parts of 2 objects are joined by cuts of no width, which programs that paint outlines "
        "fill (in 1 image)",
    )
    assert losses(sample, get_format("indexed-png").capabilities) == (
        "scores of 5 objects are not kept (in 1 image)",
        "2 objects in several parts become one object for each part (in 1 image)",
        "2 objects that touch another of the same class become one with it (in 1 image)",
    )


def test_merging_counts_what_is_left_to_lose(tmp_path: Path) -> None:
    source = written(tmp_path / "before", "cvat-mask")
    options = WriteOptions(instances="merge")
    with pytest.raises(DatasetError, match="6 objects in several parts"):
        jobs.drain(jobs.convert(source, tmp_path / "x", format_id="indexed-png", options=options))


def test_command_line_refuses_then_obeys(tmp_path: Path) -> None:
    source = written(tmp_path / "before")
    command = ["convert", str(source), str(tmp_path / "after"), "--format", "voc"]
    done = runner.invoke(app, command)
    assert done.exit_code == 2
    assert "scores of 10 objects are not kept" in done.stderr
    assert not (tmp_path / "after").exists()
    done = runner.invoke(app, [*command, "--lossy", "--json"])
    assert done.exit_code == 0
    assert json.loads(done.stdout)["images"] == 3
    assert (tmp_path / "after" / "Annotations" / "a" / "x.xml").is_file()


def test_command_line_reads_values_by_a_named_table(tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "in" / "masks").mkdir(parents=True)
    values = np.zeros((64, 64), np.uint8)
    values[8:40, 8:40] = 128
    values[44:60, 10:60] = 255
    Image.fromarray(values).save(tmp_path / "in" / "masks" / "x.jpg", quality=60)
    command = ["export", str(tmp_path / "in"), str(tmp_path / "out"), "--json"]
    done = runner.invoke(app, command)
    assert done.exit_code == 2
    assert "smeared" in json.loads(done.stdout)["what"]
    assert runner.invoke(app, [*command, "--values", "egg-pan"]).exit_code == 0
    got = get_format("cvat-mask").open(tmp_path / "out").read("x").segmentation
    assert [one.class_name for one in got.instances.values()] == ["egg", "pan"]
    np.testing.assert_array_equal(got.labels > 0, values > 0)
    assert runner.invoke(app, [*command, "--values", "nothing.json"]).exit_code == 2


def test_command_line_writes_the_values_that_are_asked_for(tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "in" / "masks").mkdir(parents=True)
    values = np.zeros((64, 64), np.uint8)
    values[8:40, 8:40] = 128
    values[44:60, 10:60] = 255
    Image.fromarray(values).save(tmp_path / "in" / "masks" / "x.png")
    read = ["--values", "egg-pan"]
    command = ["convert", str(tmp_path / "in"), str(tmp_path / "out"), "--format", "indexed-png"]
    asked = [*command, *read, "--mask-values", "egg=128,pan=255"]
    assert runner.invoke(app, asked).exit_code == 0
    written_file = Image.open(tmp_path / "out" / "masks" / "x.png")
    assert written_file.mode == "L"
    np.testing.assert_array_equal(np.asarray(written_file), values)
    with get_format("indexed-png").open(tmp_path / "out") as dataset:
        got = dataset.read("x").segmentation
    assert [one.class_name for one in got.instances.values()] == ["egg", "pan"]
    np.testing.assert_array_equal(got.labels > 0, values > 0)


@pytest.mark.parametrize(
    ("text", "form", "said"),
    [
        ("egg=128", "indexed-png", "a value of its own for each of: egg, pan"),
        ("egg=128,pan=128", "indexed-png", "a value of its own for each of: egg, pan"),
        ("egg=128,pot=255", "indexed-png", "a value of its own for each of: egg, pan"),
        ("egg=0,pan=255", "indexed-png", "expected 1 to 255, got 0"),
        ("egg=128,pan=256", "indexed-png", "expected 1 to 255, got 256"),
        ("egg", "indexed-png", "expected --mask-values NAME=VALUE"),
        ("egg=128,pan=255", "coco", "expected --format indexed-png, got coco"),
    ],
)
def test_values_that_no_mask_can_have_are_refused(
    tmp_path: Path, text: str, form: str, said: str
) -> None:
    from PIL import Image

    (tmp_path / "in" / "masks").mkdir(parents=True)
    Image.fromarray(np.full((8, 8), 128, np.uint8)).save(tmp_path / "in" / "masks" / "x.png")
    command = ["convert", str(tmp_path / "in"), str(tmp_path / "out"), "--values", "egg-pan"]
    done = runner.invoke(app, [*command, "--format", form, "--mask-values", text])
    assert done.exit_code == 2
    assert said in " ".join(done.stderr.split())
    assert not (tmp_path / "out").exists()

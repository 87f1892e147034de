"""What every format makes of damaged, foreign and hostile datasets."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_segkit.data.dataset import Sample
from napari_segkit.data.formats.base import Format
from napari_segkit.data.formats.registry import FORMATS, recognise
from napari_segkit.errors import DatasetError, SegkitError
from napari_segkit.jobs import drain
from tests.data.formats.scenes import empty, hard, noise, photo, read_all, samples, write

FLIPS = 60


def test_other_files_do_no_harm(form: Format, tmp_path: Path) -> None:
    target = tmp_path / "out"
    write(form, target, samples(tmp_path / "photos"), include_images=True)
    (target / "README.md").write_text("hello")
    (target / "notes" / "deep").mkdir(parents=True)
    (target / "notes" / "deep" / "x.bin").write_bytes(b"\0" * 100)
    (target / ".DS_Store").write_bytes(b"\0\1")
    assert recognise(target).id == form.id
    assert read_all(form, target) == 5


def missing(form: Format, target: Path) -> list[str]:
    faults = drain(form.validate(target)).faults
    return [f"{one.file}: {one.remedy}" for one in faults if "image is missing" in one.what]


def test_F27_a_photo_of_many_that_is_missing_is_a_fault(form: Format, tmp_path: Path) -> None:
    given = [one for one in samples(tmp_path / "photos") if one.name != "pixel"]
    write(form, tmp_path / "out", given, include_images=True)
    assert missing(form, tmp_path / "out") == []
    photos = [one for one in (tmp_path / "out").rglob("b.c.png") if _is_noise(one)]
    assert len(photos) == 1
    photos[0].unlink()
    (found,) = missing(form, tmp_path / "out")
    assert "a/b.c" in found
    assert "copy it there" in found
    write(form, tmp_path / "masks", given)
    assert missing(form, tmp_path / "masks") == [], "masks alone are a dataset, too"


def _is_noise(path: Path) -> bool:
    """The photo, not a mask of the same name."""
    with Image.open(path) as image:
        return image.mode == "RGB" and len(np.unique(np.asarray(image))) > 200


@pytest.mark.parametrize("given", ["nothing", "empty folder", "text", "zip of text"])
def test_F25_what_is_no_dataset_is_refused(form: Format, tmp_path: Path, given: str) -> None:
    path = tmp_path / "x"
    if given == "empty folder":
        path.mkdir()
    elif given == "text":
        path.write_text("not a dataset")
    elif given == "zip of text":
        (tmp_path / "in").mkdir()
        (tmp_path / "in" / "x.md").write_text("not a dataset")
        path = Path(shutil.make_archive(str(path), "zip", tmp_path / "in"))
    assert form.recognises(path) is False
    with pytest.raises(DatasetError):
        form.open(path)


def test_thousands_of_images_do_not_hide_the_format(form: Format, tmp_path: Path) -> None:
    write(form, tmp_path / "out", [Sample(f"a/{n}", empty()) for n in range(3)])
    for folder in ("images", "a images", "JPEGImages"):
        (tmp_path / "out" / folder).mkdir(exist_ok=True)
        for number in range(2500):
            (tmp_path / "out" / folder / f"{number}.jpg").touch()
    assert recognise(tmp_path / "out").id == form.id
    with form.open(tmp_path / "out") as dataset:
        assert len(dataset) == 3
        assert dataset.read("a/0").segmentation.labels.shape == (9, 7)


def test_check_of_a_good_dataset_finds_nothing(form: Format, tmp_path: Path) -> None:
    given = samples(tmp_path / "photos")
    write(form, tmp_path / "out", given, include_images=True)
    result = drain(form.validate(tmp_path / "out"))
    assert result.ok
    assert result.faults == ()
    assert result.images == len(given)
    assert result.format == form.id


@pytest.mark.parametrize("key", ["yolo-seg", "tiff16", "indexed-png"])
def test_F27_images_without_annotation_are_told(tmp_path: Path, key: str) -> None:
    form = FORMATS[key]
    given = [Sample(name, empty(), photo(tmp_path / f"{name}.png", (9, 7))) for name in "xy"]
    write(form, tmp_path / "out", given, include_images=True)
    photo(tmp_path / "out" / "images" / "z.png", (9, 7))
    with form.open(tmp_path / "out") as dataset:
        assert dataset.notes == ("1 of 3 images have no annotation and were left out",)
    result = drain(form.validate(tmp_path / "out"))
    assert result.ok
    assert len(result.faults) == 1


def annotation_files(folder: Path) -> list[Path]:
    """Files of a dataset written without images; one may be empty."""
    return sorted(p for p in folder.rglob("*.*") if p.is_file() and p.stat().st_size)


def test_F20_a_check_tells_of_every_damaged_file(form: Format, tmp_path: Path) -> None:
    write(form, tmp_path / "out", [Sample("x", hard()), Sample("y", hard())])
    for path in annotation_files(tmp_path / "out"):
        path.write_bytes(path.read_bytes()[:-40])
    result = drain(form.validate(tmp_path / "out"))
    assert not result.ok
    assert all(fault.what and fault.remedy for fault in result.faults if fault.severity == "error")


@pytest.mark.parametrize("packed", [False, True])
def test_flipped_bytes_give_nothing_but_errors_for_people(
    form: Format, tmp_path: Path, packed: bool
) -> None:
    target = tmp_path / ("out.zip" if packed else "out")
    write(form, target, [Sample("x", hard()), Sample("a/y", noise(1)), Sample("z", empty())])
    files = [target] if packed else annotation_files(target)
    rng = np.random.default_rng(sum(form.id.encode()))
    originals = {path: path.read_bytes() for path in files}
    for number in range(FLIPS):
        path = files[number % len(files)]
        data = bytearray(originals[path])
        for place in rng.integers(0, len(data), rng.integers(1, 4)):
            data[place] = rng.choice([0, 255, 45, 57, 10, 60, 123, int(rng.integers(256))])
        path.write_bytes(data[: int(rng.integers(len(data)))] if number % 5 == 0 else data)
        with contextlib.suppress(SegkitError):
            read_all(form, target)
        path.write_bytes(originals[path])
    assert read_all(form, target) == 3

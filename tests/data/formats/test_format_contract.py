"""Every format keeps what it says it holds, and none lets anything but SegkitErrors out."""

from __future__ import annotations

import weakref
from pathlib import Path

import numpy as np
import pytest

from napari_segkit.data.dataset import PackedImage, Sample, WriteOptions
from napari_segkit.data.formats.base import Format
from napari_segkit.data.formats.registry import FORMATS, recognise
from napari_segkit.errors import DatasetError, MaskError
from napari_segkit.ops.masks import segmentation_from_labels
from napari_segkit.types import ClassDef
from tests.data.formats.scenes import CLASSES, empty, expected, hard, noise, photo, samples, write

everywhere = pytest.mark.parametrize("target", ["out", "out.zip", "new/deep/out"])


def read_bytes(image: object) -> bytes:
    if isinstance(image, PackedImage):
        return image.read()
    assert isinstance(image, Path)
    return image.read_bytes()


@everywhere
def test_round_trip(form: Format, tmp_path: Path, target: str) -> None:
    given = samples(tmp_path / "photos")
    write(form, tmp_path / target, given, include_images=True)
    assert recognise(tmp_path / target).id == form.id
    with form.open(tmp_path / target) as dataset:
        assert sorted(dataset.names) == sorted(sample.name for sample in given)
        assert [one.name for one in dataset.classes] == [one.name for one in CLASSES]
        if form.capabilities.colors:
            assert dataset.classes == CLASSES
        for sample in given:
            got, want = dataset.read(sample.name), expected(sample.segmentation, form.capabilities)
            np.testing.assert_array_equal(got.segmentation.labels, want.labels)
            assert got.segmentation.instances == want.instances
            if isinstance(sample.image, Path):
                assert read_bytes(got.image) == sample.image.read_bytes()


def test_round_trip_without_images(form: Format, tmp_path: Path) -> None:
    given = [Sample("x/y", noise(1)), Sample("z", hard())]
    write(form, tmp_path / "out", given)
    with form.open(tmp_path / "out") as dataset:
        for sample in given:
            got, want = dataset.read(sample.name), expected(sample.segmentation, form.capabilities)
            np.testing.assert_array_equal(got.segmentation.labels, want.labels)


@pytest.mark.parametrize("seed", range(10))
def test_round_trip_of_crumbs(form: Format, tmp_path: Path, seed: int) -> None:
    given = noise(seed, objects=1 + seed * 3)
    write(form, tmp_path / "out", [Sample("x", given)])
    with form.open(tmp_path / "out") as dataset:
        got, want = dataset.read("x").segmentation, expected(given, form.capabilities)
    np.testing.assert_array_equal(got.labels, want.labels)
    assert got.instances == want.instances


def test_a_second_round_trip_changes_nothing(form: Format, tmp_path: Path) -> None:
    write(form, tmp_path / "one", samples(tmp_path / "photos"), include_images=True)
    with form.open(tmp_path / "one") as dataset:
        again = [dataset.read(sample.name) for sample in samples(tmp_path / "photos")]
        write(form, tmp_path / "two", again, include_images=True)
    files = [path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.*")]
    assert files
    for file in files:
        assert (tmp_path / "two" / file).read_bytes() == (tmp_path / "one" / file).read_bytes()


def test_merged_objects(form: Format, tmp_path: Path) -> None:
    write(form, tmp_path / "out", [Sample("x", hard())], instances="merge")
    with form.open(tmp_path / "out") as dataset:
        got = dataset.read("x").segmentation
    names = {one.class_name for one in got.instances.values()}
    assert names == {"ring", "Löffel groß"}
    assert np.array_equal(got.labels > 0, hard().labels > 0)


def test_F52_nothing_is_there_before_the_end_and_nothing_is_left(
    form: Format, tmp_path: Path
) -> None:
    target = tmp_path / "out"
    writer = form.open_writer(target, classes=CLASSES, options=WriteOptions())
    with pytest.raises(ZeroDivisionError), writer:  # noqa: PT012  it comes from within
        writer.add(Sample("x", hard()))
        assert not target.exists()
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_F59_nothing_is_overwritten_unasked(form: Format, tmp_path: Path) -> None:
    target = tmp_path / "out"
    write(form, target, [Sample("x", hard())])
    before = {path: path.read_bytes() for path in target.rglob("*.*")}
    with pytest.raises(DatasetError, match="at the target already"):
        write(form, target, [Sample("y", empty())])
    assert {path: path.read_bytes() for path in target.rglob("*.*")} == before
    write(form, target, [Sample("y", empty())], overwrite=True)
    with form.open(target) as dataset:
        assert dataset.names == ("y",)


def test_a_folder_with_other_things_is_never_replaced(form: Format, tmp_path: Path) -> None:
    target = tmp_path / "out"
    write(form, target, [Sample("x", hard())])
    (target / "thesis.doc").write_text("the only copy")
    with pytest.raises(DatasetError, match="other things than a dataset"):
        write(form, target, [Sample("y", hard())], overwrite=True)
    assert (target / "thesis.doc").read_text() == "the only copy"


def test_samples_are_not_kept_in_memory(form: Format, tmp_path: Path) -> None:
    with form.open_writer(tmp_path / "out", classes=CLASSES, options=WriteOptions()) as writer:
        for number in range(3):
            segmentation = noise(number)
            sample = Sample(f"{number}", segmentation, np.zeros((23, 31, 3), np.uint8))
            refs = [weakref.ref(segmentation.labels), weakref.ref(sample.image)]
            writer.add(sample)
            del segmentation, sample
            assert [ref() for ref in refs] == [None, None]


@pytest.mark.parametrize(
    "name", ["../x", "/x", "C:/x", "a\\b", "a/../../x", "", "nul", "x\n", " x", "a//b"]
)
def test_F22_hostile_names_are_refused_and_the_writer_goes_on(
    form: Format, tmp_path: Path, name: str
) -> None:
    with form.open_writer(tmp_path / "out", classes=CLASSES, options=WriteOptions()) as writer:
        writer.add(Sample("good", hard()))
        with pytest.raises(DatasetError, match="image name"):
            writer.add(Sample(name, hard()))
        writer.add(Sample("good too", hard()))
    assert writer.report.images == 2


def test_one_name_twice_is_refused(form: Format, tmp_path: Path) -> None:
    with form.open_writer(tmp_path / "out", classes=CLASSES, options=WriteOptions()) as writer:
        writer.add(Sample("a", hard()))
        with pytest.raises(DatasetError, match="one name"):
            writer.add(Sample("A", hard()))


def test_F15_a_mask_of_another_size_is_refused(form: Format, tmp_path: Path) -> None:
    turned = photo(tmp_path / "x.jpg", (57, 40))
    with form.open_writer(tmp_path / "out", classes=CLASSES, options=WriteOptions()) as writer:
        with pytest.raises(MaskError, match="expected 40x57, got 57x40"):
            writer.add(Sample("x", hard(), turned))
        writer.add(Sample("y", hard()))


def test_F16_an_unknown_class_is_refused(form: Format, tmp_path: Path) -> None:
    other = segmentation_from_labels(np.ones((3, 3), np.int32), classes=[ClassDef("x", (1, 1, 1))])
    with form.open_writer(tmp_path / "out", classes=CLASSES, options=WriteOptions()) as writer:
        with pytest.raises(DatasetError, match="got x"):
            writer.add(Sample("x", other))
        writer.add(Sample("y", hard()))


@pytest.mark.parametrize("classes", [(), (CLASSES[0], CLASSES[0]), (ClassDef("", (1, 2, 3)),)])
def test_impossible_classes_are_refused(
    form: Format, tmp_path: Path, classes: tuple[ClassDef, ...]
) -> None:
    with pytest.raises(DatasetError):
        form.open_writer(tmp_path / "out", classes=classes, options=WriteOptions())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("key", ["cvat-mask", "voc"])
def test_too_many_objects_are_refused_with_the_choices(tmp_path: Path, key: str) -> None:
    form = FORMATS[key]
    most = form.capabilities.max_instances or 0
    labels = np.arange(1, most + 2, dtype=np.int32)[None]
    crowd = segmentation_from_labels(labels, classes=CLASSES)
    with form.open_writer(tmp_path / "out", classes=CLASSES, options=WriteOptions()) as writer:
        with pytest.raises(DatasetError, match="--instances merge"):
            writer.add(Sample("crowd", crowd))
        writer.add(Sample("y", hard()))


def test_an_empty_dataset_is_refused(form: Format, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no image was added"):
        write(form, tmp_path / "out", [])
    assert list(tmp_path.iterdir()) == []

"""A dataset is read, prepared and written: whole or not at all, and what was left out is told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_segkit.data.boxes import read_boxes
from napari_segkit.data.dataset import Sample, WriteOptions
from napari_segkit.data.formats.classes import read_value_map
from napari_segkit.data.formats.indexed_png import IndexedPng
from napari_segkit.data.formats.registry import get_format, recognise
from napari_segkit.data.mask_boxes import BoxFile
from napari_segkit.data.pixels import ImageFinder, sample_pixels
from napari_segkit.data.prepare import Recipe
from napari_segkit.data.splits import parse_split
from napari_segkit.errors import DatasetError, InputError, SegkitError
from napari_segkit.jobs import drain
from napari_segkit.jobs.prepare import ImportReport, Preparation, import_dataset
from napari_segkit.ops.masks import segmentation_from_labels
from napari_segkit.types import ClassDef

CLASSES = (ClassDef("dust", (250, 50, 83)), ClassDef("hair", (9, 200, 9)))


def specks(seed: int, height: int = 96, width: int = 144) -> Sample:
    """Squares whose image shows them, on noise; named as a photo."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((height, width), np.int32)
    for key in range(1, 6):
        y, x = rng.integers(0, height - 12), rng.integers(0, width - 12)
        labels[y : y + 12, x : x + 12] = key
    image = rng.integers(0, 60, (height, width, 3)).astype(np.uint8)
    image[labels > 0] += 150
    present = [int(key) for key in np.unique(labels) if key]
    class_of = {key: "hair" if key == 5 else "dust" for key in present}
    segmentation = segmentation_from_labels(labels, classes=CLASSES, class_of=class_of)
    return Sample(f"IMG_{seed:04d}", segmentation, image)


def write(target: Path, samples: list[Sample], *, images: bool = True) -> Path:
    options = WriteOptions(include_images=images)
    with get_format("cvat-mask").open_writer(target, classes=CLASSES, options=options) as writer:
        for one in samples:
            writer.add(one)
    return target


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write(tmp_path / "source", [specks(k) for k in range(12)])


def prepared(source: Path, target: Path, **settings: object) -> ImportReport:
    options = settings.pop("options", None)
    job = import_dataset(source, target, preparation=Preparation(**settings), options=options)
    return drain(job)


def read(path: Path) -> dict[str, Sample]:
    return {one.name: one for one in recognise(path).open(path)}


def test_without_a_recipe_images_keep_their_bytes_and_labels_their_ids(
    source: Path, tmp_path: Path
) -> None:
    report = prepared(source, tmp_path / "out")
    assert report.sources == report.written["default"].images == 12
    assert report.notes == ()
    before, after = read(source), read(tmp_path / "out")
    assert list(before) == list(after)
    for name, one in after.items():
        assert np.array_equal(one.segmentation.labels, before[name].segmentation.labels)
        assert one.segmentation.instances == before[name].segmentation.instances
        assert one.image.read_bytes() == before[name].image.read_bytes()


def test_dust_tiles_show_the_resized_image_at_their_place(source: Path, tmp_path: Path) -> None:
    """`--tiles 24 --resize 96`: the dust project's 224 and 2016, smaller."""
    recipe = Recipe(resize=(96, 96), tile=24)
    report = prepared(source, tmp_path / "out", recipe=recipe, keep_empty=True)
    assert report.written["default"].images == 12 * 16
    tiles = read(tmp_path / "out")
    assert {f"IMG_0003_{row}_{column}" for row in range(4) for column in range(4)} <= set(tiles)
    part = tiles["IMG_0003_2_1"]
    pixels = sample_pixels(part).pixels
    assert pixels.shape == (24, 24, 3)
    old = specks(3)
    columns = (np.arange(24, 48) * 1.5 + 0.75).astype(int)
    assert np.array_equal(
        part.segmentation.labels > 0, (old.segmentation.labels > 0)[48:72][:, columns]
    )
    inside = part.segmentation.labels > 0
    if inside.any():
        assert pixels[inside].mean() > pixels[~inside].mean() + 80


def test_empty_tiles_are_dropped_and_counted_unless_they_are_wanted(
    source: Path, tmp_path: Path
) -> None:
    recipe = Recipe(tile=24)
    kept = prepared(source, tmp_path / "all", recipe=recipe, keep_empty=True)
    some = prepared(source, tmp_path / "some", recipe=recipe)
    assert kept.dropped == 0
    assert some.dropped > 0
    assert some.written["default"].images + some.dropped == kept.written["default"].images
    assert some.written["default"].instances == kept.written["default"].instances
    assert f"tiles without objects that were left out: {some.dropped}" in some.notes


def test_native_tiles_overlap_and_keep_touching_objects_apart(tmp_path: Path) -> None:
    labels = np.zeros((40, 60), np.int32)
    labels[10:30, 10:30], labels[10:30, 30:50] = 3, 9
    segmentation = segmentation_from_labels(labels, classes=CLASSES)
    source = write(tmp_path / "s", [Sample("a", segmentation, np.zeros((40, 60, 3), np.uint8))])
    report = prepared(source, tmp_path / "out", recipe=Recipe(tile=40, overlap=10))
    tiles = read(tmp_path / "out")
    assert list(tiles) == ["a_0_0", "a_0_1"]
    assert [len(t.segmentation.instances) for t in tiles.values()] == [2, 2]
    assert report.written["default"].instances == 4


def test_objects_that_vanish_are_counted(tmp_path: Path) -> None:
    labels = np.zeros((100, 100), np.int32)
    labels[50:80, 50:80], labels[0, 0] = 1, 2
    one = Sample("a", segmentation_from_labels(labels, classes=CLASSES))
    source = write(tmp_path / "s", [one], images=False)
    report = prepared(
        source,
        tmp_path / "out",
        recipe=Recipe(resize=(10, 10)),
        options=WriteOptions(),
    )
    assert report.vanished == 1
    assert "smaller than a pixel and vanished: 1" in report.notes[0]


def test_tiles_of_one_image_stay_in_one_subset_and_the_list_can_be_used_again(
    source: Path, tmp_path: Path
) -> None:
    split = parse_split("train=0.6,valid=0.4")
    out = tmp_path / "out"
    report = prepared(source, out, recipe=Recipe(tile=48), split=split)
    found = {subset: {n.rsplit("_", 2)[0] for n in read(out / subset)} for subset in report.written}
    assert set(found) == {"train", "valid"}
    assert found["train"] | found["valid"] == {f"IMG_{k:04d}" for k in range(12)}
    assert not found["train"] & found["valid"]
    assert report.written["train"].path == out / "train"
    assert all(split.subset_of(name) == "train" for name in found["train"])
    again = prepared(source, tmp_path / "again", split=out / "split.json")
    assert set(read(again.written["valid"].path)) == found["valid"]
    listed = json.loads((out / "split.json").read_text())
    assert set(listed["valid"]) == found["valid"]


def test_more_images_move_no_other(source: Path, tmp_path: Path) -> None:
    split = parse_split("train=0.5,test=0.5")
    few = prepared(source, tmp_path / "few", split=split)
    more = write(tmp_path / "more", [specks(k) for k in (30, *range(12), 31)])
    many = prepared(more, tmp_path / "many", split=split)
    for subset in few.written:
        assert set(read(few.written[subset].path)) <= set(read(many.written[subset].path))


def test_a_subset_without_images_is_told_and_not_written(tmp_path: Path) -> None:
    source = write(tmp_path / "source", [specks(0)])
    report = prepared(source, tmp_path / "out", split=parse_split("train=0.999,test=0.001"))
    assert "subset test got no images and was not written" in report.notes
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["split.json", "train"]


def test_boxes_of_tiles_and_the_ring_projects_file(source: Path, tmp_path: Path) -> None:
    boxes = BoxFile(tmp_path / "boxes.json")
    prepared(source, tmp_path / "out", recipe=Recipe(tile=48), boxes=boxes)
    found = read_boxes(boxes.path)
    for name, one in read(tmp_path / "out").items():
        assert found[name] == [i.box for i in one.segmentation.instances.values()]
    rings = BoxFile(tmp_path / "annotations.json", "rings", jitter=19)
    prepared(source, tmp_path / "rings", split=parse_split("train=0.7,test=0.3"), boxes=rings)
    content = json.loads(rings.path.read_text())
    assert set(content) == {"train", "test"}
    entry = content["test"][next(iter(content["test"]))]
    assert (tmp_path / entry["mask_path"]).is_file()


def test_without_a_split_all_rings_are_for_training(source: Path, tmp_path: Path) -> None:
    rings = BoxFile(tmp_path / "annotations.json", "rings")
    prepared(source, tmp_path / "rings", boxes=rings)
    content = json.loads(rings.path.read_text())
    assert (len(content["train"]), content["test"], len(content)) == (12, {}, 2)


def test_what_a_format_cannot_hold_needs_to_be_allowed(tmp_path: Path) -> None:
    ring = np.zeros((40, 60), np.int32)
    ring[5:35, 5:35] = 1
    ring[15:25, 15:25] = 0
    one = Sample("a", segmentation_from_labels(ring, classes=CLASSES), np.zeros((40, 60, 3), "u1"))
    source = write(tmp_path / "s", [one])
    job = import_dataset(source, tmp_path / "out", format_id="yolo-seg")
    with pytest.raises(DatasetError, match=r"holes of 1 object.*--lossy"):
        drain(job)
    assert not (tmp_path / "out").exists()
    allowed = Preparation(lossy=True)
    drain(import_dataset(source, tmp_path / "out", format_id="yolo-seg", preparation=allowed))
    assert (tmp_path / "out").is_dir()


def test_the_egg_projects_jpeg_masks_are_cut_at_64_and_192_before_they_are_scaled(
    tmp_path: Path,
) -> None:
    labels = np.zeros((80, 120), np.uint8)
    labels[10:70, 20:100] = 255
    labels[30:50, 40:70] = 128
    for folder, picture in (("masks", labels), ("images", np.repeat(labels[..., None], 3, 2))):
        (tmp_path / "eggs" / folder).mkdir(parents=True)
        Image.fromarray(picture).save(tmp_path / f"eggs/{folder}/a.jpg", quality=90)
    wanted = Preparation(
        recipe=Recipe(pad_square=True, resize=(40, 40)),
        source_format=IndexedPng(read_value_map("egg-pan")),
    )
    drain(import_dataset(tmp_path / "eggs", tmp_path / "out", preparation=wanted))
    segmentation = read(tmp_path / "out")["a"].segmentation
    assert segmentation.labels.shape == (40, 40)
    names = sorted(one.class_name for one in segmentation.instances.values())
    assert names == ["egg", "pan"]  # a bilinear mask would have eggs all around the pan


def test_a_bad_image_stops_all_or_is_left_out_when_told(source: Path, tmp_path: Path) -> None:
    (source / "JPEGImages/IMG_0004.png").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"IMG_0004.*--skip-bad"):
        prepared(source, tmp_path / "out", recipe=Recipe(tile=48))
    assert not (tmp_path / "out").exists()
    report = prepared(source, tmp_path / "out", recipe=Recipe(tile=48), skip_bad=True)
    assert list(report.failures) == ["IMG_0004"]
    assert report.sources == 11


@pytest.mark.parametrize("split", [None, "train=0.5,test=0.5"])
def test_F28_a_cancelled_import_leaves_nothing_behind(
    source: Path, tmp_path: Path, split: str | None
) -> None:
    target = tmp_path / "new/out"
    preparation = Preparation(
        recipe=Recipe(tile=48),
        split=parse_split(split) if split else None,
        boxes=BoxFile(tmp_path / "boxes.json"),
    )
    before = sorted(tmp_path.rglob("*"))
    job = import_dataset(source, target, preparation=preparation)
    for _ in range(5):
        next(job)
    job.close()
    assert sorted(tmp_path.rglob("*")) == before


def test_a_taken_target_is_refused_and_only_a_split_is_replaced(
    source: Path, tmp_path: Path
) -> None:
    out, split = tmp_path / "out", parse_split("train=0.5,test=0.5")
    prepared(source, out, split=split)
    with pytest.raises(InputError, match="something at the target"):
        prepared(source, out, split=split)
    over = WriteOptions(include_images=True, overwrite=True)
    prepared(source, out, split=parse_split("train=0.4,valid=0.6"), options=over)
    assert not (out / "test").exists()
    (out / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="holds other things"):
        prepared(source, out, split=split, options=over)
    assert (out / "notes.txt").read_text() == "mine"
    with pytest.raises(InputError, match="a folder of datasets"):
        prepared(source, tmp_path / "x.zip", split=split)


def test_images_are_taken_from_another_folder_and_from_an_archive(tmp_path: Path) -> None:
    samples = [specks(k) for k in range(3)]
    masks = write(tmp_path / "masks", samples, images=False)
    photos = tmp_path / "photos"
    photos.mkdir()
    for one in samples:
        Image.fromarray(one.image).save(photos / f"{one.name}.png")
    report = prepared(
        masks, tmp_path / "whole.zip", images=ImageFinder(photos), recipe=Recipe(resize=(50, 60))
    )
    assert report.written["default"].images == 3
    prepared(tmp_path / "whole.zip", tmp_path / "again", recipe=Recipe(tile=50))
    part = read(tmp_path / "again")["IMG_0000_0_1"]
    assert sample_pixels(part).pixels.shape == (50, 50, 3)


def test_a_damaged_image_in_an_archive_is_named(source: Path, tmp_path: Path) -> None:
    one = specks(0)
    data = (source / "JPEGImages/IMG_0000.png").read_bytes()
    from napari_segkit.data.dataset import PackedImage

    packed = Sample(one.name, one.segmentation, PackedImage("JPEGImages/a.png", lambda: data[:500]))
    with pytest.raises(SegkitError, match=r"damaged \(JPEGImages/a.png\)"):
        sample_pixels(packed)
    whole = PackedImage("JPEGImages/a.png", lambda: data)
    assert np.array_equal(sample_pixels(Sample("a", one.segmentation, whole)).pixels, one.image)

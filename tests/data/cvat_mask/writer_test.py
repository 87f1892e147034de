from __future__ import annotations

import io
import tracemalloc
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_segkit.data.dataset import PackedImage, Sample, WriteOptions
from napari_segkit.data.formats.cvat_labelmap import voc_palette
from napari_segkit.data.formats.cvat_mask import CvatMask
from napari_segkit.errors import DatasetError, ImageError, InputError, MaskError, WriteError
from napari_segkit.types import ClassDef

FORMAT = CvatMask()


def open_writer(target: Path, classes: tuple[ClassDef, ...], **options: object):
    return FORMAT.open_writer(target, classes=classes, options=WriteOptions(**options))


def test_voc_colours_are_pascals() -> None:
    palette = voc_palette()
    known = {0: (0, 0, 0), 1: (128, 0, 0), 2: (0, 128, 0), 3: (128, 128, 0), 4: (0, 0, 128)}
    known |= {8: (64, 0, 0), 255: (224, 224, 192)}
    assert {k: tuple(palette[k].tolist()) for k in known} == known
    assert len({tuple(row) for row in palette.tolist()}) == 256


def test_rule_1_both_pngs_are_rgb8_of_the_masks_size(kit) -> None:
    files = kit.files()
    for name in (kit.class_png, kit.object_png):
        with Image.open(io.BytesIO(files[name])) as image:
            assert (image.format, image.mode, image.size) == ("PNG", "RGB", (12, 8))
    classes, objects = kit.pixels(files[kit.class_png]), kit.pixels(files[kit.object_png])
    assert classes[1, 1].tolist() == [255, 0, 0]
    assert classes[1, 7].tolist() == [0, 128, 255]
    assert objects[3, 3].tolist() == [128, 128, 0]
    assert classes[0, 0].tolist() == objects[0, 0].tolist() == [0, 0, 0]


def test_rule_1_size_is_that_of_the_turned_image(kit) -> None:
    exif = Image.Exif()
    exif[274] = 6
    photo = kit.place(".jpg")
    Image.new("RGB", (8, 12)).save(photo, exif=exif)
    files = kit.files([kit.sample("a", photo)], include_images=True)
    assert files["JPEGImages/a.jpg"] == photo.read_bytes()


def test_rules_2_and_8_background_first_and_list_without_extension(kit) -> None:
    files = kit.files([kit.sample("b"), kit.sample("a/ü .x")], subset="Train")
    assert files["labelmap.txt"].decode() == (
        "# label:color_rgb:parts:actions\nbackground:0,0,0::\ncoin:255,0,0::\n"
        "Pfännchen:0,128,255::\n"
    )
    assert files["ImageSets/Segmentation/Train.txt"].decode() == "b\na/ü .x\n"


@pytest.mark.parametrize(
    ("color", "says"),
    [((0, 0, 0), "of 'background'"), ((255, 0, 0), "of 'coin'"), ((256, 0, 0), "not 0 to 255")],
)
def test_rule_3_colours_are_unique_and_not_black(kit, color: tuple[int, int, int], says: str):
    with pytest.raises(DatasetError, match=says):
        open_writer(kit.place(), (kit.coin, ClassDef("x", color)))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("a:b", "has a ':'"),
        ("a\nb", "line break"),
        ("a\u2028b", "line break"),
        ("\ud800", "cannot be printed"),
        ("#a", "starts with '#'"),
        (" a", "space at an end"),
        ("a\u3000", "space at an end"),
        ("", "is empty"),
        ("background", "no object"),
        ("coin", "there twice"),
    ],
)
def test_rule_4_class_names_that_cvat_cannot_hold(kit, name: str, says: str) -> None:
    with pytest.raises(DatasetError, match=says):
        open_writer(kit.place(), (kit.coin, ClassDef(name, (0, 0, 9))))


def test_every_fault_of_the_classes_is_named_at_once(kit) -> None:
    odd = (ClassDef("#a", (0, 0, 0)), ClassDef("b:", (0, 0, 0)))
    with pytest.raises(DatasetError, match=r"'#a' starts .*'#a' has the colour .*'b:' has a ':'"):
        open_writer(kit.place(), odd)
    with pytest.raises(DatasetError, match="no class"):
        open_writer(kit.place(), ())


def test_rule_5_at_most_255_classes(kit) -> None:
    classes = tuple(ClassDef(f"c{k}", (k % 256, k // 256, 7)) for k in range(256))
    with pytest.raises(DatasetError, match="256 classes"):
        open_writer(kit.place(), classes)
    kit.write(kit.place(), [kit.sample("a", classes=classes[:255], class_of={})],
              classes=classes[:255])  # fmt: skip


def test_rule_5_more_than_255_objects_name_the_image_and_the_choices(kit) -> None:
    many = np.arange(1, 257).reshape(16, 16)
    target = kit.place(".zip")
    with open_writer(target, kit.classes) as writer:
        with pytest.raises(DatasetError, match="--instances merge") as error:
            writer.add(kit.sample("crowd", labels=many))
        assert "crowd" in str(error.value)
        assert "256" in str(error.value)
        assert "COCO or CVAT XML" in str(error.value)
        writer.add(kit.sample("fine", labels=np.minimum(many, 255)))
    assert kit.open(target).names == ("fine",)
    assert len(kit.open(target).read("fine").segmentation.instances) == 255


def test_rule_5_merged_objects_always_fit(kit) -> None:
    many = np.arange(1, 401).reshape(20, 20)
    target = kit.place()
    report = kit.write(target, [kit.sample("a", labels=many)], instances="merge")
    assert report.instances == 2
    read = kit.open(target).read("a").segmentation
    assert {i.class_name for i in read.instances.values()} == {"coin", "Pfännchen"}
    assert (read.labels == np.where(many == 2, 2, 1)).all()


def test_rule_6_masks_agree_and_an_empty_image_has_both(kit) -> None:
    empty = np.zeros((4, 4))
    files = kit.files([kit.sample("a"), kit.sample("none", labels=empty)])
    assert not kit.pixels(files["SegmentationClass/none.png"]).any()
    assert not kit.pixels(files["SegmentationObject/none.png"]).any()
    classes, objects = kit.pixels(files[kit.class_png]), kit.pixels(files[kit.object_png])
    assert (classes.any(axis=-1) == objects.any(axis=-1)).all()


def test_rule_7_ids_above_255_are_numbered_anew_and_said(kit) -> None:
    target = kit.place()
    labels = kit.labels() * 1_000_000
    report = kit.write(target, [kit.sample("a", labels=labels, class_of={})])
    assert report.warnings == ("object ids above 255 were numbered anew from 1: a",)
    assert (kit.open(target).read("a").segmentation.labels == kit.labels()).all()


def test_ids_with_gaps_are_kept(kit) -> None:
    labels = kit.labels() * 80
    target = kit.place()
    assert kit.write(target, [kit.sample("a", labels=labels)]).warnings == ()
    assert (kit.open(target).read("a").segmentation.labels == labels).all()


@pytest.mark.parametrize("subset", ["train_1", "a/b", "", "#a", "..", "a ", "con"])
def test_rule_8_subset_names_that_cvat_does_not_find(kit, subset: str) -> None:
    with pytest.raises(DatasetError, match="subset name"):
        open_writer(kit.place(), kit.classes, subset=subset)


@pytest.mark.parametrize(
    "name",
    [
        "#a", " a", "a ", "a\u00a0", "../a", "a/../b", "/a", "C:/a", "a\\b", "a//b", "./a", "",
        "a/", "a\nb", "a\x00", "\udcff", "a./b", "nul", "x/AUX.1", "ä" * 140,
    ],
)  # fmt: skip
def test_rule_9_names_that_are_refused(kit, name: str) -> None:
    with open_writer(kit.place(), kit.classes) as writer:
        with pytest.raises(DatasetError, match="image name"):
            writer.add(kit.sample(name))
        writer.add(kit.sample("fine"))
    assert writer.report.images == 1


@pytest.mark.parametrize("second", ["Straße", "STRASSE", "strasse"])
def test_rule_9_stem_collisions_are_refused(kit, second: str) -> None:
    with open_writer(kit.place(), kit.classes) as writer:
        writer.add(kit.sample("Straße"))
        with pytest.raises(DatasetError, match=r"two images .* Straße was written before"):
            writer.add(kit.sample(second))
        writer.add(kit.sample("x/Straße"))
    assert writer.report.images == 2


def test_F15_a_mask_of_another_size_is_refused_with_both_sizes(kit) -> None:
    photo = kit.place(".png")
    Image.new("RGB", (11, 8)).save(photo)
    packed = PackedImage("x/photo.png", photo.read_bytes)
    for include in (True, False):
        with open_writer(kit.place(), kit.classes, include_images=include) as writer:
            for image in (photo, np.zeros((8, 11, 3), np.uint8), packed):
                if not include and image is packed:
                    continue  # an archive is not read for this alone
                with pytest.raises(MaskError, match="expected 11x8, got 12x8"):
                    writer.add(kit.sample("a", image))
            writer.add(kit.sample("fine"))


def test_images_are_copied_byte_for_byte_and_arrays_become_png(kit) -> None:
    photo = kit.place(".JPG")
    Image.new("RGB", (12, 8), (9, 8, 7)).save(photo, quality=30, comment=b"kept")
    pixels = np.arange(288, dtype=np.uint8).reshape(8, 12, 3)
    samples = [
        kit.sample("a", photo),
        kit.sample("b.c", pixels),
        kit.sample("d", PackedImage("q/w.webp.jpg", photo.read_bytes)),
        kit.sample("e"),
    ]
    for suffix in ("", ".zip"):
        target = kit.place(suffix)
        report = kit.write(target, samples, include_images=True)
        dataset = kit.open(target)
        store = dataset._contents.store
        assert store.read("JPEGImages/a.JPG") == photo.read_bytes()
        assert store.read("JPEGImages/d.jpg") == photo.read_bytes()
        assert (kit.pixels(store.read("JPEGImages/b.c.png")) == pixels).all()
        assert report.warnings == ("no image was given, so only its masks were written: e",)
        assert dataset.names == ("a", "b.c", "d", "e")


def test_an_image_that_is_none_is_refused_and_the_rest_goes_on(kit) -> None:
    text = kit.place(".png")
    text.write_text("hello")
    with open_writer(kit.place(), kit.classes, include_images=True) as writer:
        with pytest.raises(ImageError, match="not an image"):
            writer.add(kit.sample("a", text))
        with pytest.raises(InputError):
            writer.add(kit.sample("a", text.with_name("gone.png")))
        with pytest.raises(DatasetError, match="expected coin, got Pfännchen"):
            CvatMask().open_writer(kit.place(), classes=(kit.coin,), options=WriteOptions()).add(
                kit.sample("a")
            )
        with pytest.raises(MaskError, match="no pixels"):
            writer.add(kit.sample("a", labels=np.zeros((0, 4))))
        writer.add(kit.sample("a"))
    assert writer.report.images == 1


def test_the_same_samples_give_the_same_archive(kit) -> None:
    targets = [kit.place(".zip"), kit.place(".ZIP")]
    for target in targets:
        kit.write(target, [kit.sample("ü b"), kit.sample("c")])
    first, second = (target.read_bytes() for target in targets)
    assert first == second
    with zipfile.ZipFile(targets[0]) as archive:
        assert archive.testzip() is None


def test_a_target_that_is_taken_is_left_alone(kit) -> None:
    folder, archive = kit.place(), kit.place(".zip")
    folder.mkdir()
    (folder / "mine.txt").write_text("x")
    archive.write_text("mine")
    for target in (folder, archive):
        with pytest.raises(DatasetError, match="something at the target"):
            open_writer(target, kit.classes)
    with pytest.raises(DatasetError, match="other things than a dataset"):
        open_writer(folder, kit.classes, overwrite=True)
    kit.write(archive, [kit.sample()], overwrite=True)
    assert kit.open(archive).names == ("a",)


def test_overwriting_replaces_a_dataset_but_not_one_with_other_files(kit) -> None:
    target = kit.place()
    kit.write(target, [kit.sample("old")])
    kit.write(target, [kit.sample("new")], overwrite=True)
    assert kit.open(target).names == ("new",)
    (target / "notes.txt").write_text("mine")
    with pytest.raises(DatasetError, match="other things"):
        kit.write(target, [kit.sample("newer")], overwrite=True)
    assert kit.open(target).names == ("new",)


def test_an_empty_folder_may_be_filled(kit) -> None:
    target = kit.place()
    target.mkdir()
    kit.write(target, [kit.sample()])
    assert kit.open(target).names == ("a",)


@pytest.mark.parametrize("suffix", ["", ".zip"])
def test_nothing_is_left_when_nothing_was_added_or_something_failed(kit, suffix: str) -> None:
    place = kit.place()
    target = place / "deep" / f"x{suffix}"
    with pytest.raises(DatasetError, match="no image was added"), open_writer(target, kit.classes):
        pass
    with pytest.raises(KeyboardInterrupt), open_writer(target, kit.classes) as writer:  # noqa: PT012
        writer.add(kit.sample())
        raise KeyboardInterrupt
    assert not place.exists()


@pytest.mark.parametrize("suffix", ["", ".zip"])
def test_F54_a_file_in_the_place_of_the_folder(kit, suffix: str) -> None:
    file = kit.place()
    file.write_text("mine")
    with pytest.raises(WriteError, match="intact"):
        open_writer(file / f"x{suffix}", kit.classes)
    assert file.read_text() == "mine"


def test_a_folder_cannot_be_an_archive_nor_the_reverse(kit) -> None:
    folder = kit.place(".zip")
    folder.mkdir()
    with pytest.raises(DatasetError, match="a folder is in the place of the archive"):
        open_writer(folder, kit.classes, overwrite=True)
    file = kit.place()
    file.write_text("mine")
    with pytest.raises(DatasetError, match="a file is in the place of the folder"):
        open_writer(file, kit.classes, overwrite=True)


def test_report_counts(kit) -> None:
    samples = [kit.sample("a"), kit.sample("b", labels=np.zeros((3, 3))), kit.sample("c")]
    report = kit.write(kit.place(), samples)
    assert (report.images, report.instances) == (3, 6)
    assert isinstance(samples[0], Sample)


def test_a_warning_names_a_few_images_and_counts_the_rest(kit) -> None:
    samples = [kit.sample(f"n{k}") for k in range(7)]
    report = kit.write(kit.place(), samples, include_images=True)
    assert report.warnings[0].endswith("n0, n1, n2, n3, n4 and 2 more")


def test_memory_does_not_grow_with_the_number_of_images(kit) -> None:
    sample = kit.sample("x", labels=np.ones((200, 200), np.int32))
    with open_writer(kit.place(".zip"), kit.classes) as writer:
        marks = []
        tracemalloc.start()
        for number in range(600):
            writer.add(replace(sample, name=f"folder/image_{number:06}"))
            if number in (199, 599):
                marks.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
    assert (marks[1] - marks[0]) / 400 < 3000  # bytes per image: its name and zip entries

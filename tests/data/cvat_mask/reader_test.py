"""The reader is lax: everything that CVAT's importer accepts, and much that it does not."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from napari_segkit.data.dataset import PackedImage
from napari_segkit.data.formats.cvat_labelmap import voc_palette
from napari_segkit.data.formats.registry import recognise
from napari_segkit.errors import DatasetError, ImageError, MaskError

LABELMAP = "labelmap.txt"


def same(kit, files, *, notes: bool = False, suffix: str = "") -> None:
    """The dataset is understood as the good one that it was made from."""
    dataset = kit.open(files, suffix)
    read = dataset.read("a").segmentation
    assert (read.labels == kit.labels()).all()
    assert [i.class_name for i in read.instances.values()] == ["coin", "Pfännchen", "coin"]
    assert bool(dataset.notes or read.notes) == notes, dataset.notes + read.notes


@pytest.mark.parametrize("suffix", ["", ".zip"])
@pytest.mark.parametrize("root", ["", "one/", "one/two/", "a b/ü/x/"])
def test_folder_or_zip_and_nested_roots(kit, root: str, suffix: str) -> None:
    files = {f"{root}{name}": data for name, data in kit.files().items()}
    files |= {"__MACOSX/SegmentationClass/._a.png": b"", f"{root}JPEGImages/._a.jpg": b""}
    same(kit, files, suffix=suffix)


def test_several_roots_are_refused_and_named(kit) -> None:
    files = {f"{root}/{n}": d for root in ("x", "y") for n, d in kit.files().items()}
    for suffix in ("", ".zip"):
        with pytest.raises(DatasetError, match=r"several datasets.*got x/, y/"):
            kit.open(files, suffix)


def index_masks(kit) -> tuple[np.ndarray, np.ndarray]:
    labels = kit.labels()
    return np.array([0, 1, 2, 1], np.uint8)[labels], labels.astype(np.uint8)


def palette_image(pixels: np.ndarray, palette: np.ndarray) -> Image.Image:
    image = Image.fromarray(pixels)
    image = image.convert("P") if image.mode != "P" else image
    image.putpalette(palette.astype(np.uint8).tobytes())
    return image


def test_palette_masks_as_pascal_voc_has_them(kit) -> None:
    files = kit.files()
    classes, objects = index_masks(kit)
    colors = np.zeros((256, 3), np.uint8)
    colors[1:3] = [kit.coin.color, kit.pan.color]
    files[kit.class_png] = kit.png(palette_image(classes, colors))
    files[kit.object_png] = kit.png(palette_image(objects, voc_palette()))
    same(kit, files)


def test_a_palette_that_was_shuffled_by_an_optimizer(kit) -> None:
    files = kit.files()
    for name in (kit.class_png, kit.object_png):
        with Image.open(io.BytesIO(files[name])) as image:
            image = image.quantize(16, dither=Image.Dither.NONE)
        assert image.mode == "P"
        files[name] = kit.png(image, bits=4)
    same(kit, files)


def test_a_palette_of_other_colours_is_read_by_its_numbers(kit) -> None:
    files = kit.files()
    classes, objects = index_masks(kit)
    colors = np.arange(768).reshape(256, 3) % 251 + 1
    files[kit.class_png] = kit.png(palette_image(classes, colors))
    files[kit.object_png] = kit.png(palette_image(objects, colors))
    same(kit, files)


def test_gray_masks_hold_numbers(kit) -> None:
    files = kit.files()
    classes, objects = index_masks(kit)
    files[kit.class_png], files[kit.object_png] = kit.png(classes), kit.png(objects)
    same(kit, files)


def test_gray_masks_with_the_classes_grays(kit) -> None:
    files = kit.files()
    files[LABELMAP] = b"background:0,0,0::\ncoin:128,128,128::\nPf\xc3\xa4nnchen:255,255,255::\n"
    classes, _ = index_masks(kit)
    files[kit.class_png] = kit.png(np.array([0, 128, 255], np.uint8)[classes])
    same(kit, files)


def test_one_bit_masks(kit) -> None:
    files = kit.files()
    single = kit.labels() > 0
    files[kit.class_png] = kit.png(Image.fromarray(single))
    del files[kit.object_png]
    read = kit.open(files).read("a").segmentation
    assert (read.labels == single).all()
    assert read.instances[1].class_name == "coin"


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_is_ignored(kit, mode: str) -> None:
    files = kit.files()
    classes, objects = index_masks(kit)
    for name, numbers in ((kit.class_png, classes), (kit.object_png, objects)):
        with Image.open(io.BytesIO(files[name])) as image:
            image = Image.fromarray(numbers).convert("LA") if mode == "LA" else image.convert(mode)
        image.putalpha(0)
        files[name] = kit.png(image)
    same(kit, files)


def test_16_bit_object_masks_hold_any_id(kit) -> None:
    files = kit.files()
    labels = kit.labels().astype(np.uint16) * 20_000
    files[kit.object_png] = kit.png(labels)
    read = kit.open(files).read("a").segmentation
    assert (read.labels == labels).all()
    assert list(read.instances) == [20_000, 40_000, 60_000]


@pytest.mark.parametrize(
    ("change", "notes"),
    [
        (lambda text: "\ufeff" + text, True),
        (lambda text: text.replace("\n", "\r\n"), False),
        (lambda text: text.replace("\n", "\r"), False),
        (lambda text: text.split("\n", 1)[1], False),  # no header
        (lambda text: text.replace("::", ""), False),
        (lambda text: text.replace("::", ":a,b:c"), False),
        (lambda text: text.replace(",", " , ").replace("\n", "  \n\n"), False),
        (lambda text: text.replace("background:0,0,0::\n", ""), True),
        (lambda text: text + "Coin:3,3,3::\n# comment\n", False),
    ],
)
def test_labelmaps_as_people_write_them(kit, change, notes: bool) -> None:
    files = kit.files()
    files[LABELMAP] = change(files[LABELMAP].decode()).encode()
    same(kit, files, notes=notes)


def test_a_labelmap_that_is_not_utf8(kit) -> None:
    files = kit.files()
    files[LABELMAP] = files[LABELMAP].decode().encode("latin-1")
    same(kit, files, notes=True)


def test_a_colon_in_a_label(kit) -> None:
    files = kit.files()
    files[LABELMAP] = files[LABELMAP].replace(b"coin", b"coin:gold")
    dataset = kit.open(files)
    assert dataset.classes[0].name == "coin:gold"
    assert "has a ':'" in dataset.notes[0]


def test_a_label_twice_is_one_class_of_both_colours(kit) -> None:
    files = kit.files()
    files[LABELMAP] = files[LABELMAP].replace("Pfännchen".encode(), b"coin")
    dataset = kit.open(files)
    assert [c.name for c in dataset.classes] == ["coin"]
    assert {i.class_name for i in dataset.read("a").segmentation.instances.values()} == {"coin"}


def test_a_background_that_is_not_black(kit) -> None:
    files = kit.files()
    files[LABELMAP] = files[LABELMAP].replace(b"background:0,0,0", b"background:0,128,0")
    pixels = kit.pixels(files[kit.class_png]).copy()
    pixels[(pixels == 0).all(axis=-1)] = (0, 128, 0)
    files[kit.class_png] = kit.png(pixels)
    same(kit, files)


def test_no_colours_means_vocs(kit) -> None:
    files = kit.files()
    files[LABELMAP] = "background\ncoin\nPfännchen:::\n".encode()
    classes, _ = index_masks(kit)
    files[kit.class_png] = kit.png(voc_palette()[classes])
    same(kit, files, notes=True)


def test_no_labelmap_means_pascal_vocs_classes(kit) -> None:
    files = kit.files()
    del files[LABELMAP]
    classes, _ = index_masks(kit)
    files[kit.class_png] = kit.png(voc_palette()[classes])
    dataset = kit.open(files)
    names = [i.class_name for i in dataset.read("a").segmentation.instances.values()]
    assert names == ["aeroplane", "bicycle", "aeroplane"]
    assert "Pascal VOC's 20 classes" in dataset.notes[0]
    assert len(dataset.classes) == 20


def test_no_object_masks_means_connected_areas(kit) -> None:
    files = kit.files()
    del files[kit.object_png]
    dataset = kit.open(files)
    read = dataset.read("a").segmentation
    assert {k: i.class_name for k, i in read.instances.items()} == {1: "coin", 2: "Pfännchen"}
    assert dataset.notes == ("there are no object masks, so connected areas are objects",)


def test_no_lists_means_every_mask(kit) -> None:
    files = kit.files()
    del files[kit.list_txt]
    same(kit, files, notes=True)


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        (b"a", False),
        (b"a\r\n\r\n", False),
        (b"\xef\xbb\xbfa\n", True),
        (b"# images\n a \n", False),
        (b"a.png\n", True),
        (b"a.jpg\n", True),
        (b"a\na\n", False),
    ],
)
def test_lists_as_people_write_them(kit, text: bytes, notes: bool) -> None:
    same(kit, kit.files() | {kit.list_txt: text}, notes=notes)


def test_names_that_cvat_would_drop_are_found(kit) -> None:
    files = kit.files()
    for odd in ("#a", " b "):
        for folder in ("SegmentationClass", "SegmentationObject"):
            files[f"{folder}/{odd}.png"] = files[f"{folder}/a.png"]
    files[kit.list_txt] = b"#a\n b \na\n# b\n"
    dataset = kit.open(files)
    assert dataset.names == ("#a", " b ", "a")
    assert len(dataset.notes) == 2


def test_several_subsets(kit) -> None:
    files = kit.files([kit.sample("a"), kit.sample("b"), kit.sample("c")])
    files[kit.list_txt] = b"a\nb\n"
    files["ImageSets/Segmentation/Train_1.txt"] = b"c\nb\n"
    dataset = kit.open(files)
    assert dataset.subsets == {"Train_1": ("c", "b"), "default": ("a", "b")}
    assert dataset.names == ("c", "b", "a")
    assert "has a '_'" in dataset.notes[0]


def test_F27_images_without_masks_and_the_reverse_are_reported(kit) -> None:
    photo = np.zeros((5, 7, 3), np.uint8)
    files = kit.files([kit.sample("a"), kit.sample("unlisted")])
    files |= {kit.list_txt: b"a\nphoto\ngone\n", "JPEGImages/photo.png": kit.png(photo)}
    dataset = kit.open(files)
    assert dataset.names == ("a", "photo")
    assert dataset.read("photo").segmentation.labels.shape == (5, 7)
    assert dataset.read("photo").segmentation.instances == {}
    assert dataset.notes == (
        "1 listed images have neither mask nor image and were left out: gone",
        "1 listed images have no mask and count as empty: photo",
        "1 masks stand in no list and were left out: unlisted",
    )
    with pytest.raises(DatasetError, match="no such image"):
        dataset.read("gone")


def test_an_object_over_two_classes_is_split(kit) -> None:
    files = kit.files()
    pixels = kit.pixels(files[kit.object_png]).copy()
    pixels[kit.labels() == 2] = voc_palette()[1]
    files[kit.object_png] = kit.png(pixels)
    read = kit.open(files).read("a").segmentation
    assert {k: i.class_name for k, i in read.instances.items()} == {
        1: "coin",
        3: "coin",
        4: "Pfännchen",
    }
    assert (read.labels[kit.labels() == 2] == 4).all()
    assert read.notes == ("objects over several classes were split by class: 1",)


def test_class_pixels_without_an_object_become_objects(kit) -> None:
    files = kit.files()
    pixels = kit.pixels(files[kit.object_png]).copy()
    pixels[kit.labels() == 2] = 0
    files[kit.object_png] = kit.png(pixels)
    read = kit.open(files).read("a").segmentation
    assert {k: i.class_name for k, i in read.instances.items()} == {
        1: "coin",
        3: "coin",
        4: "Pfännchen",
    }
    assert "15 pixels of classes had no object" in read.notes[0]


def test_object_pixels_on_background_are_left_out(kit) -> None:
    files = kit.files()
    pixels = kit.pixels(files[kit.object_png]).copy()
    pixels[0, :4] = voc_palette()[1]
    pixels[7, :4] = voc_palette()[200]
    files[kit.object_png] = kit.png(pixels)
    read = kit.open(files).read("a").segmentation
    assert (read.labels == kit.labels()).all()
    assert read.notes == ("8 pixels of objects lie on background and were left out",)


def test_images_are_found_and_of_several_one_is_taken(kit) -> None:
    photo = np.zeros((8, 12, 3), np.uint8)
    files = kit.files([kit.sample("a"), kit.sample("x/b.c")])
    files |= {"JPEGImages/a.png": kit.png(photo), "JPEGImages/x/b.c.png": kit.png(photo)}
    folder, archive = kit.lay(files), kit.lay(files, ".zip")
    assert kit.open(folder).read("x/b.c").image == folder / "JPEGImages/x/b.c.png"
    packed = kit.open(archive).read("x/b.c").image
    assert isinstance(packed, PackedImage)
    assert packed.read() == files["JPEGImages/x/b.c.png"]
    files["JPEGImages/a.bmp.png"] = kit.png(photo)
    files["JPEGImages/a.jpg"] = kit.png(photo)
    read = kit.open(files).read("a")
    assert read.segmentation.notes == (
        "there are several images of this name, JPEGImages/a.jpg was taken",
    )


def test_F13_the_images_turned_size_counts(kit) -> None:
    exif = Image.Exif()
    exif[274] = 8
    photo = kit.place(".jpg")
    Image.new("RGB", (8, 12)).save(photo, exif=exif)
    same(kit, kit.files() | {"JPEGImages/a.jpg": photo.read_bytes()})


# --- masks that are refused -------------------------------------------------------------------


def test_F15_sizes_that_differ_are_both_named(kit) -> None:
    files = kit.files()
    other = files | {kit.object_png: kit.png(kit.pixels(files[kit.object_png])[:-1])}
    with pytest.raises(MaskError, match=r"different sizes .a.: expected 12x8, got 12x7"):
        kit.open(other).read("a")
    other = files | {"JPEGImages/a.png": kit.png(np.zeros((8, 13, 3), np.uint8))}
    with pytest.raises(MaskError, match=r"expected 13x8 as JPEGImages/a.png, got 12x8"):
        kit.open(other, ".zip").read("a")


def test_F16_unknown_colours_are_listed_with_their_pixels(kit) -> None:
    files = kit.files()
    pixels = kit.pixels(files[kit.class_png]).copy()
    pixels[0, :9] = (254, 0, 0)
    pixels[1, 0] = (9, 8, 7)
    with pytest.raises(MaskError) as error:
        kit.open(files | {kit.class_png: kit.png(pixels)}).read("a")
    assert "(254, 0, 0) on 9 pixels, (9, 8, 7) on 1 pixels" in str(error.value)
    assert "labelmap.txt as name:R,G,B::" in str(error.value)
    pixels = np.arange(8 * 12 * 3, dtype=np.uint8).reshape(8, 12, 3)
    with pytest.raises(MaskError, match=r"and 91 more.*Pascal VOC"):
        kit.open(files | {kit.object_png: kit.png(pixels)}).read("a")


def test_F16_unknown_numbers_are_listed(kit) -> None:
    files = kit.files()
    classes, _ = index_masks(kit)
    classes[0, 0] = 200
    with pytest.raises(MaskError, match=r"expected 0 to 2, .* got 200 on 1 pixels"):
        kit.open(files | {kit.class_png: kit.png(classes)}).read("a")
    files[LABELMAP] = files[LABELMAP].replace(b"background:0,0,0::\n", b"")
    with pytest.raises(MaskError, match="no line of the labelmap is the background"):
        kit.open(files | {kit.class_png: kit.png(classes)}).read("a")


def test_F18_16_bit_masks_of_both_kinds(kit) -> None:
    masks = (kit.png(mask.astype(np.uint16)) for mask in index_masks(kit))
    same(kit, kit.files() | dict(zip((kit.class_png, kit.object_png), masks, strict=True)))


def test_F19_a_lossy_mask_is_named_as_such(kit) -> None:
    files = kit.files()
    buffer = io.BytesIO()
    Image.fromarray(kit.pixels(files[kit.class_png])).save(buffer, "JPEG")
    with pytest.raises(MaskError, match="JPEG file, whose colours are smeared"):
        kit.open(files | {kit.class_png: buffer.getvalue()}).read("a")


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "text", "huge"])
def test_F20_a_damaged_mask_blocks_its_image_and_no_other(kit, damage: str) -> None:
    files = kit.files([kit.sample("a"), kit.sample("b")])
    png = files[kit.class_png]
    files[kit.class_png] = {
        "cut": png[:-20],
        "flip": png[:50] + bytes([png[50] ^ 1]) + png[51:],
        "empty": b"",
        "text": b"<html>not found</html>",
        "huge": png[:16] + b"\x00\x01\x00\x00\x00\x01\x00\x00" + png[24:],
    }[damage]
    dataset = kit.open(files)
    with pytest.raises(MaskError, match=r"SegmentationClass/a\.png"):
        dataset.read("a")
    assert len(dataset.read("b").segmentation.instances) == 3


def test_a_damaged_image_blocks_its_mask(kit) -> None:
    for bad in (b"", b"<html>"):
        with pytest.raises(ImageError, match=r"not an image .JPEGImages/a\.jpg"):
            kit.open(kit.files() | {"JPEGImages/a.jpg": bad}).read("a")


def test_objects_without_classes_are_refused(kit) -> None:
    files = kit.files()
    del files[kit.class_png]
    with pytest.raises(MaskError, match="objects have no classes"):
        kit.open(files).read("a")


@pytest.mark.parametrize(
    ("labelmap", "says"),
    [
        ("background:0,0,0::\na:1,2,3::\nb:1,2,3::", "line 3: labels 'a' and 'b' have one colour"),
        ("a:0,0,0::\n", "line 1: label 'a' is black"),
        ("background:0,0,0::\na:300,0,0::", "line 2: has the colour"),
        ("background:0,0,0::\na:red::", "line 2: has a colour that cannot be read"),
        ("background:0,0,0::\na:1,2::", "cannot be read"),
        ("background:0,0,0::\n", "names no class"),
        ("", "names no class"),
        ("\n".join(f"l{k}" for k in range(10_001)), "10001 labels"),
    ],
)
def test_F26_labelmap_faults_come_before_anything_is_read(kit, labelmap: str, says: str) -> None:
    with pytest.raises(DatasetError, match=r"labelmap\.txt cannot be understood") as error:
        kit.open(kit.files() | {LABELMAP: labelmap.encode()})
    assert says in str(error.value)


def test_what_is_no_dataset_is_not_recognised(kit) -> None:
    (empty := kit.place()).mkdir()
    (text := kit.place(".zip")).write_text("hello")
    other = kit.lay({"a.txt": b""}, ".zip")
    for path in (empty, text, other, kit.place()):
        with pytest.raises(DatasetError):
            recognise(path)
        with pytest.raises(DatasetError):
            kit.open(path)
    for suffix in ("", ".zip"):
        assert recognise(kit.lay(kit.files(), suffix)).id == "cvat-mask"

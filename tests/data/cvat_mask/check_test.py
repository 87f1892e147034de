"""Each row of what CVAT's importer does, found in advance; and all faults of a dataset at once."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from napari_segkit.data.formats.cvat_labelmap import voc_palette
from napari_segkit.data.formats.cvat_mask import CvatMask
from napari_segkit.errors import DatasetError
from napari_segkit.types import Progress

LABELMAP = "labelmap.txt"
LIST = "ImageSets/Segmentation/default.txt"
CLASS, OBJECT = "SegmentationClass/a.png", "SegmentationObject/a.png"


def renamed(files, old: str, new: str) -> dict[str, bytes]:
    return {name.replace(old, new): data for name, data in files.items()}


def painted(kit, files, name: str, where: tuple[object, ...], color) -> dict[str, bytes]:
    pixels = kit.pixels(files[name]).copy()
    pixels[where] = color
    return files | {name: kit.png(pixels)}


def labelmap(files, old: str, new: str) -> dict[str, bytes]:
    text = files[LABELMAP].decode()
    assert old in text
    return files | {LABELMAP: text.replace(old, new).encode()}


def as_mode(kit, files, name: str, mode: str) -> dict[str, bytes]:
    with Image.open(io.BytesIO(files[name])) as image:
        image = image.quantize(8, dither=0) if mode == "P" else image.convert(mode)
        return files | {name: kit.png(image)}


def numbers(kit, files, factor: int = 1, dtype: str = "u1") -> dict[str, bytes]:
    return files | {OBJECT: kit.png((kit.labels() * factor).astype(dtype))}


def no_colors(kit, files) -> dict[str, bytes]:
    classes = np.array([0, 1, 2, 1])[kit.labels()]
    text = "background:::\ncoin:::\nPfännchen:::\n"
    return files | {LABELMAP: text.encode(), CLASS: kit.png(voc_palette()[classes])}


# row of the table -> (what is done to a good dataset, the file and words of the fault, severity)
ROWS = {
    "no list": (lambda k, f: {n: d for n, d in f.items() if n != LIST}, LIST, "does not find"),
    "list without names": (lambda k, f: f | {LIST: b"#x\n"}, "ImageSets", "name no image"),
    "subset with _": (lambda k, f: renamed(f, "default", "train_1"), "train_1.txt", "ignores it"),
    "PNG not listed": (lambda k, f: f | {LIST: b"\n"}, CLASS, "stands in no list"),
    "listed without PNG": (lambda k, f: f | {LIST: b"a\nb\n"}, LIST, "b has no mask", "warning"),
    "name with extension": (lambda k, f: f | {LIST: b"a.png\n"}, LIST, "has an extension"),
    "name starting with #": (
        lambda k, f: renamed(f, "a.png", "#a.png") | {LIST: b"#a\n"},
        LIST,
        "begins with '#'",
    ),
    "outer spaces": (
        lambda k, f: renamed(f, "a.png", " a.png") | {LIST: b" a\n"},
        LIST,
        "outer spaces",
    ),
    "BOM in list": (lambda k, f: f | {LIST: b"\xef\xbb\xbfa\n"}, LIST, "byte order mark"),
    "list not UTF-8": (lambda k, f: f | {LIST: b"a\n\xff\n"}, LIST, "not UTF-8"),
    "BOM in labelmap": (
        lambda k, f: f | {LABELMAP: b"\xef\xbb\xbf" + f[LABELMAP]},
        LABELMAP,
        "byte order mark",
    ),
    "labelmap not UTF-8": (
        lambda k, f: f | {LABELMAP: f[LABELMAP].decode().encode("latin-1")},
        LABELMAP,
        "not UTF-8",
    ),
    "root too deep": (lambda k, f: {f"a/b/c/d/{n}": d for n, d in f.items()}, "a/b/c/d/", "deep"),
    "no labelmap": (
        lambda k, f: {n: d for n, d in f.items() if n != LABELMAP},
        LABELMAP,
        "assumes Pascal VOC",
    ),
    "no colours": (no_colors, LABELMAP, "has no colours", "warning"),
    "some without colours": (
        lambda k, f: labelmap(f, "Pfännchen:0,128,255", "Pfännchen:"),
        LABELMAP,
        "CVAT never finds it",
    ),
    "no background line": (
        lambda k, f: labelmap(f, "background:0,0,0::\n", ""),
        LABELMAP,
        "no background line",
    ),
    "colon in a label": (lambda k, f: labelmap(f, "coin", "a:b"), LABELMAP, "has a ':'"),
    "label twice": (lambda k, f: labelmap(f, "Pfännchen", "coin"), LABELMAP, "there twice"),
    "label starting with #": (lambda k, f: labelmap(f, "coin", "#coin"), LABELMAP, "skips it"),
    "two labels of one colour": (
        lambda k, f: labelmap(f, "255,0,0", "0,128,255"),
        LABELMAP,
        "for the last",
    ),
    "class colour off by one": (
        lambda k, f: painted(k, f, CLASS, (1, slice(1, 4)), (254, 0, 0)),
        CLASS,
        "(254, 0, 0) on 3 pixels",
    ),
    "object colour outside VOC": (
        lambda k, f: painted(k, f, OBJECT, (1, slice(1, 4)), (1, 2, 3)),
        OBJECT,
        "(1, 2, 3) on 3 pixels",
    ),
    "id 256 painted": (
        lambda k, f: painted(k, f, OBJECT, (1, slice(1, 4)), (0, 0, 32)),
        OBJECT,
        "(0, 0, 32) on 3 pixels",
    ),
    "no object folder": (
        lambda k, f: {n: d for n, d in f.items() if n != OBJECT},
        "SegmentationObject",
        "one mask per class and one of the background",
    ),
    "object over background": (
        lambda k, f: painted(k, f, OBJECT, (0, slice(0, 4)), (128, 0, 0)),
        OBJECT,
        "4 pixels of objects lie on background",
    ),
    "class pixels without an object": (
        lambda k, f: painted(k, f, OBJECT, (1, slice(1, 4)), 0),
        OBJECT,
        "3 pixels of classes have no object",
    ),
    "one object over two classes": (
        lambda k, f: painted(k, f, OBJECT, (1, 6), (128, 0, 0)),
        OBJECT,
        "several classes, so CVAT gives all of them the last: 1",
    ),
    "LA class mask": (
        lambda k, f: as_mode(k, f | {CLASS: k.png(np.uint8(k.labels() > 0))}, CLASS, "LA"),
        CLASS,
        "gray with alpha",
    ),
    "masks of two sizes": (
        lambda k, f: f | {OBJECT: k.png(k.pixels(f[OBJECT])[:7])},
        CLASS,
        "SegmentationClass/a.png 12x8, SegmentationObject/a.png 12x7",
    ),
    "image of another size": (
        lambda k, f: f | {"JPEGImages/a.png": k.png(np.zeros((9, 12, 3), np.uint8))},
        CLASS,
        "JPEGImages/a.png 12x9",
    ),
    "16-bit objects above 255": (
        lambda k, f: numbers(k, f, 100, "u2"),
        OBJECT,
        "up to 300; CVAT takes them modulo 256",
    ),
    "more than 256 labels": (
        lambda k, f: labelmap(f, "coin", "".join(f"l{n}:1,2,{n}::\n" for n in range(254)) + "coin"),
        LABELMAP,
        "class numbers wrap",
    ),
    "a.jpg and a.png": (
        lambda k, f: f | {f"JPEGImages/a.{e}": k.png(k.pixels(f[CLASS])) for e in ("jpg", "png")},
        "JPEGImages/a.jpg",
        "mixes them up",
    ),
    "numeric name": (
        lambda k, f: renamed(f, "a.png", "7.png") | {LIST: b"7\n"},
        LIST,
        "frame of that number",
        "warning",
    ),
    "class mask missing": (
        lambda k, f: renamed({CLASS: f[CLASS], OBJECT: f[OBJECT]}, "a.png", "b.png")
        | {LABELMAP: f[LABELMAP], OBJECT: f[OBJECT], LIST: b"a\nb\n"},
        OBJECT,
        "has no class mask",
    ),
    "one object mask missing": (
        lambda k, f: f | {"SegmentationClass/b.png": f[CLASS], LIST: b"a\nb\n"},
        "SegmentationClass/b.png",
        "one mask per class",
    ),
    "F20 damaged mask": (lambda k, f: f | {CLASS: f[CLASS][:-30]}, CLASS, "mask is damaged"),
    "F2 damaged image": (lambda k, f: f | {"JPEGImages/a.jpg": b""}, "JPEGImages/a.jpg", "not an"),
    "train and valid overlap": (
        lambda k, f: f | {"ImageSets/Segmentation/valid.txt": b"a\n"},
        "ImageSets/Segmentation/valid.txt",
        "stands in default.txt too",
        "warning",
    ),
    "F22 name in a list": (lambda k, f: f | {LIST: b"a\n../../x\n"}, LIST, "leaves its folder"),
    "F24 names that collide": (
        lambda k, f: f | {"SegmentationClass/A.png": f[CLASS]},
        "SegmentationClass/",
        "same file as",
    ),
}  # fmt: skip


@pytest.mark.parametrize("suffix", ["", ".zip"])
@pytest.mark.parametrize("row", ROWS)
def test_row_of_the_importer_table(kit, row: str, suffix: str) -> None:
    change, file, what, *severity = ROWS[row]
    validation = kit.validate(change(kit, kit.files()), suffix)
    found = [f for f in validation.faults if what in f.what and file in f.file]
    assert len(found) == 1, validation.faults
    assert found[0].severity == (severity[0] if severity else "error")
    assert found[0].remedy
    assert validation.ok == (found[0].severity == "warning")


ACCEPTED = {
    "as written": lambda k, f: f,
    "CRLF": lambda k, f: f | {n: f[n].replace(b"\n", b"\r\n") for n in (LIST, LABELMAP)},
    "two folders deep": lambda k, f: {f"a/b/{n}": d for n, d in f.items()},
    "spaces, unicode, dots": lambda k, f: renamed(f, "a.png", "ü b/x.1.png")
    | {LIST: "ü b/x.1".encode()},
    "palette": lambda k, f: as_mode(k, as_mode(k, f, CLASS, "P"), OBJECT, "P"),
    "RGBA": lambda k, f: as_mode(k, as_mode(k, f, CLASS, "RGBA"), OBJECT, "RGBA"),
    "gray numbers": lambda k, f: numbers(k, f),
    "16-bit objects below 256": lambda k, f: numbers(k, f, 80, "u2"),
    "no header": lambda k, f: f | {LABELMAP: f[LABELMAP].split(b"\n", 1)[1]},
    "another background": lambda k, f: labelmap(
        painted(k, f, CLASS, k.labels() == 0, (0, 128, 0)), "ground:0,0,0", "ground:0,128,0"
    ),
}  # fmt: skip


SEEN_ALIKE = {  # what the reading engine lets pass: the rest of CVAT, or another system, does not
    "no colours",
    "image of another size",
    "a.jpg and a.png",
    "numeric name",
    "F24 names that collide",
}


def objects_seen(one) -> list[object]:
    """Label name and mask of every object; the image's name does not matter."""
    return [
        [(one["labels"][t["label"]], t["mask"].tobytes()) for t in item["objects"]]
        for item in one["items"]
    ]


def test_datumaro_refuses_drops_or_misreads_each_row(kit, datumaro) -> None:
    rows = {row: change(kit, kit.files()) for row, (change, *_) in ROWS.items()}
    rows |= {f"+{row}": change(kit, kit.files()) for row, change in ACCEPTED.items()}
    seen = dict(zip(rows, datumaro([kit.lay(files) for files in rows.values()]), strict=True))
    good = objects_seen(seen["+as written"])
    alike = {row for row, one in seen.items() if "error" not in one and objects_seen(one) == good}
    assert alike == SEEN_ALIKE | {f"+{row}" for row in ACCEPTED}


@pytest.mark.parametrize("suffix", ["", ".zip"])
@pytest.mark.parametrize("row", ACCEPTED)
def test_what_the_importer_accepts_has_no_fault(kit, row: str, suffix: str) -> None:
    validation = kit.validate(ACCEPTED[row](kit, kit.files()), suffix)
    assert validation.faults == ()
    assert (validation.images, validation.instances, validation.format) == (1, 3, "cvat-mask")


def test_every_fault_is_listed_at_once(kit) -> None:
    files = kit.files([kit.sample(name) for name in "abcde"])
    files[LABELMAP] = b"\xef\xbb\xbf" + files[LABELMAP] + b"x:y:1,1,1::\n#z:2,2,2::\nw:red::\n"
    files[LIST] = b"a\nb\nc\nd.png\n../e\n"
    files["SegmentationClass/a.png"] = b"no"
    files["SegmentationObject/a.png"] = b"no"
    files["SegmentationObject/b.png"] = files["SegmentationObject/b.png"][:-9]
    files["JPEGImages/c.jpg"] = b"no"
    faults = kit.faults(files)
    assert {(f.file, f.where) for f in faults} == {
        (LABELMAP, ""),
        (LABELMAP, "line 5"),
        (LABELMAP, "line 6"),
        (LABELMAP, "line 7"),
        (LIST, "line 4"),
        (LIST, "line 5"),
        ("SegmentationClass/e.png", ""),
        ("SegmentationClass/a.png", ""),
        ("SegmentationObject/a.png", ""),
        ("SegmentationObject/b.png", ""),
        ("JPEGImages/c.jpg", ""),
        *((f"JPEGImages/{name}.*", "") for name in "abd"),
    }
    assert all(f.what and f.remedy for f in faults)


def test_it_says_how_far_it_is_and_can_be_stopped(kit) -> None:
    target = kit.place(".zip")
    kit.write(target, [kit.sample(f"n{k}") for k in range(4)])
    steps = list(CvatMask().validate(target))
    assert steps[-1] == Progress(4, 4, "n3")
    job = CvatMask().validate(target)
    next(job)
    next(job)
    job.close()


def test_what_cannot_be_opened_is_a_fault_too(kit) -> None:
    (text := kit.place(".zip")).write_text("hello")
    (empty := kit.place()).mkdir()
    for path in (text, empty):
        validation = kit.validate(path)
        assert not validation.ok
        assert validation.faults[0].file == path.name
    with pytest.raises(DatasetError, match="no such file"):
        CvatMask().validate(kit.place())

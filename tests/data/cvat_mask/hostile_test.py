"""Archives from elsewhere: whatever is in them, only `SegkitError`s come out; nothing is left."""

from __future__ import annotations

import io
import os
import random
import stat
import struct
import warnings
import zipfile
import zlib
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_segkit.data.archive import open_store
from napari_segkit.data.formats.cvat_decode import read_plane
from napari_segkit.data.formats.cvat_labelmap_reader import parse_labelmap
from napari_segkit.data.formats.cvat_mask import CvatMask
from napari_segkit.data.formats.cvat_mask_reader import CvatMaskDataset
from napari_segkit.errors import DatasetError, MaskError, SegkitError
from napari_segkit.limits import Limits, raised

HOSTILE_NAMES = {
    "parent": "../evil.txt",
    "parent inside": "JPEGImages/../../evil.txt",
    "absolute": "/etc/passwd",
    "drive": "C:/evil.txt",
    "drive without slash": "c:evil.txt",
    "backslash": "JPEGImages\\a.jpg",
    "backslash parent": "..\\evil.txt",
    "reserved": "JPEGImages/nul.jpg",
    "control": "JPEGImages/a\x07.jpg",
    "empty part": "JPEGImages//a.jpg",
}


def zipped(kit, files, *more: tuple[zipfile.ZipInfo, bytes]) -> Path:
    target = kit.lay(files, ".zip")
    with zipfile.ZipFile(target, "a") as archive:
        for entry, data in more:
            archive.writestr(entry, data)
    return target


def entry(name: str, *, mode: int = 0o100644) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("x")
    info.filename = name  # the constructor mends some of these
    info.external_attr = mode << 16
    return info


@pytest.mark.parametrize("kind", HOSTILE_NAMES)
def test_F22_one_hostile_name_rejects_the_whole_archive(kit, kind: str) -> None:
    target = zipped(kit, kit.files(), (entry(HOSTILE_NAMES[kind]), b"x"))
    with pytest.raises(DatasetError, match="refused for its files") as error:
        kit.open(target)
    assert "rejected as a whole" in str(error.value)
    faults = kit.faults(target)
    assert [f.severity for f in faults] == ["error"]
    assert CvatMask().recognises(target)


@pytest.mark.parametrize("name", [n for k, n in HOSTILE_NAMES.items() if k != "control"])
@pytest.mark.parametrize("suffix", ["", ".zip"])
def test_F22_hostile_names_in_lists_reject_the_whole_dataset(kit, name: str, suffix: str) -> None:
    files = kit.files()
    files[kit.list_txt] += f"{name}\n".encode()
    with pytest.raises(DatasetError, match="refused for the names in its lists"):
        kit.open(files, suffix)


def test_F24_links_devices_doubles_and_collisions_are_rejected(kit) -> None:
    extra = {
        "symbolic link": entry("JPEGImages/l.jpg", mode=stat.S_IFLNK | 0o777),
        "device": entry("JPEGImages/l.jpg", mode=stat.S_IFCHR | 0o600),
        "is there twice": entry(kit.class_png),
        "same file as": entry("segmentationclass/A.PNG"),
    }
    for says, info in extra.items():
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Duplicate name")  # zipfile's own
            target = zipped(kit, kit.files(), (info, b"/etc/passwd"))
        with pytest.raises(DatasetError, match=says):
            kit.open(target)


def test_F24_composed_and_decomposed_letters_collide(kit) -> None:
    files = kit.files([kit.sample("\u00fc")])
    files["SegmentationClass/u\u0308.png"] = b""
    with pytest.raises(DatasetError, match="same file as"):
        kit.open(files, ".zip")


def test_F24_links_in_folders_are_rejected(kit) -> None:
    for make in (
        lambda path: path.symlink_to("/etc/passwd"),
        lambda path: path.symlink_to("/etc"),
        lambda path: os.mkfifo(path),
    ):
        folder = kit.lay(kit.files())
        make(folder / "SegmentationClass" / "x.png")
        with pytest.raises(DatasetError, match=r"symbolic link|no regular file"):
            kit.open(folder)
        assert any("copy the file itself" in f.remedy for f in kit.faults(folder))


def test_F23_a_bomb_is_refused_from_the_directory(kit) -> None:
    target = kit.lay(kit.files(), ".zip")
    with zipfile.ZipFile(target, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("JPEGImages/a.bmp", bytes(8 << 20))
    with pytest.raises(DatasetError, match="times when unpacked"):
        kit.open(target)


def test_F23_a_bomb_that_lies_about_its_size_stops_while_streaming(kit) -> None:
    """The directory announces 10 bytes; zlib would give 64 MB."""
    target = kit.lay(kit.files(), ".zip")
    with zipfile.ZipFile(target, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("JPEGImages/a.bmp", bytes(64 << 20))
    data = target.read_bytes().replace(struct.pack("<I", 64 << 20), struct.pack("<I", 10))
    target.write_bytes(data)
    with closing(open_store(target)) as store:
        assert store.sizes["JPEGImages/a.bmp"] == 10
        with pytest.raises(DatasetError, match="damaged"):
            store.read("JPEGImages/a.bmp")


def test_F23_entries_that_overlap_are_refused(kit) -> None:
    target = kit.lay(kit.files(), ".zip")
    with zipfile.ZipFile(target, "a") as archive:
        first = archive.infolist()[0]
        twin = zipfile.ZipInfo("JPEGImages/b.png")
        for field in ("CRC", "compress_size", "file_size", "header_offset", "external_attr"):
            setattr(twin, field, getattr(first, field))
        archive.filelist.append(twin)
        archive._didModify = True
    with pytest.raises(DatasetError, match="lies over another"):
        kit.open(target)


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        (Limits(files=3), "4 files, at most 3.*--limit files="),
        (Limits(file=50), "is too large.*--limit file="),
        (Limits(total=100), "bytes unpacked, at most 100.*--limit total="),
        (Limits(pixels=95), "mask is too large.*--limit pixels="),
    ],
)
def test_F23_limits_that_the_user_can_raise(kit, limits: Limits, says: str) -> None:
    target = kit.lay(kit.files(), ".zip")
    with raised(limits), pytest.raises((DatasetError, MaskError), match=says):
        CvatMaskDataset(target).read("a")
    assert CvatMaskDataset(target).read("a").name == "a"
    with raised(Limits(files=3)), pytest.raises(DatasetError, match="too many files"):
        CvatMaskDataset(kit.lay(kit.files()))


def test_F23_a_bomb_s_ratio_can_be_raised(kit) -> None:
    target = kit.lay(kit.files(), ".zip")
    with zipfile.ZipFile(target, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("JPEGImages/b.bmp", bytes(8 << 20))
    with pytest.raises(DatasetError, match="--limit ratio="):
        CvatMaskDataset(target)
    with raised(Limits(ratio=2000)):
        assert CvatMaskDataset(target).names == ("a",)


def test_F23_an_honest_blank_mask_is_no_bomb(kit) -> None:
    target = kit.place(".zip")
    kit.write(target, [kit.sample("a", labels=np.zeros((3000, 3000), np.int32))])
    with zipfile.ZipFile(target) as packed, zipfile.ZipFile(
        again := kit.place(".zip"), "w", zipfile.ZIP_DEFLATED
    ) as archive:  # fmt: skip
        for name in packed.namelist():
            archive.writestr(name, packed.read(name))
    assert kit.open(again).read("a").segmentation.labels.shape == (3000, 3000)


@pytest.mark.parametrize(
    ("data", "says"), [(b"", "got an empty file"), (b"GIF89a", "a file that begins with b'GIF89a'")]
)
def test_a_mask_that_is_no_png_says_what_it_is(data: bytes, says: str) -> None:
    with pytest.raises(MaskError, match=f"mask is not a PNG file.*{says}"):
        read_plane(data, "a.png")


def test_F3_a_mask_that_announces_too_many_pixels(kit) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    png = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    with pytest.raises(SegkitError, match="SegmentationClass/a"):
        kit.open(kit.files() | {kit.class_png: png}).read("a")


def test_F25_truncated_encrypted_or_no_zip_at_all(kit) -> None:
    good = kit.lay(kit.files(), ".zip").read_bytes()
    for data in (b"", b"PK", b"<html>", good[:-10], good[: len(good) // 2], good[9:]):
        path = kit.place(".zip")
        path.write_bytes(data)
        with pytest.raises(DatasetError, match=r"cut off|damaged"):
            kit.open(path)
    data = bytearray(good)
    at = data.rindex(b"PK\x01\x02")
    data[at + 8] |= 1  # the flag of encryption
    path.write_bytes(data)
    with pytest.raises(DatasetError, match="is encrypted"):
        kit.open(path)


def test_F25_other_compressions_are_named(kit) -> None:
    target = kit.lay(kit.files(), ".zip")
    with zipfile.ZipFile(target, "a", zipfile.ZIP_LZMA) as archive:
        archive.writestr("JPEGImages/a.bmp", b"x" * 1000)
    with pytest.raises(DatasetError, match="packed in a way that is not read here"):
        kit.open(target)


def test_F28_reading_leaves_nothing_behind(kit, tmp_path: Path) -> None:
    target = tmp_path / "a.zip"
    target.write_bytes(zipped(kit, kit.files(), (entry("../../evil"), b"x")).read_bytes())
    with pytest.raises(DatasetError):
        kit.open(target)
    assert list(tmp_path.iterdir()) == [target]
    assert not (tmp_path.parent / "evil").exists()


def test_a_forked_process_reads_by_itself(kit) -> None:
    dataset = kit.open(kit.files([kit.sample(f"n{k}") for k in range(20)]), ".zip")
    store = dataset._contents.store
    store._process = -1  # as if this were a child
    assert len(list(dataset)) == 20


# --- any bytes at all --------------------------------------------------------------------------


def drain(kit, path: Path) -> None:
    """Open, read and validate; anything but a `SegkitError` fails the test."""
    try:
        with CvatMask().open(path) as dataset:
            for name in dataset.names:
                try:
                    dataset.read(name)
                except SegkitError:
                    continue
    except SegkitError:
        pass
    kit.validate(path)
    CvatMask().recognises(path)


@pytest.mark.parametrize("part", range(4))
def test_flipped_and_cut_archives_give_only_segkit_errors(kit, part: int, tmp_path: Path) -> None:
    files = kit.files([kit.sample("a", np.zeros((8, 12, 3), np.uint8))], include_images=True)
    good = kit.lay(files, ".zip").read_bytes()
    rng = random.Random(part)
    path = tmp_path / "x.zip"
    for _ in range(500):
        data = bytearray(good)
        if rng.random() < 0.2:
            del data[rng.randrange(len(data)) :]
        for _ in range(rng.choice([1, 1, 2, 8])):
            if data:
                data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(data)
        drain(kit, path)


PARTS = ["labelmap.txt", "ImageSets/Segmentation/default.txt"]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(PARTS), st.binary(max_size=60) | st.text(max_size=40).map(str.encode))
def test_any_text_file_gives_only_segkit_errors(kit, name: str, data: bytes) -> None:
    drain(kit, kit.lay(kit.files() | {name: data}))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(
    ["background", "a", "b:c", "#d", ":", "0,0,0", "1,2,3", "300,1,1", "::", "\n", "\r\n", " ", ","]
), max_size=30))  # fmt: skip
def test_any_labelmap_is_parsed(parts: list[str]) -> None:
    labelmap = parse_labelmap("".join(parts).encode())
    assert labelmap.fatal or labelmap.classes
    assert len({c.name for c in labelmap.classes}) == len(labelmap.classes)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1 << 30), st.sampled_from(["class_png", "object_png"]))
def test_any_png_with_sound_checksums_gives_only_segkit_errors(kit, seed: int, which: str) -> None:
    """Headers and data drawn by chance, checksums mended so that they get far into the decoder."""
    rng = random.Random(seed)
    depth, color = rng.choice(
        [(1, 0), (8, 0), (16, 0), (8, 2), (16, 2), (4, 3), (8, 4), (8, 6), (3, 5)]
    )
    width, height = rng.choice([0, 1, 12, 70_000]), rng.choice([0, 1, 8, 70_000])
    rows = rng.randbytes(rng.choice([0, 10, 8 * 37, 5000]))
    chunks = [
        (
            b"IHDR",
            struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, rng.choice([0, 0, 1])),
        ),
        (b"PLTE", rng.randbytes(rng.choice([0, 3, 48, 5]))),
        (b"tRNS", rng.randbytes(rng.choice([0, 1, 6]))),
        (b"iCCP", b"x\0\0" + zlib.compress(bytes(100))),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    png = io.BytesIO(b"\x89PNG\r\n\x1a\n")
    png.seek(8)
    for kind, data in chunks:
        if kind in (b"IHDR", b"IDAT", b"IEND") or rng.random() < 0.5:
            png.write(struct.pack(">I", len(data)) + kind + data)
            png.write(struct.pack(">I", zlib.crc32(kind + data)))
    drain(kit, kit.lay(kit.files() | {getattr(kit, which): png.getvalue()}))

"""A task's masks come home whole, or not at all, whatever the server sends."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from napari_segkit.data.cvat_server import CvatServer
from napari_segkit.data.dataset import WriteOptions
from napari_segkit.data.formats.cvat_mask import CvatMask
from napari_segkit.errors import DatasetError, MaskError, SegkitError, ServerError, WriteError
from napari_segkit.jobs import cvat as jobs
from napari_segkit.jobs import drain

Connect = Callable[..., CvatServer]


def png(width: int, height: int) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (width, height), (9, 9, 9)).save(data, "PNG")
    return data.getvalue()


def changed(archive: Path, extra: dict[str, bytes], drop: tuple[str, ...] = ()) -> bytes:
    """A dataset's archive with files added, replaced or dropped."""
    made = io.BytesIO()
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            if name not in extra and not name.endswith(drop or ("\n",)):
                new.writestr(name, old.read(name))
        for name, data in extra.items():
            new.writestr(name, data)
    return made.getvalue()


@pytest.fixture
def export(loopback: Any, make_dataset: Any) -> Path:
    """The dataset that the server exports."""
    path: Path = make_dataset(to="export.zip")
    loopback.export = path.read_bytes()
    return path


@pytest.mark.parametrize("name", ["out", "out.zip"])
def test_masks_come_home_pixel_by_pixel(
    name: str, loopback: Any, export: Path, connect: Connect, tmp_path: Path
) -> None:
    report = drain(jobs.pull(connect(), 5, tmp_path / name))
    assert (report.images, report.instances, report.warnings) == (2, 3, ())
    with CvatMask().open(tmp_path / name) as got, CvatMask().open(export) as sent:
        assert got.classes == sent.classes
        for image in sent.names:
            np.testing.assert_array_equal(
                got.read(image).segmentation.labels, sent.read(image).segmentation.labels
            )
    asked = next(a for a in loopback.asked if a.path.endswith("export"))
    assert asked.query == {"format": "Segmentation mask 1.1", "save_images": "false",
                           "location": "local"}  # fmt: skip


def test_frames_that_cvat_lists_without_a_mask_come_as_empty_images(
    loopback: Any, export: Path, connect: Connect, tmp_path: Path
) -> None:
    loopback.image("c.png", 7, 3)
    loopback.export = changed(
        export, {"ImageSets/Segmentation/default.txt": b"a\nsub/b\nc\n"}, ("sub/b.png",)
    )
    report = drain(jobs.pull(connect(), 5, tmp_path / "out"))
    assert (report.images, report.instances, report.warnings) == (3, 2, ())
    with CvatMask().open(tmp_path / "out") as got:
        assert got.names == ("a", "sub/b", "c")
        assert got.read("c").segmentation.labels.shape == (3, 7)


def test_the_images_come_along_byte_for_byte(
    loopback: Any, export: Path, connect: Connect, tmp_path: Path
) -> None:
    images = {"JPEGImages/a.png": png(12, 8), "JPEGImages/sub/b.png": png(20, 10)}
    loopback.export = changed(export, images)
    drain(jobs.pull(connect(), 5, tmp_path / "out", options=WriteOptions(include_images=True)))
    assert (tmp_path / "out/JPEGImages/a.png").read_bytes() == images["JPEGImages/a.png"]
    asked = next(a for a in loopback.asked if a.path.endswith("export"))
    assert asked.query["save_images"] == "true"


def test_a_frame_of_255_objects_may_have_lost_some(
    loopback: Any, make_dataset: Any, connect: Connect, tmp_path: Path
) -> None:
    loopback.image("crowd.png", 20, 20)
    loopback.export = make_dataset(("crowd", 20, 20, 255), to="export.zip").read_bytes()
    report = drain(jobs.pull(connect(), 5, tmp_path / "out"))
    assert any("more than that are lost" in w and "crowd" in w for w in report.warnings)


def test_an_export_under_way_is_waited_for(
    cvat: Any, loopback: Any, export: Path, connect: Connect, tmp_path: Path
) -> None:
    loopback.fail("POST", "export", cvat.Fail(409, {"rq_id": "action=export&id=5"}))
    loopback.polls = [{"status": "started", "progress": 0.4}, {"status": "finished"}]
    steps: list[Any] = []
    drain(jobs.pull(connect(), 5, tmp_path / "out"), steps.append)
    assert any((s.done, s.total) == (40, 100) for s in steps)
    loopback.fail("POST", "export", cvat.Fail(409, b"busy"))
    with pytest.raises(ServerError, match="busy with another import or export"):
        drain(jobs.pull(connect(), 5, tmp_path / "again"))


def test_a_download_that_breaks_is_tried_again(
    cvat: Any, loopback: Any, export: Path, connect: Connect, tmp_path: Path
) -> None:
    data = export.read_bytes()
    short = cvat.Fail(200, data[:50], {"Content-Length": str(len(data)), "Connection": "close"})
    loopback.fail("GET", "download", cvat.Fail(cut=0), cvat.Fail(500), short)
    assert drain(jobs.pull(connect(), 5, tmp_path / "out")).images == 2
    assert loopback.count("GET", "download") == 4


def test_a_download_that_always_breaks_leaves_nothing(
    cvat: Any, loopback: Any, export: Path, connect: Connect, tmp_path: Path
) -> None:
    loopback.fail("GET", "download", *[cvat.Fail(cut=0)] * 9)
    with pytest.raises(ServerError, match="the connection broke"):
        drain(jobs.pull(connect(), 5, tmp_path / "out"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["export.zip"]


HOSTILE = {
    "no archive": lambda path: b"<html>login</html>",
    "empty": lambda path: b"",
    "cut off": lambda path: path.read_bytes()[:-40],
    "F22": lambda path: changed(path, {"../../evil.txt": b"x"}),
    "F24": lambda path: changed(path, {"SegmentationClass/A.png": b"x"}),
    "F26": lambda path: changed(path, {"labelmap.txt": b"coin:1,2\n"}),
    "F1": lambda path: changed(path, {"SegmentationClass/a.png": b"<html>"}),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_or_broken_export_leaves_nothing(
    kind: str, loopback: Any, export: Path, connect: Connect, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    loopback.export = HOSTILE[kind](export)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    with pytest.raises(SegkitError):
        drain(jobs.pull(connect(), 5, tmp_path / "out"))
    assert not os.listdir(tmp_path / "temporary")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["export.zip", "temporary"]


def test_a_bomb_is_refused_F23(
    loopback: Any, export: Path, connect: Connect, tmp_path: Path
) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("SegmentationClass/a.png", bytes(8 << 20))
    loopback.export = made.getvalue()
    with pytest.raises(DatasetError, match="bombs"):
        drain(jobs.pull(connect(), 5, tmp_path / "out"))


def test_masks_of_another_size_than_the_frame(
    loopback: Any, export: Path, connect: Connect, tmp_path: Path
) -> None:
    loopback.frames[0]["width"] = 13
    with pytest.raises(MaskError, match=r"another size .*expected 13x8, got 12x8"):
        drain(jobs.pull(connect(), 5, tmp_path / "out"))


def test_what_is_at_the_target_stays(
    loopback: Any, export: Path, connect: Connect, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").write_text("mine")
    for options in (WriteOptions(), WriteOptions(overwrite=True)):
        with pytest.raises(DatasetError):
            drain(jobs.pull(connect(), 5, tmp_path / "out", options=options))
    assert (tmp_path / "out/mine.txt").read_text() == "mine"


def test_no_temporary_folder_F54(
    loopback: Any, export: Path, connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(WriteError, match=r"folder is not there .the temporary folder"):
        drain(jobs.pull(connect(), 5, tmp_path / "out"))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs Linux")
def test_a_disk_that_is_full_F53(loopback: Any, export: Path, connect: Connect) -> None:
    server = connect()
    task = drain(server.task(5))
    with pytest.raises(WriteError, match="the disk is full"):
        drain(server.export_masks(task, Path("/dev/full"), images=False))


def test_a_cancelled_pull_leaves_nothing(
    loopback: Any, export: Path, connect: Connect, tmp_path: Path
) -> None:
    job = jobs.pull(connect(), 5, tmp_path / "out")
    while next(job).message != "downloading":
        pass
    job.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["export.zip"]


def test_deleted_frames_and_frames_of_unknown_size_without_a_mask_are_left_out(
    loopback: Any, export: Path, connect: Connect, tmp_path: Path
) -> None:
    loopback.frames[0] |= {"width": 0, "height": 0}
    loopback.image("b.png", 0, 0)
    loopback.image("c.png", 4, 4)
    loopback.meta["deleted_frames"] = [3]
    drain(jobs.pull(connect(), 5, tmp_path / "out"))
    with CvatMask().open(tmp_path / "out") as got:
        assert got.names == ("a", "sub/b")


def test_an_empty_task(loopback: Any, connect: Connect, tmp_path: Path) -> None:
    loopback.frames.clear()
    with pytest.raises(DatasetError, match="no images"):
        drain(jobs.pull(connect(), 5, tmp_path / "out"))

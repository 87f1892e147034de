from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from napari_segkit.data import atomic, staging
from napari_segkit.data.atomic import StagedFile, atomic_write, sweep, temporary_beside
from napari_segkit.data.staging import StagedFolder, staged_folder
from napari_segkit.errors import DatasetError, WriteError

DEAD = 2**22 + 12345  # above every pid that Linux gives


def write(path: Path, data: bytes) -> None:
    with atomic_write(path) as file:
        file.write(data)


def leftover(folder: Path, kind: str = "tmp", *, pid: int = DEAD, number: int = 0) -> Path:
    return folder / f".segkit-{kind}-{atomic._HOST}-{pid}-{number}"


def test_a_file_is_written_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / ("ü " * 60)  # a temporary's name stays short
    for data in (b"one", b"two"):
        write(path, data)
        assert path.read_bytes() == data
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link_and_permissions_stay(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_bytes(b"old")
    real.chmod(0o640)
    link.symlink_to(real)
    write(link, b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"
    assert real.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, GeneratorExit])
def test_a_failure_between_leaves_the_old_file(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "a"
    write(path, b"old")
    with pytest.raises(error), atomic_write(path) as file:  # noqa: PT012
        file.write(b"half")
        raise error
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_someone_elses_errors_pass_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_write(tmp_path / "a"):
        (tmp_path.parent / "no such source").read_bytes()
    with pytest.raises(OSError, match="decoder"), atomic_write(tmp_path / "a"):
        raise OSError("decoder error")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "quota is used up"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "may not be written"),
        (errno.EIO, "Input/output error"),
    ],
)
@pytest.mark.parametrize("call", ["fsync", "replace", "write"])
def test_F53_F54_what_the_disk_refuses_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, says: str, call: str
) -> None:
    path = tmp_path / "a"
    write(path, b"old")

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    if call != "write":
        monkeypatch.setattr(os, call, refuse)
    with pytest.raises(WriteError, match=says) as error, atomic_write(path) as file:  # noqa: PT012
        file.write(b"new")
        if call == "write":
            refuse()
    monkeypatch.undo()
    assert str(path) in str(error.value)
    assert "what was there before is intact" in str(error.value)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_F54_a_folder_that_is_gone_or_a_file(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="the folder is not there"):
        write(tmp_path / "gone" / "a", b"x")
    (tmp_path / "file").write_bytes(b"mine")
    with pytest.raises(WriteError, match="a file is in the place of the folder"):
        write(tmp_path / "file" / "a", b"x")
    (tmp_path / "folder").mkdir()
    with pytest.raises(WriteError, match=r"folder is in the place|intact"):
        write(tmp_path / "folder", b"x")
    with pytest.raises(WriteError, match="name is too long"):
        write(tmp_path / ("x" * 300), b"x")
    with pytest.raises(WriteError):
        write(Path("/proc/segkit"), b"x")


def test_F54_a_write_protected_file_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write what is protected
    with pytest.raises(WriteError, match="may not be written"):
        write(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_F54_a_folder_that_vanishes_meanwhile(tmp_path: Path) -> None:
    place = tmp_path / "usb"
    place.mkdir()
    gone = pytest.raises(WriteError, match="the folder is not there")
    with gone, atomic_write(place / "a") as file:
        file.write(b"x")
        place.rename(tmp_path / "unplugged")
    with pytest.raises(WriteError), staged_folder(tmp_path / "s") as folder:
        folder.rmdir()
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("kind", ["file", "folder", "zip"])
def test_F53_a_full_disk_keeps_the_old_one(tmp_path: Path, kind: str) -> None:
    target = tmp_path / {"file": "a.bin", "folder": "d", "zip": "a.zip"}[kind]
    child = str(Path(__file__).with_name("full_disk_child.py"))
    sizes = [0, 1, 100, 3_000, 12_000] + ([] if kind == "folder" else [30_000])
    done = subprocess.run(
        [sys.executable, child, kind, str(target), *map(str, sizes)], capture_output=True, text=True
    )
    assert done.stderr == ""
    result = json.loads(done.stdout)
    assert result["same"]
    assert len(result["said"]) == len(sizes)
    for said in result["said"]:
        assert "larger than allowed" in said
        assert "what was there before is intact" in said


def test_F52_leftovers_of_dead_processes_are_swept_and_no_others(tmp_path: Path) -> None:
    dead_file, dead_folder = leftover(tmp_path), leftover(tmp_path, number=7)
    dead_file.write_bytes(b"x")
    (dead_folder / "sub").mkdir(parents=True)
    living = [
        leftover(tmp_path, pid=os.getpid()),
        leftover(tmp_path, pid=os.getppid()),
        tmp_path / f".segkit-tmp-00000000-{DEAD}-0",  # of another machine on a shared disk
        tmp_path / ".segkit-tmp-mine",
        tmp_path / "a.tmp",
    ]
    for path in living:
        path.write_bytes(b"x")
    sweep(tmp_path, now=True)
    assert sorted(tmp_path.iterdir()) == sorted(living)


def test_sweeping_is_not_done_at_every_write(tmp_path: Path) -> None:
    write(tmp_path / "a", b"x")
    leftover(tmp_path).write_bytes(b"x")
    write(tmp_path / "a", b"x")
    assert leftover(tmp_path).exists()
    atomic._swept.clear()
    write(tmp_path / "a", b"x")
    assert not leftover(tmp_path).exists()


def test_F55_a_second_save_of_the_same_path_waits(tmp_path: Path) -> None:
    path, order = tmp_path / "a", []
    inside = threading.Event()

    def autosave() -> None:
        with atomic_write(path) as file:
            order.append("autosave begins")
            inside.set()
            time.sleep(0.1)
            file.write(b"autosave")
            order.append("autosave ends")

    thread = threading.Thread(target=autosave)
    thread.start()
    inside.wait()
    with atomic_write(tmp_path / "b") as other:  # another path does not wait
        other.write(b"")
        order.append("other")
    with atomic_write(tmp_path / "." / "a") as file:
        order.append("save begins")
        file.write(b"save")
    thread.join()
    assert order == ["autosave begins", "other", "autosave ends", "save begins"]
    assert path.read_bytes() == b"save"
    assert atomic._locks == {}


def test_many_threads_and_one_path(tmp_path: Path) -> None:
    path = tmp_path / "a"
    threads = [threading.Thread(target=write, args=(path, bytes([k]) * 50_000)) for k in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(path.read_bytes())) == 1
    assert list(tmp_path.iterdir()) == [path]


def test_a_staged_file_can_be_discarded_twice(tmp_path: Path) -> None:
    staged = StagedFile(tmp_path / "a")
    staged.file.write(b"x")
    staged.discard()
    staged.discard()
    assert list(tmp_path.iterdir()) == []


# --- folders -----------------------------------------------------------------------------------


def fill(folder: Path, text: str) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "a.txt").write_text(text)


def is_mine(folder: Path) -> bool:
    return (folder / "sub").is_dir()


@pytest.mark.parametrize("exchange", [True, False])
def test_a_folder_is_built_and_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exchange: bool
) -> None:
    if not exchange:
        monkeypatch.setattr(staging, "_exchange", lambda *_: False)
    target = tmp_path / "x"
    for text in ("one", "two"):
        with staged_folder(target, overwrite=True, replaceable=is_mine) as folder:
            assert folder.parent == tmp_path
            fill(folder, text)
        assert (target / "sub" / "a.txt").read_text() == text
        assert list(tmp_path.iterdir()) == [target]


def test_a_failure_leaves_the_old_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "x"
    with staged_folder(target) as folder:
        fill(folder, "old")
    again = {"overwrite": True, "replaceable": is_mine}
    with pytest.raises(KeyError), staged_folder(target, **again) as folder:  # noqa: PT012
        fill(folder, "new")
        raise KeyError
    rename = os.rename

    def refuse_second(one: Path, other: Path) -> None:
        if Path(one).name.startswith(".segkit-tmp"):
            raise OSError(errno.EIO, "no")
        rename(one, other)

    monkeypatch.setattr(staging, "_exchange", lambda *_: False)
    monkeypatch.setattr(os, "rename", refuse_second)
    with pytest.raises(WriteError), staged_folder(target, **again) as folder:
        fill(folder, "new")
    assert (target / "sub" / "a.txt").read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_many_files_are_flushed_by_the_whole_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "_MANY", 0)
    with staged_folder(tmp_path / "x") as folder:
        fill(folder, "one")
    monkeypatch.setattr(staging, "_sync_disk", lambda _: False)
    with staged_folder(tmp_path / "y") as folder:
        fill(folder, "one")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x", "y"]


def test_a_folder_that_was_moved_away_is_put_back(tmp_path: Path) -> None:
    moved = leftover(tmp_path, "old")
    (moved / "x").mkdir(parents=True)
    atomic.put_back(tmp_path / "x")
    assert list(tmp_path.iterdir()) == [tmp_path / "x"]
    (moved / "x").mkdir(parents=True)
    sweep(tmp_path, now=True)  # the new one is in its place: the old one goes
    assert list(tmp_path.iterdir()) == [tmp_path / "x"]


def test_what_is_no_dataset_is_never_replaced(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "thesis.txt").write_text("years")
    for options in ({}, {"overwrite": True}, {"overwrite": True, "replaceable": is_mine}):
        with pytest.raises(DatasetError), staged_folder(home, **options):
            pass
    (tmp_path / "link").symlink_to(home)
    with pytest.raises(DatasetError), staged_folder(tmp_path / "link", overwrite=True):
        pass
    assert (home / "thesis.txt").read_text() == "years"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["home", "link"]


def test_an_empty_folder_and_file_managers_litter_are_no_hindrance(tmp_path: Path) -> None:
    target = tmp_path / "x"
    target.mkdir()
    (target / ".DS_Store").write_bytes(b"")
    with staged_folder(target) as folder:
        fill(folder, "new")
    assert is_mine(target)


def test_who_comes_first_keeps_the_place(tmp_path: Path) -> None:
    first, second = (
        StagedFolder(tmp_path / "x", overwrite=False, replaceable=is_mine) for _ in range(2)
    )
    fill(first.path, "first")
    fill(second.path, "second")
    first.commit()
    with pytest.raises(DatasetError, match="something at the target"):
        second.commit()
    second.discard()
    assert (tmp_path / "x" / "sub" / "a.txt").read_text() == "first"
    assert temporary_beside(tmp_path / "x").parent == tmp_path


def test_what_an_interrupt_left_unfinished_goes_at_the_exit(tmp_path: Path) -> None:
    """Ctrl+C between the making of a temporary and the code that would discard it."""
    child = (
        "import sys; from pathlib import Path\n"
        "from napari_segkit.data.atomic import StagedFile\n"
        "from napari_segkit.data.staging import StagedFolder\n"
        "place = Path(sys.argv[1])\n"
        "folder = StagedFolder(place / 'set', overwrite=False, replaceable=lambda _: False)\n"
        "(folder.path / 'half').write_text('x')\n"
        "done = StagedFile(place / 'done'); done.file.write(b'whole'); done.commit()\n"
        "StagedFile(place / 'file').file.write(b'x')\n"
        "assert len(list(place.iterdir())) == 3\n"
        "raise KeyboardInterrupt\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", child, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert "KeyboardInterrupt" in ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["done"]

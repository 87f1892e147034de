"""F52, F53, F56: killed at any moment, or on a full disk, the last step is there."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from napari_segkit.data.store import Store
from napari_segkit.errors import SegkitError
from tests.data.store.samples import mask, photo, record

HERE = Path(__file__).parent

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="POSIX processes")


def run(child: str, *arguments: str) -> dict:
    done = subprocess.run(
        [sys.executable, str(HERE / child), *arguments], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_F52_F56_killed_at_every_disk_call(tmp_path: Path) -> None:
    memory = Path("/dev/shm")  # a process is killed there as dead as on a disk, and far faster
    place = tempfile.mkdtemp(dir=memory if os.access(memory, os.W_OK) else tmp_path)
    try:
        result = run("kill_child.py", f"{place}/x")
    finally:
        shutil.rmtree(place)
    assert result["wrong"] == []
    assert result["kills"] >= 100
    assert result["found"] == list(range(9))


def test_F53_a_full_disk_keeps_what_was_there_and_says_so_until_there_is_room(
    tmp_path: Path,
) -> None:
    result = run("full_disk_child.py", str(tmp_path / "x"))
    refused = [text for text in result["said"] if text != "done"]
    assert len(refused) >= 7
    assert all("what was there before is intact" in text for text in refused)
    assert set(result["kept"][:7]) == {1}
    assert result["kept"][-1] == 5


CHILD = """
import sys, time
from pathlib import Path
from napari_segkit.data.store import Record, Status, Store
store = Store.open(Path(sys.argv[1]))
store.append("a", [], Record(name="a", status=Status.SKIPPED, edits=3))
print("ready", flush=True)
time.sleep(600)
"""


def test_F57_a_dead_program_is_no_lock_and_its_work_is_offered_back(tmp_path: Path) -> None:
    photo(tmp_path / "a.png")
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        looking = Store.open(tmp_path)
        assert looking.read_only
        assert f"process {child.pid}" in looking.notes[0]
    finally:
        child.send_signal(signal.SIGKILL)
        child.communicate()
    lock = tmp_path / ".segkit" / "lock"
    lock.write_text(lock.read_text().replace(str(child.pid), str(os.getpid())))  # a pid used again
    with Store.open(tmp_path) as store:
        assert not store.read_only
        assert store.recovered == ("a",)
        assert store.load("a").record.edits == 3
    with Store.open(tmp_path) as store:
        assert store.recovered == ()


READ_ONLY = """
import os, sys
from pathlib import Path
import platformdirs.unix  # before this user may not read the environment any more
from napari_segkit.data.store import Record, Store
os.setgroups([]); os.setgid(65534); os.setuid(65534)
with Store.open(Path(sys.argv[1])) as store:
    store.append("a", [], Record(name="a", edits=3))
    print(store.place, store.notes, sep="|")
"""


@pytest.mark.skipif(os.name == "nt" or os.getuid() != 0, reason="needs two users")
def test_F54_a_read_only_folder_keeps_its_store_in_the_users_data() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, home = Path(name) / "photos", Path(name) / "home"
        photo(folder / "a.png")
        home.mkdir()
        for place in (Path(name), home):
            place.chmod(0o777)
        done = subprocess.run(
            [sys.executable, "-c", READ_ONLY, str(folder)],
            capture_output=True,
            text=True,
            env={**os.environ, "XDG_DATA_HOME": str(home), "HOME": str(home)},
            cwd="/",
        )
        assert done.returncode == 0, done.stderr
        place, notes = done.stdout.split("|")
        assert Path(place).is_relative_to(home)
        assert "cannot be written" in notes
        assert not (folder / ".segkit").exists()


def test_F54_a_vanished_folder_is_said_and_nothing_is_lost_in_memory(tmp_path: Path) -> None:
    photo(tmp_path / "x" / "a.png")
    with Store.open(tmp_path / "x") as store:
        store.save("a", mask(), record("a", 1))
        shutil.move(tmp_path / "x", tmp_path / "y")
        with pytest.raises(SegkitError):
            store.save("a", mask(2), record("a", 2))
        shutil.move(tmp_path / "y", tmp_path / "x")
        store.save("a", mask(2), record("a", 2))
        assert np.array_equal(store.load("a").labels, mask(2))

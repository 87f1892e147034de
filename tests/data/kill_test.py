"""F52: kill -9 at any write leaves the old file or the new one, and the next save clears up."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

CHILD = Path(__file__).with_name("kill_child.py")

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the child forks")


@pytest.mark.parametrize(
    ("scenario", "least"),
    [
        ("file-fresh", 8),
        ("file-overwrite", 8),
        ("zip-fresh", 40),
        ("zip-overwrite", 40),
        ("folder-fresh", 30),
        ("folder-overwrite", 50),
        ("folder-renames", 50),  # where the system cannot exchange two folders
    ],
)
def test_F52_killed_at_every_disk_call(scenario: str, least: int, tmp_path: Path) -> None:
    memory = Path("/dev/shm")  # a process is killed there as dead as on a disk, and far faster
    place = tempfile.mkdtemp(dir=memory if os.access(memory, os.W_OK) else tmp_path)
    try:
        done = subprocess.run(
            [sys.executable, str(CHILD), scenario, f"{place}/x"], capture_output=True, text=True
        )
    finally:
        shutil.rmtree(place)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["kills"] >= least
    assert set(result["found"]) == {"old", "new"}
    assert result["left"] == []

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_SCRIPT = """
import sys
import numpy as np
from napari_segkit.training.heap import keep_freed

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

if sys.argv[1] == "kept" and not keep_freed():
    sys.exit("not glibc")
before = resident()
piece = np.ones(100 << 20, np.uint8)
del piece
print(resident() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize(("how", "least", "most"), [("kept", 95, 200), ("as it is", -10, 20)])
def test_what_a_step_frees_stays_for_the_next(how: str, least: int, most: int) -> None:
    """In a process of its own: it cannot be undone."""
    ran = subprocess.run([sys.executable, "-c", _SCRIPT, how], capture_output=True, text=True)
    if "not glibc" in ran.stderr:
        pytest.skip("the C library is not glibc")
    assert ran.returncode == 0, ran.stderr
    assert least <= int(ran.stdout) / (1 << 20) <= most


def test_other_systems_are_left_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    from napari_segkit.training import heap

    monkeypatch.setattr(heap.sys, "platform", "win32")
    assert heap.keep_freed() is False

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from napari_segkit.heap import give_back, keep_freed

_SCRIPT = """
import os
import sys
import numpy as np
from napari_segkit.heap import keep_freed

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

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


def test_free_memory_is_given_back_where_the_c_library_can() -> None:
    can = sys.platform == "linux" and hasattr(ctypes.CDLL(None), "malloc_trim")
    assert give_back() is can


def test_nothing_is_asked_of_another_c_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: SimpleNamespace())  # as musl
    assert give_back() is False
    assert keep_freed() is False


@pytest.mark.parametrize("system", ["win32", "darwin"])
def test_nothing_is_asked_of_another_system(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.delattr(ctypes, "CDLL")
    assert give_back() is False
    assert keep_freed() is False

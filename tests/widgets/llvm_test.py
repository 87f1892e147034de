"""Mesa's LLVM and triton's are not loaded into one process; elsewhere triton is left alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_RUN = """
import sys
from pathlib import Path
from napari_segkit.widgets import _llvm
_llvm._MAPS = Path(sys.argv[1])
_llvm.keep_triton_out()
print("triton" in sys.modules and sys.modules["triton"] is None)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Mesa's way of drawing")
@pytest.mark.parametrize(("library", "out"), [("libLLVM.so.15", True), ("libGLX_nvidia", False)])
def test_triton_is_kept_out_where_mesas_llvm_is_loaded(
    tmp_path: Path, library: str, out: bool
) -> None:
    maps = tmp_path / "maps"
    maps.write_text(f"7f00-7f01 r-xp 0000 00:00 1  /usr/lib/{library}\n")
    run = [sys.executable, "-c", _RUN, str(maps)]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(out)
    maps.unlink()
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"

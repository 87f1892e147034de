"""Two LLVMs in one process end it: Mesa's, which draws the window, and the one inside of triton.

torchvision (which segment_anything needs) asks torch whether triton is there, and torch finds out
by importing it. In a window that Mesa draws in software, or on some graphics cards, that is a
segmentation fault (seen with Mesa's llvmpipe and triton 3).
"""

from __future__ import annotations

import sys
from pathlib import Path

_MAPS = Path("/proc/self/maps")


def keep_triton_out() -> None:
    """Make `import triton` fail from now on where Mesa's LLVM is loaded and triton is not.

    Nothing here uses triton: it is what `torch.compile` needs on a GPU.
    """
    if "triton" in sys.modules or not sys.platform.startswith("linux"):
        return
    try:
        loaded = _MAPS.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    if "libLLVM" in loaded:
        sys.modules["triton"] = None  # type: ignore[assignment]

"""Freed memory kept by the process, since the next training step wants the same again.

glibc takes tensors of over 32 MiB from the system one by one and gives each back when it is freed,
so a step on a CPU would have the system clear gigabytes of pages. How long that takes, and what it
costs in memory to keep them: `benchmarks/training_speed.py`.
"""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
"""Of ``malloc.h``; see mallopt(3)."""


def keep_freed() -> bool:
    """Keep what is freed for as long as the process runs.

    Returns
    -------
    Whether the C library can; only glibc does.
    """
    option = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if option is None:
        return False
    settings = {_MMAP_MAX: 0, _TRIM_THRESHOLD: -1, _TOP_PAD: 64 << 20}
    done = [option(key, value) for key, value in settings.items()]
    return all(done)

"""What the C library does with freed memory: given back to the system, or kept for the next step.

glibc keeps small pieces: once an array of some size was freed, the next ones of that size come from
its heap, which ends below the highest piece in use and so hardly ever shrinks. A window in which
hundreds of images were looked at would hold that room until it is closed (`give_back`). Pieces of
over 32 MiB it takes from the system one by one and gives each back when it is freed, so that in
every step of a training on a CPU the system clears gigabytes of pages (`keep_freed`; what it brings
and costs: ``benchmarks/training_speed.py``).
"""

from __future__ import annotations

import ctypes
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
"""Of ``malloc.h``; see mallopt(3)."""


def give_back() -> bool:
    """Give free pages back to the system.

    Other threads that want memory wait meanwhile, so it is for a job's thread, and not for every
    image.

    Returns
    -------
    Whether the C library can; only glibc does.
    """
    trim = _of_glibc("malloc_trim")
    if trim is None:
        return False
    trim(0)
    return True


def keep_freed() -> bool:
    """Keep what is freed for as long as the process runs.

    Pieces of over 64 MiB that another thread than the main one asks for are still given back.

    Returns
    -------
    Whether the C library can; only glibc does.
    """
    option = _of_glibc("mallopt")
    if option is None:
        return False
    settings = {_MMAP_MAX: 0, _TRIM_THRESHOLD: -1, _TOP_PAD: 64 << 20}
    done = [option(key, value) for key, value in settings.items()]
    return all(done)


def _of_glibc(name: str) -> Callable[..., Any] | None:
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None

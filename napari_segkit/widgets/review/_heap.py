"""Room of images that were let go, given back to the system.

glibc keeps what is freed: once an array of some size was freed, the next ones of that size come
from its heap, which ends below the highest piece in use and so hardly ever shrinks. A window in
which hundreds of images were looked at would hold that room until it is closed.
"""

from __future__ import annotations

import ctypes
import sys


def give_back() -> bool:
    """Give free pages back to the system.

    Other threads that want memory wait meanwhile, so it is for a job's thread, and not for every
    image.

    Returns
    -------
    Whether the C library can; only glibc does.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is None:
        return False
    trim(0)
    return True

"""Python's garbage collector, kept still while a thread imports much.

A full collection walks everything that napari and torch hold, and Python's lock is held meanwhile:
0.2 to 0.5 s in which a window stands still. Torch's imports and the conversion of a network set off
four of them, with nothing to collect.
"""

from __future__ import annotations

import gc
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """Collect nothing meanwhile, in any thread; several threads may rest it at a time.

    Where modules were imported, what they brought goes straight to the oldest generation, as after
    three collections; garbage among it is found by the next full one.
    """
    was_on, known = gc.isenabled(), len(sys.modules)
    gc.disable()
    try:
        yield
    finally:
        if len(sys.modules) > known:
            gc.freeze()
            gc.unfreeze()
        if was_on:
            gc.enable()

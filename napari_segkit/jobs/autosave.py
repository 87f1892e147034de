"""Write down what a person does, soon after it is done; no window, no clock of its own.

::

    autosave.mark(box)                             # at every change
    if autosave.due(now):
        change = autosave.take(labels, record)     # copies the changed tiles: a millisecond
        error = autosave.write(change)             # on another thread: the disk
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_segkit.data.store import DirtyTiles
from napari_segkit.errors import SegkitError

if TYPE_CHECKING:
    from napari_segkit.data.store import Record, Store, Tile
    from napari_segkit.ops.delta import Rect
    from napari_segkit.types import Labels

QUIET_S = 0.5
"""After the last change; a stroke is not cut in pieces."""
LATEST_S = 1.5
"""After the first change, however busy the person is: with the write itself, below two."""


@dataclass(frozen=True)
class Change:
    """What is to be written: copies, so that the person can go on."""

    tiles: tuple[Tile, ...]
    record: Record


class Autosave:
    """Of one image.

    Parameters
    ----------
    name
        Of the image in ``store``.
    shape
        (H, W) of its mask.

    Attributes
    ----------
    failing
        Whether the last write failed.
    """

    def __init__(self, store: Store, name: str, shape: tuple[int, int]) -> None:
        self._store, self._name = store, name
        self._tiles = DirtyTiles(shape)
        self._first: float | None = None
        self._last = 0.0
        self.failing = False
        self._guard = threading.Lock()

    @property
    def dirty(self) -> bool:
        """Whether something is not on the disk yet."""
        return self._first is not None

    def mark(self, box: Rect | None, now: float) -> None:
        """Say that pixels in a box changed, or (``None``) only the record."""
        with self._guard:
            if box is not None:
                self._tiles.mark(box)
            self._first = now if self._first is None else self._first
            self._last = now

    def due(self, now: float) -> bool:
        """Whether it is time to write."""
        if self._first is None:
            return False
        return now - self._last >= QUIET_S or now - self._first >= LATEST_S

    def take(self, labels: Labels, record: Record) -> Change:
        """Copy what changed since the last time."""
        with self._guard:
            self._first = None
            return Change(tuple(self._tiles.take(labels)), record)

    def write(self, change: Change, *, now: float = 0.0) -> SegkitError | None:
        """Put a change on the disk; what could not be written is due again.

        Returns
        -------
        What went wrong, the first time; then ``None`` until it has worked again, so that a full
        disk is told once.
        """
        try:
            self._store.append(self._name, change.tiles, change.record)
        except SegkitError as error:
            told = self.failing
            self.failed(change, now=now)
            return None if told else error
        self.failing = False
        return None

    def failed(self, change: Change, *, now: float) -> None:
        """Make a change due again that could not be written."""
        with self._guard:
            self._tiles.put_back(change.tiles)
            self._first = self._last = now
        self.failing = True

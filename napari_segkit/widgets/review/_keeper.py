"""Saves open images soon after every change; nothing is lost when the window goes."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QTimer, Signal

from napari_segkit.errors import ChangedError
from napari_segkit.widgets._dock import when_destroyed
from napari_segkit.widgets.review._saving import WriteLane, save_changes, saving_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_segkit.data.store import Store
    from napari_segkit.errors import SegkitError
    from napari_segkit.widgets.review._opened import OpenImage
    from napari_segkit.widgets.review._saving import Backlog
    from napari_segkit.widgets.review._shelf import Shelf

_TICK_MS = 100


class Keeper(QObject):
    """Writes what is dirty on a shelf; the timer runs only while something is.

    Deleted with its window, it writes what is left, then lets the folder go.

    Attributes
    ----------
    store
        Where to; ``None``: nothing is written.
    failing
        Whether the disk refuses.
    """

    saved = Signal(str)
    """Name of an image of which something was written."""
    failed = Signal(object)
    """A `SegkitError`: the disk refuses; told once, until it works again."""
    mended = Signal()
    """It works again."""
    conflict = Signal(str, object)
    """Name and `SegkitError`: another program changed what is stored of it."""

    def __init__(self, shelf: Shelf, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._shelf = shelf
        self.failing = False
        self.lane = WriteLane(self)
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._on_tick)
        self._last = _Last(shelf, self.lane.backlog)
        when_destroyed(self, self._last.write)

    @property
    def store(self) -> Store | None:
        """Where to; ``None``: nothing is written."""
        return self._last.store

    @store.setter
    def store(self, store: Store | None) -> None:
        self._last.store = store
        self.failing = False

    @property
    def busy(self) -> bool:
        """Whether something is not on the disk yet."""
        return self.lane.busy or self._timer.isActive()

    def watch(self) -> None:
        """Something became dirty."""
        if not self._timer.isActive():
            self._timer.start()

    def save(self, one: OpenImage) -> None:
        """Write an image now, after what is being written."""
        if self.store is not None and one.autosave is not None:
            one.writing += 1
            save_changes(self.lane, self.store, one, self._then(one))

    def save_if_dirty(self, one: OpenImage) -> None:
        """Write an image that is being left."""
        if not (one.clean or one.writing or one.conflict):
            self.save(one)

    def keep_mine(self, one: OpenImage) -> None:
        """Answer a conflict: the window's mask counts; the other one is kept as a file."""
        saving = None if self.store is None else saving_of(self.store, one)
        one.conflict = False
        if saving is not None:
            one.writing += 1
            self.lane.put(partial(saving.whole, mine=True), self._then(one))

    def finish(self) -> list[OpenImage]:
        """Write everything before this returns; returns what the disk refused."""
        for one in self._shelf:
            if one.conflict:
                self.keep_mine(one)
            elif not one.clean:
                self.save(one)
        self.lane.finish()
        self._timer.stop()
        return [one for one in self._shelf if one.failing]

    def _on_tick(self) -> None:
        now = time.monotonic()
        dirty = [one for one in self._shelf if not (one.clean or one.conflict)]
        for one in dirty:
            if not one.writing and one.autosave is not None and one.autosave.due(now):
                self.save(one)
        if not dirty:
            self._timer.stop()

    def _then(self, one: OpenImage) -> Callable[[SegkitError | None], None]:
        return partial(self._on_written, one, one.version, self.store)

    def _on_written(
        self, one: OpenImage, version: int, store: Store | None, error: SegkitError | None
    ) -> None:
        one.writing -= 1
        if self.store is not store:
            return  # told by `finish`
        if isinstance(error, ChangedError):
            one.conflict = True
            self.conflict.emit(one.name, error)
        elif one.failing:
            if error is not None and not self.failing:
                self.failed.emit(error)
            self.failing = True
            self.watch()
        else:
            self._on_success(one, version)

    def _on_success(self, one: OpenImage, version: int) -> None:
        if one.version != version:
            one.dirty_again()
        else:
            one.predicted_here = False
        if self.failing:
            self.failing = False
            self.mended.emit()
        self.saved.emit(one.name)


class _Last:
    """What is left of a keeper when Qt has deleted it: the work."""

    def __init__(self, shelf: Shelf, backlog: Backlog) -> None:
        self._shelf, self._backlog = shelf, backlog
        self.store: Store | None = None

    def write(self) -> None:
        """Write what is dirty, let the folder go."""
        if self.store is None:
            return
        self._backlog.write_all()
        for one in self._shelf:
            dirty = one.autosave is not None and (one.autosave.dirty or one.conflict)
            saving = saving_of(self.store, one) if dirty else None
            if saving is not None:
                saving.whole(mine=one.conflict)
        self.store.close()

"""Writes to the store one after the other, outside of the GUI thread; none is lost."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

from napari_segkit.data.store import Status
from napari_segkit.errors import SegkitError
from napari_segkit.jobs.review import DONE, decide
from napari_segkit.types import Progress
from napari_segkit.widgets._dock import when_destroyed
from napari_segkit.widgets._worker import Failure, JobRunner

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_segkit.data.store import Store
    from napari_segkit.jobs.autosave import Autosave
    from napari_segkit.jobs.review_open import Moment
    from napari_segkit.types import Job
    from napari_segkit.widgets.masks._merge import Written
    from napari_segkit.widgets.review._opened import OpenImage


class Backlog:
    """What is to be written, oldest first. Whoever empties it waits for who does so already."""

    def __init__(self) -> None:
        self._items: deque[Callable[[], SegkitError | None]] = deque()
        self._guard = threading.Lock()

    def __len__(self) -> int:
        return len(self._items)

    def put(self, work: Callable[[], SegkitError | None]) -> None:
        """Add to the end."""
        self._items.append(work)

    def write_one(self) -> SegkitError | None:
        """Write the oldest; what went wrong."""
        with self._guard:
            return self._items.popleft()() if self._items else None

    def write_all(self) -> None:
        """Write everything now; errors are as good as told: nobody looks any more."""
        while self._items:
            self.write_one()


class WriteLane(QObject):
    """Empties a backlog in a thread, and tells the GUI thread of each write.

    Deleted with its window, it writes what is left before it goes.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.backlog = Backlog()
        self._runner = JobRunner(self)
        self._waiting: deque[Callable[[SegkitError | None], None]] = deque()
        self._runner.done.connect(self._on_done)
        self._runner.failed.connect(self._on_failed)
        when_destroyed(self, self.backlog.write_all)

    @property
    def busy(self) -> bool:
        """Whether something is being written or waits."""
        return bool(self._waiting)

    def put(
        self,
        work: Callable[[], SegkitError | None],
        then: Callable[[SegkitError | None], None],
    ) -> None:
        """Write something; ``then`` gets what went wrong, in the GUI thread."""
        self.backlog.put(work)
        self._waiting.append(then)
        self._go_on()

    def finish(self) -> None:
        """Write everything before this returns."""
        self.backlog.write_all()

    def _go_on(self) -> None:
        if self._waiting and not self._runner.running:
            self._runner.start(_write(self.backlog), title="Save masks")

    def _on_done(self, error: SegkitError | None) -> None:
        then = self._waiting.popleft()
        then(error)
        self._go_on()

    def _on_failed(self, failure: Failure) -> None:
        """A bug: told like an error of the disk, so that the work stays dirty."""
        self._on_done(SegkitError(failure.sentence))


def _write(backlog: Backlog) -> Job[SegkitError | None]:
    yield Progress(0, None, "saving")
    return backlog.write_one()


@dataclass(frozen=True)
class Saving:
    """One image's work on its way to the disk.

    Attributes
    ----------
    written
        What a model wrote in the window, to be kept as its first mask.
    """

    store: Store
    name: str
    autosave: Autosave
    moment: Moment
    written: Written | None = None

    def changes(self) -> SegkitError | None:
        """Write what changed."""
        change = self.autosave.take(self.moment.labels, self.moment.record_now())
        error = self.autosave.write(change, now=time.monotonic())
        if not self.autosave.failing and self.store.line(self.name).crowded:
            return self.whole()
        return error

    def whole(self, *, mine: bool = False) -> SegkitError | None:
        """Write everything; an accepted image with how good its prediction was.

        Parameters
        ----------
        mine
            Keep what another program wrote under another name.
        """
        moment, labels = self.moment.agreeing(), self.moment.labels
        change = self.autosave.take(labels, moment.record)
        try:
            if mine:
                self.store.set_aside(self.name)
            record = moment.record_now()
            if self.written is not None:
                found = self.written.labels((labels.shape[0], labels.shape[1]))
                self.store.save(self.name, labels, record, predicted=found, force=mine)
            if self.written is None or record.status is Status.ACCEPTED:
                decide(self.store, self.name, record.status, labels, record)
        except SegkitError as error:
            self.autosave.failed(change, now=time.monotonic())
            return error
        self.autosave.failing = False
        return None


def save_changes(
    lane: WriteLane, store: Store, one: OpenImage, then: Callable[[SegkitError | None], None]
) -> None:
    """Put on the lane what changed in an image; all of it where a decision or a run is in it."""
    saving = saving_of(store, one)
    if saving is None:
        return
    whole = saving.written is not None or saving.moment.record.status in DONE
    lane.put(saving.whole if whole else saving.changes, then)


def saving_of(store: Store, one: OpenImage) -> Saving | None:
    """Take down an image's work; ``None`` where nothing may be written."""
    if one.autosave is None or one.lost:
        return None
    written = one.exhibit.written if one.predicted_here else None
    return Saving(store, one.name, one.autosave, one.moment(), written)

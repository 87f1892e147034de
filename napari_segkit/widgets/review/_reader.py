"""Reads images of a folder with their masks outside of the GUI thread, the next one ahead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QObject, Signal

from napari_segkit.heap import give_back
from napari_segkit.jobs.review_open import Blocked, OpenNames, read_work
from napari_segkit.types import Progress
from napari_segkit.widgets._worker import Failure, JobRunner
from napari_segkit.widgets.masks._colors import Palette, palette_of
from napari_segkit.widgets.masks._masks import warm_up
from napari_segkit.widgets.masks._merge import Written

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.utils.colormaps import DirectLabelColormap

    from napari_segkit.data.store import Store
    from napari_segkit.jobs.review_open import Predictor, ReadImage
    from napari_segkit.types import Job

_BETWEEN = 8
"""Images between two times that free memory is given back; that takes some 5 ms."""


@dataclass(frozen=True)
class Prepared:
    """An image that can be shown at once.

    Attributes
    ----------
    written
        What its stored run had found.
    look
        Colours of its objects (3,000 take 100 ms to make); ``None`` where it has no classes yet.
    """

    read: ReadImage
    written: Written | None
    look: tuple[Palette, DirectLabelColormap] | None
    generation: int

    @property
    def name(self) -> str:
        """Of the image."""
        return self.read.name


class ImageReader(QObject):
    """The image that is wanted, and the one after it, of one folder at a time.

    The wanted one is never kept waiting by a prediction: where the next image is asked for while
    it is still being predicted, it is read without.

    Parameters
    ----------
    is_open
        Whether the window has the layers of an image.

    Attributes
    ----------
    opened
        Images of the folder that are read or being read: no job predicts them.
    """

    ready = Signal(object)
    """A `Prepared` or a `Blocked`: the image that was wanted."""
    failed = Signal(str, object)
    """Name and `Failure` of the image that was wanted."""
    idle = Signal()
    """The image ahead is there, or cannot be."""

    def __init__(self, is_open: Callable[[str], bool], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.opened, self._is_open = OpenNames(), is_open
        self._store: Store | None = None
        self._generation = 0
        self._now, self._ahead = JobRunner(self), JobRunner(self)
        self._wanted = self._reading = self._ahead_of = ""
        self._predicting = False
        self._aheads = 0
        self._next: tuple[str, Predictor | None] | None = None
        self._prepared: Prepared | None = None
        self._now.done.connect(self._on_now_done)
        self._now.failed.connect(self._on_now_failed)
        self._now.cancelled.connect(self._on_now_cancelled)
        self._ahead.done.connect(self._on_ahead_done)
        self._ahead.failed.connect(self._on_ahead_end)
        self._ahead.cancelled.connect(self._on_ahead_end)

    @property
    def wanted(self) -> str:
        """Name of the image that is wanted and not there yet."""
        return self._wanted

    @property
    def ahead_busy(self) -> bool:
        """Whether an image is being prepared."""
        return self._ahead.running or self._next is not None

    @property
    def prepared(self) -> str:
        """Name of the image that is ready; empty for none."""
        return "" if self._prepared is None else self._prepared.name

    def begin(self, store: Store | None) -> None:
        """Read another folder's images, or none; everything before is given up."""
        self._store, self._generation = store, self._generation + 1
        self.opened, self._prepared = OpenNames(), None
        self._wanted, self._next = "", None
        self._now.cancel()
        self._ahead.cancel()

    def want(self, name: str) -> None:
        """Wish for an image, in the place of any other."""
        self._wanted = name
        if self.prepared == name:
            self._give(self._prepared)
        elif self._now.running:
            if self._reading != name:
                self._now.cancel()
        else:
            self._start()

    def prepare(self, name: str, predictor: Predictor | None) -> None:
        """Get an image ready that is likely to be wanted next; an earlier one is given up."""
        if name in (self.prepared, self._ahead_of, self._wanted):
            return
        self.give_up_ahead()
        self._next = name, predictor
        if not self._ahead.running:
            self._start_ahead()

    def give_up_ahead(self) -> None:
        """Forget what was prepared."""
        before, self._prepared, self._next = self.prepared, None, None
        if before:
            self._let_go(before)
        self._ahead.cancel()

    def _give(self, answer: Prepared | Blocked | None) -> None:
        self._wanted = ""
        if isinstance(answer, Prepared) and answer is self._prepared:
            self._prepared = None
        self.ready.emit(answer)

    def _start(self) -> None:
        if not self._wanted or self._store is None:
            return
        if self._ahead_of == self._wanted:
            if not self._predicting:
                return  # it comes
            self._ahead.cancel()
        self._reading = self._wanted
        job = _prepare(self._store, self._reading, self.opened, None, self._generation)
        self._now.start(job, title=f"Read {self._reading}")

    def _on_now_done(self, answer: Prepared | Blocked) -> None:
        self._reading = ""
        if answer.name == self._wanted and self._fresh(answer):
            self._give(answer)
        else:
            self._let_go(answer.name)
            self._start()

    def _fresh(self, answer: Prepared | Blocked) -> bool:
        """Whether an answer is of this folder."""
        return isinstance(answer, Blocked) or answer.generation == self._generation

    def _let_go(self, name: str) -> None:
        """Let an image be predicted that nobody looks at."""
        if name not in (self._wanted, self.prepared) and not self._is_open(name):
            self.opened.drop(name)

    def _on_now_failed(self, failure: Failure) -> None:
        name, self._reading = self._reading, ""
        if name == self._wanted:
            self._wanted = ""
            self.failed.emit(name, failure)
        else:
            self._start()

    def _on_now_cancelled(self) -> None:
        self._reading = ""
        self._start()

    def _start_ahead(self) -> None:
        if self._next is None or self._store is None:
            return
        (name, predictor), self._next = self._next, None
        self._ahead_of, self._predicting = name, predictor is not None
        job = _prepare(self._store, name, self.opened, predictor, self._generation)
        self._aheads += 1
        if self._aheads % _BETWEEN == 0:
            job = _tidied(job)
        self._ahead.start(job, title=f"Prepare {name}")

    def _on_ahead_done(self, answer: Prepared | Blocked) -> None:
        if isinstance(answer, Blocked):  # told when it is wanted
            pass
        elif answer.name == self._wanted and self._fresh(answer):
            self._ahead_of = ""
            self._give(answer)
        elif self._next is None and self._fresh(answer):
            self._prepared = answer
        else:
            self._let_go(answer.name)
        self._on_ahead_end()

    def _on_ahead_end(self, _failure: Failure | None = None) -> None:
        self._ahead_of = ""
        self._start_ahead()
        if self._wanted and not self._now.running:
            self._start()
        if not self.ahead_busy:
            self.idle.emit()


def _tidied(job: Job[Prepared | Blocked]) -> Job[Prepared | Blocked]:
    give_back()  # the image that had to make room for the open one is gone
    return (yield from job)


def _prepare(
    store: Store, name: str, opened: OpenNames, predictor: Predictor | None, generation: int
) -> Job[Prepared | Blocked]:
    warm_up()
    read = yield from read_work(store, name, opened, predictor)
    if isinstance(read, Blocked):
        return read
    yield Progress(0, None, f"colouring {name}")
    written = None if read.predicted is None else Written.whole(read.predicted)
    look = None
    if read.record.classes:
        palette = palette_of(read.record.instances, read.record.class_defs)
        look = palette, palette.colormap()
        look[1].map(np.zeros((1, 1), read.labels.dtype))  # napari looks every id up: 70 ms
    return Prepared(read, written, look, generation)

"""Asks a promptable model about what a person points at: the image once, then object by object.

::

    look_at(sight) ──> read, load, encode ──> ready ──> want(objects) ──> answers, the newest first
                                                └─ idle ──> the next image ahead of time

One job at a time, each short: at most 16 objects. What was asked about another sight, or is no
longer wanted, is dropped when its answer comes.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QTimer, Signal

from napari_segkit.types import Progress
from napari_segkit.widgets._worker import Failure, JobRunner
from napari_segkit.widgets.rings._looking import ask, look

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from napari_segkit.models.rings import Rings
    from napari_segkit.models.rings_plan import Found
    from napari_segkit.ops.prompt_objects import Asked
    from napari_segkit.types import Job
    from napari_segkit.widgets.rings._looking import Seen, Sight

CHUNK = 16
"""Objects of one job: others, or the person, need not wait long."""
_IDLE = 400
"""Milliseconds of rest before the next image is looked at."""


class Asker(QObject):
    """See the module.

    Attributes
    ----------
    answers
        What was found of the objects that are wanted.
    failure
        Why nothing more is asked; another sight or other objects are tried again.
    started
        When the image began to be looked at, on `time.monotonic`; ``None``: it is not.
    """

    looked = Signal()
    """The state of the image's embedding has changed."""
    answered = Signal(object)
    """The objects that have their answers now: a tuple of `Asked`."""
    progressed = Signal(object)
    """A `Progress` of many objects."""
    failed = Signal(object)
    """A `Failure`."""
    rested = Signal()
    """Everything that was wanted has its answer, or was given up."""

    def __init__(self, model: Rings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._runner = JobRunner(self)
        self._next: Callable[[], Sight | None] = lambda: None
        self._wanted: tuple[Asked, ...] = ()
        self._given_up: set[Asked] = set()
        self._start: NDArray[np.bool_] | None = None
        self._now: tuple[str, Sight, tuple[Asked, ...]] | None = None
        self._ahead: set[tuple[object, ...]] = set()
        self.answers: dict[Asked, Found] = {}
        self.sight: Sight | None = None
        self.seen: Seen | None = None
        self.failure: Failure | None = None
        self.started: float | None = None
        self._idle = QTimer(self)
        self._idle.setSingleShot(True)
        self._idle.setInterval(_IDLE)
        self._connect()

    def _connect(self) -> None:
        self._runner.done.connect(self._on_done)
        self._runner.failed.connect(self._on_failed)
        self._runner.cancelled.connect(self._on_cancelled)
        self._idle.timeout.connect(self._on_idle)

    @property
    def pending(self) -> list[Asked]:
        """What is wanted and has no answer yet, in its order."""
        return [
            one for one in self._wanted if one not in self.answers and one not in self._given_up
        ]

    @property
    def busy(self) -> bool:
        """Whether the person waits for something."""
        looking = self.sight is not None and self.seen is None and self.failure is None
        return looking or (self.failure is None and bool(self.pending))

    @property
    def state(self) -> str:
        """How far the image is, for the person."""
        if self.sight is None:
            return "No image"
        if self.seen is not None:
            done = self.seen.prepared
            how = f"encoded in {done.seconds:.1f} s" if done.fresh else "known already"
            return f"● Ready · {how}"
        if self.failure is not None:
            return "○ Not ready"
        seconds = 0.0 if self.started is None else time.monotonic() - self.started
        return f"◌ Encoding the image · {seconds:.0f} s"

    def set_next(self, choose: Callable[[], Sight | None]) -> None:
        """Say how the sight that will be looked at next is found."""
        self._next = choose

    def look_at(self, sight: Sight | None) -> None:
        """Encode a sight, unless it is the one that is looked at; answers of others go."""
        if sight is not None and self.sight is not None and sight.key == self.sight.key:
            return
        self.sight, self.seen, self.failure, self.started = sight, None, None, None
        self.answers, self._wanted, self._given_up = {}, (), set()
        self._runner.cancel()
        self.looked.emit()
        self._pump()

    def look_again(self) -> None:
        """Forget what is known of the sight: its pixels or its weights have changed."""
        sight, self.sight = self.sight, None
        self.look_at(sight)

    def want(self, objects: tuple[Asked, ...], start: NDArray[np.bool_] | None = None) -> None:
        """Ask for these objects, and no longer for others.

        Parameters
        ----------
        start : (H, W) bool
            What there is of the object that is corrected.
        """
        if objects != self._wanted and self.seen is not None:
            self.failure = None
        self._wanted, self._start = objects, start
        known = set(objects)
        self.answers = {one: found for one, found in self.answers.items() if one in known}
        self._given_up &= known
        if self._now is not None and self._now[0] == "ahead" and self.pending:
            self._runner.cancel()
        self._tell_progress()
        self._pump()

    def stop(self) -> None:
        """Give up what has no answer yet."""
        if self.sight is not None and self.seen is None:
            self.failure = Failure("Stopped: the image is not encoded yet", "")
            self.looked.emit()
        self._given_up |= set(self.pending)
        self._runner.cancel()
        self.rested.emit()

    def _pump(self) -> None:
        """Start what is due."""
        self._idle.stop()
        if self._runner.running or self.sight is None or self.failure is not None:
            return
        if self.seen is None:
            self.started = time.monotonic()
            self._run("look", self.sight, ())
            self.looked.emit()
            return
        pending = self.pending
        if not pending:
            self._idle.start()
            return
        newest = pending[-1]
        alike = [one for one in pending if one.candidate == newest.candidate]
        starts = newest.start is not None
        part = [newest] if starts else [one for one in alike if one.start is None][-CHUNK:]
        self._run("ask", self.sight, tuple(part))

    def _run(self, kind: str, sight: Sight, objects: tuple[Asked, ...]) -> None:
        job: Job[Any]
        if kind == "ask" and self.seen is not None:
            job = ask(self._model, self.seen.image, sight, objects, self._start)
        else:
            job = look(self._model, sight)
        self._now = kind, sight, objects
        self._runner.start(job, title=f"{self._model.title}: {sight.source.name}")

    def _on_done(self, answer: Any) -> None:
        now, self._now = self._now, None
        if now is None:
            return
        kind, sight, objects = now
        current = self.sight is not None and sight.key == self.sight.key
        if kind == "ahead":
            self._ahead.add(sight.key)
        elif not current:
            pass  # of another sight: dropped
        elif kind == "look":
            self.seen, self.started = answer, None
            self.looked.emit()
        else:
            self._take(objects, answer)
        self._pump()
        if current and not self.busy:
            self.rested.emit()

    def _take(self, objects: tuple[Asked, ...], answer: list[Found]) -> None:
        wanted = set(self._wanted)
        found = {a: b for a, b in zip(objects, answer, strict=True) if a in wanted}
        self.answers |= found
        self.answered.emit(tuple(found))
        self._tell_progress()

    def _tell_progress(self) -> None:
        total, left = len(self._wanted), len(self.pending)
        if left > CHUNK or 0 < left < total > CHUNK:
            self.progressed.emit(Progress(total - left, total, "finding objects"))

    def _on_failed(self, failure: Failure) -> None:
        now, self._now = self._now, None
        if now is not None and now[0] == "ahead":
            self._ahead.add(now[1].key)  # told when it is looked at
        elif now is not None and self.sight is not None and now[1].key == self.sight.key:
            self.failure, self.started = failure, None
            self.looked.emit()
            self.failed.emit(failure)
            self.rested.emit()
        self._pump()

    def _on_cancelled(self) -> None:
        self._now = None
        self._pump()

    def _on_idle(self) -> None:
        sight = self._next()
        if sight is None or sight.key in self._ahead or self._runner.running:
            return
        self._run("ahead", sight, ())

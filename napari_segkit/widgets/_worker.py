"""The only thread of the docks: drains a job outside of the GUI thread.

There is no bar in napari's activity dialog: its spinner repaints the whole window all the time,
which on a machine without a GPU made a run ten times as long (measured). Docks have their own bars.

napari's own generator worker loses a RuntimeError (CUDA's out of memory is one) and closes an
aborted generator wherever garbage collection happens to run. Here every end of a job is a value,
`finished` always fires, and the generator is closed in the thread that ran it.

Its `create_worker` also enters every worker into a list of the window's tasks, for the question
before a window with a running job is closed, and never takes one out: after 250 images of a review
932 dead workers were held (measured). Here an entry stands there while its job runs.
"""

from __future__ import annotations

import time
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari import current_viewer
from napari.qt.threading import GeneratorWorker
from napari.utils.task_status import Status
from qtpy.QtCore import QObject, QThreadPool, Signal

from napari_segkit.errors import SegkitError
from napari_segkit.widgets._dock import when_destroyed
from napari_segkit.widgets._llvm import keep_triton_out

if TYPE_CHECKING:
    from napari_segkit.types import Job, Progress

_SECONDS_BETWEEN_REPORTS = 0.2
"""A job may yield thousands of times a second; each repaint composes the whole window anew."""

_THREADS = 8
"""Qt has as many as the machine has cores; a long prediction must not keep a mask from the disk."""


@dataclass(frozen=True)
class Failure:
    """Why a job ended without a result.

    Attributes
    ----------
    sentence
        For the person.
    details
        Kind of error, its parts and, for a bug, the traceback.
    bug
        Whether it is the program's fault.
    """

    sentence: str
    details: str
    bug: bool = False

    @classmethod
    def of(cls, error: Exception) -> Failure:
        """Describe an error; holds neither the error nor what its frames refer to."""
        if isinstance(error, SegkitError):
            parts = [f"{k}: {v}" for k, v in error.as_dict().items() if v is not None]
            return cls(str(error), "\n".join(parts))
        trace = "".join(traceback.format_exception(error))
        sentence = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return cls(f"Something went wrong: {sentence}", trace, bug=True)


@dataclass(frozen=True)
class _Done:
    value: Any


class _JobWorker(GeneratorWorker):
    _gen: Any

    def __init__(self, job: Job[Any]) -> None:
        super().__init__(_steps, job)

    def work(self) -> _Done | Failure | None:
        job, self._gen = self._gen, None
        try:
            keep_triton_out()
            return self._drain(job)
        except Exception as error:  # noqa: BLE001  the end of the thread: told to the person
            return Failure.of(error)
        finally:
            job.close()

    def _drain(self, job: Job[Any]) -> _Done | None:
        reported = 0.0
        while not self.abort_requested:
            try:
                step = next(job)
            except StopIteration as stop:
                return _Done(stop.value)
            if time.monotonic() - reported >= _SECONDS_BETWEEN_REPORTS:
                reported = time.monotonic()
                self.yielded.emit(step)
        self.aborted.emit()
        return None


def _steps(job: Job[Any]) -> Job[Any]:
    return (yield from job)  # napari takes the function that makes a generator, not a generator


def _list_while_running(worker: _JobWorker, title: str) -> None:
    """Have napari name the job when it asks whether to close its window, and then cancel it.

    What napari keeps of a task has no public name; 0.8 and 0.9 have the same.
    """
    viewer = current_viewer()
    if viewer is None:
        return
    window = viewer.window
    key = window._register_task_status(
        "napari-segkit", Status.BUSY, title, cancel_callback=worker.quit
    )
    tasks = window._task_status_manager._tasks
    worker.finished.connect(lambda: tasks.pop(key, None))


class JobRunner(QObject):
    """Runs one job at a time in a thread; its signals arrive in the GUI thread.

    Deleting the runner (a dock, a window) cancels the job; nothing is emitted then.
    """

    progressed = Signal(object)
    """A `Progress`, at most five a second."""
    done = Signal(object)
    """What the job returned."""
    failed = Signal(object)
    """A `Failure`."""
    cancelled = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._current: list[_JobWorker] = []
        self._outcome: _Done | Failure | None = None
        when_destroyed(self, _quit_all, self._current)

    @property
    def running(self) -> bool:
        """Whether a job has been started and not ended."""
        return bool(self._current)

    def start(self, job: Job[Any], *, title: str) -> None:
        """Start a job that has not been stepped yet.

        Raises
        ------
        RuntimeError
            Where one is running.
        """
        if self._current:
            raise RuntimeError("a job is running already")
        pool = QThreadPool.globalInstance()
        pool.setMaxThreadCount(max(pool.maxThreadCount(), _THREADS))
        worker = _JobWorker(job)
        _list_while_running(worker, title)
        worker.yielded.connect(self._on_yielded)
        worker.returned.connect(self._on_returned)
        worker.finished.connect(self._on_finished)
        self._outcome = None
        self._current.append(worker)
        worker.start()

    def cancel(self) -> None:
        """Ask the job to stop at its next step; `cancelled` tells when it has."""
        for worker in self._current:
            worker.quit()

    def _on_yielded(self, step: Progress) -> None:
        self.progressed.emit(step)

    def _on_returned(self, outcome: _Done | Failure | None) -> None:
        self._outcome = outcome

    def _on_finished(self) -> None:
        outcome, self._outcome = self._outcome, None
        self._current.clear()
        if isinstance(outcome, _Done):
            self.done.emit(outcome.value)
        elif isinstance(outcome, Failure):
            self.failed.emit(outcome)
        else:
            self.cancelled.emit()


def _quit_all(current: list[_JobWorker]) -> None:
    while current:
        current.pop().quit()

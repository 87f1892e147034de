"""Questions of which only the newest counts: a preview while a slider moves, clicks in a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from napari_segkit.widgets._worker import Failure, JobRunner

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_segkit.types import Job


class LatestJob(QObject):
    """Answers one question at a time; an answer to an older one is dropped.

    Attributes
    ----------
    answered
        What the newest job returned.
    failed
        A `Failure` of the newest job.
    """

    answered = Signal(object)
    failed = Signal(object)

    def __init__(self, title: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._title = title
        self._runner = JobRunner(self)
        self._next: Callable[[], Job[Any]] | None = None
        self._wanted = False
        self._runner.done.connect(self._on_done)
        self._runner.failed.connect(self._on_failed)
        self._runner.cancelled.connect(self._on_ended)

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return self._wanted

    def ask(self, question: Callable[[], Job[Any]]) -> None:
        """Ask; ``question`` makes the job when it is its turn, from what is so then."""
        self._next, self._wanted = question, True
        if self._runner.running:
            self._runner.cancel()
        else:
            self._on_ended()

    def drop(self) -> None:
        """Want no answer any more."""
        self._next, self._wanted = None, False
        self._runner.cancel()

    def _on_ended(self) -> None:
        question, self._next = self._next, None
        if question is not None:
            self._runner.start(question(), title=self._title)

    def _on_done(self, answer: Any) -> None:
        if self._next is None and self._wanted:
            self._wanted = False
            self.answered.emit(answer)
        else:
            self._on_ended()

    def _on_failed(self, failure: Failure) -> None:
        if self._next is None and self._wanted:
            self._wanted = False
            self.failed.emit(failure)
        else:
            self._on_ended()

"""Masks that are there already: a dataset's, for the images of the open folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_segkit.errors import SegkitError
from napari_segkit.jobs.review_take_in import TakenIn, take_in
from napari_segkit.widgets._worker import Failure, JobRunner
from napari_segkit.widgets.parts._places import SourceLine
from napari_segkit.widgets.parts._status import StatusBox
from napari_segkit.widgets.parts._words import counted

if TYPE_CHECKING:
    from napari_segkit.data.store import Store
    from napari_segkit.jobs.review_open import OpenNames
    from napari_segkit.types import Progress

_TAKE = "Take in its masks"


class TakeInPanel(QWidget):
    """Which dataset; a button; what came of it."""

    taking = Signal()
    """The person wants the masks."""
    progressed = Signal()
    """Masks were taken in."""
    ended = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.runner = JobRunner(self)
        self.source = SourceLine()
        self.button = QPushButton(_TAKE)
        self.status = StatusBox()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self.source, self.button, self.status):
            layout.addWidget(widget)
        self.button.clicked.connect(self._on_button)
        self.runner.progressed.connect(self._on_progress)
        self.runner.done.connect(self._on_done)
        self.runner.failed.connect(self._on_failed)
        self.runner.cancelled.connect(self._on_cancelled)
        self.show_running(possible=False)

    def start(self, store: Store, opened: OpenNames) -> None:
        """Take the masks in, in the background."""
        self.status.start("starting")
        try:
            job = take_in(store, self.source.path(), opened)
        except SegkitError as error:
            self._on_failed(Failure.of(error))
            return
        self.runner.start(job, title="Take in masks")
        self.show_running()

    def show_running(self, *, possible: bool = True) -> None:
        """Button and its tooltip."""
        running = self.runner.running
        self.button.setText("Cancel" if running else _TAKE)
        self.button.setEnabled(running or possible)
        self.button.setToolTip(
            "Stop; what is taken in stays"
            if running
            else "For images of the same names that are new; what you have done stays"
        )

    def _on_button(self) -> None:
        if self.runner.running:
            self.button.setEnabled(False)
            self.runner.cancel()
        else:
            self.taking.emit()

    def _on_progress(self, step: Progress) -> None:
        self.status.show_progress(step)
        self.progressed.emit()

    def _on_done(self, found: TakenIn) -> None:
        notes = [f"{failure.path.name}: {failure.error}" for failure in found.failures[:3]]
        if found.kept:
            notes.append(f"{counted(found.kept, 'image')} left as they are: not new, or open")
        if found.strangers:
            named = ", ".join(found.strangers[:3])
            notes.append(f"{counted(len(found.strangers), 'mask')} without an image here: {named}")
        said = f"{counted(found.taken, 'mask')} taken in"
        self.status.say(said, notes=notes, bad=bool(found.failures))
        self._end()

    def _on_failed(self, failure: Failure) -> None:
        self.status.say(failure.sentence, details=failure.details, bad=True)
        self._end()

    def _on_cancelled(self) -> None:
        self.status.say("Cancelled: what is taken in stays")
        self._end()

    def _end(self) -> None:
        self.show_running()
        self.ended.emit()

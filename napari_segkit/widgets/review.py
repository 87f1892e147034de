"""The dock that goes through a folder of images: open, correct, accept, next."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_segkit.errors import SegkitError
from napari_segkit.jobs.review import next_open, queue
from napari_segkit.jobs.review_open import open_store
from napari_segkit.widgets._ask import Question
from napari_segkit.widgets._dock import Dock
from napari_segkit.widgets._form import folded
from napari_segkit.widgets._places import dropped_path
from napari_segkit.widgets._review_bars import DecisionBar, FilterBar, FolderLine
from napari_segkit.widgets._review_list import ReviewList, ReviewModel
from napari_segkit.widgets._review_predict import PredictPanel
from napari_segkit.widgets._review_results import ResultsPanel, progress_text, status_text
from napari_segkit.widgets._scroll import VerticalScroll
from napari_segkit.widgets._session import Session
from napari_segkit.widgets._status import StatusBox
from napari_segkit.widgets._words import counted
from napari_segkit.widgets._worker import Failure, JobRunner

if TYPE_CHECKING:
    from pathlib import Path

    from napari.components import ViewerModel
    from qtpy.QtGui import QDragEnterEvent, QDropEvent

    from napari_segkit.data.store import Status, Store
    from napari_segkit.jobs.review_open import Blocked
    from napari_segkit.widgets._opened import OpenImage
    from napari_segkit.widgets._run import Outcome

_COUNT_MS = 300
_NAMED = 5  # recovered images that are told by name


class ReviewDock(Dock):
    """Folder, list, decisions, what came of it; below, the model and the results.

    Parameters
    ----------
    napari_viewer
        The viewer that the dock belongs to; napari gives it by this name.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__()
        self.session = Session(napari_viewer, self)
        self.opener = JobRunner(self)
        self.folder = FolderLine()
        self.filter = FilterBar()
        self.model = ReviewModel(self.session)
        self.list = ReviewList(self.model)
        self.about = QLabel()
        self.decisions = DecisionBar(self)
        self.counts = QLabel()
        self.question = Question()
        self.status = StatusBox()
        self.predict = PredictPanel()
        self.results = ResultsPanel()
        self._asked: Path | None = None
        self._count_timer = QTimer(self)
        self._lay_out()
        self._connect()
        self._show_folder()

    def _lay_out(self) -> None:
        self.setAcceptDrops(True)
        self._count_timer.setSingleShot(True)
        self._count_timer.setInterval(_COUNT_MS)
        for label in (self.about, self.counts):
            label.setWordWrap(True)
        self.predicting = folded("Model", self.predict)
        self.reporting = folded("Report and export", self.results)
        folds = QWidget()
        below = QVBoxLayout(folds)
        below.setContentsMargins(0, 0, 0, 0)
        below.addWidget(self.predicting)
        below.addWidget(self.reporting)
        layout = QVBoxLayout(self)
        for widget in (self.folder, self.filter):
            layout.addWidget(widget)
        layout.addWidget(self.list, 3)
        for widget in (self.about, self.decisions, self.counts, self.question, self.status):
            layout.addWidget(widget)
        layout.addWidget(VerticalScroll(folds), 1)

    def _connect(self) -> None:
        session, keeper = self.session, self.session.keeper
        self.folder.chosen.connect(self.open_folder)
        self.opener.done.connect(self._on_opened)
        self.opener.failed.connect(self._on_failed)
        self.filter.changed.connect(self._on_filter)
        self.list.chosen.connect(self.go)
        self.decisions.decided.connect(self.decide)
        self.decisions.stepped.connect(self.step)
        self._count_timer.timeout.connect(self._on_count)
        session.shown.connect(self._on_shown)
        session.blocked.connect(self._on_blocked)
        session.unreadable.connect(self._on_unreadable)
        session.predicted.connect(self._on_predicted)
        session.mask_lost.connect(self._on_mask_lost)
        session.mask_closed.connect(self._on_mask_closed)
        keeper.saved.connect(self._on_saved)
        keeper.failed.connect(self._on_save_failed)
        keeper.mended.connect(self._on_mended)
        keeper.conflict.connect(self._on_conflict)
        self.predict.changed.connect(self._on_model)
        self.predict.predicting.connect(self._on_predict_all)
        self.predict.progressed.connect(self._on_progressed)
        self.results.finishing.connect(keeper.finish)

    def open_folder(self, folder: Path) -> None:
        """Open a folder of images, in the place of the one before; all of that is saved first."""
        if self.opener.running:
            return
        self.folder.show_path(folder)
        self._close()
        self.status.start(f"opening {folder.name}")
        self.opener.start(open_store(folder), title=f"Open {folder.name}")

    def go(self, name: str) -> None:
        """Open an image of the list."""
        if not self.session.keeper.failing:
            self.status.clear()
        self._go(name)

    def _go(self, name: str) -> None:
        self.question.clear()
        self.session.go(name, ahead=self._after(name))
        self._show_current(name)

    def step(self, by: int) -> None:
        """Go to the next (1) or the previous (-1) image of the list."""
        row = self.model.row_of(self._current()) + by
        if 0 <= row < len(self.model.names):
            self.go(self.model.names[row])
        elif self.session.store is not None:
            self.status.say("This is the last image" if by > 0 else "This is the first image")

    def decide(self, status: Status) -> None:
        """Accept, reject or skip the open image, then go to the next one that is not done."""
        store, current = self.session.store, self.session.current
        if store is None or current is None:
            return
        if store.read_only:
            self.status.say("; ".join(store.notes), bad=True)
            return
        self.session.decide(status)
        following = next_open(self.model.names, current.name, store)
        if following is None:
            self.status.say("Every image of the list is done")
            self._show_current(current.name)
        else:
            self.go(following)

    def _after(self, name: str) -> str | None:
        """The image that is likely to be wanted after another one."""
        row = self.model.row_of(name)
        forward = row >= self.model.row_of(self._current()) or self.session.current is None
        following = row + (1 if forward else -1)
        names = self.model.names
        return names[following] if row >= 0 and 0 <= following < len(names) else None

    def _current(self) -> str:
        return "" if self.session.current is None else self.session.current.name

    def _on_opened(self, store: Store) -> None:
        self.session.open(store)
        self._on_model()
        said = counted(len(store.sources), "image")
        if store.recovered:
            named = ", ".join(store.recovered[:_NAMED])
            more = ", …" if len(store.recovered) > _NAMED else ""
            said = f"{counted(len(store.recovered), 'image')} recovered: {named}{more}"
        self._show_folder()
        self.status.say(said, notes=store.notes, bad=store.read_only)
        first = next(iter(store.recovered), None) or next_open(self.model.names, None, store)
        first = first or next(iter(self.model.names), None)
        if first is not None:
            self._go(first)

    def _close(self) -> None:
        self.predict.runner.cancel()
        unsaved = self.session.close()
        self.question.clear()
        self._show_folder()
        if unsaved:
            names = ", ".join(unsaved)
            self.status.say(
                f"Not on the disk: {names}. The masks stay open: save them elsewhere", bad=True
            )

    def _on_taken_out(self) -> None:
        if self.parent() is None:
            self._close()
        super()._on_taken_out()

    def _show_folder(self) -> None:
        """Everything that depends on which folder is open."""
        store = self.session.store
        self.model.show([] if store is None else self._names(store))
        self.list.select(self._current())
        self.results.show_store(store)
        self.filter.setEnabled(store is not None)
        self.predict.show_running(possible=store is not None and not store.read_only)
        self._show_current(self._current())
        self._on_count()

    def _names(self, store: Store) -> list[str]:
        names = queue(store, self.filter.order, statuses=self.filter.statuses)
        text = self.filter.words
        return [name for name in names if text in name.lower()] if text else names

    def _on_filter(self) -> None:
        store = self.session.store
        if store is not None:
            self.model.show(self._names(store))
            self.list.select(self._current())
            self._on_count()

    def _show_current(self, name: str) -> None:
        self.list.select(name)
        row = self.model.row_of(name)
        place = f" ({row + 1:,} of {len(self.model.names):,})" if row >= 0 else ""
        self.about.setText(f"{name}{place}" if name else "")
        self.about.setVisible(bool(name))
        store = self.session.store
        self.decisions.set_possible(looking=store is not None, deciding=self._may_decide())

    def _may_decide(self) -> bool:
        store = self.session.store
        return store is not None and not store.read_only and self.session.current is not None

    def _on_count(self) -> None:
        told = self.results.update_summary()
        self.counts.setVisible(told is not None)
        if told is not None:
            self.counts.setText(f"{progress_text(told)}\n{status_text(told)}")

    def _on_shown(self, one: OpenImage) -> None:
        self._show_current(one.name)
        if one.notes:
            self.status.say(self.status.sentence.text() or one.name, notes=one.notes)

    def _on_blocked(self, blocked: Blocked) -> None:
        self._show_current(blocked.name)
        answers = {"Set it aside": partial(self._set_aside, blocked.name)}
        store = self.session.store
        readable = store is not None and not store.read_only
        self.question.ask(blocked.name, str(blocked.error), answers if readable else {})

    def _set_aside(self, name: str) -> None:
        try:
            self.session.set_aside(name)
        except SegkitError as error:
            self._on_failed(Failure.of(error))

    def _on_unreadable(self, name: str, failure: Failure) -> None:
        self._show_current(name)
        self.status.say(failure.sentence, details=failure.details, bad=True)

    def _on_predicted(self, outcome: Outcome) -> None:
        details = "" if outcome.failure is None else outcome.failure.details
        bad = outcome.failure is not None or bool(outcome.offered)
        said = f"Not written: {outcome.offered}" if outcome.offered else outcome.sentence
        action = "Add as a new layer" if outcome.offered else ""
        self.status.say(said, notes=outcome.notes, details=details, action=action, bad=bad)

    def _on_mask_lost(self, name: str) -> None:
        said = f"the mask of {name} was given another size: it is not saved any more"
        answers = {"Open what is saved": partial(self.session.take_theirs, name)}
        self.question.ask(name, said, answers)

    def _on_mask_closed(self, name: str) -> None:
        self.status.say(
            f"The mask of {name} was closed; its work is saved. Click on the image in the list to "
            "open it again"
        )

    def _on_saved(self, name: str) -> None:
        self.model.refresh(name)
        if not self._count_timer.isActive():
            self._count_timer.start()

    def _on_save_failed(self, error: SegkitError) -> None:
        self.status.say(f"Not saved yet, tried again: {error}", bad=True)

    def _on_mended(self) -> None:
        self.status.say("Saved")

    def _on_conflict(self, name: str, error: SegkitError) -> None:
        answers = {
            "Keep mine": partial(self.session.keep_mine, name),
            "Open the other": partial(self.session.take_theirs, name),
        }
        self.question.ask(name, str(error), answers)

    def _on_failed(self, failure: Failure) -> None:
        self.status.say(failure.sentence, details=failure.details, bad=True)
        self._show_folder()

    def _on_model(self) -> None:
        try:
            self.session.predictor = self.predict.predictor()
        except SegkitError as error:  # two parameters that do not fit
            self.status.say(str(error), bad=True)
            return
        store = self.session.store
        self.predict.show_running(possible=store is not None and not store.read_only)

    def _on_predict_all(self) -> None:
        if self.session.store is not None:
            self.session.free_new()
            self.predict.start(self.session.store, self.model.names, self.session.reader.opened)
            self.session.predict_current()

    def _on_progressed(self) -> None:
        self.list.viewport().update()
        if not self._count_timer.isActive():
            self._count_timer.start()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Let one folder be dropped."""
        path = dropped_path(event)
        if path is not None and path.is_dir():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        path = dropped_path(event)
        if path is not None:
            event.acceptProposedAction()
            self.open_folder(path)

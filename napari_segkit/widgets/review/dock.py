"""The dock that goes through a folder of images: open, correct, accept, next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_segkit.errors import SegkitError
from napari_segkit.jobs.review import next_open, queue
from napari_segkit.jobs.review_open import open_store
from napari_segkit.widgets._dock import Dock
from napari_segkit.widgets._worker import Failure, JobRunner
from napari_segkit.widgets.parts._ask import Question
from napari_segkit.widgets.parts._form import folded
from napari_segkit.widgets.parts._places import dropped_path
from napari_segkit.widgets.parts._scroll import VerticalScroll
from napari_segkit.widgets.parts._status import StatusBox
from napari_segkit.widgets.parts._words import counted
from napari_segkit.widgets.review._bars import DecisionBar, FilterBar, FolderLine
from napari_segkit.widgets.review._list import ReviewList, ReviewModel
from napari_segkit.widgets.review._predict import PredictPanel
from napari_segkit.widgets.review._results import CountsLabel, ResultsPanel
from napari_segkit.widgets.review._session import Session
from napari_segkit.widgets.review._take_in import TakeInPanel
from napari_segkit.widgets.review._telling import Telling

if TYPE_CHECKING:
    from pathlib import Path

    from napari.components import ViewerModel
    from qtpy.QtGui import QDragEnterEvent, QDropEvent
    from superqt import QCollapsible

    from napari_segkit.data.store import Status, Store
    from napari_segkit.widgets.review._opened import OpenImage

_HEADINGS, _UNFOLDED = 118, 150  # pixels: three headings; some lines of what is under one
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
        self.question = Question()
        self.status = StatusBox()
        self.predict = PredictPanel()
        self.taking = TakeInPanel()
        self.results = ResultsPanel()
        self.counts = CountsLabel(self.results)
        self.telling = Telling(self.session, self.status, self.question, self)
        self._away = ""
        self._lay_out()
        self._connect()
        self._show_folder()

    def _lay_out(self) -> None:
        self.setAcceptDrops(True)
        self.about.setWordWrap(True)
        self.predicting = folded("Model", self.predict)
        self.taking_in = folded("Masks from a dataset", self.taking)
        self.reporting = folded("Report and export", self.results)
        folds = QWidget()
        below = QVBoxLayout(folds)
        below.setContentsMargins(0, 0, 0, 0)
        for fold in self._folds():
            below.addWidget(fold)
        self.room = VerticalScroll(folds)
        layout = QVBoxLayout(self)
        for widget in (self.folder, self.filter):
            layout.addWidget(widget)
        layout.addWidget(self.list, 1)
        for widget in (self.about, self.decisions, self.counts, self.question, self.status):
            layout.addWidget(widget)
        layout.addWidget(self.room)
        self._on_fold()

    def _folds(self) -> tuple[QCollapsible, ...]:
        return self.predicting, self.taking_in, self.reporting

    def _on_fold(self) -> None:
        """What is unfolded gets as much room as the list; headings alone, what they need."""
        unfolded = any(fold.isExpanded() for fold in self._folds())
        self.layout().setStretchFactor(self.room, 1 if unfolded else 0)
        self.room.setMinimumHeight(_UNFOLDED if unfolded else _HEADINGS)

    def _connect(self) -> None:
        session, keeper = self.session, self.session.keeper
        self.folder.chosen.connect(self.open_folder)
        self.opener.done.connect(self._on_opened)
        self.opener.failed.connect(self._on_failed)
        self.filter.changed.connect(self._on_filter)
        self.list.chosen.connect(self.go)
        self.decisions.decided.connect(self.decide)
        self.decisions.stepped.connect(self.step)
        session.shown.connect(self._on_shown)
        for fold in self._folds():
            fold.toggled.connect(self._on_fold)
        keeper.saved.connect(self._on_saved)
        self.predict.changed.connect(self._on_model)
        self.predict.predicting.connect(self._on_predict_all)
        self.predict.progressed.connect(self._on_progressed)
        self.taking.taking.connect(self._on_take_in)
        self.taking.progressed.connect(self._on_progressed)
        self.taking.ended.connect(self._on_taken_in)
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
        self.telling.forget()
        self._go(name)

    def _go(self, name: str) -> None:
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
        self.taking.runner.cancel()
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
        self._show_possible()
        self._show_current(self._current())
        self.counts.now()

    def _names(self, store: Store) -> list[str]:
        names = queue(store, self.filter.order, statuses=self.filter.statuses)
        text = self.filter.words
        return [name for name in names if text in name.lower()] if text else names

    def _on_filter(self) -> None:
        if (store := self.session.store) is not None:
            self.model.show(self._names(store))
            self.list.select(self._current())
            self.counts.now()

    def _show_current(self, name: str) -> None:
        self.list.select(name)
        row = self.model.row_of(name)
        place = f" ({row + 1:,} of {len(self.model.names):,})" if row >= 0 else ""
        self.about.setText(f"{name}{place}" if name else "")
        self.about.setVisible(bool(name))
        store, current = self.session.store, self.session.current
        self.decisions.set_possible(
            looking=store is not None,
            deciding=store is not None and not store.read_only and current is not None,
        )

    def _on_shown(self, one: OpenImage) -> None:
        self._show_current(one.name)

    def _on_saved(self, name: str) -> None:
        self.model.refresh(name)
        self.counts.soon()

    def _on_failed(self, failure: Failure) -> None:
        self.status.say(failure.sentence, details=failure.details, bad=True)
        self._show_folder()

    def _on_model(self) -> None:
        try:
            self.session.predictor = self.predict.predictor()
        except SegkitError as error:  # two parameters that do not fit
            self.status.say(str(error), bad=True)
            return
        self._show_possible()

    def _show_possible(self) -> None:
        store = self.session.store
        possible = store is not None and not store.read_only
        self.predict.show_running(possible=possible)
        self.taking.show_running(possible=possible)

    def _on_predict_all(self) -> None:
        if self.session.store is not None:
            self.session.free_new()
            self.predict.start(self.session.store, self.model.names, self.session.reader.opened)
            self.session.predict_current()

    def _on_take_in(self) -> None:
        if self.session.store is not None:
            self.session.free_new()
            self._away = self.session.put_away_new()
            self.taking.start(self.session.store, self.session.reader.opened)

    def _on_taken_in(self) -> None:
        if self._away and self.session.current is None:
            self._go(self._away)
        self._on_progressed()

    def _on_progressed(self) -> None:
        self.list.viewport().update()
        self.counts.soon()

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

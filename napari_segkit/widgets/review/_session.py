"""A folder under review in one viewer: the image that is open, and the ones around it.

::

    go(name) -> ImageReader -> OpenImage (exhibit, tracker, autosave) -> Stage (two layers)
                                   | change
                                   v
                               Keeper -> Saving (a moment of it) -> WriteLane -> Store
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast
from weakref import WeakValueDictionary

from qtpy.QtCore import QObject, Signal

from napari_segkit.data.store import Status
from napari_segkit.errors import SegkitError
from napari_segkit.jobs.review_open import Blocked
from napari_segkit.widgets.review._keeper import Keeper
from napari_segkit.widgets.review._opened import REVIEW, UNKNOWN, OpenImage
from napari_segkit.widgets.review._reader import ImageReader
from napari_segkit.widgets.review._shelf import Shelf
from napari_segkit.widgets.review._stage import Stage
from napari_segkit.widgets.runs._run import SegmentRun, explain

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_segkit.data.store import Store
    from napari_segkit.jobs.review_open import Predictor
    from napari_segkit.models.base import Segmenter
    from napari_segkit.ops.instance_rows import InstanceRow
    from napari_segkit.types import ClassDef, Labels
    from napari_segkit.widgets.review._reader import Prepared
    from napari_segkit.widgets.runs._run import Outcome


class Session(QObject):
    """What the Review dock does, without a widget.

    Attributes
    ----------
    store
        Of the open folder; ``None`` where none is.
    current
        The image in the viewer.
    predictor
        Model for what is new; ``None`` for none.
    keeper
        Saves.
    """

    shown = Signal(object)
    """An `OpenImage` is in the viewer now."""
    blocked = Signal(object)
    """A `Blocked` image is not shown."""
    unreadable = Signal(str, object)
    """Name and `Failure` of an image that is not shown."""
    predicted = Signal(object)
    """An `Outcome`: the model's run on the open image ended."""
    mask_lost = Signal(str)
    """Name of an image whose mask was replaced by one of another size."""
    mask_closed = Signal(str)
    """Name of the open image, whose mask was taken out of the viewer."""

    def __init__(self, viewer: ViewerModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.store: Store | None = None
        self.current: OpenImage | None = None
        self.predictor: Predictor | None = None
        self._ahead: str | None = None
        self._predicting = ""
        self._classes: tuple[ClassDef, ...] = (UNKNOWN,)
        self.shelf = Shelf()
        self.stage = Stage(viewer, self)
        self.run = SegmentRun(viewer, self)
        self.reader = ImageReader(self.shelf.__contains__, self)
        self.keeper = Keeper(self.shelf, self)
        self._connect()
        _sessions[_key(viewer)] = self

    def _connect(self) -> None:
        self.reader.ready.connect(self._on_ready)
        self.reader.failed.connect(self.unreadable)
        self.run.finished.connect(self._on_predicted)
        self.stage.mask_removed.connect(self._on_mask_removed)

    @property
    def busy(self) -> bool:
        """Whether something is being read, predicted or written, or is about to be."""
        return bool(self.reader.wanted or self.run.running or self.keeper.busy)

    def open(self, store: Store) -> None:
        """Review another folder."""
        self.close()
        self.store = self.keeper.store = store
        self.reader.begin(store)

    def close(self) -> list[str]:
        """Write everything, take the layers out, let the folder go.

        Returns
        -------
        Names of images that the disk refused: their masks stay in the viewer.
        """
        self.run.cancel()
        unsaved = self.keeper.finish()
        self.reader.begin(None)
        self.stage.clear(leave=unsaved)
        for one in self.shelf:
            self._let_go(one)
        if self.store is not None:
            self.store.close()
        self.store = self.keeper.store = self.current = None
        return [one.name for one in unsaved]

    def status(self, name: str) -> Status:
        """An image's status, whether or not it is on the disk already."""
        one = self.shelf.get(name)
        if one is not None:
            return one.record.status
        return Status.NEW if self.store is None else self.store.line(name).status

    def go(self, name: str, *, ahead: str | None = None) -> None:
        """Open an image.

        Parameters
        ----------
        ahead
            The one that is likely to be wanted next.
        """
        if self.store is None:
            return
        self._ahead = ahead
        if self.current is not None and self.current.name != name:
            self._leave(self.current)
        one = self.shelf.get(name)
        if one is not None and one.exhibit.pixels is not None:
            self._show(one)
        else:
            self.reader.want(name)

    def decide(self, status: Status) -> None:
        """Give the open image a status and write it whole; what cannot be written stays dirty."""
        if self.current is not None and self.current.autosave is not None:
            self.current.decide(status)
            if not self.current.conflict:
                self.keeper.save(self.current)

    def keep_mine(self, name: str) -> None:
        """Answer a conflict: the window's mask counts; the other one is kept as a file."""
        one = self.shelf.get(name)
        if one is not None:
            self.keeper.keep_mine(one)

    def take_theirs(self, name: str) -> None:
        """Answer a conflict: what is stored counts; the window's mask is given up."""
        one = self.shelf.get(name)
        if one is None:
            return
        self._let_go(one)
        if one is self.current:
            self.current = None
            self.stage.clear()
            self.reader.want(name)

    def set_aside(self, name: str) -> None:
        """Rename an image's damaged files, then open it without a mask.

        Raises
        ------
        DatasetError, WriteError
            As `Store.set_aside`.
        """
        if self.store is not None:
            self.store.set_aside(name)
            self.reader.want(name)

    def free_new(self) -> None:
        """Let go of images in which nothing was done, but the open one: they can be predicted."""
        for one in self.shelf:
            if one.clean and one is not self.current and one.record.status is Status.NEW:
                self._let_go(one)
        self.reader.give_up_ahead()

    def put_away_new(self) -> str:
        """Close the open image if nothing was done in it; returns its name, or nothing."""
        one = self.current
        if one is None or not one.clean or one.record.status is not Status.NEW:
            return ""
        self.stage.clear()
        self._let_go(one)
        self.current = None
        return one.name

    def previous_labels(
        self, name: str | None = None
    ) -> tuple[Labels, dict[int, InstanceRow], tuple[ClassDef, ...]] | None:
        """Mask, rows and classes of the image that was open before, or of a named one."""
        others = [one for one in self.shelf if one is not self.current]
        if name is not None:
            others = [one for one in others if one.name == name]
        if not others:
            return None
        moment = others[-1].moment()
        return moment.labels, dict(moment.rows), others[-1].classes

    def predict_current(self) -> None:
        """Predict the open image, if it is new and there is a model."""
        one, predictor = self.current, self.predictor
        if one is None or one.image is None or predictor is None or one.autosave is None:
            return
        if one.record.status is not Status.NEW or self.run.running:
            return
        self._predicting = one.name
        one.expect(predictor.model.id, predictor.model.classes)
        model = cast("Segmenter", predictor.model)
        try:
            self.run.start(model, one.image, predictor.params, load=model.load)
        except SegkitError as error:
            self.predicted.emit(explain(error))

    def _on_predicted(self, outcome: Outcome) -> None:
        late = self.current is not None and self.current.name != self._predicting
        if not outcome.cancelled:
            self.predicted.emit(outcome)
        if outcome.cancelled or late:  # another image is open by now
            self.predict_current()

    def _leave(self, one: OpenImage) -> None:
        one.touched()
        self.run.cancel()
        self._classes = one.classes
        self.keeper.save_if_dirty(one)

    def _on_ready(self, answer: Prepared | Blocked) -> None:
        if isinstance(answer, Blocked):
            self.blocked.emit(answer)
            return
        one = self.shelf.get(answer.name)
        if one is not None:
            one.give_pixels(answer.read)
        elif self.store is not None:
            one = self._make(answer, self.store)
        if one is not None:
            self._show(one)

    def _make(self, prepared: Prepared, store: Store) -> OpenImage:
        model = None if self.predictor is None else self.predictor.model
        return OpenImage(
            prepared,
            store,
            model=REVIEW if model is None else model.id,
            classes=self._classes if model is None else model.classes,
            changed=self._on_changed,
        )

    def _show(self, one: OpenImage) -> None:
        self.current = one
        one.touched()
        self.shelf.put(one)
        self.stage.show(one)
        for old in self.shelf.trim():  # now: the one before could be drawn on until it was left
            self._let_go(old)
        if self._ahead is not None and self._ahead not in self.shelf:
            self.reader.prepare(self._ahead, self.predictor)
        self.shown.emit(one)
        self.predict_current()

    def _let_go(self, one: OpenImage) -> None:
        one.stop()
        self.shelf.take(one.name)
        self.reader.opened.drop(one.name)

    def _on_changed(self, one: OpenImage) -> None:
        if one.lost:
            self.mask_lost.emit(one.name)
        else:
            self.keeper.watch()

    def _on_mask_removed(self) -> None:
        if self.current is not None:
            self.keeper.save_if_dirty(self.current)
            self.mask_closed.emit(self.current.name)


_sessions: WeakValueDictionary[int, Session] = WeakValueDictionary()


def _key(viewer: ViewerModel) -> int:
    return id(getattr(viewer, "__wrapped__", viewer))


def session_of(viewer: ViewerModel) -> Session | None:
    """The review that goes on in a viewer."""
    found = _sessions.get(_key(viewer))
    return None if found is None or found.store is None else found

"""The instances of a mask: found, selected, given classes; in agreement with its pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from napari_segkit.errors import MaskError, SegkitError
from napari_segkit.widgets._dock import when_destroyed
from napari_segkit.widgets._worker import Failure
from napari_segkit.widgets.correct._class_bar import ClassBar
from napari_segkit.widgets.correct._edits import add_class, adopt, change_classes, set_class
from napari_segkit.widgets.correct._highlight import Highlight
from napari_segkit.widgets.correct._instances import InstanceModel, InstanceTable
from napari_segkit.widgets.masks._binding import classes_of
from napari_segkit.widgets.masks._undo import state_of
from napari_segkit.widgets.parts._class_table import ClassTable
from napari_segkit.widgets.parts._words import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel
    from napari.layers import Labels
    from napari.utils.events import Event

    from napari_segkit.types import ClassDef
    from napari_segkit.widgets._layers import Plane
    from napari_segkit.widgets.correct._preview import Overlay
    from napari_segkit.widgets.correct._subject import Subject

_ALL = "all classes"


class InstancePanel(QWidget):
    """Filter, table, classes.

    Attributes
    ----------
    selected
        Other instances are selected.
    failed
        A `Failure` of something that was tried at once.
    class_table
        Names and colours, for the dock to place.
    """

    selected = Signal()
    failed = Signal(object)

    def __init__(
        self,
        viewer: ViewerModel,
        subject: Subject,
        overlay: Overlay,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._subject = subject
        self._followed: list[Labels] = []
        self._picked = 0
        self._classes: tuple[ClassDef, ...] = ()
        self.highlight = Highlight(viewer, subject, overlay, self)
        self.search = QLineEdit()
        self.only = QComboBox()
        self.rows = InstanceModel(self._color_of, self)
        self.table = InstanceTable(self.rows)
        self.summary = QLabel()
        self.class_bar = ClassBar()
        self.class_table = ClassTable()
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        self.search.setPlaceholderText("id, class or status")
        self.search.setClearButtonEnabled(True)
        self.search.setToolTip("Show only these objects")
        self.only.setToolTip("Show only one class")
        self.only.addItem(_ALL)
        self.only.setMinimumContentsLength(8)
        self.table.setMinimumHeight(120)
        self.table.setToolTip("Click: go there. Ctrl+click or Shift+click: several")
        self.summary.setWordWrap(True)
        filters = QHBoxLayout()
        filters.addWidget(self.search, 1)
        filters.addWidget(self.only)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(filters)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.summary)
        layout.addWidget(self.class_bar)

    def _connect(self) -> None:
        self._subject.replaced.connect(self._on_replaced)
        self._subject.edited.connect(self._on_edited)
        self.search.textChanged.connect(self._on_filter)
        self.only.activated.connect(self._on_filter)
        self.table.chosen.connect(self._on_chosen)
        self.rows.renamed.connect(self._on_renamed)
        self.class_bar.chosen.connect(self._on_draw_class)
        self.class_bar.wanted.connect(self._on_new_object)
        self.class_bar.given.connect(self._on_give)
        self.class_table.edited.connect(self._on_classes)
        when_destroyed(self, _unfollow, self._followed, self._on_picked)

    def keys(self) -> tuple[int, ...]:
        """Selected ids, the main one first."""
        return self.table.keys()

    def select(self, keys: tuple[int, ...]) -> None:
        """Select other instances."""
        self.table.select(keys)
        self._on_selection()

    def _on_replaced(self) -> None:
        mask = self._subject.mask
        if self._followed != ([] if mask is None else [mask]):
            _unfollow(self._followed, self._on_picked)
            if mask is not None:
                mask.events.selected_label.connect(self._on_picked)
                self._followed.append(mask)
        if mask is not None:
            self._picked = int(mask.selected_label)
        keys = self.keys()
        self.rows.show(line for line in self._subject.lines().values() if line is not None)
        self.table.select(keys)
        self._show_classes()
        self._on_selection()

    def _on_edited(self, keys: frozenset[int]) -> None:
        chosen = self.keys()
        self.rows.update(self._subject.lines(keys))
        left = tuple(key for key in chosen if self.rows.line(key) is not None)
        if self.keys() != left:
            self.table.select(left)
        self._show_classes()
        self._on_selection()

    def _on_filter(self, _: object = None) -> None:
        only = self.only.currentText()
        self.rows.filter(self.search.text(), "" if only == _ALL else only)
        self._say()

    def _on_chosen(self) -> None:
        keys, mask = self.keys(), self._subject.mask
        if len(keys) == 1 and mask is not None:
            self.highlight.zoom(keys[0])
            mask.selected_label = keys[0]
        self._on_selection()

    def _on_picked(self, event: Event) -> None:
        """The person picked an object in the viewer; a new colormap says the same label again."""
        key, before = int(event.source.selected_label), self._picked
        self._picked = key
        if key != before and key not in self.keys() and self.rows.row_of(key) is not None:
            self.select((key,))

    def _on_selection(self) -> None:
        self.highlight.show(self.keys())
        self._say()
        self.selected.emit()

    def _color_of(self, key: int) -> object:
        mask = self._subject.mask
        color = None if mask is None else mask.get_color(key)
        return (0, 0, 0) if color is None else color

    def _say(self) -> None:
        subject = self._subject
        if subject.mask is None or subject.fault:
            self.summary.setText(subject.fault)
            return
        total, shown = self.rows.total, self.rows.rowCount()
        some = counted(total, "object") if shown == total else f"{shown:,} of {total:,} objects"
        chosen = len(self.keys())
        text = some if subject.index is not None else "counting…"
        self.summary.setText(f"{text} · {chosen:,} selected" if chosen else text)

    def _show_classes(self) -> None:
        mask, state = self._subject.mask, self._subject.state
        classes = () if mask is None else classes_of(mask)
        if classes != self._classes:
            self._classes = classes
            only = self.only.currentText()
            self.only.clear()
            self.only.addItems([_ALL, *(one.name for one in classes)])
            self.only.setCurrentIndex(max(self.only.findText(only), 0))
            self._on_filter()
            self.class_table.show_classes({one.name: one for one in classes}, anew=True)
            self.class_bar.show_classes(classes, None if state is None else state.draw_class)

    def _ready(self) -> tuple[Labels, Plane]:
        """The mask, made ours if it is not yet."""
        moment, index, mask = self._subject.moment(), self._subject.index, self._subject.mask
        if mask is None or index is None:
            raise MaskError("areas are not counted yet", remedy="wait a moment")
        adopt(mask, index.keys)
        return mask, moment.plane

    def _try(self, change: Callable[[], object]) -> None:
        try:
            change()
        except SegkitError as error:
            self.failed.emit(Failure.of(error))

    def _on_renamed(self, key: int, name: str) -> None:
        """The class of one line was typed over: it is meant for all that are selected."""
        keys = self.keys()
        self._try(lambda: set_class(*self._ready(), keys if key in keys else (key,), name))

    def _on_give(self, name: str) -> None:
        if not self.keys():
            error = MaskError("no object is selected", remedy="click one in the table")
            self.failed.emit(Failure.of(error))
            return
        self._try(lambda: set_class(*self._ready(), self.keys(), name))

    def _on_classes(self) -> None:
        self._try(lambda: change_classes(*self._ready(), self.class_table.classes()))

    def _on_draw_class(self, name: str) -> None:
        self._try(lambda: self._draw(name))

    def _draw(self, name: str) -> None:
        """What is drawn from now on is a new object of a class."""
        mask, plane = self._ready()
        state = state_of(mask)
        state.draw_class = name
        add_class(mask, plane, name)
        state.color(mask)
        mask.selected_label = self._subject.moment().new_id

    def _on_new_object(self) -> None:
        self._try(self._begin_object)

    def _begin_object(self) -> None:
        mask, _ = self._ready()
        self._draw(self.class_bar.name or classes_of(mask)[0].name)
        self._viewer.layers.selection.active = mask
        mask.mode = "paint"


def _unfollow(followed: list[Labels], slot: Callable[..., None]) -> None:
    while followed:
        followed.pop().events.selected_label.disconnect(slot)

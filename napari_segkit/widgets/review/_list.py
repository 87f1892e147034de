"""The list of a folder's images: picture, name, status. Only what is seen is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QAbstractListModel, QModelIndex, QRect, QSize, Qt, Signal
from qtpy.QtGui import QColor, QPalette
from qtpy.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate

from napari_segkit.data.store import Status
from napari_segkit.widgets.parts._words import counted
from napari_segkit.widgets.review._thumbnails import Thumbnails

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtGui import QPainter
    from qtpy.QtWidgets import QStyleOptionViewItem, QWidget

    from napari_segkit.widgets.review._session import Session

_Role = Qt.ItemDataRole
_ELSEWHERE = QModelIndex()
_PICTURE = QSize(64, 48)
_GAP = 6

MARKS = {
    Status.NEW: ("○", "#9a9a9a"),
    Status.PREDICTED: ("◐", "#58a6ff"),
    Status.EDITED: ("✎", "#e3b341"),
    Status.ACCEPTED: ("✔", "#3fb950"),
    Status.REJECTED: ("✖", "#f85149"),
    Status.SKIPPED: ("»", "#bc8cff"),
}
"""Status -> sign and colour; the word stands beside it."""


class ReviewModel(QAbstractListModel):
    """Names of images in the order of the review."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.names: list[str] = []
        self._rows: dict[str, int] = {}
        self.thumbnails = Thumbnails(self)

    def show(self, names: Sequence[str]) -> None:
        """List other images."""
        self.beginResetModel()
        self.names = list(names)
        self._rows = {name: row for row, name in enumerate(self.names)}
        self.thumbnails.clear()
        self.endResetModel()

    def row_of(self, name: str) -> int:
        """The row of an image; -1 where the list does not have it."""
        return self._rows.get(name, -1)

    def refresh(self, name: str) -> None:
        """Show an image's row anew."""
        row = self.row_of(name)
        if row >= 0:
            self.dataChanged.emit(self.index(row), self.index(row))

    def rowCount(self, parent: QModelIndex = _ELSEWHERE) -> int:
        """Images."""
        return 0 if parent.isValid() else len(self.names)

    def data(self, index: QModelIndex, role: int = _Role.DisplayRole) -> Any:
        """Name, picture, and in the tooltip all that is known."""
        store = self._session.store
        if store is None or not 0 <= index.row() < len(self.names):
            return None
        name = self.names[index.row()]
        if role == _Role.DisplayRole:
            return name
        if role == _Role.DecorationRole:
            source = store.sources.get(name)
            return None if source is None else self.thumbnails.get(source.path)
        if role in (_Role.ToolTipRole, _Role.AccessibleTextRole):
            return f"{name}: {self.about(name)}"
        return None

    def status(self, name: str) -> Status:
        """Where an image stands."""
        return self._session.status(name)

    def about(self, name: str) -> str:
        """``accepted · 24 objects · doubt 0.31``."""
        store = self._session.store
        if store is None:
            return ""
        line = store.line(name)
        parts = [self.status(name).value]
        if line.objects or line.status is not Status.NEW:
            parts.append(counted(line.objects, "object"))
        if line.uncertainty is not None:
            parts.append(f"doubt {line.uncertainty:.2f}")
        return " · ".join(parts)


class _Row(QStyledItemDelegate):
    """Paints a row: picture at the left, name, below it sign and word of the status."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        """One height for all."""
        return QSize(120, _PICTURE.height() + _GAP)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Paint it."""
        model = index.model()
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        role = QPalette.ColorRole
        painter.save()
        if selected:
            painter.fillRect(option.rect, option.palette.brush(role.Highlight))
        area = option.rect.adjusted(_GAP, _GAP // 2, -_GAP, -_GAP // 2)
        _paint_picture(painter, area, index.data(_Role.DecorationRole))
        area.setLeft(area.left() + _PICTURE.width() + _GAP)
        half = area.height() // 2
        upper = QRect(area.left(), area.top(), area.width(), half)
        lower = QRect(area.left(), area.top() + half, area.width(), area.height() - half)
        name = model.names[index.row()]
        text = option.palette.color(role.HighlightedText if selected else role.Text)
        painter.setPen(text)
        middle = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        fonts = option.fontMetrics
        painter.drawText(
            upper, middle, fonts.elidedText(name, Qt.TextElideMode.ElideMiddle, area.width())
        )
        sign, color = MARKS[model.status(name)]
        painter.setPen(text if selected else QColor(color))
        said = f"{sign} {model.about(name)}"
        painter.drawText(
            lower, middle, fonts.elidedText(said, Qt.TextElideMode.ElideRight, area.width())
        )
        painter.restore()


def _paint_picture(painter: QPainter, area: QRect, picture: Any) -> None:
    place = QRect(area.left(), area.top(), _PICTURE.width(), _PICTURE.height())
    if picture is None:
        painter.fillRect(place, QColor(128, 128, 128, 60))
        return
    size = picture.size().scaled(place.size(), Qt.AspectRatioMode.KeepAspectRatio)
    inside = QRect(place.topLeft(), size)
    inside.moveCenter(place.center())
    painter.drawPixmap(inside, picture)


class ReviewList(QListView):
    """The view."""

    chosen = Signal(str)
    """The person clicked on an image, or went to it with the arrow keys."""

    def __init__(self, model: ReviewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self.setModel(model)
        self.setItemDelegate(_Row(self))
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalScrollBar().setSingleStep(_PICTURE.height() // 2)
        self.setMinimumHeight(3 * (_PICTURE.height() + _GAP))
        self.setAccessibleName("Images")
        self._selecting = False
        model.thumbnails.made.connect(self.viewport().update)

    def select(self, name: str) -> None:
        """Make an image the current row, without opening it."""
        row = self._model.row_of(name)
        self._selecting = True
        index = self._model.index(row) if row >= 0 else QModelIndex()
        self.setCurrentIndex(index)
        self._selecting = False
        if row >= 0:
            self.scrollTo(index)

    def currentChanged(self, current: QModelIndex, previous: QModelIndex) -> None:
        """Tell what the person went to."""
        super().currentChanged(current, previous)
        if current.isValid() and not self._selecting:
            self.chosen.emit(self._model.names[current.row()])

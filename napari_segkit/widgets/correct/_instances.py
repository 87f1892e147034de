"""The table of instances: thousands of lines that sort, filter and change in milliseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from qtpy.QtCore import QItemSelectionModel, Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from napari_segkit.widgets.parts._table_model import ELSEWHERE, TableModel

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from qtpy.QtCore import QItemSelection, QModelIndex
    from qtpy.QtGui import QKeyEvent
    from qtpy.QtWidgets import QWidget

_Role = Qt.ItemDataRole
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_RIGHT = getattr(_RIGHT, "value", None) or int(_RIGHT)  # PyQt5 wants a number
ID, CLASS, SCORE, AREA, STATUS = range(5)
_WIDTHS = {ID: ("9999", 34), SCORE: ("Score", 14), AREA: ("999,999", 12), STATUS: ("predicted", 12)}
"""Column -> what must fit, and pixels beside it; the class has the rest."""


class Line(NamedTuple):
    """What the table tells of an instance."""

    key: int
    class_name: str
    score: float
    area: int
    status: str


class InstanceModel(TableModel):
    """Lines in the order and with the filter that the person chose.

    Sorted and filtered here: a proxy model asks Python for each cell of each comparison.
    """

    renamed = Signal(int, str)
    """The person gave an instance another class."""

    headers = ("Id", "Class", "Score", "Area", "Status")

    def __init__(self, color_of: Callable[[int], Any], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._color_of = color_of
        self._lines: dict[int, Line] = {}
        self._rows: list[int] = []
        self._row_of: dict[int, int] = {}
        self._sorted = (ID, False)
        self._text, self._class = "", ""

    def show(self, lines: Iterable[Line]) -> None:
        """Other instances altogether."""
        self.beginResetModel()
        self._lines = {line.key: line for line in lines}
        self._set_keys(self._ordered())
        self.endResetModel()

    def update(self, changed: Mapping[int, Line | None]) -> None:
        """Some lines changed; ``None``: it is gone. What is selected stays selected."""
        for key, line in changed.items():
            if line is None:
                self._lines.pop(key, None)
            else:
                self._lines[key] = line
        self._arrange()
        rows = [self._row_of[key] for key in changed if key in self._row_of]
        if rows:
            last = len(self.headers) - 1
            self.dataChanged.emit(self.index(min(rows), 0), self.index(max(rows), last))

    def filter(self, text: str, class_name: str) -> None:
        """Show only lines of a class ("" for all) whose id, class or status has the text."""
        self._text, self._class = text.strip().lower(), class_name
        self._arrange()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Order the lines."""
        self._sorted = column, order == Qt.SortOrder.DescendingOrder
        self._arrange()

    def _arrange(self) -> None:
        keys = self._ordered()
        if keys == self._rows:
            return
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        held = [self._rows[index.row()] for index in before]
        self._set_keys(keys)
        after = [
            self.index(self._row_of[key], index.column()) if key in self._row_of else ELSEWHERE
            for key, index in zip(held, before, strict=True)
        ]
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    def _ordered(self) -> list[int]:
        column, backwards = self._sorted
        lines = [line for line in self._lines.values() if self._passes(line)]
        lines.sort(key=lambda line: line.key)
        if column != ID or backwards:
            lines.sort(key=lambda line: line[column], reverse=backwards)
        return [line.key for line in lines]

    def _passes(self, line: Line) -> bool:
        if self._class and line.class_name != self._class:
            return False
        text = self._text
        if not text:
            return True
        return text in line.class_name.lower() or text in line.status or text == str(line.key)

    def _set_keys(self, keys: list[int]) -> None:
        self._rows = keys
        self._row_of = {key: row for row, key in enumerate(keys)}

    def key(self, row: int) -> int:
        """The id in a row."""
        return self._rows[row]

    def row_of(self, key: int) -> int | None:
        """The row of an id; ``None`` where the filter hides it, or there is none."""
        return self._row_of.get(key)

    def line(self, key: int) -> Line | None:
        """What is known of an id."""
        return self._lines.get(key)

    @property
    def total(self) -> int:
        """Instances, those that the filter hides included."""
        return len(self._lines)

    def counts(self) -> dict[str, int]:
        """Class -> instances."""
        found: dict[str, int] = {}
        for line in self._lines.values():
            found[line.class_name] = found.get(line.class_name, 0) + 1
        return found

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        """The class can be typed over."""
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsEditable if index.column() == CLASS else flags

    def data(self, index: QModelIndex, role: int = _Role.DisplayRole) -> Any:
        """What a cell shows; the id has its colour beside it."""
        line = self._lines[self._rows[index.row()]]
        column = index.column()
        if role == _Role.DisplayRole or (role == _Role.EditRole and column == CLASS):
            shown = (str(line.key), line.class_name, f"{line.score:.2f}", f"{line.area:,}")
            return (*shown, line.status)[column]
        if role == _Role.DecorationRole and column == ID:
            red, green, blue = (int(255 * float(part)) for part in self._color_of(line.key)[:3])
            return QColor(red, green, blue)
        if role == _Role.TextAlignmentRole and column in (ID, SCORE, AREA):
            return _RIGHT
        if role == _Role.ToolTipRole and column == CLASS:
            return "Double-click (or F2) and type: the class of this object"
        return None

    def setData(self, index: QModelIndex, value: Any, role: int = _Role.EditRole) -> bool:
        """Tell that the person typed a class."""
        name = str(value).strip()
        if role != _Role.EditRole or index.column() != CLASS or not name:
            return False
        self.renamed.emit(self.key(index.row()), name)
        return True


class InstanceTable(QTableView):
    """The view: rows of one height, several can be selected; the current one is the main one."""

    chosen = Signal()
    """Another selection of the person's."""
    deleted = Signal()
    """The person pressed Delete."""

    def __init__(self, rows: InstanceModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = rows
        self._quiet = False
        self.setModel(rows)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked
            | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        self.setSortingEnabled(True)
        self.sortByColumn(ID, Qt.SortOrder.AscendingOrder)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 6)
        header = self.horizontalHeader()
        header.setSectionResizeMode(CLASS, QHeaderView.ResizeMode.Stretch)
        for column, (text, more) in _WIDTHS.items():
            self.setColumnWidth(column, self.fontMetrics().horizontalAdvance(text) + more)
        header.setMinimumSectionSize(30)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Delete is about objects, here."""
        if event.key() == Qt.Key.Key_Delete and not event.modifiers():
            self.deleted.emit()
        else:
            super().keyPressEvent(event)

    def keys(self) -> tuple[int, ...]:
        """Selected ids, the one that was clicked last first."""
        selected = {index.row() for index in self.selectionModel().selectedRows()}
        current = self.currentIndex().row()
        first = [current] if current in selected else []
        return tuple(map(self.rows.key, (*first, *sorted(selected - {current}))))

    def select(self, keys: Collection[int]) -> None:
        """Select other lines, without telling; what the filter hides is left out."""
        rows = [row for key in keys if (row := self.rows.row_of(key)) is not None]
        self._quiet = True
        model = self.selectionModel()
        model.clear()
        flags = QItemSelectionModel.SelectionFlag
        for row in rows:
            model.select(self.rows.index(row, 0), flags.Select | flags.Rows)
        if rows:
            model.setCurrentIndex(self.rows.index(rows[0], 0), flags.NoUpdate)
            self.scrollTo(self.rows.index(rows[0], 0))
        self._quiet = False

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        """Tell of the person's own selections."""
        super().selectionChanged(selected, deselected)
        if not self._quiet:
            self.chosen.emit()

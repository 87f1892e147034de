"""Lists that may be long: a dataset's images with their counts, and its faults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QSortFilterProxyModel, Qt
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtWidgets import QWidget

    from napari_segkit.data.dataset import Fault
    from napari_segkit.jobs.browse import Browser

_Role = Qt.ItemDataRole
_ELSEWHERE = QModelIndex()


class SampleModel(QAbstractTableModel):
    """A dataset's images: name, objects, and how many of which class."""

    headers = ("Image", "Objects", "Classes")

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._browser: Browser | None = None
        self._names: tuple[str, ...] = ()

    def show(self, browser: Browser | None) -> None:
        """List another dataset's images."""
        self.beginResetModel()
        self._browser = browser
        self._names = () if browser is None else browser.names
        self.endResetModel()

    def refresh(self) -> None:
        """Show what was counted meanwhile."""
        if self._names:
            last = len(self._names) - 1
            self.dataChanged.emit(self.index(0, 1), self.index(last, 2))

    def name(self, row: int) -> str:
        """The image of a row."""
        return self._names[row]

    def row_of(self, name: str) -> int:
        """The row of an image."""
        return self._names.index(name)

    def rowCount(self, parent: QModelIndex = _ELSEWHERE) -> int:
        """Images."""
        return 0 if parent.isValid() else len(self._names)

    def columnCount(self, parent: QModelIndex = _ELSEWHERE) -> int:
        """Three."""
        return 0 if parent.isValid() else len(self.headers)

    def headerData(self, section: int, orientation: Any, role: int = _Role.DisplayRole) -> Any:
        """Names of the columns."""
        if role == _Role.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return self.headers[section]
        return None

    def data(self, index: QModelIndex, role: int = _Role.DisplayRole) -> Any:
        """What a cell shows; the tooltip tells it in full."""
        if role not in (_Role.DisplayRole, _Role.ToolTipRole) or self._browser is None:
            return None
        name = self._names[index.row()]
        row = self._browser.rows.get(name)
        if index.column() == 0:
            return name
        if row is None:
            return "…" if role == _Role.DisplayRole else "not counted yet"
        if row.fault:
            short = "⚠" if index.column() == 1 else "cannot be read"
            return row.fault if role == _Role.ToolTipRole else short
        if index.column() == 1:
            return str(row.objects)
        return ", ".join(f"{count} {of}" for of, count in row.counts.items())


class FaultModel(QAbstractTableModel):
    """A dataset's faults: kind, file, and what is wrong; the tooltip has the remedy, too."""

    headers = ("", "File", "What")

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._faults: Sequence[Fault] = ()

    def show(self, faults: Sequence[Fault]) -> None:
        """List these, errors first."""
        self.beginResetModel()
        self._faults = sorted(faults, key=lambda fault: fault.severity != "error")
        self.endResetModel()

    def fault(self, row: int) -> Fault:
        """The fault of a row."""
        return self._faults[row]

    def rowCount(self, parent: QModelIndex = _ELSEWHERE) -> int:
        """Faults."""
        return 0 if parent.isValid() else len(self._faults)

    def columnCount(self, parent: QModelIndex = _ELSEWHERE) -> int:
        """Three."""
        return 0 if parent.isValid() else len(self.headers)

    def headerData(self, section: int, orientation: Any, role: int = _Role.DisplayRole) -> Any:
        """Names of the columns."""
        if role == _Role.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return self.headers[section]
        return None

    def data(self, index: QModelIndex, role: int = _Role.DisplayRole) -> Any:
        """What a cell shows; the tooltip has everything."""
        fault = self._faults[index.row()]
        if role == _Role.ToolTipRole:
            place = " ".join(filter(None, (fault.file, fault.where)))
            return "\n".join(filter(None, (place, fault.what, fault.remedy)))
        if role != _Role.DisplayRole:
            return None
        mark = "✖" if fault.severity == "error" else "⚠"
        return (mark, fault.file, fault.what)[index.column()]


class LongTable(QTableView):
    """Rows of one height, of which only the visible ones are looked at."""

    def __init__(self, model: QAbstractTableModel, *, wide: int, parent: QWidget | None = None):
        super().__init__(parent)
        self.filtered = QSortFilterProxyModel(self)
        self.filtered.setSourceModel(model)
        self.filtered.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.filtered.setFilterKeyColumn(0)
        self.setModel(self.filtered)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 6)
        self.horizontalHeader().setSectionResizeMode(wide, QHeaderView.ResizeMode.Stretch)

    def source_row(self) -> int | None:
        """Row of the selected line in the unfiltered list."""
        index = self.currentIndex()
        return self.filtered.mapToSource(index).row() if index.isValid() else None

    def select(self, source_row: int) -> bool:
        """Select a line; returns False where the filter hides it."""
        source = self.filtered.sourceModel()
        index = self.filtered.mapFromSource(source.index(source_row, 0))
        if index.isValid():
            self.setCurrentIndex(index)
            self.scrollTo(index)
        return bool(index.isValid())

    def step(self, by: int) -> bool:
        """Select the line below (1) or above (-1), of those that the filter shows."""
        row = self.currentIndex().row() + by
        if not 0 <= row < self.filtered.rowCount():
            return False
        self.setCurrentIndex(self.filtered.index(row, 0))
        return True

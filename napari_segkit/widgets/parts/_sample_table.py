"""Lists that may be long: a dataset's images with their counts, and its faults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QSortFilterProxyModel, Qt
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from napari_segkit.widgets.parts._table_model import TableModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtCore import QModelIndex
    from qtpy.QtWidgets import QWidget

    from napari_segkit.data.dataset import Fault
    from napari_segkit.jobs.browse import Browser

_Role = Qt.ItemDataRole


class SampleModel(TableModel):
    """A dataset's images: name, objects, and how many of which class."""

    headers = ("Image", "Objects", "Classes")
    _rows: Sequence[str]

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._browser: Browser | None = None

    def show(self, browser: Browser | None) -> None:
        """List another dataset's images."""
        self._browser = browser
        self._set_rows(() if browser is None else browser.names)

    def refresh(self) -> None:
        """Show what was counted meanwhile."""
        if self._rows:
            last = len(self._rows) - 1
            self.dataChanged.emit(self.index(0, 1), self.index(last, 2))

    def name(self, row: int) -> str:
        """The image of a row."""
        return self._rows[row]

    def row_of(self, name: str) -> int:
        """The row of an image."""
        return self._rows.index(name)

    def data(self, index: QModelIndex, role: int = _Role.DisplayRole) -> Any:
        """What a cell shows; the tooltip tells it in full."""
        if role not in (_Role.DisplayRole, _Role.ToolTipRole) or self._browser is None:
            return None
        name = self.name(index.row())
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


class FaultModel(TableModel):
    """A dataset's faults: kind, file, and what is wrong; the tooltip has the remedy, too."""

    headers = ("", "File", "What")
    _rows: Sequence[Fault]

    def show(self, faults: Sequence[Fault]) -> None:
        """List these, errors first."""
        self._set_rows(sorted(faults, key=lambda fault: fault.severity != "error"))

    def fault(self, row: int) -> Fault:
        """The fault of a row."""
        return self._rows[row]

    def data(self, index: QModelIndex, role: int = _Role.DisplayRole) -> Any:
        """What a cell shows; the tooltip has everything."""
        fault = self.fault(index.row())
        if role == _Role.ToolTipRole:
            place = " ".join(filter(None, (fault.file, fault.where)))
            return "\n".join(filter(None, (place, fault.what, fault.remedy)))
        if role != _Role.DisplayRole:
            return None
        mark = "✖" if fault.severity == "error" else "⚠"
        return (mark, fault.file, fault.what)[index.column()]


class LongTable(QTableView):
    """Rows of one height, of which only the visible ones are looked at."""

    def __init__(self, model: TableModel, *, wide: int, parent: QWidget | None = None):
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

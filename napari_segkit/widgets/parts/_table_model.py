"""A table with a line of headings: what the lists of images, faults and objects have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt

if TYPE_CHECKING:
    from collections.abc import Sequence

ELSEWHERE = QModelIndex()
"""No cell's index: the table itself."""
_Role = Qt.ItemDataRole


class TableModel(QAbstractTableModel):
    """Rows of anything; what a cell shows is the subclass's `data`."""

    headers: ClassVar[tuple[str, ...]]
    _rows: Sequence[Any] = ()

    def _set_rows(self, rows: Sequence[Any]) -> None:
        """List others altogether."""
        self.beginResetModel()
        self._rows = rows
        self.endResetModel()

    def rowCount(self, parent: QModelIndex = ELSEWHERE) -> int:
        """Lines."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: QModelIndex = ELSEWHERE) -> int:
        """One for each heading."""
        return 0 if parent.isValid() else len(self.headers)

    def headerData(self, section: int, orientation: Any, role: int = _Role.DisplayRole) -> Any:
        """Names of the columns."""
        if role == _Role.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return self.headers[section]
        return None

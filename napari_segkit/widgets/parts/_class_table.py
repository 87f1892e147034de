"""A table of classes whose names and colours can be edited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QColorDialog, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from napari_segkit.errors import DatasetError
from napari_segkit.types import ClassDef

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME, _COLOR = 0, 1
_OLD = Qt.ItemDataRole.UserRole


class ClassTable(QTableWidget):
    """One row per class: its name, to be typed over, and its colour, chosen by a double click."""

    edited = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, 2, parent)
        self._changes: dict[str, ClassDef] = {}
        self.setHorizontalHeaderLabels(["Class", "Colour"])
        self.verticalHeader().hide()
        header = self.horizontalHeader()
        header.setSectionResizeMode(_NAME, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(_COLOR, QHeaderView.ResizeMode.ResizeToContents)
        self.setToolTip(
            "Double-click a name to rename the class in the dataset, a colour to change it.\n"
            "Two classes of the same name become one."
        )
        self._connect()

    def _connect(self) -> None:
        self.itemChanged.connect(self._on_item)
        self.cellDoubleClicked.connect(self._on_double_click)

    def show_classes(self, classes: Mapping[str, ClassDef], *, anew: bool = False) -> None:
        """Show these classes; what was edited before stays edited, if not shown anew."""
        if anew:
            self._changes.clear()
        self.blockSignals(True)
        self.setRowCount(len(classes))
        for row, (old, one) in enumerate(classes.items()):
            shown = self._changes.get(old, one)
            name = QTableWidgetItem(shown.name)
            name.setData(_OLD, old)
            self.setItem(row, _NAME, name)
            self.setItem(row, _COLOR, _color_item(shown.color))
        self.blockSignals(False)
        self.setFixedHeight(self._height())

    def classes(self) -> dict[str, ClassDef]:
        """Old name -> name and colour as they stand in the table.

        Raises
        ------
        DatasetError
            Where a name is empty.
        """
        found: dict[str, ClassDef] = {}
        for row in range(self.rowCount()):
            old, one = self._row(row)
            if not one.name:
                raise DatasetError("a class has no name", where=old, remedy="type one")
            found[old] = one
        return found

    def _row(self, row: int) -> tuple[str, ClassDef]:
        name, color = self.item(row, _NAME), self.item(row, _COLOR).background().color()
        rgb = (color.red(), color.green(), color.blue())
        return name.data(_OLD), ClassDef(name.text().strip(), rgb)

    def _height(self) -> int:
        rows = sum(self.rowHeight(row) for row in range(min(self.rowCount(), 6)))
        return self.horizontalHeader().sizeHint().height() + rows + 2 * self.frameWidth()

    def _on_item(self, item: QTableWidgetItem) -> None:
        old, one = self._row(item.row())
        self._changes[old] = one
        self.edited.emit()

    def _on_double_click(self, row: int, column: int) -> None:
        if column != _COLOR:
            return
        color = QColorDialog.getColor(self.item(row, _COLOR).background().color(), self)
        if color.isValid():
            self.set_color(row, (color.red(), color.green(), color.blue()))

    def set_color(self, row: int, color: tuple[int, int, int]) -> None:
        """Give the class of a row another colour."""
        self.setItem(row, _COLOR, _color_item(color))
        self._on_item(self.item(row, _COLOR))


def _color_item(color: tuple[int, int, int]) -> QTableWidgetItem:
    text = "#{:02x}{:02x}{:02x}".format(*color)  # read out, and told without colour
    item = QTableWidgetItem(text)
    item.setBackground(QColor(*color))
    item.setForeground(QColor("black" if sum(color) > 380 else "white"))
    item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
    return item

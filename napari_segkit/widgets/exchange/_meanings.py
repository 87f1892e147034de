"""What values and colours mean that no class has (F16): a line for each, to be chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QComboBox, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_segkit.data.formats.strange import Meanings
    from napari_segkit.types import ClassDef, Color

_BACKGROUND = "background: leave it out"


class MeaningsTable(QTableWidget):
    """One row per unknown value or colour: its pixels, and the class that it means."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, 3, parent)
        self._values: list[int | Color] = []
        self.setHorizontalHeaderLabels(["In the mask", "Pixels", "Means"])
        self.verticalHeader().hide()
        self.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        header, fit = self.horizontalHeader(), QHeaderView.ResizeMode
        for column, mode in enumerate((fit.ResizeToContents, fit.ResizeToContents, fit.Stretch)):
            header.setSectionResizeMode(column, mode)
        self.setToolTip("These stand for no class of the dataset; its files are not changed")

    def ask(self, found: Mapping[int | Color, int], classes: Sequence[ClassDef]) -> None:
        """Ask for the meaning of each."""
        self._values = list(found)
        self.setRowCount(len(found))
        for row, (value, pixels) in enumerate(found.items()):
            self.setItem(row, 0, _value_item(value))
            self.setItem(row, 1, QTableWidgetItem(f"{pixels:,}"))
            choice = QComboBox()
            choice.addItem(_BACKGROUND, "")
            for one in classes:
                choice.addItem(one.name, one.name)
            choice.setAccessibleName(f"Meaning of {value}")
            self.setCellWidget(row, 2, choice)

    def meanings(self) -> Meanings:
        """What was chosen; the background where nothing was."""
        return {
            value: self.cellWidget(row, 2).currentData() for row, value in enumerate(self._values)
        }

    def choose(self, row: int, class_name: str) -> None:
        """Choose a class for a row."""
        box = self.cellWidget(row, 2)
        box.setCurrentIndex(box.findData(class_name))


def _value_item(value: int | Color) -> QTableWidgetItem:
    if isinstance(value, int):
        return QTableWidgetItem(f"value {value}")
    item = QTableWidgetItem("#{:02x}{:02x}{:02x}".format(*value))
    item.setBackground(QColor(*value))
    item.setForeground(QColor("black" if sum(value) > 380 else "white"))
    item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
    return item

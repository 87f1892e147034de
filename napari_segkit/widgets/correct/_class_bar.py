"""Which class new objects get, and what is selected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QWidget

from napari_segkit.widgets.correct._tool_panel import add_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_segkit.types import ClassDef


class ClassBar(QWidget):
    """A class to be chosen or typed, and what to do with it.

    Attributes
    ----------
    chosen
        Name of the class that new objects are to have.
    wanted
        The person wants to draw a new object with napari's brush.
    given
        Name of the class that the selected objects are to have.
    """

    chosen = Signal(str)
    wanted = Signal()
    given = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.combo = QComboBox()
        self.new_button = QPushButton("New object")
        self.give_button = QPushButton("Set class")
        self._lay_out()
        self.combo.activated.connect(self._on_activated)
        self.combo.lineEdit().returnPressed.connect(self._on_activated)
        self.new_button.clicked.connect(self.wanted)
        self.give_button.clicked.connect(self._on_give)
        add_key(self, "Shift+B", self.new_button.click)
        add_key(self, "Shift+F", self.give_button.click)

    def _lay_out(self) -> None:
        self.combo.setEditable(True)
        self.combo.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.combo.setMinimumContentsLength(8)
        self.combo.setToolTip("Class of what you draw next. Type a name for a new one")
        self.new_button.setToolTip("Draw an object of this class with napari's brush (Shift+B)")
        self.give_button.setToolTip("Give the selected objects this class (Shift+F)")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.combo, 1)
        row.addWidget(self.new_button)
        row.addWidget(self.give_button)

    @property
    def name(self) -> str:
        """The class that is chosen."""
        return self.combo.currentText().strip()

    def show_classes(self, classes: Sequence[ClassDef], current: str | None) -> None:
        """List other classes."""
        self.combo.blockSignals(True)
        self.combo.clear()
        for one in classes:
            swatch = QPixmap(12, 12)
            swatch.fill(QColor(*one.color))
            self.combo.addItem(QIcon(swatch), one.name)
        row = self.combo.findText(current or "")
        self.combo.setCurrentIndex(max(row, 0))
        self.combo.blockSignals(False)

    def _on_activated(self, row: int = 0) -> None:
        if self.name:
            self.chosen.emit(self.name)

    def _on_give(self) -> None:
        if self.name:
            self.given.emit(self.name)

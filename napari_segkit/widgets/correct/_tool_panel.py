"""Buttons of the tools, and a line for the parameter of the one that is chosen."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import (
    QApplication,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_segkit.widgets.correct._tool_list import TOOLS

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_segkit.widgets.correct._tool_list import ToolSpec

_COLUMNS = 3


def add_key(widget: QWidget, key: str, slot: Callable[[], object]) -> QShortcut:
    """A shortcut in the whole window, while the panel is seen."""
    shortcut = QShortcut(QKeySequence(key), widget)
    shortcut.setContext(Qt.ShortcutContext.WindowShortcut)
    shortcut.activated.connect(slot)
    return shortcut


class ToolPanel(QWidget):
    """A button for each tool.

    Attributes
    ----------
    chosen
        The person wants a `ToolSpec`.
    changed
        The parameter of the open tool has another value.
    applied, closed
        What to do with what is shown.
    """

    chosen = Signal(object)
    changed = Signal()
    applied = Signal()
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.open: ToolSpec | None = None
        self.buttons = {spec.name: _button(spec.text, spec.tooltip) for spec in TOOLS}
        self._values: dict[str, float] = {}
        self._focused: QWidget | None = None
        self._line = QWidget()
        self._title = QLabel()
        self.value = QDoubleSpinBox()
        self.apply_button = QPushButton("Apply")
        self.close_button = QToolButton()
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setSpacing(3)
        for number, button in enumerate(self.buttons.values()):
            grid.addWidget(button, number // _COLUMNS, number % _COLUMNS)
        self.apply_button.setToolTip("Change the mask: one step for Ctrl+Z (Enter)")
        self.close_button.setText("✕")
        self.close_button.setToolTip("Leave the mask as it is (Esc)")
        line = QHBoxLayout(self._line)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self._title)
        line.addWidget(self.value, 1)
        line.addWidget(self.apply_button)
        line.addWidget(self.close_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(grid)
        layout.addWidget(self._line)
        self._line.hide()

    def _connect(self) -> None:
        for spec in TOOLS:
            self.buttons[spec.name].clicked.connect(partial(self.chosen.emit, spec))
            add_key(self, spec.key, partial(self.chosen.emit, spec))
        self.value.valueChanged.connect(self._on_value)
        self.apply_button.clicked.connect(self.applied)
        self.close_button.clicked.connect(self.closed)

    def show_param(self, spec: ToolSpec) -> None:
        """Open the line of a tool's parameter, with the value that it had last."""
        param = spec.param
        if param is None:
            return
        self.close_param()
        self.open = spec
        self.value.blockSignals(True)
        self.value.setDecimals(0 if param.step >= 1 else 1 if param.step >= 0.1 else 2)
        self.value.setRange(param.low, param.high)
        self.value.setSingleStep(param.step)
        self.value.setSuffix(param.unit)
        self.value.setSpecialValueText(param.off)
        self.value.setValue(self._values.get(spec.name, param.start))
        self.value.setToolTip(spec.tip)
        self.value.blockSignals(False)
        self._title.setText(f"{spec.text}: {param.label}")
        self.buttons[spec.name].setDown(True)
        self._line.show()
        self._focused = QApplication.focusWidget()
        self.value.setFocus()
        self.value.selectAll()

    def close_param(self) -> None:
        """Close the line; keys go where they went before."""
        if self.open is None:
            return
        self.buttons[self.open.name].setDown(False)
        focused, self._focused, self.open = self._focused, None, None
        if focused is not None and self.value.hasFocus():
            focused.setFocus()
        self._line.hide()

    def _on_value(self, value: float) -> None:
        if self.open is not None:
            self._values[self.open.name] = value
            self.changed.emit()


def _button(text: str, tooltip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tooltip)
    button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return button

"""Buttons for correction by a box or clicks, and what is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QGridLayout, QLabel, QPushButton, QWidget

from napari_segkit.types import Progress
from napari_segkit.widgets._latest import LatestJob
from napari_segkit.widgets.correct._tool_panel import add_key

if TYPE_CHECKING:
    from napari_segkit.types import Job
    from napari_segkit.widgets.correct._prompting import Prompting

_HINT = (
    "Click what is missing; right-click (or Alt+click) what is too much. Backspace: one click "
    "back. Enter keeps, Esc drops."
)
_HINT_BOX = "Drag a box around the object. Esc: not now."


class PromptPanel(QWidget):
    """What begins and ends a correction by prompts.

    Attributes
    ----------
    wanted
        The person wants to begin; whether with a box.
    kept, dropped
        What to do with what is shown.
    """

    wanted = Signal(bool)
    kept = Signal()
    dropped = Signal()

    def __init__(self, prompting: Prompting, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._prompting = prompting
        self._listing = LatestJob("Refiners", self)
        self.clicks_button = QPushButton("Clicks")
        self.box_button = QPushButton("Box")
        self.refiner = QComboBox()
        self.hint = QLabel()
        self.keep_button = QPushButton("Keep")
        self.drop_button = QPushButton("Drop")
        self._lay_out()
        self._connect()
        self.show_state()

    def _lay_out(self) -> None:
        self.clicks_button.setToolTip(
            "Correct the selected object by clicks, or begin a new one where none is (Shift+R)"
        )
        self.box_button.setToolTip(
            "Find the selected object again in a box, or a new one where none is (Shift+W)"
        )
        self.refiner.setToolTip("What finds the object. GrabCut needs no weights")
        self.refiner.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.refiner.setMinimumContentsLength(9)
        self.refiner.addItem("GrabCut", "grabcut")
        self.hint.setWordWrap(True)
        self.keep_button.setToolTip("Change the mask: one step for Ctrl+Z (Enter)")
        self.drop_button.setToolTip("Leave the mask as it is (Esc)")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(3)
        for column, widget in enumerate((self.clicks_button, self.box_button, self.refiner)):
            grid.addWidget(widget, 0, column)
            grid.setColumnStretch(column, 1)
        grid.addWidget(self.hint, 1, 0, 1, 3)
        grid.addWidget(self.keep_button, 2, 0)
        grid.addWidget(self.drop_button, 2, 1)

    def _connect(self) -> None:
        self.clicks_button.clicked.connect(lambda: self.wanted.emit(False))
        self.box_button.clicked.connect(lambda: self.wanted.emit(True))
        self.refiner.activated.connect(self._on_refiner)
        self._listing.answered.connect(self._on_listed)
        self.keep_button.clicked.connect(self.kept)
        self.drop_button.clicked.connect(self.dropped)
        add_key(self, "Shift+R", self.clicks_button.click)
        add_key(self, "Shift+W", self.box_button.click)

    def refresh(self) -> None:
        """List what can be asked now; weights may have come meanwhile."""
        self._listing.ask(_list)

    def _on_listed(self, found: dict[str, str]) -> None:
        before = self.refiner.currentData()
        self.refiner.clear()
        for name, title in found.items():
            self.refiner.addItem(title, name)
        self.refiner.setCurrentIndex(max(self.refiner.findData(before), 0))
        self._on_refiner()

    def show_state(self) -> None:
        """Show what can be done now."""
        active = self._prompting.active
        drawing = self._prompting.drawing.layer is not None
        self.hint.setText(_HINT_BOX if drawing else _HINT)
        for widget in (self.hint, self.keep_button, self.drop_button):
            widget.setVisible(active)

    def _on_refiner(self, row: int = 0) -> None:
        self._prompting.refiner = self.refiner.currentData() or "grabcut"


def _list() -> Job[dict[str, str]]:
    """In the thread: with every format and model, it is slow to import."""
    yield Progress(0, None, "looking for models")
    from napari_segkit.jobs.correct import refiners

    return refiners()

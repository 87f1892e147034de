"""A list of what is there, and any file besides."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QFileDialog

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from qtpy.QtWidgets import QWidget

_FILE = "File…"


class FileChooser(QComboBox):
    """Read anew when it opens: files come and go.

    Parameters
    ----------
    entries
        Texts and their values, as they are now; the first one stands for a value that went away.
    title, files
        Of the dialog for a file: its heading, and what it lists.
    """

    chosen = Signal()

    def __init__(
        self,
        entries: Callable[[], Sequence[tuple[str, Any]]],
        *,
        title: str,
        files: str,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._entries = entries
        self._title, self._files = title, files
        self._own: Any = None
        self._shown = 0
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        self.refresh()
        self.activated.connect(self._on_activated)

    def choose(self, value: Any) -> None:
        """Choose an entry; what is none becomes one, by the name of its file."""
        if self._row_of(value) < 0:
            self._own = value
            self.refresh()
        self._show(max(self._row_of(value), 0))
        self.chosen.emit()

    def choose_file(self, name: str) -> None:
        """Choose the file that a dialog gave."""
        self.choose(name)

    def refresh(self) -> None:
        """List what is there now; what was chosen stays."""
        before = self.currentData()
        self.clear()
        for text, value in self._entries():
            self.addItem(text, value)
        if self._own is not None:
            self.addItem(Path(self._own).name, self._own)
        self.addItem(_FILE, _FILE)
        self._show(max(self._row_of(before), 0))

    def hint(self) -> str:
        """What the tooltip says of the choice."""
        return str(self.currentText())

    def showPopup(self) -> None:
        """Open the list."""
        self.refresh()
        super().showPopup()

    def _row_of(self, value: Any) -> int:
        rows = (row for row in range(self.count()) if self.itemData(row) == value)
        return next(rows, -1)

    def _show(self, row: int) -> None:
        self._shown = row
        self.setCurrentIndex(row)
        self.setToolTip(f"{self._title}: {self.hint()}")

    def _on_activated(self, row: int) -> None:
        if self.itemData(row) != _FILE:
            self._show(row)
            self.chosen.emit()
            return
        self._show(self._shown)
        name, _ = QFileDialog.getOpenFileName(self, self._title, "", self._files)
        if name:
            self.choose_file(name)

"""Lines of the Review dock: folder, filter and order, decisions with their keys."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QWidget,
)

from napari_segkit.data.store import Status
from napari_segkit.jobs.review import DONE, Order
from napari_segkit.widgets.review._list import MARKS

if TYPE_CHECKING:
    from collections.abc import Collection

_FILTERS: dict[str, Collection[Status] | None] = {
    "all": None,
    "not done": frozenset(Status) - DONE,
    **{f"{MARKS[one][0]} {one.value}": {one} for one in Status},
}
_ORDERS = {
    "by name": Order.NAME,
    "by status": Order.STATUS,
    "most doubtful first": Order.UNCERTAINTY,
    "at random": Order.RANDOM,
}


class FolderLine(QWidget):
    """Which folder."""

    chosen = Signal(object)
    """A `Path`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.line = QLineEdit()
        self.button = QPushButton("Folder…")
        self.line.setPlaceholderText("a folder of images: choose, or drop it here")
        self.line.setToolTip("Images in it and in its sub-folders; your files are never written")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.line, 1)
        layout.addWidget(self.button)
        self.line.returnPressed.connect(self._on_return)
        self.button.clicked.connect(self._on_button)

    def show_path(self, path: Path) -> None:
        """Say which one is open."""
        self.line.setText(str(path))

    def _on_return(self) -> None:
        text = self.line.text().strip()
        if text:
            self.chosen.emit(Path(text).expanduser().absolute())

    def _on_button(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder of images", self.line.text())
        if chosen:
            self.chosen.emit(Path(chosen))


class FilterBar(QWidget):
    """Which images are listed, and in which order."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.status, self.sort, self.text = QComboBox(), QComboBox(), QLineEdit()
        for text, statuses in _FILTERS.items():
            self.status.addItem(text, statuses)
        for text, order in _ORDERS.items():
            self.sort.addItem(text, order)
        self.status.setToolTip("Only images of this status; the list stays until you choose again")
        self.sort.setToolTip("Doubtful: uncertain pixels, unsure or cut-off objects")
        self.text.setPlaceholderText("part of a name")
        self.text.setClearButtonEnabled(True)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.status, 0, 0)
        layout.addWidget(self.sort, 0, 1)
        layout.addWidget(self.text, 1, 0, 1, 2)
        for box in (self.status, self.sort):
            box.activated.connect(self.changed)
        self.text.textChanged.connect(self.changed)

    @property
    def statuses(self) -> Collection[Status] | None:
        """Of the images that are listed; ``None``: all."""
        return _FILTERS[self.status.currentText()]

    @property
    def order(self) -> Order:
        """How they follow each other."""
        return _ORDERS[self.sort.currentText()]

    @property
    def words(self) -> str:
        """Part of their names, in small letters."""
        return self.text.text().strip().lower()


class DecisionBar(QWidget):
    """Back, accept, reject, skip, next; the keys work wherever the window has the focus."""

    decided = Signal(object)
    """A `Status`."""
    stepped = Signal(int)
    """1 for the next image, -1 for the previous one."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.back = self._button("◀ Back", "PgUp", "The previous image of the list")
        self.accept = self._button("✔ Accept", "Alt+A", "The mask is right; go to what is not done")
        self.reject = self._button("✖ Reject", "Alt+R", "Of no use; go to what is not done")
        self.skip = self._button("» Skip", "Alt+K", "Not now; go to what is not done")
        self.next = self._button("Next ▶", "PgDown", "The next image of the list, as it is")
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.back, 0, 0, 1, 2)
        layout.addWidget(self.next, 0, 4, 1, 2)
        layout.addWidget(self.accept, 0, 2, 1, 2)
        layout.addWidget(self.reject, 1, 0, 1, 3)
        layout.addWidget(self.skip, 1, 3, 1, 3)
        for button, by in ((self.back, -1), (self.next, 1)):
            button.clicked.connect(partial(self._on_step, by))
        for button, status in (
            (self.accept, Status.ACCEPTED),
            (self.reject, Status.REJECTED),
            (self.skip, Status.SKIPPED),
        ):
            button.clicked.connect(partial(self._on_decision, status))

    def set_possible(self, *, looking: bool, deciding: bool) -> None:
        """Which buttons can be pressed."""
        for button in (self.back, self.next):
            button.setEnabled(looking)
        for button in (self.accept, self.reject, self.skip):
            button.setEnabled(deciding)

    def _button(self, text: str, key: str, tip: str) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(f"{tip} ({key})")
        button.setMinimumWidth(40)
        shortcut = QShortcut(QKeySequence(key), self)
        shortcut.setContext(Qt.ShortcutContext.WindowShortcut)
        shortcut.activated.connect(button.click)
        return button

    def _on_step(self, by: int, _checked: bool = False) -> None:
        self.stepped.emit(by)

    def _on_decision(self, status: Status, _checked: bool = False) -> None:
        self.decided.emit(status)

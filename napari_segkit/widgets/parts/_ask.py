"""A question in a dock: one sentence, and a button for each answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from qtpy.QtWidgets import QWidget


class Question(QFrame):
    """Hidden until something is asked; an answer hides it again."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.sentence = QLabel()
        self.sentence.setWordWrap(True)
        self.sentence.setTextFormat(Qt.TextFormat.PlainText)
        self.sentence.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.buttons: dict[str, QPushButton] = {}
        self._row = QHBoxLayout()
        self.setFrameShape(QFrame.Shape.StyledPanel)
        layout = QVBoxLayout(self)
        layout.addWidget(self.sentence)
        layout.addLayout(self._row)
        self.hide()

    def ask(self, sentence: str, answers: Mapping[str, Callable[[], None]]) -> None:
        """Ask, in the place of what was asked before."""
        self.clear()
        self.sentence.setText(f"⚠ {sentence}")
        for text, slot in answers.items():
            button = self.buttons[text] = QPushButton(text)
            button.clicked.connect(self.clear)
            button.clicked.connect(slot)
            self._row.addWidget(button)
        self.show()

    def clear(self) -> None:
        """Ask nothing."""
        for button in self.buttons.values():
            self._row.removeWidget(button)
            button.deleteLater()
        self.buttons.clear()
        self.hide()

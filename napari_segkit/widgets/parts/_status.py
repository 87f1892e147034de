"""What a dock says: progress with a time estimate, the result or the failure, details."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_segkit.types import Progress
    from napari_segkit.widgets.runs._run import Outcome


class StatusBox(QWidget):
    """The lower part of a dock.

    Attributes
    ----------
    action
        The person pressed the button that a message offered.
    """

    action = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._started = 0.0
        self.bar = QProgressBar()
        self.sentence = _text()
        self.notes = _text()
        self.action_button = QPushButton()
        self.details_button = QPushButton("Details")
        self.copy_button = QPushButton("Copy")
        self.details = QPlainTextEdit()
        self._lay_out()
        self._connect()
        self.clear()

    def _lay_out(self) -> None:
        self.bar.setTextVisible(True)
        self.bar.setAccessibleName("Progress")
        self.details_button.setCheckable(True)
        self.details_button.setToolTip("Show what exactly happened")
        self.copy_button.setToolTip("Copy the message and its details")
        self.details.setReadOnly(True)
        self.details.setLineWrapMode(QPlainTextEdit.LineWrapMode.WidgetWidth)
        self.details.setFixedHeight(120)
        buttons = QHBoxLayout()
        for button in (self.action_button, self.details_button, self.copy_button):
            buttons.addWidget(button)
        buttons.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self.bar, self.sentence, self.notes):
            layout.addWidget(widget)
        layout.addLayout(buttons)
        layout.addWidget(self.details)

    def _connect(self) -> None:
        self.action_button.clicked.connect(self.action)
        self.details_button.toggled.connect(self.details.setVisible)
        self.copy_button.clicked.connect(self._on_copy)

    def clear(self) -> None:
        """Say nothing."""
        self.say("")
        self.bar.hide()

    def start(self, title: str) -> None:
        """Show that something has begun."""
        self.say("")
        self._started = time.monotonic()
        self.bar.setRange(0, 1)  # no range would animate the bar: see `_worker`
        self.bar.setValue(0)
        self.bar.setFormat(title)
        self.bar.show()

    def show_progress(self, step: Progress) -> None:
        """Bring the bar up to date."""
        parts = []
        if step.total is None:  # reading, loading: says nothing about what comes after it
            self._started = time.monotonic()
        if step.total:
            done = min(step.done, step.total)
            self.bar.setRange(0, step.total)
            self.bar.setValue(done)
            parts.append(f"{100 * done // step.total} %")
            parts.append(_time_left(time.monotonic() - self._started, done, step.total))
        text = " · ".join(part for part in (*parts, step.message) if part)
        room = self.bar.fontMetrics()
        self.bar.setFormat(room.elidedText(text, Qt.TextElideMode.ElideRight, self.bar.width() - 8))
        self.bar.setToolTip(text)

    def say(
        self,
        sentence: str,
        *,
        notes: Sequence[str] = (),
        details: str = "",
        action: str = "",
        bad: bool = False,
    ) -> None:
        """Show how it ended.

        Parameters
        ----------
        notes
            Smaller lines below the sentence.
        details
            Folded away.
        action
            Text of a button, where there is something left to do.
        bad
            Whether it is a failure: said by a mark and by colour.
        """
        self.bar.hide()
        self.sentence.setText(f"⚠ {sentence}" if bad and sentence else sentence)
        self.sentence.setVisible(bool(sentence))
        self.notes.setText("\n".join(notes))
        self.notes.setVisible(bool(notes))
        self.details.setPlainText(details)
        self.details_button.setChecked(False)
        self.details.hide()
        self.details_button.setVisible(bool(details))
        self.copy_button.setVisible(bool(details))
        self.action_button.setText(action)
        self.action_button.setVisible(bool(action))

    def tell(self, outcome: Outcome) -> None:
        """Say how a run ended."""
        if outcome.offered:
            self.say(
                f"Not written: {outcome.offered}",
                notes=(outcome.sentence, *outcome.notes),
                action="Add as a new layer",
                bad=True,
            )
        elif outcome.failure is not None:
            self.say(outcome.failure.sentence, details=outcome.failure.details, bad=True)
        else:
            self.say(outcome.sentence, notes=outcome.notes)

    def _on_copy(self) -> None:
        text = f"{self.sentence.text()}\n{self.details.toPlainText()}"
        QApplication.clipboard().setText(text)


def _text() -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def _time_left(elapsed: float, done: int, total: int) -> str:
    """An estimate, as soon as it means something."""
    if elapsed < 1 or not 0 < done < total:
        return ""
    seconds = elapsed * (total - done) / done
    if seconds < 90:
        return f"about {max(1, round(seconds))} s left"
    return f"about {round(seconds / 60)} min left"

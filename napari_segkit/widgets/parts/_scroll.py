"""Room for what may be taller than a laptop's screen."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, QSize, Qt
from qtpy.QtWidgets import QFrame, QScrollArea, QSizePolicy, QVBoxLayout, QWidget


class VerticalScroll(QScrollArea):
    """Scrolls its content up and down; always as wide as the content needs."""

    def __init__(self, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        holder = QWidget()
        layout = QVBoxLayout(holder)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(content)
        layout.addStretch()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(holder)

    def minimumSizeHint(self) -> QSize:
        """Width of the content and of the scroll bar; a few lines high."""
        width = self.widget().minimumSizeHint().width()
        bar = self.verticalScrollBar().sizeHint().width()
        return QSize(width + bar, min(self.widget().minimumSizeHint().height(), 80))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Tell the dock when the content wants another width."""
        if event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return bool(super().eventFilter(watched, event))


class FittingScroll(VerticalScroll):
    """As high as its content, where there is room for that."""

    def __init__(self, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(content, parent)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)

    def sizeHint(self) -> QSize:
        """What the content wants now; Qt's own answer is the first one for ever."""
        hint = self.widget().sizeHint()
        return QSize(hint.width(), hint.height() + self.fontMetrics().height())

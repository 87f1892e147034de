"""What the import dock shows of a dataset: images, classes, faults."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSize, Qt, QTimer, Signal
from qtpy.QtGui import QImage, QPixmap
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_segkit.widgets.exchange._meanings import MeaningsTable
from napari_segkit.widgets.parts._class_table import ClassTable
from napari_segkit.widgets.parts._sample_table import FaultModel, LongTable, SampleModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtGui import QResizeEvent

    from napari_segkit.data.dataset import Fault
    from napari_segkit.jobs.browse import Browser, Preview


class PreviewLabel(QLabel):
    """A small picture that fills its room, or a sentence in its place."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pixmap: QPixmap | None = None
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setWordWrap(True)
        self.setFixedHeight(170)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def show_preview(self, preview: Preview) -> None:
        """Show a picture."""
        height, width = preview.picture.shape[:2]
        data = preview.picture.tobytes()
        image = QImage(data, width, height, 3 * width, QImage.Format.Format_RGB888)
        self._pixmap = QPixmap.fromImage(image.copy())
        size = f"{preview.shape[1]}x{preview.shape[0]}"
        self.setToolTip("\n".join((f"{preview.name} · {size}", *preview.notes)))
        self._fit()

    def say(self, sentence: str) -> None:
        """Show a sentence."""
        self._pixmap = None
        self.setText(sentence)
        self.setToolTip(sentence)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the picture anew."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        if self._pixmap is not None:
            keep, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode
            self.setPixmap(self._pixmap.scaled(self.size(), keep, smooth.SmoothTransformation))


class ImagesTab(QWidget):
    """The list of images with a filter, a small picture, and buttons to open them."""

    selected = Signal(str)
    opened = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = SampleModel(self)
        self.table = LongTable(self.model, wide=2)
        self.filter = QLineEdit()
        self.preview = PreviewLabel()
        self.previous_button = QPushButton("◀ Previous")
        self.open_button = QPushButton("Open")
        self.next_button = QPushButton("Next ▶")
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(150)
        self._lay_out()
        self._connect()
        self._on_current()

    def _lay_out(self) -> None:
        self.filter.setPlaceholderText("filter by name")
        self.filter.setClearButtonEnabled(True)
        self.table.setColumnWidth(0, 100)
        self.table.setColumnWidth(1, 58)
        self.table.setMinimumHeight(100)
        self.table.setToolTip("Double-click an image to open it with its mask")
        self.previous_button.setToolTip("Open the image above (Ctrl+PgUp in this panel)")
        self.next_button.setToolTip(
            "Open the image below (Ctrl+PgDown in this panel); "
            "the one before is closed if nothing was changed in it"
        )
        self.open_button.setToolTip("Open the image and its mask as layers")
        buttons = QHBoxLayout()
        for button in (self.previous_button, self.open_button, self.next_button):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(self.filter)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.preview)
        layout.addLayout(buttons)

    def _connect(self) -> None:
        self.filter.textChanged.connect(self._timer.start)
        self._timer.timeout.connect(self.apply_filter)
        self.table.selectionModel().currentRowChanged.connect(self._on_current)
        self.table.doubleClicked.connect(self.open_current)
        self.open_button.clicked.connect(self.open_current)
        self.previous_button.clicked.connect(lambda: self.step(-1))
        self.next_button.clicked.connect(lambda: self.step(1))

    def show_browser(self, browser: Browser | None) -> None:
        """List a dataset's images and select the first."""
        self.filter.clear()
        self.model.show(browser)
        if browser is not None and browser.names:
            self.table.select(0)
        self._on_current()

    def current(self) -> str | None:
        """Name of the selected image."""
        row = self.table.source_row()
        return None if row is None else self.model.name(row)

    def select(self, name: str) -> None:
        """Select an image by name; the filter is dropped where it hides it."""
        row = self.model.row_of(name)
        if not self.table.select(row):
            self.filter.clear()
            self.apply_filter()
            self.table.select(row)

    def step(self, by: int) -> None:
        """Open the next image (1) or the one before (-1)."""
        if self.table.step(by):
            self.open_current()

    def open_current(self) -> None:
        """Open the selected image."""
        name = self.current()
        if name is not None:
            self.opened.emit(name)

    def apply_filter(self) -> None:
        """Show only names that hold what was typed."""
        self._timer.stop()
        self.table.filtered.setFilterFixedString(self.filter.text())
        self._show_buttons()

    def _on_current(self, *_: object) -> None:
        name = self.current()
        self._show_buttons()
        if name is not None:
            self.selected.emit(name)

    def _show_buttons(self) -> None:
        row, rows = self.table.currentIndex().row(), self.table.filtered.rowCount()
        self.open_button.setEnabled(row >= 0)
        self.previous_button.setEnabled(row > 0)
        self.next_button.setEnabled(0 <= row < rows - 1)


class ClassesTab(QWidget):
    """The dataset's classes, and what is asked about values that are of none."""

    answered = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.classes = ClassTable()
        self.classes.setToolTip(
            "Double-click a name or a colour to change it in the layers that are opened.\n"
            "Two classes of the same name become one. The dataset is not changed."
        )
        self.question = QLabel()
        self.question.setWordWrap(True)
        self.meanings = MeaningsTable()
        self.answer_button = QPushButton("Read it so")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        for widget in (self.classes, self.question, self.meanings, self.answer_button):
            layout.addWidget(widget)
        layout.addStretch()
        self.answer_button.clicked.connect(self.answered)
        self.ask("")

    def ask(self, question: str) -> None:
        """Show or hide the question about unknown values."""
        self.question.setText(question)
        for widget in (self.question, self.meanings, self.answer_button):
            widget.setVisible(bool(question))


class FaultsTab(QWidget):
    """Every fault of a dataset: file, what is wrong, what to do."""

    checked = Signal()
    opened = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = FaultModel(self)
        self.table = LongTable(self.model, wide=2)
        self.check_button = QPushButton("Check all of it")
        self.check_button.setToolTip(
            "Read every file: what is wrong, and what CVAT would refuse, drop or misread"
        )
        self.details = QLabel()
        self.details.setWordWrap(True)
        self.details.setTextFormat(Qt.TextFormat.PlainText)
        self.details.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        for column, width in ((0, 24), (1, 100)):
            self.table.setColumnWidth(column, width)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(self.check_button)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.details)
        self.check_button.clicked.connect(self.checked)
        self.table.selectionModel().currentRowChanged.connect(self._on_current)

    def show_faults(self, faults: Sequence[Fault]) -> None:
        """List them; the first is told in full."""
        self.details.clear()
        self.model.show(faults)
        if faults:
            self.table.select(0)

    def _on_current(self, *_: object) -> None:
        row = self.table.source_row()
        if row is not None:
            fault = self.model.fault(row)
            place = " ".join(filter(None, (fault.file, fault.where)))
            lines = (place, f"{fault.what}.", f"Remedy: {fault.remedy}")
            self.details.setText("\n".join(filter(None, lines)))

    def sizeHint(self) -> QSize:
        """No wider than the other tabs."""
        return QSize(260, 300)

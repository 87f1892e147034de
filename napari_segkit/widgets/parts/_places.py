"""Where a dataset lies or goes: a line to type, buttons to browse, and things dropped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_segkit.data.formats.registry import FORMATS
from napari_segkit.errors import DatasetError

if TYPE_CHECKING:
    from qtpy.QtGui import QDropEvent

    from napari_segkit.data.formats.base import Format

_MASKS = "Datasets and masks (*.zip *.json *.xml *.png *.tif *.tiff *.bmp *.jpg);;All files (*)"


class SourceLine(QWidget):
    """A folder, an archive or a file that is there already."""

    chosen = Signal()
    """The person chose a place with a button or pressed Return."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.line = QLineEdit()
        self.folder_button = QPushButton("Folder…")
        self.file_button = QPushButton("File…")
        self.line.setPlaceholderText("choose, or drop it here")
        self.line.setToolTip("A dataset's folder or .zip, its .json or .xml, or one mask file")
        buttons = QHBoxLayout()
        buttons.addWidget(self.folder_button)
        buttons.addWidget(self.file_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.line)
        layout.addLayout(buttons)
        self.line.returnPressed.connect(self.chosen)
        self.folder_button.clicked.connect(self._on_folder)
        self.file_button.clicked.connect(self._on_file)

    def path(self) -> Path:
        """The place.

        Raises
        ------
        DatasetError
            Where none is named.
        """
        text = self.line.text().strip()
        if not text:
            raise DatasetError("no place is chosen", remedy="name a folder or a file")
        return Path(text).expanduser().absolute()

    def _on_folder(self) -> None:
        self._take(QFileDialog.getExistingDirectory(self, "Folder of the dataset"))

    def _on_file(self) -> None:
        self._take(QFileDialog.getOpenFileName(self, "Dataset or mask", "", _MASKS)[0])

    def _take(self, chosen: str) -> None:
        if chosen:
            self.line.setText(chosen)
            self.chosen.emit()


class FormatChooser(QComboBox):
    """How a dataset is read or written.

    Parameters
    ----------
    unnamed
        What stands for no format of the person's choice; empty where one must be chosen.
    """

    def __init__(self, parent: QWidget | None = None, *, unnamed: str = "") -> None:
        super().__init__(parent)
        if unnamed:
            self.addItem(unnamed, None)
        for form in FORMATS.values():
            self.addItem(form.title, form.id)
        self.setToolTip("How the files are read" if unnamed else "Who is to read the masks")
        self.setMinimumContentsLength(12)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)

    def form(self) -> Format | None:
        """The format that was named."""
        chosen = self.currentData()
        return None if chosen is None else FORMATS[chosen]


class TargetLine(QWidget):
    """A new folder, or a name that ends in ``.zip``."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._asked: Path | None = None
        self.line = QLineEdit()
        self.folder_button = QPushButton("Folder…")
        self.zip_button = QPushButton("Zip…")
        self.line.setPlaceholderText("masks.zip, or a folder")
        self.line.setToolTip("A new folder, or a file that ends in .zip")
        buttons = QHBoxLayout()
        buttons.addWidget(self.folder_button)
        buttons.addWidget(self.zip_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.line)
        layout.addLayout(buttons)
        self.folder_button.clicked.connect(self._on_folder)
        self.zip_button.clicked.connect(self._on_zip)

    def text(self) -> str:
        """What was typed."""
        return str(self.line.text())

    def setText(self, text: str) -> None:
        """Name a place."""
        self.line.setText(text)

    def path(self) -> Path:
        """The place.

        Raises
        ------
        DatasetError
            Where none is named.
        """
        text = self.text().strip()
        if not text:
            raise DatasetError("no place is chosen", remedy="name a folder or a .zip file")
        return Path(text).expanduser().absolute()

    def may_write(self, target: Path, *, agreed: bool) -> bool:
        """Whether nothing lies at a place, or the person ``agreed`` to replace it.

        What was agreed to is what was asked about last, not another place that was typed since.
        """
        free = not _is_taken(target) or (agreed and target == self._asked)
        self._asked = None if free else target
        return free

    def _on_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder for the dataset")
        if chosen:
            folder = Path(chosen)
            self.setText(str(folder / "masks" if any(folder.iterdir()) else folder))

    def _on_zip(self) -> None:
        options = QFileDialog.Option.DontConfirmOverwrite  # asked for in the dock
        chosen, _ = QFileDialog.getSaveFileName(
            self, "Zip file for the dataset", "masks.zip", "Zip (*.zip)", options=options
        )
        if chosen:
            self.setText(chosen if chosen.lower().endswith(".zip") else f"{chosen}.zip")


def _is_taken(target: Path) -> bool:
    """Whether something lies there that would be replaced."""
    return target.is_file() or (target.is_dir() and any(target.iterdir()))


def dropped_path(event: QDropEvent) -> Path | None:
    """The one file or folder that is being dropped."""
    urls = event.mimeData().urls()
    if len(urls) != 1 or not urls[0].isLocalFile():
        return None
    return Path(urls[0].toLocalFile())

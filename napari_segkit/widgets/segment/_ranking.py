"""Rank the images of a folder by how much a model would learn from them; open one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from napari_segkit.errors import InputError
from napari_segkit.models.registry import get_model
from napari_segkit.types import Progress
from napari_segkit.widgets._worker import Failure, JobRunner
from napari_segkit.widgets.parts._sample_table import LongTable
from napari_segkit.widgets.parts._table_model import TableModel
from napari_segkit.widgets.parts._words import counted
from napari_segkit.widgets.runs._run import Outcome
from napari_segkit.widgets.runs._weights import Loader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from qtpy.QtCore import QModelIndex

    from napari_segkit.data.images import LoadedImage
    from napari_segkit.jobs.mine import Candidate, MineReport
    from napari_segkit.models.base import ModelParams
    from napari_segkit.types import Job
    from napari_segkit.widgets.runs._weights import Choice

_Role = Qt.ItemDataRole
_NOTES = 3  # images that could not be read, told one by one


class CandidateModel(TableModel):
    """Images with what the model found and doubts, the most doubtful first."""

    headers = ("Image", "Objects", "Doubt")
    _rows: Sequence[Candidate]

    def show(self, rows: Sequence[Candidate]) -> None:
        """List other images."""
        self._set_rows(rows)

    def candidate(self, row: int) -> Candidate:
        """The image of a row."""
        return self._rows[row]

    def data(self, index: QModelIndex, role: int = _Role.DisplayRole) -> Any:
        """What a cell shows; the tooltip is the file."""
        one = self.candidate(index.row())
        if role == _Role.ToolTipRole:
            return str(one.path)
        if role != _Role.DisplayRole:
            return None
        return (one.name, str(one.objects), f"{one.doubt:.2f}")[index.column()]


class RankPanel(QWidget):
    """A folder, a button, and the list; a double click opens an image."""

    started = Signal()
    """The person wants the folder ranked."""
    opening = Signal(object)
    """The person wants this `Candidate` opened."""
    progressed = Signal(object)
    finished = Signal(object)
    """An `Outcome`."""

    def __init__(self, viewer: ViewerModel, model_id: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._model_id = model_id
        self._opened: Candidate | None = None
        self.runner = JobRunner(self)
        self.folder = QLineEdit()
        self.browse_button = QPushButton("Folder…")
        self.rank_button = QPushButton("Rank")
        self.rows = CandidateModel(self)
        self.table = LongTable(self.rows, wide=0)
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        self.folder.setPlaceholderText("a folder of photos")
        self.folder.setToolTip("Photos in it and in its sub-folders")
        self.rank_button.setToolTip("Look at every photo; list first what is most worth labelling")
        self.table.setToolTip("Double-click opens a photo. Doubt: half-found objects, added up")
        self.table.setMinimumHeight(140)
        self.table.hide()
        row = QHBoxLayout()
        for widget in (self.browse_button, self.rank_button):
            row.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.folder)
        layout.addLayout(row)
        layout.addWidget(self.table)

    def _connect(self) -> None:
        self.browse_button.clicked.connect(self._on_browse)
        self.rank_button.clicked.connect(self.started)
        self.folder.returnPressed.connect(self.started)
        self.table.activated.connect(self._on_activated)
        self.runner.progressed.connect(self.progressed)
        self.runner.done.connect(self._on_done)
        self.runner.failed.connect(self._on_failed)
        self.runner.cancelled.connect(self._on_cancelled)

    def start(self, params: ModelParams, choice: Choice) -> None:
        """Rank the folder.

        Raises
        ------
        InputError
            Where none is named.
        """
        text = self.folder.text().strip()
        if not text:
            raise InputError("no folder is chosen", remedy="name a folder of photos")
        job = _rank(Path(text).expanduser(), self._model_id, params, choice)
        self.runner.start(job, title=f"Rank {text}")

    def open(self, one: Candidate) -> None:
        """Read an image and add it as a layer."""
        self._opened = one
        self.runner.start(_read(one), title=f"Read {one.name}")

    def _on_browse(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder of photos")
        if chosen:
            self.folder.setText(chosen)

    def _on_activated(self) -> None:
        row = self.table.source_row()
        if row is not None:
            self.opening.emit(self.rows.candidate(row))

    def _on_done(self, answer: MineReport | LoadedImage) -> None:
        from napari_segkit.jobs.mine import MineReport

        one, self._opened = self._opened, None
        if isinstance(answer, MineReport):
            self._show(answer)
        if isinstance(answer, MineReport) or one is None:
            return
        layer = Image(answer.pixels, name=Path(one.name).name, rgb=True)
        self._viewer.add_layer(layer)
        self._viewer.layers.selection.active = layer
        self.finished.emit(Outcome(f"{layer.name} is open", answer.notes))

    def _show(self, report: MineReport) -> None:
        self.rows.show(report.ranked)
        self.table.setVisible(bool(report.ranked))
        notes = [f"left out: {error}" for _, error in report.failures[:_NOTES]]
        if len(report.failures) > _NOTES:
            notes.append(f"{len(report.failures)} left out in all")
        self.finished.emit(Outcome(f"{counted(len(report.ranked), 'photo')} ranked", tuple(notes)))

    def _on_failed(self, failure: Failure) -> None:
        self._opened = None
        self.finished.emit(Outcome(failure.sentence, failure=failure))

    def _on_cancelled(self) -> None:
        self._opened = None
        self.finished.emit(Outcome("Cancelled: the list is as it was", cancelled=True))


def _rank(folder: Path, model_id: str, params: ModelParams, choice: Choice) -> Job[MineReport]:
    """With a model of its own: the dock's keeps what it knows of the open image."""
    yield Progress(0, None, "loading the model")
    from napari_segkit.data.images import find_images
    from napari_segkit.jobs.mine import mine

    sources = find_images([folder])
    model = get_model(model_id)()
    Loader().load(model, choice)
    return (yield from mine(model, sources, params=params))


def _read(one: Candidate) -> Job[LoadedImage]:
    yield Progress(0, None, "reading the image")
    from napari_segkit.data.images import read_image

    return read_image(one.path)

"""The dock that writes masks as a dataset for CVAT and for training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from qtpy.QtCore import QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
)

from napari_segkit.data.dataset import WriteOptions
from napari_segkit.data.formats.registry import FORMATS
from napari_segkit.errors import MaskError, SegkitError
from napari_segkit.widgets._dock import Dock
from napari_segkit.widgets._worker import Failure, JobRunner
from napari_segkit.widgets.exchange._export import (
    Recipe,
    classes_of,
    take_down,
    writable,
)
from napari_segkit.widgets.exchange._exporting import export_job
from napari_segkit.widgets.parts._choosers import MaskList
from napari_segkit.widgets.parts._class_table import ClassTable
from napari_segkit.widgets.parts._places import FormatChooser, TargetLine
from napari_segkit.widgets.parts._status import StatusBox
from napari_segkit.widgets.parts._words import counted

if TYPE_CHECKING:
    from pathlib import Path

    from napari.components import ViewerModel

    from napari_segkit.data.dataset import WriteReport
    from napari_segkit.data.formats.base import Format

_EXPORT = "Export"
_REPLACE = "Replace it"
_OPEN = "Open folder"


class ExportDock(Dock):
    """Which masks, which classes, where to; then what was written.

    Parameters
    ----------
    napari_viewer
        The viewer that the dock belongs to; napari gives it by this name.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._written: Path | None = None
        self._left_out: tuple[str, ...] = ()
        self.runner = JobRunner(self)
        self.masks = MaskList(napari_viewer)
        self.classes = ClassTable()
        self.format = FormatChooser()
        self.target = TargetLine()
        self.subset = QLineEdit("default")
        self.include_images = QCheckBox("Include the images")
        self.instances = QComboBox()
        self.export_button = QPushButton(_EXPORT)
        self.status = StatusBox()
        self._lay_out()
        self._connect()
        self._on_format()
        self._on_masks()

    def _lay_out(self) -> None:
        self.masks.setToolTip("Masks to write: each is one image of the dataset")
        self.subset.setToolTip("Name of the list of images, such as default or Train")
        self.include_images.setToolTip("Copy the images into the dataset beside their masks")
        self.instances.addItem("Every object by itself", "separate")
        self.instances.addItem("One object per class", "merge")
        lines = QFormLayout()
        lines.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        lines.addRow("Format", self.format)
        lines.addRow("Objects", self.instances)
        lines.addRow("Subset", self.subset)
        lines.addRow("Write to", self.target)
        layout = QVBoxLayout(self)
        layout.addWidget(QLabel("Masks"))
        layout.addWidget(self.masks, 1)
        layout.addWidget(self.classes)
        layout.addWidget(self.include_images)
        layout.addLayout(lines)
        layout.addWidget(self.export_button)
        layout.addWidget(self.status)

    def _connect(self) -> None:
        self.masks.ticked.connect(self._on_masks)
        self.format.currentIndexChanged.connect(self._on_format)
        self.export_button.clicked.connect(self._on_export_or_cancel)
        self.status.action.connect(self._on_action)
        self.runner.progressed.connect(self.status.show_progress)
        self.runner.done.connect(self._on_done)
        self.runner.failed.connect(self._on_failed)
        self.runner.cancelled.connect(self._on_cancelled)

    def _on_masks(self) -> None:
        self.classes.show_classes(classes_of(self.masks.layers()))
        self._show_running()

    def _on_format(self) -> None:
        most = self._format().capabilities.max_instances
        limit = "No limit" if most is None else f"At most {most} objects"
        self.instances.setToolTip(f"{limit} in an image; one per class always fits")
        self._show_running()

    def _format(self) -> Format:
        return FORMATS[self.format.currentData()]

    def _on_export_or_cancel(self) -> None:
        if self.runner.running:
            self.export_button.setEnabled(False)
            self.runner.cancel()
        else:
            self._export(overwrite=False)

    def _on_action(self) -> None:
        if self.status.action_button.text() == _REPLACE:
            self._export(overwrite=True)
        elif self._written is not None:
            folder = self._written if self._written.is_dir() else self._written.parent
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    def _export(self, *, overwrite: bool) -> None:
        try:
            target = self.target.path()
            if not self.target.may_write(target, agreed=overwrite):
                self.status.say(f"{target} exists already", action=_REPLACE, bad=True)
                return
            self._start(target, overwrite=overwrite)
        except SegkitError as error:
            self._on_failed(Failure.of(error))
        self._show_running()

    def _start(self, target: Path, *, overwrite: bool) -> None:
        taken = [take_down(layer, self._viewer) for layer in self.masks.layers()]
        if not taken:
            raise MaskError("no mask is chosen", remedy="tick one in the list")
        sources, self._left_out = writable(taken)
        recipe = Recipe(self.classes.classes(), include_images=self.include_images.isChecked())
        kind: Literal["separate", "merge"] = self.instances.currentData()
        options = WriteOptions(
            subset=self.subset.text().strip() or "default",
            include_images=recipe.include_images,
            instances=kind,
            overwrite=overwrite,
        )
        job = export_job(sources, recipe, target, format_id=self._format().id, options=options)
        self.status.start("writing")
        self.runner.start(job, title="Export masks")

    def _on_done(self, report: WriteReport) -> None:
        self._written = report.path
        self.status.say(
            f"{counted(report.images, 'image')}, {counted(report.instances, 'object')} written",
            notes=(str(report.path), *self._left_out, *report.warnings),
            action=_OPEN,
        )
        self._show_running()

    def _on_failed(self, failure: Failure) -> None:
        self.status.say(failure.sentence, details=failure.details, bad=True)
        self._show_running()

    def _on_cancelled(self) -> None:
        self.status.say("Cancelled: nothing was written")
        self._show_running()

    def _show_running(self) -> None:
        running = self.runner.running
        self.export_button.setText("Cancel" if running else _EXPORT)
        self.export_button.setEnabled(running or bool(self.masks.layers()))
        self.export_button.setToolTip(
            "Stop; nothing is left behind" if running else f"Write {self._format().title}"
        )

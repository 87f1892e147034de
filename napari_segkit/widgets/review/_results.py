"""How far a review is; its report; its accepted masks as a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QFormLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_segkit.data.dataset import WriteOptions
from napari_segkit.data.provenance import beside
from napari_segkit.errors import SegkitError
from napari_segkit.jobs.review import DONE, counts
from napari_segkit.jobs.review_report import export_store, session_report, summary
from napari_segkit.widgets._worker import Failure, JobRunner
from napari_segkit.widgets.parts._places import FormatChooser, TargetLine
from napari_segkit.widgets.parts._status import StatusBox
from napari_segkit.widgets.parts._words import counted
from napari_segkit.widgets.review._list import MARKS

if TYPE_CHECKING:
    from napari_segkit.data.dataset import WriteReport
    from napari_segkit.data.store import Store
    from napari_segkit.jobs.review import Counts

_REPLACE = "Replace it"
_COUNT_MS = 300


def progress_text(told: Counts) -> str:
    """``3 of 40 done · 54 images an hour · about 41 min left``."""
    total = sum(told.statuses.values())
    done = sum(number for status, number in told.statuses.items() if status in DONE)
    parts = [f"{done:,} of {counted(total, 'image')} done"]
    if told.seconds_per_image:
        parts.append(f"{3600 / told.seconds_per_image:,.0f} an hour")
    if told.seconds_left and done < total:
        minutes = told.seconds_left / 60
        left = f"{minutes / 60:.1f} h" if minutes >= 90 else f"{max(1, round(minutes))} min"
        parts.append(f"about {left} left")
    return " · ".join(parts)


def status_text(told: Counts) -> str:
    """``✔ 3 accepted   ◐ 37 predicted``, without what there is none of."""
    return "   ".join(
        f"{MARKS[status][0]} {number:,} {status.value}"
        for status, number in told.statuses.items()
        if number
    )


class CountsLabel(QLabel):
    """How far the review is; counted again soon after something changed."""

    def __init__(self, results: ResultsPanel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._results = results
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_COUNT_MS)
        self._timer.timeout.connect(self.now)
        self.setWordWrap(True)

    def soon(self) -> None:
        """Count in a moment, once for many changes."""
        if not self._timer.isActive():
            self._timer.start()

    def now(self) -> None:
        """Count."""
        told = self._results.update_summary()
        self.setVisible(told is not None)
        if told is not None:
            self.setText(f"{progress_text(told)}\n{status_text(told)}")


class ResultsPanel(QWidget):
    """Summary of the session, report, export."""

    finishing = Signal()
    """What is open must be on the disk now."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store: Store | None = None
        self.runner = JobRunner(self)
        self.summary = QLabel()
        self.report_button = QPushButton("Save report…")
        self.target = TargetLine()
        self.format = FormatChooser()
        self.include_images = QCheckBox("Include the images")
        self.export_button = QPushButton("Export accepted")
        self.status = StatusBox()
        self._lay_out()
        self._connect()
        self.show_store(None)

    def _lay_out(self) -> None:
        self.summary.setWordWrap(True)
        self.report_button.setToolTip(
            "A table (CSV), a line per image: status, objects, edits, seconds, IoU of the "
            "prediction with what you accepted"
        )
        self.format.setToolTip("How the dataset is laid out")
        self.export_button.setToolTip(
            "Write the accepted masks as a dataset, and beside it as JSON what made each of them"
        )
        lines = QFormLayout()
        lines.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        lines.addRow("Format", self.format)
        lines.addRow("Write to", self.target)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.summary)
        layout.addWidget(self.report_button)
        layout.addLayout(lines)
        for widget in (self.include_images, self.export_button, self.status):
            layout.addWidget(widget)

    def _connect(self) -> None:
        self.report_button.clicked.connect(self._on_report)
        self.export_button.clicked.connect(self._on_export_or_cancel)
        self.status.action.connect(self._on_replace)
        self.runner.progressed.connect(self.status.show_progress)
        self.runner.done.connect(self._on_done)
        self.runner.failed.connect(self._on_failed)
        self.runner.cancelled.connect(self._on_cancelled)

    def show_store(self, store: Store | None) -> None:
        """Tell of another folder."""
        self._store = store
        self.status.clear()
        self.update_summary()

    def update_summary(self) -> Counts | None:
        """Count again."""
        store = self._store
        self.report_button.setEnabled(store is not None)
        self._show_running()
        if store is None:
            self.summary.setText("")
            return None
        self.summary.setText(summary(store).text())
        return counts(store)

    def save_report(self, path: Path) -> None:
        """Write the session report."""
        if self._store is None:
            return
        self.finishing.emit()
        try:
            session_report(self._store, path)
        except SegkitError as error:
            self._on_failed(Failure.of(error))
        else:
            self.status.say(f"Report written: {path}")

    def _on_report(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self, "Report", "report.csv", "Table (*.csv)")
        if name:
            self.save_report(Path(name))

    def _on_export_or_cancel(self) -> None:
        if self.runner.running:
            self.export_button.setEnabled(False)
            self.runner.cancel()
        else:
            self._export(overwrite=False)

    def _on_replace(self) -> None:
        self._export(overwrite=True)

    def _export(self, *, overwrite: bool) -> None:
        if self._store is None:
            return
        self.finishing.emit()
        try:
            target = self.target.path()
            if not self.target.may_write(target, agreed=overwrite):
                self.status.say(f"{target} exists already", action=_REPLACE, bad=True)
                return
            options = WriteOptions(
                include_images=self.include_images.isChecked(), overwrite=overwrite
            )
            job = export_store(
                self._store, target, format_id=self.format.currentData(), options=options
            )
        except SegkitError as error:
            self._on_failed(Failure.of(error))
            return
        self.status.start("writing")
        self.runner.start(job, title="Export accepted masks")
        self._show_running()

    def _on_done(self, report: WriteReport) -> None:
        self.status.say(
            f"{counted(report.images, 'image')}, {counted(report.instances, 'object')} written",
            notes=(str(report.path), beside(report.path).name, *report.warnings),
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
        self.export_button.setText("Cancel" if running else "Export accepted")
        self.export_button.setEnabled(running or self._store is not None)

"""What the CVAT dock asks: what to push and how, where to pull to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QListWidget,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_segkit.widgets.parts._choosers import MaskList
from napari_segkit.widgets.parts._places import SourceLine, TargetLine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel

_PUSH, _PULL = "Push", "Pull"


class PushTab(QWidget):
    """Which masks, what becomes of the task's own, and how they fit."""

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.kind = QComboBox()
        self.masks = MaskList(viewer)
        self.source = SourceLine()
        self.mode = QComboBox()
        self.objects = QComboBox()
        self.findings = QListWidget()
        self.compare_button = QPushButton("Compare")
        self.push_button = QPushButton(_PUSH)
        self._lay_out()
        self.kind.currentIndexChanged.connect(self._on_kind)
        self.objects.currentIndexChanged.connect(self._on_objects)
        self._on_kind()

    def _lay_out(self) -> None:
        self.kind.addItems(["Masks in the viewer", "A dataset"])
        self.mode.addItem("Add to its annotations", "append")
        self.mode.addItem("Replace all of them", "replace")
        self.mode.setToolTip(
            "Adding twice doubles every object; replacing deletes everything first"
        )
        self.objects.addItem("One by one", "separate")
        self.objects.addItem("One per class", "merge")
        self.objects.addItem("One by one, as shapes", "direct")
        self.objects.setToolTip(
            "A file holds 255 objects per image; shapes have no limit, but can only be added"
        )
        for box in (self.kind, self.mode, self.objects):
            box.setMinimumContentsLength(10)
            box.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
        self.masks.setMinimumHeight(60)
        self.findings.setWordWrap(True)
        self.findings.setToolTip("What does not fit, and what may not be as you mean it")
        self.compare_button.setToolTip("Compare names, sizes and labels; nothing is sent")
        lines = QFormLayout()
        lines.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        lines.addRow("In the task", self.mode)
        lines.addRow("Objects", self.objects)
        buttons = QHBoxLayout()
        buttons.addWidget(self.compare_button)
        buttons.addWidget(self.push_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(self.kind)
        layout.addWidget(self.masks, 1)
        layout.addWidget(self.source)
        layout.addLayout(lines)
        layout.addLayout(buttons)
        layout.addWidget(self.findings, 1)

    @property
    def from_dataset(self) -> bool:
        """Whether a dataset is pushed rather than layers."""
        return self.kind.currentIndex() == 1

    @property
    def replaces(self) -> bool:
        """Whether the task's annotations are deleted first."""
        return bool(self.mode.currentData() == "replace")

    @property
    def merges(self) -> bool:
        """Whether every class becomes one object per image."""
        return bool(self.objects.currentData() == "merge")

    @property
    def direct(self) -> bool:
        """Whether shapes are sent instead of a file."""
        return bool(self.objects.currentData() == "direct")

    def clear(self) -> None:
        """Forget what was found."""
        self.findings.clear()

    def show_findings(self, mismatches: Sequence[str], warnings: Sequence[str]) -> None:
        """List what does not fit, then what may not be meant."""
        self.clear()
        self.findings.addItems([f"✖ {text}" for text in mismatches])
        self.findings.addItems([f"⚠ {text}" for text in warnings])

    def show_running(self, running: bool) -> None:
        """Push becomes Cancel meanwhile."""
        self.push_button.setText("Cancel" if running else _PUSH)
        self.push_button.setToolTip(
            "Stop" if running else "Compare, and send the masks if all of them fit"
        )
        self.compare_button.setEnabled(not running)

    def _on_objects(self, _index: int = 0) -> None:
        self.mode.setEnabled(not self.direct)
        if self.direct:
            self.mode.setCurrentIndex(0)

    def _on_kind(self, _index: int = 0) -> None:
        self.masks.setVisible(not self.from_dataset)
        self.source.setVisible(self.from_dataset)


class PullTab(QWidget):
    """Where a task's masks go."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.target = TargetLine()
        self.images = QCheckBox("Fetch the images, too")
        self.pull_button = QPushButton(_PULL)
        self.images.setToolTip("Without them open the images yourself, masks find them by name")
        lines = QFormLayout()
        lines.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        lines.addRow("Write to", self.target)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addLayout(lines)
        layout.addWidget(self.images)
        layout.addWidget(self.pull_button)
        layout.addStretch()

    def show_running(self, running: bool) -> None:
        """Pull becomes Cancel meanwhile."""
        self.pull_button.setText("Cancel" if running else _PULL)
        self.pull_button.setToolTip(
            "Stop; nothing is left behind" if running else "Fetch the task's masks as a dataset"
        )

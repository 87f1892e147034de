"""The dock that runs a model on the open image; each model's own dock is three lines.

Docks of models with weights are in `network`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from napari.layers import Image, Shapes
from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_segkit.errors import ImageError, SegkitError
from napari_segkit.models.base import PromptKind
from napari_segkit.models.registry import get_model
from napari_segkit.widgets._dock import Dock
from napari_segkit.widgets.parts._choosers import LayerChooser
from napari_segkit.widgets.parts._form import ParamsForm, folded
from napari_segkit.widgets.parts._scroll import VerticalScroll
from napari_segkit.widgets.parts._status import StatusBox
from napari_segkit.widgets.runs._run import SegmentRun, explain

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel

    from napari_segkit.widgets.runs._run import Outcome

_RUN = "Run"
_CANCEL = "Cancel"


class SegmentDock(Dock):
    """Image chooser, preset, parameters, Run, and what came of it.

    Parameters
    ----------
    napari_viewer
        The viewer that the dock belongs to; napari gives it by this name.
    """

    model_id: ClassVar[str]

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__()
        self.viewer = napari_viewer
        self.model = get_model(self.model_id)()
        self.run = SegmentRun(napari_viewer, self)
        self.image = LayerChooser(napari_viewer, Image, none="open an image first")
        self.boxes = LayerChooser(napari_viewer, Shapes, none="Whole image", optional=True)
        self.preset = QComboBox()
        self.reset_button = QPushButton("Reset")
        self.form = ParamsForm(next(iter(self.model.presets.values())))
        self.run_button = QPushButton(_RUN)
        self.status = StatusBox()
        self._make_more()
        self.advanced = folded("Advanced", self._make_advanced())
        self._lay_out()
        self._connect()
        self._on_image()

    def _make_more(self) -> None:
        """Children that some docks have besides."""

    def _lay_out(self) -> None:
        self.preset.addItems(list(self.model.presets))
        self.preset.setToolTip("Named sets of parameters")
        self.reset_button.setToolTip("Back to the preset's values")
        self.reset_button.setEnabled(False)
        self.advanced.setToolTip("Every parameter of the model")
        lines = QFormLayout()
        lines.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._add_lines(lines)
        layout = QVBoxLayout(self)
        layout.addLayout(lines)
        if self.form.live is not None:
            layout.addWidget(self.form.live)
        layout.addWidget(self.run_button)
        layout.addWidget(self.status)
        layout.addWidget(VerticalScroll(self._make_folds()), 1)

    def _add_lines(self, lines: QFormLayout) -> None:
        """What is always seen above the button."""
        preset = QHBoxLayout()
        preset.addWidget(self.preset, 1)
        preset.addWidget(self.reset_button)
        lines.addRow("Image", self.image)
        if PromptKind.BOXES in self.model.prompts:
            lines.addRow("Search in", self.boxes)
        lines.addRow("Preset", preset)

    def _make_advanced(self) -> QWidget:
        """What is folded away under "Advanced"."""
        return self.form.native

    def _make_folds(self) -> QWidget:
        """What is below the result."""
        return self.advanced

    def _connect(self) -> None:
        self.image.layer_changed.connect(self._on_image)
        self.preset.currentTextChanged.connect(self._on_preset)
        self.reset_button.clicked.connect(self._on_preset)
        self.form.changed.connect(self._on_params)
        self.run_button.clicked.connect(self._on_run_or_cancel)
        self.run.progressed.connect(self.status.show_progress)
        self.run.finished.connect(self._on_finished)
        self.status.action.connect(self._on_add_offered)
        for key, slot in (("Ctrl+Return", self._on_run), ("Escape", self.cancel)):
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(slot)

    @property
    def running(self) -> bool:
        """Whether something goes on that can be cancelled."""
        return self.run.running

    def cancel(self) -> None:
        """Stop what goes on."""
        self.run.cancel()

    def _on_image(self) -> None:
        self._show_running()

    def _on_preset(self) -> None:
        self.form.set(self.model.presets[self.preset.currentText()])
        self.reset_button.setEnabled(False)

    def _on_params(self) -> None:
        self.reset_button.setEnabled(True)

    def _on_run_or_cancel(self) -> None:
        if self.running:
            self.run_button.setEnabled(False)
            self.cancel()
        else:
            self._on_run()

    def _on_run(self) -> None:
        if self.running:
            return
        self.status.start("starting")
        try:
            self._start()
        except SegkitError as error:
            self._on_finished(explain(error))
        self._show_running()

    def _start(self) -> None:
        image = self.image.layer
        if not isinstance(image, Image):
            raise ImageError("no image is open", remedy="open one, or File > Open Sample")
        boxes = self.boxes.layer
        self.run.start(
            self.model,
            image,
            self.form.get(),
            boxes if isinstance(boxes, Shapes) else None,
            load=self._loading(),
        )

    def _loading(self) -> Callable[[], None]:
        """What gets the model ready, in the thread."""
        return self.model.load

    def _on_finished(self, outcome: Outcome) -> None:
        self._tell(outcome)

    def _tell(self, outcome: Outcome) -> None:
        """Say how something ended."""
        self.status.tell(outcome)
        self._show_running()

    def _on_add_offered(self) -> None:
        self.run.add_offered()
        self.status.say("Added as a new layer")

    def _show_running(self) -> None:
        running = self.running
        self.run_button.setText(_CANCEL if running else _RUN)
        self.run_button.setEnabled(running or self.image.layer is not None)
        self.run_button.setToolTip(
            "Stop; the mask stays as it is (Esc)"
            if running
            else "Run the model on the image (Ctrl+Enter in this panel)"
        )


class CoinsDock(SegmentDock):
    """Coins."""

    model_id = "coins"

"""The dock that corrects a mask: instances in a table, tools, prompts, classes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari.layers import Image, Labels
from qtpy.QtWidgets import QFormLayout, QVBoxLayout, QWidget

from napari_segkit.errors import SegkitError
from napari_segkit.widgets._dock import Dock
from napari_segkit.widgets._worker import Failure
from napari_segkit.widgets.correct._copying import CopyLine
from napari_segkit.widgets.correct._drawing import HOW, Drawing
from napari_segkit.widgets.correct._instance_panel import InstancePanel
from napari_segkit.widgets.correct._preview import Overlay
from napari_segkit.widgets.correct._prompt_panel import PromptPanel
from napari_segkit.widgets.correct._prompting import Prompting
from napari_segkit.widgets.correct._subject import Subject
from napari_segkit.widgets.correct._tool_panel import ToolPanel, add_key
from napari_segkit.widgets.correct._toolbox import Answer, Toolbox, Use, told
from napari_segkit.widgets.exchange._imported import image_below
from napari_segkit.widgets.parts._choosers import LayerChooser
from napari_segkit.widgets.parts._form import folded
from napari_segkit.widgets.parts._scroll import FittingScroll
from napari_segkit.widgets.parts._status import StatusBox

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from numpy.typing import NDArray

    from napari_segkit.widgets.correct._tool_list import ToolSpec

_WIDE = 340
"""Pixels: five columns, three buttons side by side."""


class CorrectDock(Dock):
    """Everything about one mask.

    Parameters
    ----------
    napari_viewer
        The viewer that the dock belongs to; napari gives it by this name.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__()
        self.viewer = napari_viewer
        self.subject = Subject(napari_viewer, self)
        overlay = Overlay(napari_viewer)
        self.toolbox = Toolbox(self.subject, overlay, self)
        self.prompting = Prompting(napari_viewer, self.subject, self.toolbox, self)
        self.drawing = Drawing(napari_viewer, self)
        self.mask = LayerChooser(napari_viewer, Labels, none="run a model, or add a Labels layer")
        self.image = LayerChooser(napari_viewer, Image, none="no image", optional=True)
        self.instances = InstancePanel(napari_viewer, self.subject, overlay)
        self.tools = ToolPanel()
        self.prompts = PromptPanel(self.prompting)
        self.copy = CopyLine(napari_viewer)
        self.status = StatusBox()
        self._draws_for: ToolSpec | None = None
        self._lay_out()
        self._connect()
        self._on_mask()

    def _lay_out(self) -> None:
        self.image.setToolTip("What Snap to edges, Clicks and Box look at")
        lines = QFormLayout()
        lines.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        lines.addRow("Mask", self.mask)
        lines.addRow("Image", self.image)
        below = QWidget()
        stack = QVBoxLayout(below)
        stack.setContentsMargins(0, 0, 0, 0)
        for widget in (
            self.tools,
            self.prompts,
            self.copy,
            folded("Classes", self.instances.class_table),
        ):
            stack.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setSpacing(4)
        layout.addLayout(lines)
        layout.addWidget(self.instances, 1)
        layout.addWidget(FittingScroll(below))
        layout.addWidget(self.status)
        self.setMinimumWidth(_WIDE)

    def _connect(self) -> None:
        self.mask.layer_changed.connect(self._on_mask)
        self.subject.left.connect(self._on_left)
        self.image.layer_changed.connect(self._on_image)
        self.instances.selected.connect(self._on_selected)
        self.instances.table.deleted.connect(self.tools.buttons["delete"].click)
        self.tools.chosen.connect(self._on_tool)
        self.tools.changed.connect(self._on_param)
        self.tools.applied.connect(self._on_keep)
        self.tools.closed.connect(self._on_drop)
        self.copy.wanted.connect(self._on_copy)
        self.drawing.drawn.connect(self._on_drawn)
        self.drawing.cancelled.connect(self._on_drop)
        self.prompts.wanted.connect(self._on_prompts)
        self.prompts.kept.connect(self._on_keep)
        self.prompts.dropped.connect(self._on_drop)
        self.prompting.ended.connect(self._show_state)
        for owner in (self.toolbox, self.prompting, self.instances):
            owner.failed.connect(self._on_failed)
        self.toolbox.shown.connect(self._on_shown)
        self.toolbox.written.connect(self._on_written)
        self._keys = [add_key(self, key, self._on_keep) for key in ("Return", "Enter")]
        self._keys.append(add_key(self, "Escape", self._on_drop))
        self.prompts.refresh()
        self._on_image()

    def _on_mask(self) -> None:
        mask = self.mask.layer
        if isinstance(mask, Labels):
            below = image_below(self.viewer, mask)
            if below is not None:
                self.image.layer = below
        if mask is not self.subject.mask:
            self._on_drop()
            self.subject.set_mask(mask if isinstance(mask, Labels) else None)

    def _on_left(self) -> None:
        """The Review dock shows another image: what was selected and begun is of the one before."""
        self._on_drop()
        self.instances.select(())

    def _on_image(self) -> None:
        layer = self.image.layer
        self.subject.image = layer if isinstance(layer, Image) else None

    def _on_selected(self) -> None:
        if self.tools.open is not None:
            self._on_param()
        if self.prompting.active and self.instances.keys() != self.prompting.keys:
            self.prompting.stop()

    # tools

    def _on_tool(self, spec: ToolSpec) -> None:
        self._on_drop()
        self.status.clear()
        if spec.param is not None:
            self.tools.show_param(spec)
            self._on_param()
        elif spec.draws:
            self._begin_drawing(spec)
        else:
            self.toolbox.apply(self._use(spec))
        self._show_state()

    def _use(self, spec: ToolSpec) -> Use:
        value = self.tools.value.value() if spec.param is not None else 0.0
        return Use(spec.name, self.instances.keys(), value, looks=spec.looks)

    def _on_param(self) -> None:
        """Show what the open tool would change."""
        spec = self.tools.open
        if spec is not None and self.instances.keys():
            self.toolbox.preview(self._use(spec))
        elif spec is not None:
            self.toolbox.drop()
            self.status.say("Select an object in the table, or pick one in the viewer (L)")

    def _begin_drawing(self, spec: ToolSpec) -> None:
        try:
            self.subject.moment()
        except SegkitError as error:
            self._on_failed(Failure.of(error))
            return
        if spec.name == "split along a line" and not self.instances.keys():
            self.status.say("Select an object in the table, or pick one in the viewer (L)")
            return
        mask = self.subject.mask
        if mask is not None:
            self._draws_for = spec
            self.drawing.start(mask, spec.draws)
            self.status.say(HOW[spec.draws])

    def _on_drawn(self, points: NDArray) -> None:
        spec, self._draws_for = self._draws_for, None
        if spec is not None:
            self.toolbox.apply(replace(self._use(spec), points=points))

    def _on_copy(self) -> None:
        self._on_drop()
        try:
            use, classes = self.copy.use(self.subject.mask)
        except SegkitError as error:
            self._on_failed(Failure.of(error))
            return
        self.toolbox.apply(replace(use, classes=classes))

    # prompts

    def _on_prompts(self, box: bool) -> None:
        self._on_drop()
        self.status.clear()
        try:
            self.prompting.start(self.instances.keys()[:1], box=box)
        except SegkitError as error:
            self._on_failed(Failure.of(error))
        self._show_state()

    # the end of either

    def _on_keep(self) -> None:
        spec = self.tools.open
        if self.prompting.active:
            if not self.prompting.accept():
                self.status.say("Nothing to keep yet: click, or wait for the answer")
        elif spec is not None:
            self.toolbox.apply(self._use(spec))

    def _on_drop(self) -> None:
        self._draws_for = None
        self.drawing.stop()
        self.prompting.stop()
        self.toolbox.drop()
        self.tools.close_param()
        self._show_state()

    def _on_shown(self, answer: Answer) -> None:
        self.status.say(told(answer, shown=True))
        self._show_state()

    def _on_written(self, answer: Answer) -> None:
        self.tools.close_param()
        self.status.say(told(answer))
        self._show_state()

    def _on_failed(self, failure: Failure) -> None:
        self.status.say(failure.sentence, details=failure.details, bad=True)
        self._show_state()

    def _show_state(self) -> None:
        """Enter and Esc are ours only while something waits for them."""
        waiting = self.tools.open is not None or self.prompting.active
        for key in self._keys:
            key.setEnabled(waiting and self.prompting.drawing.layer is None)
        self.prompts.show_state()

"""One shape that the person draws for a tool: a line, an outline, a box."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Shapes
from qtpy.QtCore import QObject, Signal

from napari_segkit.widgets._layers import transform_of
from napari_segkit.widgets.masks._binding import mark_scratch

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels
    from napari.utils.events import Event

LINE, POLYGON, BOX = "add_path", "add_polygon_lasso", "add_rectangle"
HOW = {
    LINE: "Draw the line: drag, or click, move, click. Esc: not now",
    POLYGON: "Draw around the area: drag, or click, move, click. Esc: not now",
    BOX: "Drag a box around the object. Esc: not now",
}


class Drawing(QObject):
    """A Shapes layer that is there until one shape is drawn on it.

    Attributes
    ----------
    drawn
        Points (N, 2) x y in pixels of the mask.
    cancelled
        The person pressed Esc, or took the layer away.
    """

    drawn = Signal(object)
    cancelled = Signal()

    def __init__(self, viewer: ViewerModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._mask: Labels | None = None
        self.layer: Shapes | None = None

    def start(self, mask: Labels, mode: str) -> None:
        """Let the person draw on a mask."""
        self.stop()
        layer = Shapes(
            ndim=mask.ndim,
            name="Correct · drawing",
            edge_color="yellow",
            edge_width=2,
            face_color="transparent",
            **transform_of(mask),
        )
        mark_scratch(layer)
        self._viewer.add_layer(layer)
        self._viewer.layers.selection.active = layer
        layer.mode = mode
        layer.bind_key("Escape", self._on_escape, overwrite=True)
        layer.events.data.connect(self._on_data)
        self._viewer.layers.events.removed.connect(self._on_removed)
        self.layer, self._mask = layer, mask

    def stop(self) -> None:
        """Take the layer away and go back to the mask."""
        layer, self.layer = self.layer, None
        if layer is None:
            return
        self._viewer.layers.events.removed.disconnect(self._on_removed)
        layer.events.data.disconnect(self._on_data)
        if layer in self._viewer.layers:
            self._viewer.layers.remove(layer)
        if self._mask in self._viewer.layers:
            self._viewer.layers.selection.active = self._mask

    def _on_data(self, event: Event) -> None:
        layer = self.layer
        if layer is None or str(getattr(event.action, "value", event.action)) != "added":
            return
        if not len(layer.data):
            return
        points = np.asarray(layer.data[-1], float)
        axes = [axis for axis in range(layer.ndim) if axis in self._viewer.dims.displayed]
        found = points[:, axes[-2:]][:, ::-1] + 0.5
        self.stop()
        self.drawn.emit(found)

    def _on_escape(self, layer: Any) -> None:
        self.stop()
        self.cancelled.emit()

    def _on_removed(self, event: Event) -> None:
        if event.value is self.layer:
            self.stop()
            self.cancelled.emit()

"""Clicks on an object: left is on it, right or with Alt is not; shown as they are made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Points
from qtpy.QtCore import QObject, Signal

from napari_segkit.widgets._layers import camera_of, transform_of
from napari_segkit.widgets.masks._binding import mark_scratch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari.components import ViewerModel
    from napari.layers import Labels
    from napari.utils.events import Event

_ON, _OFF = "lime", "red"
_PIXELS = 12
"""Size of a click's mark on the screen."""
_STILL = 4
"""Pixels on the screen that a hand may tremble in a click."""


class Clicks(QObject):
    """A Points layer that takes clicks until it is stopped; dragging still moves the camera.

    Attributes
    ----------
    clicked
        There is one click more, or one less.
    cancelled
        The person took the layer away.
    """

    clicked = Signal()
    cancelled = Signal()

    def __init__(self, viewer: ViewerModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._mask: Labels | None = None
        self.layer: Points | None = None
        self.points: list[tuple[float, float]] = []
        self.labels: list[int] = []

    def start(self, mask: Labels) -> None:
        """Take clicks on a mask."""
        self.stop()
        layer = Points(
            ndim=mask.ndim,
            name="Correct · clicks",
            size=_PIXELS,
            border_color="black",
            **transform_of(mask),
        )
        mark_scratch(layer)
        self._viewer.add_layer(layer)
        self._viewer.layers.selection.active = layer
        layer.mouse_drag_callbacks.append(self._on_mouse)
        for key in ("Backspace", "Delete", "Control-Z"):
            layer.bind_key(key, self._on_back, overwrite=True)
        self._viewer.layers.events.removed.connect(self._on_removed)
        self.layer, self._mask = layer, mask

    def stop(self) -> None:
        """Take the layer away and go back to the mask."""
        self.points, self.labels = [], []
        layer, self.layer = self.layer, None
        if layer is None:
            return
        self._viewer.layers.events.removed.disconnect(self._on_removed)
        if layer in self._viewer.layers:
            self._viewer.layers.remove(layer)
        if self._mask in self._viewer.layers:
            self._viewer.layers.selection.active = self._mask

    def add(self, x: float, y: float, *, on: bool) -> None:
        """One more click, in pixels of the mask."""
        if self.layer is None:
            return
        self.points.append((x, y))
        self.labels.append(int(on))
        self._show()
        self.clicked.emit()

    def take_back(self) -> None:
        """One click less."""
        if self.points:
            self.points.pop()
            self.labels.pop()
            self._show()
            self.clicked.emit()

    def _show(self) -> None:
        layer = self.layer
        if layer is None:
            return
        shown = [axis for axis in range(layer.ndim) if axis in self._viewer.dims.displayed][-2:]
        places = np.zeros((len(self.points), layer.ndim))
        if layer.ndim > 2:
            places[:] = layer.world_to_data(self._viewer.dims.point)
        for number, (x, y) in enumerate(self.points):
            places[number, shown] = y - 0.5, x - 0.5
        layer.data = places
        if self.points:
            size = _PIXELS / max(camera_of(self._viewer).zoom * float(abs(layer.scale[-1])), 1e-9)
            layer.size = size
            layer.face_color = [_ON if one else _OFF for one in self.labels]
        layer.selected_data = set()

    def _on_mouse(self, layer: Any, event: Event) -> Iterator[None]:
        """A press and a release without a way between them is a click."""
        start = np.asarray(event.pos, float)
        yield
        while event.type == "mouse_move":
            yield
        moved = float(np.abs(np.asarray(event.pos, float) - start).max())
        if moved < _STILL and self.layer is not None:
            place = layer.world_to_data(event.position)
            shown = [axis for axis in range(layer.ndim) if axis in self._viewer.dims.displayed]
            y, x = (float(place[axis]) + 0.5 for axis in shown[-2:])
            self.add(x, y, on=event.button != 2 and "Alt" not in event.modifiers)

    def _on_back(self, layer: Any) -> None:
        self.take_back()

    def _on_removed(self, event: Event) -> None:
        if event.value is self.layer:
            self.stop()
            self.cancelled.emit()

"""Masks that are not accepted yet, on a layer of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np
from napari.layers import Labels
from qtpy.QtCore import QObject, QTimer

from napari_segkit.widgets.masks._colors import Palette
from napari_segkit.widgets.rings._prompt_layers import find_tool, make_tool

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_segkit.models.rings_plan import Found
    from napari_segkit.ops.prompt_objects import Asked
    from napari_segkit.widgets._layers import ImageSource, PlaneKey

    Roi = tuple[int, int, int, int]

_COLOR = (0, 190, 255)
_MOST = 65_535
_BAND = 1 << 18
"""Pixels that are drawn without giving the GUI time in between."""


class PendingMasks(QObject):
    """Draws what was found of wanted objects; the later one lies on top."""

    def __init__(self, viewer: ViewerModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._layer: ref[Labels] | None = None
        self._plane: PlaneKey = ()
        self._drawn: dict[Asked, Found] = {}
        self._numbers: dict[object, int] = {}
        self._dirty: list[Roi] = []
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._on_timer)

    @property
    def layer(self) -> Labels | None:
        """The layer, where it is in the viewer."""
        layer = None if self._layer is None else self._layer()
        return layer if layer is not None and layer in self._viewer.layers else None

    def show_on(self, image: Image | None, source: ImageSource | None) -> None:
        """Draw on another plane or image from now on; what stands on the layer goes."""
        old = self.layer
        if old is not None and self._drawn:
            old.data[self._plane] = 0
            old.refresh()
        self._drawn, self._numbers, self._dirty = {}, {}, []
        self._layer = None
        if image is None or source is None:
            return
        self._plane = source.plane.key
        found = find_tool(self._viewer.layers, image, "pending")
        if isinstance(found, Labels) and found.data.shape == source.grid:
            self._layer = ref(found)
            if found.data[self._plane].any():  # of a dock that was closed
                found.data[self._plane] = 0
                found.refresh()

    def show(
        self,
        image: Image,
        source: ImageSource,
        wanted: Sequence[Asked],
        answers: Mapping[Asked, Found],
    ) -> None:
        """Bring the layer up to date."""
        now = {one: answers[one] for one in wanted if one in answers}
        if now and self.layer is None:
            self._add(image, source)
        for one, found in self._drawn.items():
            if now.get(one) is not found:
                self._dirty.append(found.roi)
        self._dirty += [found.roi for one, found in now.items() if one not in self._drawn]
        self._drawn = now
        for one in now:  # a colour stays while clicks are added
            self._numbers.setdefault(one.place, len(self._numbers) % _MOST + 1)
        if self._dirty:
            self._timer.start()

    def _add(self, image: Image, source: ImageSource) -> None:
        active = self._viewer.layers.selection.active
        palette = Palette({}, _COLOR)
        layer = Labels(
            np.zeros(source.grid, np.uint16),
            name=f"{image.name} · not accepted",
            colormap=palette.colormap(),
            opacity=0.5,
            **source.transform,
        )
        layer.editable = False
        make_tool(layer, image, "pending")
        self._layer = ref(layer)
        prompts = [
            one
            for kind in ("boxes", "points")
            if (one := find_tool(self._viewer.layers, image, kind)) is not None
        ]
        lowest = min((self._viewer.layers.index(one) for one in prompts), default=None)
        if lowest is None:
            self._viewer.add_layer(layer)
        else:
            self._viewer.layers.insert(lowest, layer)
        if active in self._viewer.layers:
            self._viewer.layers.selection.active = active

    def _on_timer(self) -> None:
        """Draw one portion, then let the event loop breathe."""
        layer = self.layer
        if layer is None or not self._dirty:
            self._dirty = []
            return
        x0, y0, x1, y1 = self._dirty.pop()
        rows = max(1, _BAND // max(1, x1 - x0))
        if y1 - y0 > rows:
            self._dirty.append((x0, y0 + rows, x1, y1))
            y1 = y0 + rows
        self._draw(layer, (x0, y0, x1, y1))
        if self._dirty:
            self._timer.start()

    def _draw(self, layer: Labels, place: Roi) -> None:
        x0, y0, x1, y1 = place
        block = np.zeros((y1 - y0, x1 - x0), layer.data.dtype)
        for one, found in self._drawn.items():
            a0, b0, a1, b1 = found.roi
            left, top, right, bottom = max(x0, a0), max(y0, b0), min(x1, a1), min(y1, b1)
            if left < right and top < bottom:
                mask = found.mask[top - b0 : bottom - b0, left - a0 : right - a0]
                block[top - y0 : bottom - y0, left - x0 : right - x0][mask] = self._numbers[
                    one.place
                ]
        view = layer.data[self._plane][y0:y1, x0:x1]
        rows, columns = np.nonzero(view != block)
        if len(rows):
            _write(layer, self._plane, rows + y0, columns + x0, block[rows, columns])


def _write(layer: Labels, plane: PlaneKey, rows: Any, columns: Any, values: Any) -> None:
    """Only what changes is drawn anew: at 24 Mpx, all of it takes 0.1 s."""
    places = iter((rows, columns))
    count = len(rows)
    layer.data_setitem(
        tuple(next(places) if isinstance(part, slice) else np.full(count, part) for part in plane),
        values,
    )
    forget = getattr(layer, "_reset_history", None)
    if forget is not None:  # nothing here is to be undone by napari
        forget()

"""What is selected and what a tool would change, shown above the mask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap

from napari_segkit.ops.edits import GAINED, LOST, MOVED
from napari_segkit.widgets._layers import transform_of
from napari_segkit.widgets.masks._binding import mark_scratch

if TYPE_CHECKING:
    from collections.abc import Hashable

    from napari.components import ViewerModel
    from napari.layers import Layer
    from numpy.typing import NDArray

    from napari_segkit.widgets._layers import Plane

OUTLINE = 4
PREVIEW, OUTLINES = "preview", "outlines"
_COLORS: dict[int | None, Any] = {
    None: (0, 0, 0, 0),
    0: (0, 0, 0, 0),
    GAINED: (0.1, 1, 0.3, 1),
    LOST: (1, 0.1, 0.2, 1),
    MOVED: (0.2, 0.5, 1, 1),
    OUTLINE: (1, 1, 1, 1),
}


def placed_on(layer: Layer, plane: Plane, top: int, left: int) -> dict[str, Any]:
    """Keyword arguments that put a window's pixels where they are in a plane of a layer.

    The window's array has an axis of length one for each slider.
    """
    values = iter((top, left))
    start = [next(values) if isinstance(part, slice) else part for part in plane.key]
    world = np.asarray(layer.data_to_world(start)) - np.asarray(
        layer.data_to_world([0] * layer.ndim)
    )
    transform = transform_of(layer)
    inner = np.linalg.solve(transform["affine"][:-1, :-1], world)
    return transform | {"translate": transform["translate"] + inner}


def on_axes(codes: NDArray[Any], plane: Plane) -> NDArray[Any]:
    """A window (h, w) with the axes of its layer."""
    shape = iter(codes.shape)
    return codes.reshape([next(shape) if isinstance(p, slice) else 1 for p in plane.key])


class _Content(NamedTuple):
    mask: Labels
    plane: Plane
    place: tuple[int, int]
    codes: NDArray[np.uint8]


class Overlay:
    """One layer that no list shows; of what is to be seen, a preview comes before an outline.

    It stays, hidden, while there is nothing to show: a layer that comes or goes makes napari draw
    all others anew, which takes 0.2 s beside a mask of 24 Mpx.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._contents: dict[str, _Content] = {}
        self._seen: _Content | None = None
        self._mask: Hashable = None
        self.layer: Labels | None = None

    def show(
        self,
        what: str,
        mask: Labels,
        plane: Plane,
        place: tuple[int, int],
        codes: NDArray[np.uint8],
    ) -> None:
        """Show codes (h, w) at (top, left) of a plane of a mask, as `PREVIEW` or `OUTLINES`."""
        if codes.size:
            self._contents[what] = _Content(mask, plane, place, codes)
        else:
            self._contents.pop(what, None)
        self._render()

    def hide(self, what: str) -> None:
        """Show it no more."""
        if self._contents.pop(what, None) is not None:
            self._render()

    def remove(self) -> None:
        """Take the layer away, as when there is no mask any more."""
        self._contents.clear()
        self._seen = None
        layer, self.layer = self.layer, None
        if layer is not None and layer in self._viewer.layers:
            self._viewer.layers.remove(layer)

    def _render(self) -> None:
        content = self._contents.get(PREVIEW) or self._contents.get(OUTLINES)
        if content is self._seen:
            return
        self._seen = content
        layer = self.layer
        if content is None:
            if layer is not None:
                layer.visible = False
            return
        mask = content.mask
        codes = on_axes(content.codes, content.plane)
        where = placed_on(mask, content.plane, *content.place)
        here = layer is not None and layer in self._viewer.layers
        if layer is not None and here and self._mask == mask.unique_id:
            layer.visible = False  # drawn once, not three times
            layer.data = codes
            layer.translate = where["translate"]
            layer.visible = True
        else:
            self._add(mask, codes, where)

    def _add(self, mask: Labels, codes: NDArray[np.uint8], where: dict[str, Any]) -> None:
        if self.layer is not None and self.layer in self._viewer.layers:
            self._viewer.layers.remove(self.layer)
        layer = Labels(
            codes,
            name="Correct · overlay",
            colormap=DirectLabelColormap(color_dict=_COLORS),
            opacity=0.8,
            **where,
        )
        mark_scratch(layer)
        layer.editable = False
        layers = self._viewer.layers
        chosen, active = set(layers.selection), layers.selection.active
        self._viewer.add_layer(layer)
        layers.selection.clear()
        layers.selection.update(chosen)
        layers.selection.active = active
        self.layer, self._mask = layer, mask.unique_id


def outline_of(inside: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The rim of a mask (h, w), thicker where it is large, as codes."""
    import cv2

    width = max(1, round(max(inside.shape) / 150))
    solid = np.pad(inside, 1).astype(np.uint8)
    core = cv2.erode(solid, np.ones((3, 3), np.uint8), iterations=width)
    return ((solid > core)[1:-1, 1:-1] * OUTLINE).astype(np.uint8)

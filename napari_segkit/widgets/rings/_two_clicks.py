"""Two clicks make a box: beside napari's own drawing by dragging, with its rectangle tool.

A click without a drag would leave a rectangle of no size. Here it is the first corner; a rectangle
follows the mouse from there, and the second click ends it. Escape or another tool gives it up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari.layers import Shapes
    from numpy.typing import NDArray

_TOOL = "add_rectangle"
_FEW = 300
"""Above so many boxes no rectangle follows the mouse: each step makes all of them anew."""
_STILL = 3.0
"""Pixels of the screen: a drag is longer."""


class TwoClicks:
    """Of one layer; stays with it, whatever docks come and go."""

    def __init__(self, layer: Shapes) -> None:
        self._first: NDArray[np.float64] | None = None
        self._count = 0
        layer.mouse_drag_callbacks.append(_on_press)
        layer.mouse_move_callbacks.append(_on_move)
        layer.events.mode.connect(_on_mode)

    @staticmethod
    def of(layer: Shapes) -> TwoClicks:
        """The one of a layer; made where there is none."""
        if layer not in _all:
            _all[layer] = TwoClicks(layer)
        return _all[layer]

    @property
    def begun(self) -> bool:
        """Whether the first corner is set: the last shape is no box yet."""
        return self._first is not None

    def click(self, layer: Shapes, at: NDArray[np.float64]) -> None:
        """Set a corner; napari has just added a shape of no size there."""
        shapes = list(layer.data)[:-1]
        if self._first is not None and len(shapes) == self._count:
            corner, self._first = self._first, None
            _show(layer, [*shapes[:-1], _rectangle(layer, corner, at)])
            return
        self._first, self._count = at, len(shapes) + 1
        _show(layer, [*shapes, _rectangle(layer, at, at + _displayed(layer))])

    def move(self, layer: Shapes, at: NDArray[np.float64]) -> None:
        """Let the rectangle follow."""
        if self._first is None:
            return
        if layer.nshapes != self._count:
            self._first = None
        elif self._count <= _FEW:
            shapes = list(layer.data)[:-1]
            _show(layer, [*shapes, _rectangle(layer, self._first, at)])

    def give_up(self, layer: Shapes) -> None:
        """Take the first corner away."""
        if self._first is not None:
            self._first = None
            if layer.nshapes == self._count:
                _show(layer, list(layer.data)[:-1])


_all: WeakKeyDictionary[Shapes, TwoClicks] = WeakKeyDictionary()


def _on_press(layer: Shapes, event: Any) -> Iterator[None]:
    pressed = np.asarray(event.pos, float)
    still = str(layer.mode) == _TOOL and event.button == 1
    yield
    while event.type == "mouse_move":
        still &= bool(np.abs(np.asarray(event.pos, float) - pressed).max() <= _STILL)
        yield
    if still and layer.nshapes:
        at = np.asarray(layer.world_to_data(event.position), float)
        TwoClicks.of(layer).click(layer, at)
    elif str(layer.mode) == _TOOL:
        _drop_corner_before_a_drag(layer)


def _drop_corner_before_a_drag(layer: Shapes) -> None:
    """A corner was set, then a box was dragged: the box counts."""
    clicks = TwoClicks.of(layer)
    if clicks.begun:
        shapes = list(layer.data)
        clicks._first = None
        _show(layer, [*shapes[:-2], shapes[-1]])


def _on_move(layer: Shapes, event: Any) -> None:
    TwoClicks.of(layer).move(layer, np.asarray(layer.world_to_data(event.position), float))


def _on_mode(event: Any) -> None:
    layer = event.source
    if str(layer.mode) != _TOOL:
        TwoClicks.of(layer).give_up(layer)
    # napari puts a tool's own callbacks at the end: ours must come after them
    if _on_press in layer.mouse_drag_callbacks:
        layer.mouse_drag_callbacks.remove(_on_press)
        layer.mouse_drag_callbacks.append(_on_press)


def _show(layer: Shapes, outlines: list[Any]) -> None:
    layer.selected_data = set()
    layer.data = outlines


def _displayed(layer: Shapes) -> NDArray[np.float64]:
    """One pixel along the axes that are shown."""
    step = np.zeros(layer.ndim)
    step[list(_axes(layer))] = 1e-3
    return step


def _axes(layer: Shapes) -> tuple[int, ...]:
    return tuple(layer._slice_input.displayed)[-2:]


def _rectangle(
    layer: Shapes, one: NDArray[np.float64], other: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Corners of a rectangle between two points of a plane."""
    row, column = _axes(layer)
    corners = np.repeat(one[None], 4, axis=0)
    corners[[2, 3], row] = other[row]
    corners[[1, 2], column] = other[column]
    return corners

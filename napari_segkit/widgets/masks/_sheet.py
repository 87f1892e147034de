"""A mask beside the viewer, and on a layer: what of a Labels layer belongs to one image.

::

    MaskSheet  --lay_on-->  the layer  --take_off-->  MaskSheet
    pixels, rows, classes, colours, name, place, undo and redo

How a person looks at masks and draws on them (opacity, contour, mode, brush) stays with the layer.
Putting other pixels into a layer takes napari a tenth of the time of a new layer. Its undo history
is private: where this napari keeps it elsewhere, `can_lie_on` says no, and a new layer is made.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap

from napari_segkit.widgets._layers import transform_of
from napari_segkit.widgets.masks._pixels import finish_writing
from napari_segkit.widgets.masks._undo import state_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.layers import Layer
    from numpy.typing import NDArray

    from napari_segkit.widgets.masks._steps import Past

_HISTORY = ("_undo_history", "_redo_history", "_staged_history", "_block_history")


@dataclass
class MaskSheet:
    """A mask that no layer shows.

    Attributes
    ----------
    data : (H, W) uint16 or int32
        The same array while it is shown and afterwards; no other sheet has it.
    features
        As `Labels.features`: a line per object.
    colormap
        ``None``: that of its palette is still to be made.
    undo, redo
        Items of napari's histories.
    place
        As `transform_of`; empty: not moved.
    """

    data: NDArray[Any]
    name: str
    metadata: dict[str, Any]
    features: Any
    past: Past
    colormap: Any = None
    undo: deque[Any] = field(default_factory=deque)
    redo: deque[Any] = field(default_factory=deque)
    selected_label: int = 1
    place: Mapping[str, Any] = field(default_factory=dict)


def can_lie_on(layer: Labels, sheet: MaskSheet) -> bool:
    """Whether a layer can show a mask: of its depth and number of axes, by this napari."""
    data = layer.data
    same = isinstance(data, np.ndarray) and (data.dtype, data.ndim) == (
        sheet.data.dtype,
        sheet.data.ndim,
    )
    return same and all(hasattr(layer, name) for name in _HISTORY)


def layer_of(sheet: MaskSheet) -> Labels:
    """A new layer for a mask, to be laid on."""
    palette = sheet.past.palette
    if sheet.colormap is None and palette is not None:
        sheet.colormap = palette.colormap()
    return Labels(sheet.data, name=sheet.name, colormap=sheet.colormap, opacity=0.6)


def lay_on(layer: Labels, sheet: MaskSheet) -> None:
    """Show a mask on a layer; what the layer showed before must have been taken off.

    Nobody is told yet: `MaskState.exchanged` is the caller's, once the image is there as well.
    """
    state = state_of(layer)
    with state.writing():  # not a person's doing, and no undo
        if layer.show_selected_label:  # it would hide all other objects
            layer.show_selected_label = False
        layer.metadata = dict(sheet.metadata)
        move_to(layer, sheet.place)
        _color(layer, sheet)
        if layer.data is not sheet.data:
            layer.data = sheet.data
        layer.features = sheet.features
        layer.selected_label = sheet.selected_label
        limit = getattr(layer, "_history_limit", None)
        layer._undo_history = deque(sheet.undo, maxlen=limit)
        layer._redo_history = deque(sheet.redo, maxlen=limit)
        layer._staged_history, layer._block_history = [], False
        if layer.name != sheet.name:
            layer.name = sheet.name
    state.put_in(layer, sheet.past)


def take_off(layer: Labels) -> MaskSheet:
    """Take down the mask that a layer shows; `settle` has ended what was going on."""
    undo, redo = histories(layer)
    return MaskSheet(
        data=layer.data,
        name=layer.name,
        metadata=dict(layer.metadata),
        past=state_of(layer).take_out(layer),  # it may bring the features along
        features=layer.features,
        colormap=layer.colormap,
        undo=undo,
        redo=redo,
        selected_label=int(layer.selected_label),
        place=transform_of(layer),
    )


def histories(layer: Labels) -> tuple[deque[Any], deque[Any]]:
    """Napari's undo and redo of a mask; none where this napari keeps them elsewhere."""
    none: deque[Any] = deque()
    return getattr(layer, "_undo_history", none), getattr(layer, "_redo_history", none)


def settle(layer: Labels) -> None:
    """End what is being written or drawn on a mask, so that all of it belongs to this mask."""
    finish_writing(layer)
    if getattr(layer, "_staged_history", None):
        layer._block_history = False
        layer._commit_staged_history()  # the stroke so far, as one step
    for generator in list(getattr(layer, "_mouse_drag_gen", {}).values()):
        generator.close()  # or the mouse would go on on the next mask
    for held in ("_mouse_drag_gen", "_persisted_mouse_event"):
        getattr(layer, held, {}).clear()
    overlays = getattr(layer, "_overlays", {})
    outline, stroke = overlays.get("polygon"), overlays.get("brush_stroke")
    if getattr(outline, "points", None) or getattr(stroke, "active", False):
        mode = layer.mode
        layer.mode = "pan_zoom"  # ends them
        layer.mode = mode


def move_to(layer: Layer, place: Mapping[str, Any]) -> None:
    """Give a layer the place in the world that `transform_of` told; none: its pixels' own."""
    axes = layer.ndim
    usual = {
        "scale": np.ones(axes),
        "translate": np.zeros(axes),
        "rotate": np.eye(axes),
        "shear": np.zeros(axes * (axes - 1) // 2),
        "affine": np.eye(axes + 1),
    }
    now = transform_of(layer)
    for name, value in usual.items():
        wanted = place.get(name, value)
        if not np.array_equal(now[name], wanted):
            setattr(layer, name, wanted)


def _color(layer: Labels, sheet: MaskSheet) -> None:
    """Show the mask's colours; one that has none yet takes those that are there, if they do."""
    shown, palette = state_of(layer).palette, sheet.past.palette
    if sheet.colormap is None and palette is not None:
        ours = shown is not None and isinstance(layer.colormap, DirectLabelColormap)
        if shown is not None and ours and shown.shows(palette.color_of, palette.default):
            sheet.past.palette = shown  # a new colormap takes 70 ms to be looked up first
            return
        sheet.colormap = palette.colormap()
    if sheet.colormap is not None and layer.colormap is not sheet.colormap:
        layer.colormap = sheet.colormap

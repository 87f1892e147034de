"""Mask layers: found, made, and written as undoable steps."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Labels

from napari_segkit.widgets.masks._binding import bind, plain_classes, read_binding, write_binding
from napari_segkit.widgets.masks._colors import Palette
from napari_segkit.widgets.masks._features import rows_after_run, table
from napari_segkit.widgets.masks._pixels import PixelWriter
from napari_segkit.widgets.masks._steps import Step
from napari_segkit.widgets.masks._undo import state_of

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_segkit.types import ClassDef, Segmentation
    from napari_segkit.widgets._layers import ImageSource, Plane
    from napari_segkit.widgets.masks._merge import Patch


def warm_up() -> None:
    """Import what napari's first Labels layer imports: a second, better spent in the worker."""
    for name in ("pandas", "skimage.color.colorconv"):
        import_module(name)


def is_usable(layer: Labels, source: ImageSource) -> bool:
    """Whether results for an image can be written into a mask layer."""
    data = layer.data
    return isinstance(data, np.ndarray) and data.shape == source.grid and bool(layer.editable)


def is_being_painted(layer: Labels) -> bool:
    """Whether a mouse button is down on the mask, as far as this napari tells.

    A result written then would become a part of the stroke's undo step.
    """
    return bool(getattr(layer, "_block_history", False))


def add_mask_layer(
    viewer: ViewerModel,
    source: ImageSource,
    *,
    image: Image | None,
    model: str,
    classes: tuple[ClassDef, ...],
) -> Labels:
    """Add an empty mask on an image's pixel grid.

    It is as large as the whole stack (planes without a mask take no memory) and 16 bits deep:
    napari shows that without converting it. It is widened when it needs more than 65,535 ids.
    """
    palette = Palette({}, classes[0].color)
    layer = Labels(
        np.zeros(source.grid, np.uint16),
        name=f"{source.name} · {model}",
        colormap=palette.colormap(),
        opacity=0.6,
        features=table([]),
        **source.transform,
    )
    bind(layer, image=image, image_name=source.name, model=model, classes=classes)
    state_of(layer).palette = palette
    viewer.add_layer(layer)
    return layer


class PatchWriter(PixelWriter):
    """Writes a run's patch, then features and colours."""

    def __init__(self, layer: Labels, plane: Plane, patch: Patch, result: Segmentation) -> None:
        self._patch = patch
        self._result = result
        super().__init__(layer, plane, patch, most=max(patch.present, default=0))

    def _marked(self) -> AbstractContextManager[None]:
        return state_of(self._layer).writing()

    def _finish(self) -> None:
        layer, state = self._layer, state_of(self._layer)
        _describe(layer, self._plane, self._result)
        if state.palette is None:
            state.palette = Palette({}, self._result.classes[0].color)
        rows = rows_after_run(state.rows(layer), self._patch, self._result, run=state.run)
        state.record(layer, Step(self._plane.place, written=self._patch.written), rows)


def _describe(layer: Labels, plane: Plane, result: Segmentation) -> None:
    binding = read_binding(layer)
    if binding is None:
        return
    made = {} if result.provenance is None else {plane.place: result.provenance.as_dict()}
    known = {one.name for one in result.classes}
    own = [one for one in binding.class_defs if one.name not in known]  # of the person's objects
    used = {row.class_name for row in state_of(layer).rows(layer).values()}
    changes = {
        "classes": plain_classes((*result.classes, *(one for one in own if one.name in used))),
        "provenance": binding.provenance | made,
    }
    write_binding(layer, binding.model_copy(update=changes))

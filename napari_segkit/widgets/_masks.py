"""Mask layers: found, made, and written as undoable steps."""

from __future__ import annotations

from contextlib import ExitStack
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels

from napari_segkit.widgets._binding import bind, plain_classes, read_binding, write_binding
from napari_segkit.widgets._colors import Palette
from napari_segkit.widgets._features import features_after, rows_of, table
from napari_segkit.widgets._undo import Step, state_of

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_segkit.types import ClassDef, Segmentation
    from napari_segkit.widgets._layers import ImageSource, Plane
    from napari_segkit.widgets._merge import Patch

_CHUNK = 100_000
"""Pixels that are written at once: about 5 ms."""
_HISTORY_BYTES = 256 * 2**20


def warm_up() -> None:
    """Import what napari's first Labels layer imports: a second, better spent in the worker."""
    for name in ("pandas", "skimage.color"):
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


class PatchWriter:
    """Writes a patch as one undo step, in portions that leave the GUI time to breathe."""

    def __init__(self, layer: Labels, plane: Plane, patch: Patch, result: Segmentation) -> None:
        self.done = False
        self._layer = layer
        self._plane = plane
        self._patch = patch
        self._result = result
        self._at = 0
        self._state = state_of(layer)
        self._open = ExitStack()
        if max(patch.present, default=0) > np.iinfo(layer.data.dtype).max:
            with self._state.writing():  # the same pixels: what can be undone stays valid
                layer.data = layer.data.astype(np.int32)
        self._data = layer.data
        self._open.enter_context(layer.block_history())

    @property
    def lost(self) -> bool:
        """Whether someone gave the mask other data since: nothing is written over that."""
        return self._layer.data is not self._data

    def step(self) -> None:
        """Write the next portion; with the last one, features and colours."""
        if self.done:
            return
        if self.lost:
            self.done = True
            self._open.close()
            return
        with self._state.writing():
            self._write(slice(self._at, self._at + _CHUNK))
            self._at += _CHUNK
            self.done = self._at >= len(self._patch.rows)
            if self.done:
                self._finish()

    def finish(self) -> None:
        """Write all that is left."""
        while not self.done:
            self.step()

    def _write(self, window: slice) -> None:
        patch, layer = self._patch, self._layer
        rows_columns = iter((patch.rows[window], patch.columns[window]))
        count = len(patch.rows[window])
        index = tuple(
            next(rows_columns) if isinstance(part, slice) else np.full(count, part)
            for part in self._plane.key
        )
        unpainted = layer.data[index] == patch.old[window]
        values = patch.new[window][unpainted].astype(layer.data.dtype)
        if len(values):
            layer.data_setitem(tuple(part[unpainted] for part in index), values, refresh=False)

    def _finish(self) -> None:
        layer, before = self._layer, self._layer.features
        self._open.close()
        layer.features = features_after(layer, self._patch, self._result)
        _describe(layer, self._plane, self._result)
        _color(layer, self._result.classes)
        _bound_history(layer)
        self._state.push(Step(self._plane.place, self._patch.written, before, layer.features))
        layer.refresh()


def _describe(layer: Labels, plane: Plane, result: Segmentation) -> None:
    binding = read_binding(layer)
    if binding is None:
        return
    made = {} if result.provenance is None else {plane.place: result.provenance.as_dict()}
    changes = {
        "classes": plain_classes(result.classes),
        "provenance": binding.provenance | made,
    }
    write_binding(layer, binding.model_copy(update=changes))


def _color(layer: Labels, classes: tuple[ClassDef, ...]) -> None:
    """Show every object in its class's colour; a new colormap costs a redraw, so only if needed."""
    colors = {c.name: c.color for c in classes}
    default = classes[0].color
    wanted = {key: colors.get(row[1], default) for key, row in rows_of(layer).items()}
    state = state_of(layer)
    if not state.palette.shows(wanted, default):
        state.palette = Palette(wanted, default)
        layer.colormap = state.palette.colormap()


def _bound_history(layer: Labels) -> None:
    """Forget the oldest undo steps where all of them together take more than 256 MB."""
    history = getattr(layer, "_undo_history", None)
    if history is None:
        return
    sizes = [sum(_bytes(atom) for atom in item) for item in history]
    while len(sizes) > 1 and sum(sizes) > _HISTORY_BYTES:
        history.popleft()
        sizes.pop(0)


def _bytes(atom: Any) -> int:
    return sum(part.nbytes for part in (*atom[0], *atom[1:]) if isinstance(part, np.ndarray))

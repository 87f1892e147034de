"""The two layers of the image under review in the viewer, in the place of those before."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from napari.layers import Labels
from qtpy.QtCore import QObject, Signal

from napari_segkit.widgets.masks._binding import identity, read_binding
from napari_segkit.widgets.parts._choosers import follow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari.components import ViewerModel
    from napari.layers import Layer
    from napari.utils.events import Event

    from napari_segkit.widgets.review._opened import OpenImage


class Stage(QObject):
    """Puts an image and its mask into the viewer; takes them out again.

    Other layers stay where they are. Masks that another dock made for the image before are hidden,
    and shown again when it comes back: they are no part of the review.
    """

    mask_removed = Signal()
    """Someone took the mask out of the viewer."""

    def __init__(self, viewer: ViewerModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = getattr(viewer, "__wrapped__", viewer)  # a proxy's layers are others
        self._shown: OpenImage | None = None
        self._hidden: dict[str, list[Layer]] = {}
        self._extent: object = None
        self._changing = False
        follow(self, [viewer.layers.events.removed], self._on_removed)

    def show(self, one: OpenImage) -> None:
        """Put an image there; what is there already stays."""
        if one.image is None:
            return
        layers = self._viewer.layers
        with self._changes():
            for index, layer in enumerate((one.image, one.mask)):
                if layer not in layers:
                    layers.insert(index, layer)
            if self._shown is not one:
                self._take_out(self._shown)
        self._shown = one
        for layer in self._hidden.pop(one.name, []):
            layer.visible = True
        layers.selection.active = one.mask
        extent = one.mask.data.shape
        if extent != self._extent:
            self._viewer.reset_view()
        self._extent = extent

    def clear(self) -> None:
        """Take out what was put there."""
        with self._changes():
            self._take_out(self._shown)
        self._shown, self._extent = None, None
        self._hidden.clear()

    def leave(self, one: OpenImage) -> None:
        """Leave a mask in the viewer that could not be saved."""
        if one.mask not in self._viewer.layers:
            self._viewer.layers.append(one.mask)

    @contextmanager
    def _changes(self) -> Iterator[None]:
        """Ours, and at once: napari collects garbage once, not after each layer."""
        self._changing = True
        try:
            with getattr(self._viewer.layers, "batched_update", nullcontext)():
                yield
        finally:
            self._changing = False

    def _take_out(self, one: OpenImage | None) -> None:
        if one is None:
            return
        layers = self._viewer.layers
        if one.image is not None:
            others = [
                layer
                for layer in layers
                if layer is not one.mask
                and layer.visible
                and isinstance(layer, Labels)
                and (binding := read_binding(layer)) is not None
                and binding.image == identity(one.image)
            ]
            for layer in others:
                layer.visible = False
            if others:
                self._hidden[one.name] = others
        for layer in (one.mask, one.image):
            if layer is not None and layer in layers:
                layers.remove(layer)

    def _on_removed(self, event: Event) -> None:
        if not self._changing and self._shown is not None and event.value is self._shown.mask:
            self.mask_removed.emit()

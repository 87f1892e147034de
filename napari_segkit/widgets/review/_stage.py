"""The two layers of the image under review: they stay in the viewer, images come and go on them."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from napari.layers import Labels
from qtpy.QtCore import QObject, Signal

from napari_segkit.widgets._identity import identity
from napari_segkit.widgets.masks._binding import read_binding
from napari_segkit.widgets.parts._choosers import follow

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from napari.components import ViewerModel
    from napari.layers import Image, Layer
    from napari.utils.events import Event

    from napari_segkit.widgets.review._opened import OpenImage


class Stage(QObject):
    """Shows an image and its mask in the viewer, on the layers of the one before where they fit.

    Other layers stay where they are. Masks that another dock made for the image before are hidden,
    and shown again when it comes back: they are no part of the review.
    """

    mask_removed = Signal()
    """Someone took the mask out of the viewer."""

    def __init__(self, viewer: ViewerModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = getattr(viewer, "__wrapped__", viewer)  # a proxy's layers are others
        self._layers: tuple[Image, Labels] | None = None
        self._shown: OpenImage | None = None
        self._hidden: dict[str, list[Layer]] = {}
        self._extent: object = None
        self._changing = False
        follow(self, [viewer.layers.events.removed], self._on_removed)

    def show(self, one: OpenImage) -> None:
        """Put an image there; what is there already stays."""
        if one.exhibit.pixels is None:
            return
        if self._shown is not one:
            self._put_away()
            self._make_room(one)
            image, mask = self._layers = self._layers or one.exhibit.make_layers()
            self._shown = one  # whatever fails from here on, it is put away before the next
            one.show_on(image, mask)
        self._insert()
        for layer in self._hidden.pop(one.name, []):
            layer.visible = True
        self._look(one)

    def clear(self, leave: Collection[OpenImage] = ()) -> None:
        """Take out what was put there, but for masks that could not be saved.

        Parameters
        ----------
        leave
            Images whose masks stay in the viewer, or come there.
        """
        shown, layers = self._shown, self._layers
        self._hide_others()
        self._shown = self._layers = self._extent = None
        self._hidden.clear()
        if layers is not None:
            self._remove(layers[:1] if shown in leave else layers)
        if shown is not None and shown not in leave:
            shown.put_away()
        for one in leave:
            mask = one.exhibit.give_up()
            if mask not in self._viewer.layers:
                self._viewer.layers.append(mask)

    def _put_away(self) -> None:
        self._hide_others()
        if self._shown is not None:
            self._shown.put_away()
        self._shown = None

    def _make_room(self, one: OpenImage) -> None:
        """Give up layers that cannot show an image."""
        if self._layers is not None and not one.exhibit.fits(*self._layers):
            self._remove(self._layers)
            self._layers = None

    def _insert(self) -> None:
        """Have both layers in the viewer; someone may have taken one out."""
        layers, ours = self._viewer.layers, self._layers or ()
        if all(layer in layers for layer in ours):
            return
        with self._changes():
            for index, layer in enumerate(ours):
                if layer not in layers:
                    layers.insert(index, layer)

    def _look(self, one: OpenImage) -> None:
        layers = self._viewer.layers
        if layers.selection.active is not one.mask:
            layers.selection.active = one.mask
        extent = one.exhibit.labels.shape
        if extent != self._extent:
            self._viewer.reset_view()
        self._extent = extent
        tell = getattr(self._viewer, "update_status_from_cursor", None)
        if tell is not None:
            tell()  # the status line would name the image before until the mouse moves

    def _remove(self, ours: Collection[Layer]) -> None:
        layers = self._viewer.layers
        with self._changes():
            for layer in ours:
                if layer in layers:
                    layers.remove(layer)

    @contextmanager
    def _changes(self) -> Iterator[None]:
        """Ours, and at once: napari collects garbage once, not after each layer."""
        self._changing = True
        try:
            with getattr(self._viewer.layers, "batched_update", nullcontext)():
                yield
        finally:
            self._changing = False

    def _hide_others(self) -> None:
        """Hide other docks' masks of the image that is shown."""
        shown = self._shown
        if shown is None or shown.image is None:
            return
        others = [
            layer
            for layer in self._viewer.layers
            if layer is not shown.mask
            and layer.visible
            and isinstance(layer, Labels)
            and (binding := read_binding(layer)) is not None
            and binding.image == identity(shown.image)
        ]
        for layer in others:
            layer.visible = False
        if others:
            self._hidden[shown.name] = others

    def _on_removed(self, event: Event) -> None:
        if not self._changing and self._shown is not None and event.value is self._shown.mask:
            self.mask_removed.emit()

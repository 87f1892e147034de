"""A combo box of the viewer's layers of one kind, which follows the viewer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import ref

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QWidget

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer
    from napari.utils.events import Event


class LayerChooser(QComboBox):
    """Names of the layers of one kind; a layer that is selected in the viewer becomes current.

    Parameters
    ----------
    viewer
        Its layers are listed, the topmost first as in napari's list.
    kind
        Class of layers.
    none
        Text of a first entry that stands for no layer; without it, the text shown when there is
        no such layer.
    optional
        Whether ``none`` can be chosen; then the selection in the viewer is not followed.
    """

    layer_changed = Signal()

    def __init__(
        self,
        viewer: ViewerModel,
        kind: type[Layer],
        *,
        none: str,
        optional: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._kind = kind
        self._none = none
        self._optional = optional
        self._layers: list[ref[Layer]] = []
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        self._connect()
        self._on_layers()
        self._on_active()

    def _connect(self) -> None:
        events = self._viewer.layers.events
        links = [
            (getattr(events, name), self._on_layers)
            for name in ("inserted", "removed", "reordered", "renamed")
            if hasattr(events, name)
        ]
        if not self._optional:
            links.append((self._viewer.layers.selection.events.active, self._on_active))
        for emitter, slot in links:
            emitter.connect(slot)
        self.destroyed.connect(partial(_disconnect, links))
        self.currentIndexChanged.connect(self._on_index)

    @property
    def layer(self) -> Layer | None:
        """The chosen layer."""
        at = self.currentIndex() - int(self._optional)
        return self._layers[at]() if 0 <= at < len(self._layers) else None

    @layer.setter
    def layer(self, layer: Layer | None) -> None:
        known = [known() for known in self._layers]
        if layer in known:
            self.setCurrentIndex(known.index(layer) + int(self._optional))
        elif layer is None and self._optional:
            self.setCurrentIndex(0)

    def _on_layers(self, event: Event | None = None) -> None:
        chosen = self.layer
        layers = [one for one in reversed(self._viewer.layers) if isinstance(one, self._kind)]
        self.blockSignals(True)
        self.clear()
        self._layers = [ref(layer) for layer in layers]
        if self._optional or not layers:
            self.addItem(self._none)
        self.addItems([layer.name for layer in layers])
        self.layer = chosen
        self.blockSignals(False)
        self._on_index()

    def _on_active(self, event: Event | None = None) -> None:
        active = self._viewer.layers.selection.active
        if isinstance(active, self._kind):
            self.layer = active

    def _on_index(self, index: int = 0) -> None:
        self.setToolTip(self.currentText())
        self.layer_changed.emit()


def _disconnect(links: list[tuple[Any, Any]], _destroyed: object = None) -> None:
    for emitter, slot in links:
        emitter.disconnect(slot)
    links.clear()

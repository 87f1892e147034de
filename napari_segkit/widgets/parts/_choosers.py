"""Lists of the viewer's layers which follow the viewer: a combo box, and masks to be ticked."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

from napari.layers import Labels
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QListWidget, QListWidgetItem, QWidget

from napari_segkit.widgets.masks._binding import is_scratch, read_binding

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import LayerList, ViewerModel
    from napari.layers import Layer
    from napari.utils.events import Event


def follow(widget: QWidget, emitters: list[Any], slot: Callable[..., None]) -> None:
    """Connect napari's events to a widget's method, until the widget is destroyed."""
    links = [(emitter, slot) for emitter in emitters]
    for emitter, one in links:
        emitter.connect(one)
    widget.destroyed.connect(partial(unlink, links))


def unlink(links: list[tuple[Any, Any]], _destroyed: object = None) -> None:
    """Disconnect napari's events from what they were connected to."""
    for emitter, slot in links:
        emitter.disconnect(slot)
    links.clear()


def layer_events(layers: LayerList) -> list[Any]:
    """Events after which a list of layers must be shown anew."""
    names = ("inserted", "removed", "reordered", "renamed")
    return [getattr(layers.events, name) for name in names if hasattr(layers.events, name)]


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
        layers = self._viewer.layers
        follow(self, layer_events(layers), self._on_layers)
        if not self._optional:
            follow(self, [layers.selection.events.active], self._on_active)
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
        layers = [one for one in reversed(self._viewer.layers) if self._lists(one)]
        self.blockSignals(True)
        self.clear()
        self._layers = [ref(layer) for layer in layers]
        if self._optional or not layers:
            self.addItem(self._none)
        self.addItems([layer.name for layer in layers])
        self.layer = chosen
        self.blockSignals(False)
        self._on_index()

    def _lists(self, layer: Layer) -> bool:
        return isinstance(layer, self._kind) and not is_scratch(layer)

    def _on_active(self, event: Event | None = None) -> None:
        active = self._viewer.layers.selection.active
        if active is not None and self._lists(active):
            self.layer = active

    def _on_index(self, index: int = 0) -> None:
        self.setToolTip(self.currentText())
        self.layer_changed.emit()


class MaskList(QListWidget):
    """Labels layers to be ticked; at first those that a model made, or all if there are no such."""

    ticked = Signal()

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._layers: list[ref[Labels]] = []
        self._touched: WeakKeyDictionary[Labels, bool] = WeakKeyDictionary()
        self._connect()
        self._on_layers()

    def _connect(self) -> None:
        follow(self, layer_events(self._viewer.layers), self._on_layers)
        self.itemChanged.connect(self._on_item)

    def layers(self) -> list[Labels]:
        """The ticked masks, the topmost first."""
        known = ((layer(), self.item(row)) for row, layer in enumerate(self._layers))
        return [
            layer
            for layer, item in known
            if layer is not None and item.checkState() == Qt.CheckState.Checked
        ]

    def _on_layers(self, event: Event | None = None) -> None:
        layers = [
            one
            for one in reversed(self._viewer.layers)
            if isinstance(one, Labels) and not is_scratch(one)
        ]
        ours = [one for one in layers if read_binding(one) is not None]
        self.blockSignals(True)
        self.clear()
        for layer in layers:
            item = QListWidgetItem(layer.name)
            item.setToolTip(layer.name)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            tick = self._touched.get(layer, layer in (ours or layers))
            item.setCheckState(Qt.CheckState.Checked if tick else Qt.CheckState.Unchecked)
            self.addItem(item)
        self._layers = [ref(layer) for layer in layers]
        self.blockSignals(False)
        self.ticked.emit()

    def _on_item(self, item: QListWidgetItem) -> None:
        layer = self._layers[self.row(item)]()
        if layer is not None:
            self._touched[layer] = item.checkState() == Qt.CheckState.Checked
        self.ticked.emit()

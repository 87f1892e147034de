"""Which layer is which, by identity and never by name.

The Review dock shows one image after another on the same two layers. What belongs to an image must
not be taken for another's because the layer is the same, so a layer can stand for something: then
its identity is that of what it shows now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from napari.layers import Layer

_shown: WeakKeyDictionary[Layer, str] = WeakKeyDictionary()


def identity(layer: Layer) -> str:
    """Name of a layer that stays while it lives, or of what it stands for."""
    return _shown.get(layer) or str(layer.unique_id)


def stand_for(layer: Layer, name: str) -> None:
    """Give a layer the identity of what it shows from now on; ``name`` must be unique."""
    _shown[layer] = name

"""The images that were open last, with their undo histories, as far as memory goes."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from napari_segkit.widgets.review._opened import OpenImage

_MOST_BYTES = 256 << 20
_MOST_IMAGES = 16
_PIXELS = 3
"""Images whose pixels are kept as well: the one that is open and where one goes back to."""


class Shelf:
    """Open images, the one that was looked at last at the end.

    What is not on the disk yet is never let go. They have their undo histories with them: an image
    that was let go begins a new one.
    """

    def __init__(self, most_bytes: int = _MOST_BYTES, most_images: int = _MOST_IMAGES) -> None:
        self._most_bytes, self._most_images = most_bytes, most_images
        self._images: OrderedDict[str, OpenImage] = OrderedDict()

    def __iter__(self) -> Iterator[OpenImage]:
        return iter(list(self._images.values()))

    def __contains__(self, name: object) -> bool:
        return name in self._images

    def get(self, name: str) -> OpenImage | None:
        """An image that is here."""
        return self._images.get(name)

    def put(self, one: OpenImage) -> None:
        """Lay an image on top; `trim` makes room."""
        self._images[one.name] = one
        self._images.move_to_end(one.name)
        for old in list(self._images.values())[:-_PIXELS]:
            old.exhibit.pixels = None

    def take(self, name: str) -> OpenImage | None:
        """Take an image away."""
        return self._images.pop(name, None)

    def trim(self) -> list[OpenImage]:
        """Let go of what is too much, and on the disk; returns those that had to go."""
        gone = []
        sizes = {
            name: one.size + history_size(*one.exhibit.history)
            for name, one in self._images.items()
        }
        for one in list(self._images.values())[:-1]:
            fits = sum(sizes.values()) <= self._most_bytes
            if fits and len(self._images) <= self._most_images:
                break
            if one.clean:
                gone.append(self._images.pop(one.name))
                del sizes[one.name]
        return gone


def history_size(*histories: Iterable[Any]) -> int:
    """Bytes of napari's undo steps of a mask."""
    items = (item for history in histories for item in history)
    return sum(_nbytes(part) for item in items for atom in item for part in atom)


def _nbytes(part: object) -> int:
    if isinstance(part, np.ndarray):
        return part.nbytes
    return sum(_nbytes(one) for one in part) if isinstance(part, tuple) else 0

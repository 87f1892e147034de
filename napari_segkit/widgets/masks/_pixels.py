"""Write pixels into a mask layer as one undo step, in portions that leave the GUI time."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakKeyDictionary

import numpy as np

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from napari.layers import Labels
    from numpy.typing import NDArray

    from napari_segkit.widgets._layers import Plane

_CHUNK = 100_000
"""Pixels that are written at once: about 5 ms."""
_HISTORY_BYTES = 256 * 2**20


class Pixels(Protocol):
    """What is written: (N,) each; a pixel that is no longer ``old`` is left alone."""

    @property
    def rows(self) -> NDArray[Any]:
        """Its row."""

    @property
    def columns(self) -> NDArray[Any]:
        """Its column."""

    @property
    def old(self) -> NDArray[Any]:
        """The id that it has."""

    @property
    def new(self) -> NDArray[Any]:
        """The id that it gets."""


class PixelWriter:
    """Writes pixels; what else belongs to the step is up to those that inherit from it.

    Parameters
    ----------
    most
        The largest id: a layer whose data cannot hold it is widened.

    Attributes
    ----------
    lost
        Whether someone gave the mask other data meanwhile: nothing is written over that.
    """

    _whole = True
    """Whether the layer is drawn anew at the end; else only what changed, at each portion."""

    def __init__(self, layer: Labels, plane: Plane, pixels: Pixels, *, most: int) -> None:
        self.done = self.lost = False
        self._layer = layer
        self._plane = plane
        self._pixels = pixels
        self._at = 0
        self._open = ExitStack()
        if most > np.iinfo(layer.data.dtype).max:
            with self._marked():  # the same pixels: what can be undone stays valid
                layer.data = layer.data.astype(np.int32)
        self._data = layer.data
        self._open.enter_context(layer.block_history())
        _writing.setdefault(layer, []).append(self)

    def _marked(self) -> AbstractContextManager[None]:
        """Inside of this, listeners know who writes."""
        raise NotImplementedError

    def _finish(self) -> None:
        """What comes after the last pixel."""
        raise NotImplementedError

    def step(self) -> None:
        """Write the next portion; with the last one, what else belongs to it."""
        if self.done:
            return
        self.lost = self._layer.data is not self._data
        if self.lost:
            self._end()
            return
        with self._marked():
            self._write(slice(self._at, self._at + _CHUNK))
            self._at += _CHUNK
            if self._at >= len(self._pixels.rows):
                self._end()
                self._finish()
                _bound_history(self._layer)
                if self._whole:
                    self._layer.refresh()

    def _end(self) -> None:
        self.done = True
        self._open.close()
        _writing[self._layer].remove(self)

    def finish(self) -> None:
        """Write all that is left."""
        while not self.done:
            self.step()

    def _write(self, window: slice) -> None:
        pixels, layer = self._pixels, self._layer
        rows_columns = iter((pixels.rows[window], pixels.columns[window]))
        count = len(pixels.rows[window])
        index = tuple(
            next(rows_columns) if isinstance(part, slice) else np.full(count, part)
            for part in self._plane.key
        )
        unpainted = layer.data[index] == pixels.old[window]
        values = pixels.new[window][unpainted].astype(layer.data.dtype)
        if len(values):
            places = tuple(part[unpainted] for part in index)
            layer.data_setitem(places, values, refresh=not self._whole)


_writing: WeakKeyDictionary[Labels, list[PixelWriter]] = WeakKeyDictionary()


def finish_writing(layer: Labels) -> None:
    """Write all that is being written into a mask: what is half written belongs to it."""
    for writer in list(_writing.get(layer, ())):
        writer.finish()


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

"""Tells of every change of one mask layer's pixels and table, whoever makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segkit.widgets.masks._undo import state_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from napari.layers import Labels
    from napari.utils.events import Event

    from napari_segkit.ops.delta import Rect


class Tracker:
    """Follows a 2D mask layer; connected and disconnected in one place each.

    Strokes, fills, tools and runs end in napari's ``paint`` event; a stroke that is not ended yet
    is seen by ``labels_update``. Undo and redo only refresh the layer: what they changed is found
    in its history, as in `_undo`; without it, everything counts as changed.

    Parameters
    ----------
    changed
        Gets the box of changed pixels (x0 y0 x1 y1; ``None``: only the table) and who it was:
        ``"model"``, ``"undo"``, a tool's or the brush's name, or empty where no step has ended.
    replaced
        Called where the layer was given other data of another shape.
    """

    def __init__(
        self,
        layer: Labels,
        changed: Callable[[Rect | None, str], None],
        replaced: Callable[[], None],
    ) -> None:
        self._layer, self._changed, self._replaced = layer, changed, replaced
        self._shape = layer.data.shape
        self._undone = self._redo_length()
        events = layer.events
        self._links = (
            (events.paint, self._on_paint),
            (events.labels_update, self._on_update),
            (events.set_data, self.catch_up),
            (events.data, self._on_data),
            (events.features, self._on_features),
        )
        for event, slot in self._links:
            event.connect(slot)

    def stop(self) -> None:
        """Follow it no more."""
        for event, slot in self._links:
            event.disconnect(slot)

    def catch_up(self, event: Event | None = None) -> None:
        """See what undo and redo changed; a hidden layer does not tell it by itself."""
        now = self._redo_length()
        before, self._undone = self._undone, now
        if now == before:
            return
        history = "_redo_history" if now > before else "_undo_history"
        items = list(getattr(self._layer, history, ()))[-abs(now - before) :]
        for item in items:
            self._changed(_box(item), "undo")

    def _redo_length(self) -> int:
        return len(getattr(self._layer, "_redo_history", ()))

    def _who(self, person: str) -> str:
        return "model" if state_of(self._layer).by_model else person

    def _on_paint(self, event: Event) -> None:
        self._undone = self._redo_length()
        self._changed(_box(event.value), self._who(state_of(self._layer).tool or "brush"))

    def _on_update(self, event: Event) -> None:
        top, left = (int(start) for start in event.offset)
        height, width = event.data.shape[:2]
        self._changed((left, top, left + width, top + height), self._who(""))

    def _on_data(self, event: Event) -> None:
        self._undone = self._redo_length()
        if self._layer.data.shape != self._shape:
            self._replaced()
            return
        height, width = self._shape
        self._changed((0, 0, width, height), self._who("replaced"))

    def _on_features(self, event: Event) -> None:
        self._changed(None, "")


def _box(item: Iterable[Any]) -> Rect:
    """Box of an item of napari's history: of slices, or of arrays of rows and columns."""
    parts = [(_range(atom[0][-2]), _range(atom[0][-1])) for atom in item]
    rows, columns = zip(*parts, strict=True)
    return (
        min(low for low, _ in columns),
        min(low for low, _ in rows),
        max(high for _, high in columns),
        max(high for _, high in rows),
    )


def _range(part: Any) -> tuple[int, int]:
    if isinstance(part, slice):
        return int(part.start), int(part.stop)
    numbers = np.asarray(part)
    return (int(numbers.min()), int(numbers.max()) + 1) if numbers.size else (0, 0)

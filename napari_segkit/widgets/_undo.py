"""What happened to a mask layer since it was made: runs, strokes, undo and redo."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

import numpy as np

from napari_segkit.widgets._bands import Before
from napari_segkit.widgets._colors import Palette
from napari_segkit.widgets._features import ids_of, name_drawn_label

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from napari.layers import Labels
    from napari.utils.events import Event

    from napari_segkit.widgets._bands import Written
    from napari_segkit.widgets._layers import Plane

_STEPS = 20
"""Runs that are remembered of each plane; more cannot be undone and then run again."""


@dataclass
class Step:
    """A run, as the layer's undo history knows it.

    Attributes
    ----------
    place
        The plane, as `Plane.place`.
    written
        What the run wrote there.
    before, after
        The layer's features.
    mark
        An array of the run's item in napari's undo history; dead when the item is.
    undone
        Whether Ctrl+Z took the run back.
    """

    place: str
    written: Written
    before: Any
    after: Any
    mark: ref[Any] | None = None
    undone: bool = False


class MaskState:
    """What must be known of a mask layer while it lives, besides its metadata.

    Attributes
    ----------
    revision
        Counts strokes, runs, undo, redo and replaced data.
    palette
        The colours that were given to the layer last.
    tool
        What the person changes the mask with just now; empty: the brush.
    """

    def __init__(self, layer: Labels) -> None:
        self.revision = 0
        self.tool = ""
        self.palette = Palette({}, (0, 0, 0))
        self._writing = False
        self._steps: list[Step] = []
        self._arrays: list[Any] = []
        layer.events.paint.connect(self._on_paint)
        layer.events.set_data.connect(self._on_set_data)
        layer.events.data.connect(self._on_data)

    def before(self, layer: Labels, plane: Plane) -> Before:
        """The plane as the next result will find it."""
        self._follow_history(layer)
        last = self._last(plane.place)
        return Before(
            data=layer.data,
            key=plane.key,
            written=None if last is None else last.written,
            names=frozenset(ids_of(layer)),
            revision=self.revision,
        )

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Mark what happens inside as done by a run, not by the person."""
        self._writing = True
        try:
            yield
        finally:
            self._writing = False

    @property
    def by_model(self) -> bool:
        """Whether what happens just now is done by a run."""
        return self._writing

    def written(self, place: str = "") -> Written | None:
        """What the last run that stands wrote into a plane."""
        last = self._last(place)
        return None if last is None else last.written

    def push(self, step: Step) -> None:
        """Remember the run that was written just now."""
        arrays, self._arrays = self._arrays, []
        last = self._last(step.place)
        if arrays:
            step.mark = ref(arrays[0])
        elif last is not None:  # no pixel changed, so there is nothing to undo but the last run
            step.mark, step.before = last.mark, last.before
            self._steps.remove(last)
        here = [one for one in self._steps if one.place == step.place]
        if len(here) >= _STEPS:
            self._steps.remove(here[0])
        self._steps.append(step)
        self.revision += 1

    def _last(self, place: str) -> Step | None:
        standing = [step for step in self._steps if step.place == place and not step.undone]
        return standing[-1] if standing else None

    def _on_paint(self, event: Event) -> None:
        self.revision += 1
        if self._writing:
            first = (atom[0][0] for atom in event.value)
            self._arrays += [part for part in first if isinstance(part, np.ndarray)]
        else:
            name_drawn_label(event.source)

    def _on_data(self, event: Event) -> None:
        if not self._writing:  # someone put other data there: all of it is theirs
            self._steps = []
            self.revision += 1

    def _on_set_data(self, event: Event) -> None:
        if not self._writing:
            self._follow_history(event.source)

    def _follow_history(self, layer: Labels) -> None:
        """See which runs Ctrl+Z took back, and bring the features along."""
        features = None
        for step in self._steps:
            undone = _is_undone(step, layer)
            if undone == step.undone:
                continue
            step.undone = undone
            self.revision += 1
            if not undone:
                features = step.after
            elif features is None:
                features = step.before
        if features is not None:
            layer.features = features


_states: WeakKeyDictionary[Labels, MaskState] = WeakKeyDictionary()


def state_of(layer: Labels) -> MaskState:
    """The state of a mask layer of ours."""
    if layer not in _states:
        _states[layer] = MaskState(layer)
    return _states[layer]


def _is_undone(step: Step, layer: Labels) -> bool:
    """Whether a run lies in the redo history; one that has left the history stays as it was.

    napari has no public way to ask. Without these attributes undo still works, but a run after it
    would take the undone pixels for strokes.
    """
    mark = None if step.mark is None else step.mark()
    if mark is None:
        return step.undone
    if _holds(getattr(layer, "_redo_history", ()), mark):
        return True
    return step.undone and not _holds(getattr(layer, "_undo_history", ()), mark)


def _holds(history: Iterable[list[Any]], mark: Any) -> bool:
    return any(atom[0][0] is mark for item in history for atom in item)

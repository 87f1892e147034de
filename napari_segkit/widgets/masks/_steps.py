"""Steps of a mask layer, kept beside the items of napari's undo history."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from napari_segkit.widgets.masks._strokes import identities

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from weakref import ref

    from napari.layers import Labels

    from napari_segkit.ops.delta import Change
    from napari_segkit.ops.instance_index import InstanceIndex
    from napari_segkit.ops.instance_rows import InstanceRow, Rows
    from napari_segkit.types import ClassDef
    from napari_segkit.widgets._layers import Plane
    from napari_segkit.widgets.masks._bands import Written
    from napari_segkit.widgets.masks._colors import Palette

    Classes = tuple[ClassDef, ...]

_RUNS = 20
"""Runs that are remembered of each plane; more cannot be undone and then run again."""


@dataclass
class Step:
    """Something done to a mask.

    Attributes
    ----------
    place
        The plane, as `Plane.place`.
    rows
        Id -> row before and after, ``None`` where there was none.
    classes
        Before and after, where they changed.
    changes
        Plane that was tracked -> what it means for the instances there; ``None`` for nothing.
    written
        What a run wrote there.
    mark
        An array of the step's item in napari's undo history; dead when the item is.
    undone
        Whether Ctrl+Z took the step back.
    """

    place: str
    rows: dict[int, tuple[InstanceRow | None, InstanceRow | None]] = field(default_factory=dict)
    classes: tuple[Classes, Classes] | None = None
    changes: Mapping[str, Change | None] = field(default_factory=dict)
    written: Written | None = None
    mark: ref[Any] | None = None
    undone: bool = False

    @property
    def alive(self) -> bool:
        """Whether napari still has its item."""
        return self.mark is not None and self.mark() is not None

    def take_back(self, rows: Rows) -> dict[int, InstanceRow]:
        """The rows before it."""
        return _replaced(rows, {key: before for key, (before, _) in self.rows.items()})

    def repeat(self, rows: Rows) -> dict[int, InstanceRow]:
        """The rows after it."""
        return _replaced(rows, {key: after for key, (_, after) in self.rows.items()})

    def join(self, later: Step) -> None:
        """Take over a step that changed no pixel: it is undone together with this one."""
        for key, (before, after) in later.rows.items():
            self.rows[key] = self.rows.get(key, (before,))[0], after
        self.written = later.written or self.written


def differing(
    before: Rows, after: Rows
) -> dict[int, tuple[InstanceRow | None, InstanceRow | None]]:
    """Rows that are not the same."""
    keys = before.keys() | after.keys()
    pairs = ((key, before.get(key), after.get(key)) for key in keys)
    return {key: (old, new) for key, old, new in pairs if old is not new and old != new}


def _replaced(rows: Rows, new: Mapping[int, InstanceRow | None]) -> dict[int, InstanceRow]:
    result = {key: row for key, row in rows.items() if key not in new}
    return result | {key: row for key, row in new.items() if row is not None}


class Steps:
    """All steps of a mask, the oldest first."""

    def __init__(self) -> None:
        self._all: list[Step] = []
        self._seen: tuple[int, ...] = ()

    def clear(self) -> None:
        """Forget everything."""
        self._all = []

    def push(self, step: Step) -> None:
        """Remember what was just done."""
        if step.mark is None and self._all and not self._all[-1].undone:
            self._all[-1].join(step)
        else:
            self._all.append(step)
        self._forget()

    def last_written(self, place: str) -> Written | None:
        """What the last run that stands wrote into a plane."""
        runs = (one for one in reversed(self._all) if one.place == place and not one.undone)
        return next((one.written for one in runs if one.written is not None), None)

    def turned(self, layer: Labels) -> tuple[list[Step], list[Step]]:
        """Steps that were taken back since the last time, in this order, and those repeated.

        napari has no public way to ask. Without these attributes undo still works, but a run after
        it would take the undone pixels for strokes, and the table would keep its rows.
        """
        done = getattr(layer, "_undo_history", ())
        undone = getattr(layer, "_redo_history", ())
        seen = len(done), len(undone), *(id(one[-1]) for one in (done, undone) if one)
        if seen == self._seen:
            return [], []
        self._seen = seen
        here, there = identities(done), identities(undone)
        turned: tuple[list[Step], list[Step]] = [], []
        for step in self._all:
            now = _is_undone(step, here, there)
            if now != step.undone:
                step.undone = now
                turned[0 if now else 1].append(step)
        return turned[0][::-1], turned[1]

    def _forget(self) -> None:
        """Drop what is beyond napari's history; of each plane the last run that stands stays."""
        runs: dict[str, int] = {}
        kept = []
        for step in reversed(self._all):
            if step.written is not None:
                runs[step.place] = runs.get(step.place, 0) + 1
            last = step.written is not None and not step.undone and runs[step.place] == 1
            if runs.get(step.place, 0) > _RUNS:
                step.written = None
            if step.alive or last:
                kept.append(step)
        self._all = kept[::-1]


@dataclass
class Past:
    """What is known of a mask besides its pixels, as `MaskState` keeps it while it is shown."""

    rows: Mapping[int, InstanceRow] = field(default_factory=dict)
    steps: Steps = field(default_factory=Steps)
    palette: Palette | None = None
    run: int | None = None
    tracked: tuple[Plane, InstanceIndex] | None = None

    def begin(self, written: Written | None) -> None:
        """Take a mask up again of which only what the last run wrote is known."""
        if written is not None:
            self.steps.push(Step("", written=written))


def _is_undone(step: Step, done: Iterable[int], undone: Iterable[int]) -> bool:
    """Whether a step lies in the redo history; one that has left the history stays as it was."""
    mark = None if step.mark is None else step.mark()
    if mark is None:
        return step.undone
    if id(mark) in undone:
        return True
    return step.undone and id(mark) not in done

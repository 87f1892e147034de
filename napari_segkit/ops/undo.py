"""Undo across everything that changes a mask, for many images, in bounded memory.

A model's run, a tool, a brush stroke and a change of class are all a `Step`: pixels that changed,
rows that changed. Each image has its own history, so that going to another image and back loses
nothing. When all steps together take more than the limit, the oldest go.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_segkit.ops.delta import Delta, PackedDelta
    from napari_segkit.ops.instance_rows import InstanceRow, Rows
    from napari_segkit.types import Labels

_ROW_BYTES = 400
"""About what a changed row takes."""


@dataclass(frozen=True)
class Step:
    """One thing that a person can take back.

    Attributes
    ----------
    title
        What was done, for the menu.
    delta
        Pixels; ``None`` where only rows changed.
    rows
        Id -> row before and after, ``None`` where there is none.
    """

    title: str
    delta: PackedDelta | None
    rows: Mapping[int, tuple[InstanceRow | None, InstanceRow | None]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes, about."""
        return (0 if self.delta is None else self.delta.size) + _ROW_BYTES * len(self.rows) + 100

    def undo(self, labels: Labels, rows: Rows) -> dict[int, InstanceRow]:
        """Take it back in ``labels`` (in place); the rows before."""
        if self.delta is not None:
            self.delta.unpacked().revert(labels)
        return _replaced(rows, {key: before for key, (before, _) in self.rows.items()})

    def redo(self, labels: Labels, rows: Rows) -> dict[int, InstanceRow]:
        """Do it again in ``labels`` (in place); the rows after."""
        if self.delta is not None:
            self.delta.unpacked().apply(labels)
        return _replaced(rows, {key: after for key, (_, after) in self.rows.items()})


def step_of(title: str, delta: Delta | None, before: Rows, after: Rows) -> Step:
    """The step from one state to another."""
    changed = {
        key: (before.get(key), after.get(key))
        for key in before.keys() | after.keys()
        if before.get(key) != after.get(key)
    }
    return Step(title, delta.packed() if delta else None, changed)


def _replaced(rows: Rows, new: Mapping[int, InstanceRow | None]) -> dict[int, InstanceRow]:
    result = {key: row for key, row in rows.items() if key not in new}
    return result | {key: row for key, row in new.items() if row is not None}


@dataclass
class _Stacks:
    done: deque[tuple[int, Step]] = field(default_factory=deque)
    undone: list[tuple[int, Step]] = field(default_factory=list)


class History:
    """Steps of every image.

    Parameters
    ----------
    most_bytes
        Of all steps together.

    Attributes
    ----------
    size
        Bytes of all steps now, about.
    """

    def __init__(self, most_bytes: int = 256 << 20) -> None:
        self._most = most_bytes
        self._stacks: dict[str, _Stacks] = {}
        self._clock = 0
        self.size = 0

    def push(self, image: str, step: Step) -> None:
        """Remember what was just done to an image; what was undone there cannot be redone."""
        stacks = self._stacks.setdefault(image, _Stacks())
        self.size += step.size - sum(old.size for _, old in stacks.undone)
        stacks.undone.clear()
        self._clock += 1
        stacks.done.append((self._clock, step))
        while self.size > self._most and self._drop():
            pass

    def _drop(self) -> bool:
        """Forget the step that was done longest ago; False where there is none."""
        oldest = min(
            ((stacks.done[0][0], name) for name, stacks in self._stacks.items() if stacks.done),
            default=None,
        )
        if oldest is None:
            return False
        _, step = self._stacks[oldest[1]].done.popleft()
        self.size -= step.size
        return True

    def undo(self, image: str) -> Step | None:
        """The step to take back now, which can then be redone; ``None`` where there is none."""
        stacks = self._stacks.get(image)
        if stacks is None or not stacks.done:
            return None
        stacks.undone.append(stacks.done.pop())
        return stacks.undone[-1][1]

    def redo(self, image: str) -> Step | None:
        """The step to do again now; ``None`` where there is none."""
        stacks = self._stacks.get(image)
        if stacks is None or not stacks.undone:
            return None
        stacks.done.append(stacks.undone.pop())
        return stacks.done[-1][1]

    def titles(self, image: str) -> tuple[str | None, str | None]:
        """What undo and redo would do to an image; ``None`` for nothing."""
        stacks = self._stacks.get(image, _Stacks())
        return (
            stacks.done[-1][1].title if stacks.done else None,
            stacks.undone[-1][1].title if stacks.undone else None,
        )

    def forget(self, image: str) -> None:
        """Drop an image's steps, as when its mask was replaced from elsewhere."""
        stacks = self._stacks.pop(image, _Stacks())
        self.size -= sum(step.size for _, step in (*stacks.done, *stacks.undone))

"""A change of a label image: where, what was there, what is there now. One undo step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.ops.label_codec import pack_labels, unpack_labels
from napari_segkit.ops.tally import tally

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_segkit.types import Labels

Rect = tuple[int, int, int, int]
"""x0 y0 x1 y1 in pixels, x1 and y1 exclusive."""


@dataclass(frozen=True)
class Change:
    """What a change means for the instances.

    Attributes
    ----------
    box
        All pixels that changed lie in it.
    lost, gained
        Id -> pixels that it lost and gained, without 0.
    """

    box: Rect
    lost: Mapping[int, int]
    gained: Mapping[int, int]

    @property
    def ids(self) -> set[int]:
        """Every id that lost or gained pixels."""
        return self.lost.keys() | self.gained.keys()

    def reverted(self) -> Change:
        """The same, taken back."""
        return Change(self.box, self.gained, self.lost)


@dataclass(frozen=True)
class Delta:
    """A change inside a box.

    Attributes
    ----------
    top, left
        First row and column of the box.
    before, after : (h, w) int32
        The labels there; (0, 0) where nothing changes, so that the delta is false.
    """

    top: int
    left: int
    before: Labels
    after: Labels

    def __bool__(self) -> bool:
        return bool(self.before.size)

    @property
    def box(self) -> Rect:
        """x0 y0 x1 y1 of the box."""
        height, width = self.before.shape
        return self.left, self.top, self.left + width, self.top + height

    @property
    def place(self) -> tuple[slice, slice]:
        """Index of the box into the label image."""
        x0, y0, x1, y1 = self.box
        return slice(y0, y1), slice(x0, x1)

    @property
    def pixels(self) -> int:
        """How many pixels change."""
        return int(np.count_nonzero(self.before != self.after))

    def changed(self) -> tuple[tuple[NDArray[np.int64], NDArray[np.int64]], Labels, Labels]:
        """(rows, columns) in the label image of what changes, and the labels before and after."""
        at = np.nonzero(self.before != self.after)
        return (at[0] + self.top, at[1] + self.left), self.before[at], self.after[at]

    def apply(self, labels: Labels) -> None:
        """Write what changes into ``labels`` (H, W)."""
        at, _, after = self.changed()
        labels[at] = after

    def revert(self, labels: Labels) -> None:
        """Write back what was there before."""
        at, before, _ = self.changed()
        labels[at] = before

    def ids(self) -> tuple[set[int], set[int]]:
        """Ids that lose pixels and ids that gain some, without 0."""
        differs = self.before != self.after
        lose, gain = (set(np.unique(a[differs]).tolist()) for a in (self.before, self.after))
        return lose - {0}, gain - {0}

    def change(self) -> Change:
        """What it means for the instances."""
        _, before, after = self.changed()
        return Change(self.box, tally(before), tally(after))

    def packed(self) -> PackedDelta:
        """The same in few bytes."""
        return PackedDelta(self.top, self.left, pack_labels(self.before), pack_labels(self.after))


@dataclass(frozen=True)
class PackedDelta:
    """A `Delta` for keeping; ``size`` counts its bytes."""

    top: int
    left: int
    before: bytes
    after: bytes

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.before) + len(self.after)

    def unpacked(self) -> Delta:
        """The delta again."""
        return Delta(self.top, self.left, unpack_labels(self.before), unpack_labels(self.after))


def delta_in(labels: Labels, place: tuple[slice, slice], after: Labels) -> Delta:
    """The change of ``labels`` (H, W) to ``after`` (h, w) at ``place``, cut to what changes."""
    before = labels[place].astype(np.int32, copy=False)  # a layer's may be 16 bits
    differs = before != after
    rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
    if not len(rows):
        nothing = np.zeros((0, 0), np.int32)
        return Delta(place[0].start, place[1].start, nothing, nothing)
    inner = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    top, left = place[0].start + int(rows[0]), place[1].start + int(columns[0])
    return Delta(top, left, before[inner].copy(), after[inner].astype(np.int32))


def delta_between(before: Labels, after: Labels) -> Delta:
    """The change from one label image to another of its size, such as a model's run."""
    return delta_in(before, (slice(0, before.shape[0]), slice(0, before.shape[1])), after)

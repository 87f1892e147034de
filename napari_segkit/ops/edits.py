"""An edit: what a tool changes, over however many instances, as pixels to be written at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segkit.ops.delta import Change
from napari_segkit.ops.tally import tally

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_segkit.ops.delta import Delta, Rect
    from napari_segkit.types import Labels

GAINED, LOST, MOVED = 1, 2, 3
"""What happens to a pixel: it joins an instance, leaves one, goes from one to another."""


@dataclass(frozen=True)
class Edit:
    """Pixels that change, each once.

    Attributes
    ----------
    rows, columns : (N,) int32
    old, new : (N,) int32
    parents
        New id -> the id whose class and score it takes over.
    """

    rows: NDArray[np.int32]
    columns: NDArray[np.int32]
    old: Labels
    new: Labels
    parents: Mapping[int, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(len(self.rows))

    @property
    def box(self) -> Rect:
        """x0 y0 x1 y1 around all pixels; zeros where there are none."""
        if not len(self.rows):
            return 0, 0, 0, 0
        return (
            int(self.columns.min()),
            int(self.rows.min()),
            int(self.columns.max()) + 1,
            int(self.rows.max()) + 1,
        )

    def change(self) -> Change:
        """What it means for the instances."""
        return Change(self.box, tally(self.old), tally(self.new))

    def picture(self) -> tuple[int, int, NDArray[np.uint8]]:
        """Top, left and (h, w) uint8 of its box: `GAINED`, `LOST`, `MOVED`, 0 where nothing is."""
        x0, y0, x1, y1 = self.box
        codes = np.zeros((y1 - y0, x1 - x0), np.uint8)
        kinds = np.where(self.old == 0, GAINED, np.where(self.new == 0, LOST, MOVED))
        codes[self.rows - y0, self.columns - x0] = kinds
        return y0, x0, codes

    def apply(self, labels: NDArray[Any]) -> None:
        """Write it into a label image (H, W)."""
        labels[self.rows, self.columns] = self.new


def edit_of(deltas: Sequence[Delta], *, parents: Mapping[int, int] | None = None) -> Edit:
    """One edit of deltas that were worked out one upon the other."""
    parts = [delta.changed() for delta in deltas if delta]
    if not parts:
        nothing = np.zeros(0, np.int32)
        return Edit(nothing, nothing, nothing, nothing)
    rows = np.concatenate([at[0] for at, _, _ in parts]).astype(np.int32)
    columns = np.concatenate([at[1] for at, _, _ in parts]).astype(np.int32)
    before = np.concatenate([old for _, old, _ in parts])
    after = np.concatenate([new for _, _, new in parts])
    if len(parts) > 1:
        first, last = _first_and_last(rows, columns)
        keep = before[first] != after[last]
        first, last = first[keep], last[keep]
        rows, columns, before, after = rows[first], columns[first], before[first], after[last]
    return Edit(rows, columns, before, after, dict(parents or {}))


def _first_and_last(
    rows: NDArray[np.int32], columns: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each pixel is named first, and where last."""
    flat = rows.astype(np.int64) * (int(columns.max()) + 1) + columns
    order = np.argsort(flat, kind="stable")
    starts = np.flatnonzero(np.diff(flat[order], prepend=-1))
    ends = np.append(starts[1:], len(order)) - 1
    return order[starts], order[ends]

"""What an item of napari's undo history changes: a brush stroke, a fill, a tool's pixels.

An item is a list of atoms. An atom is either (indices, values before, value after), or, where
napari painted with a mask, a slice, the mask in it, the values before and the one value after.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_segkit.ops.delta import Change
from napari_segkit.ops.tally import tally

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from napari_segkit.ops.delta import Rect
    from napari_segkit.widgets._layers import PlaneKey


class _Part(NamedTuple):
    """What an atom changes in a plane."""

    box: Rect
    before: NDArray[Any]
    after: NDArray[Any]


def change_of(item: Iterable[Any], key: PlaneKey | None = None) -> Change | None:
    """What an item means for the instances of a plane, or of all planes together.

    Returns
    -------
    ``None`` where nothing changes there. The box is only meant where there is a plane.
    """
    lost: Counter[int] = Counter()
    gained: Counter[int] = Counter()
    boxes: list[Rect] = []
    for atom in item:
        masked = hasattr(atom, "slice_key")
        part = (
            _whole(atom) if key is None else _masked(atom, key) if masked else _indexed(atom, key)
        )
        if part is not None and part.before.size:
            boxes.append(part.box)
            lost.update(tally(part.before))
            gained.update(tally(part.after))
    if not boxes:
        return None
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    return Change((min(x0), min(y0), max(x1), max(y1)), dict(lost), dict(gained))


def _whole(atom: Any) -> _Part:
    """Of all planes."""
    before = np.ravel(array_of(atom))
    after = atom.new_value if hasattr(atom, "slice_key") else atom[2]
    return _Part((0, 0, 0, 0), before, np.broadcast_to(after, before.shape))


def _indexed(atom: Any, key: PlaneKey) -> _Part | None:
    indices, before, after = atom[:3]
    here = np.ones(len(before), bool)
    shown = []
    for axis, part in enumerate(key):
        if isinstance(part, slice):
            shown.append(np.asarray(indices[axis]))
        else:
            here &= np.asarray(indices[axis]) == part
    rows, columns = shown
    if not here.all():
        rows, columns, before = rows[here], columns[here], before[here]
    if not len(rows):
        return None
    box = int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1
    if isinstance(after, np.ndarray) and after.ndim:
        return _Part(box, before, after[here])
    return _Part(box, before, np.full(len(before), after))


def _masked(atom: Any, key: PlaneKey) -> _Part | None:
    place: list[slice | int] = []
    for part, window in zip(key, atom.slice_key, strict=True):
        if isinstance(part, slice):
            place.append(slice(None))
        elif window.start <= part < window.stop:
            place.append(part - window.start)
        else:
            return None
    rows, columns = (
        window for part, window in zip(key, atom.slice_key, strict=True) if isinstance(part, slice)
    )
    before = np.asarray(atom.old_values)
    if atom.mask is not None:
        whole = np.full(atom.mask.shape, -1, np.int64)  # -1: not changed
        whole[atom.mask] = before
        before = whole
    before = before[tuple(place)].ravel()
    before = before[before >= 0]
    box = columns.start, rows.start, columns.stop, rows.stop
    return _Part(box, before, np.full(len(before), atom.new_value))


def array_of(atom: Any) -> NDArray[Any]:
    """The values before: they live as long as the atom does, and tell it from others."""
    return atom.old_values if hasattr(atom, "slice_key") else atom[1]


def identities(history: Iterable[list[Any]]) -> set[int]:
    """Of the arrays at the ends of each item: where napari turns an item round, they stay."""
    return {id(array_of(item[end])) for item in history if item for end in (0, -1)}

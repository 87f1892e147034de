"""How a new result joins what is in a mask layer: ids stay, the person's strokes win.

::

    written last (-1 = a stroke was kept there)   layer now          new result
          1 1 1 . 2 2                             1 1 1 . . .        a a a . b b
          1 1 1 . 2 2                             1 1 1 . . .        a a a . b b
                                                      └ 2 was erased by hand
    a overlaps 1 and becomes 1; b lies under strokes for more than half and is left out.

Pure numpy, for the worker: a 12-Mpx mask takes about half a second.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segkit.ops.masks import lookup
from napari_segkit.types import present_ids

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_segkit.types import Labels

_STROKE = -1
_DENSE_PAIRS = 1 << 24


@dataclass(frozen=True)
class Written:
    """What the last run wrote into a plane, compressed (a 12-Mpx mask to about 0.5 MB).

    Where a stroke of the person was kept it holds -1, so that the stroke differs from it for ever.
    """

    shape: tuple[int, ...]
    packed: bytes

    @classmethod
    def of(cls, labels: Labels) -> Written:
        """Pack (H, W) int32."""
        return cls(labels.shape, zlib.compress(labels.tobytes(), 1))

    def labels(self) -> Labels:
        """(H, W) int32 again."""
        return np.frombuffer(zlib.decompress(self.packed), np.int32).reshape(self.shape)


@dataclass(frozen=True)
class Before:
    """The plane that a result is for.

    Attributes
    ----------
    data, key
        The layer's array and the plane's index in it; read when the result is there.
    written
        What was written last; ``None``: whatever is in the plane is the person's.
    names
        Every id that the layer's features name: those of a stack's other planes stay theirs.
    revision
        Counts the changes of the layer: a patch is for this one only.
    """

    data: NDArray[Any]
    key: tuple[int | slice, ...]
    written: Written | None = None
    names: frozenset[int] = frozenset()
    revision: int = 0


@dataclass(frozen=True)
class Patch:
    """The pixels to change, and what is in the plane afterwards.

    Attributes
    ----------
    rows, columns : (N,) uint16 or int32
    old, new : (N,) int32
        A pixel that is no longer ``old`` was painted meanwhile, and is left alone.
    written
        For the next run.
    id_of
        Id in the result -> id in the layer, of the objects that are in the plane.
    present
        Every id in the plane.
    gone
        Ids that were in the plane and are no more.
    touched
        Ids that the person painted, or painted away from.
    left_out
        How many objects were left out, since strokes cover more than half of them.
    """

    rows: NDArray[Any]
    columns: NDArray[Any]
    old: Labels
    new: Labels
    written: Written
    id_of: dict[int, int]
    present: frozenset[int]
    gone: frozenset[int]
    touched: frozenset[int]
    left_out: int = 0


def merge(result: Labels, before: Before) -> Patch:
    """Work out what a result changes in a plane.

    Parameters
    ----------
    result : (H, W) int32
        Ids of the model.
    before
        The plane, of the same height and width.
    """
    now = before.data[before.key].astype(np.int32)
    last = np.zeros_like(now) if before.written is None else before.written.labels()
    strokes = now != last
    known = _ids(now) | _ids(np.maximum(last, 0))
    id_of = _keep_ids(result, now, before.names - known)
    mapped = lookup(result, id_of)
    drawn = _ids(now[strokes]) - _ids(np.maximum(last, 0))  # by the person alone
    hidden = _covered(mapped, strokes & ((mapped != now) | np.isin(mapped, list(drawn))))
    if hidden:
        mapped[np.isin(mapped, list(hidden))] = 0
    final = np.where(strokes, now, mapped)
    present = _ids(final)
    rows, columns = np.nonzero(final != now)
    small = np.uint16 if max(final.shape) <= 1 << 16 else np.int32
    return Patch(
        rows=rows.astype(small),
        columns=columns.astype(small),
        old=now[rows, columns],
        new=final[rows, columns],
        written=Written.of(np.where(strokes, np.int32(_STROKE), mapped)),
        id_of={a: b for a, b in id_of.items() if b not in hidden and b in present},
        present=present,
        gone=known - present,
        touched=(_ids(now[strokes]) | _ids(mapped[strokes])) & present,
        left_out=len(hidden),
    )


def _ids(labels: Labels) -> frozenset[int]:
    return frozenset(present_ids(labels).tolist())


def _covered(mapped: Labels, under_strokes: NDArray[np.bool_]) -> set[int]:
    """Ids of objects of which more than half lies under strokes that say something else."""
    if not under_strokes.any():
        return set()
    areas = np.bincount(mapped.ravel())
    hidden = np.bincount(mapped[under_strokes], minlength=len(areas))
    hidden[0] = 0
    return set(np.flatnonzero(2 * hidden > areas).tolist())


def _keep_ids(result: Labels, now: Labels, reserved: frozenset[int]) -> dict[int, int]:
    """Give an object the id that it had (IoU > 0.5 with what is there), or a free one."""
    ids = present_ids(result).tolist()
    kept = _matches(result, now)
    taken = set(kept.values()) | reserved | _ids(now)
    id_of: dict[int, int] = {}
    free = 1
    for key in ids:
        if key in kept:
            id_of[key] = kept[key]
            continue
        while free in taken:
            free += 1
        id_of[key] = free
        taken.add(free)
    return id_of


def _matches(result: Labels, now: Labels) -> dict[int, int]:
    both = (result > 0) & (now > 0)
    if not both.any():
        return {}
    width = int(now.max()) + 1
    pairs = result[both].astype(np.int64) * width + now[both]
    if (int(result.max()) + 1) * width <= _DENSE_PAIRS:
        counts = np.bincount(pairs)
        codes = np.flatnonzero(counts)
        counts = counts[codes]
    else:
        codes, counts = np.unique(pairs, return_counts=True)
    new, old = codes // width, codes % width
    union = _areas(result, new) + _areas(now, old) - counts
    same = 2 * counts > union  # above one half an object has one partner at most
    return dict(zip(new[same].tolist(), old[same].tolist(), strict=True))


def _areas(labels: Labels, ids: NDArray[np.int64]) -> NDArray[np.int64]:
    largest = int(labels.max())
    if largest <= max(labels.size, 1 << 16):
        return np.bincount(labels.ravel())[ids]
    known, counts = np.unique(labels, return_counts=True)
    return counts[np.searchsorted(known, ids)]

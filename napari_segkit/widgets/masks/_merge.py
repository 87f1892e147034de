"""How a new result joins what is in a mask layer: ids stay, the person's strokes win.

::

    written last (-1 = a stroke was kept there)   layer now          new result
          1 1 1 . 2 2                             1 1 1 . . .        a a a . b b
          1 1 1 . 2 2                             1 1 1 . . .        a a a . b b
                                                      └ 2 was erased by hand
    a overlaps 1 and becomes 1; b lies under strokes for more than half and is left out.

Pure numpy, for the worker, in bands of rows: beside result, layer and changed pixels it takes about
100 MB, whatever the size.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segkit.ops.masks import lookup
from napari_segkit.ops.tally import tally, tally_pairs
from napari_segkit.types import Progress
from napari_segkit.widgets.masks._bands import Before as Before
from napari_segkit.widgets.masks._bands import Written as Written
from napari_segkit.widgets.masks._bands import bands, with_kept

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from numpy.typing import NDArray

    from napari_segkit.types import Job, Labels

_STROKE = -1


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


@dataclass
class _Survey:
    """Pixels of each object, and of each pair of a new object and one that is there."""

    new: Counter[int] = field(default_factory=Counter)
    now: Counter[int] = field(default_factory=Counter)
    last: set[int] = field(default_factory=set)
    painted: set[int] = field(default_factory=set)
    pairs: Counter[tuple[int, int]] = field(default_factory=Counter)


def merge(result: Labels, before: Before, boxes: NDArray[np.float32] | None = None) -> Job[Patch]:
    """Work out what a result changes in a plane.

    Parameters
    ----------
    result : (H, W) int32
        Ids of the model.
    before
        The plane, of the same height and width.
    boxes : (N, 4) XYXY
        Where the model has looked; what earlier runs found elsewhere stays. None or no rows:
        everywhere.
    """
    stay: dict[int, int] = {}
    if boxes is not None and len(boxes):
        result, stay = _with_those_outside(result, before, boxes)
    patch = yield from join(result, before, stay)
    return replace(patch, id_of={k: label for k, label in patch.id_of.items() if k not in stay})


def join(result: Labels, before: Before, stay: Mapping[int, int]) -> Job[Patch]:
    """Make a plane what a result says, under the strokes; the ids of ``stay`` are settled."""
    yield Progress(0, 3, "comparing")
    survey = _survey(result, before)
    known = frozenset(survey.now) | survey.last
    id_of = _keep_ids(survey, before.names - known, stay)
    drawn = survey.painted - survey.last  # by the person alone
    yield Progress(1, 3, "comparing")
    hidden = _hidden(result, before, id_of, drawn) if survey.painted or known else Counter()
    left_out = {key for key, count in hidden.items() if 2 * count > survey.new[key]}
    id_of = _keep_ids(survey, before.names - known, stay, skip=left_out)
    yield Progress(2, 3, "comparing")
    return _patch(result, before, id_of, known, len(left_out))


def _with_those_outside(
    result: Labels, before: Before, boxes: NDArray[np.float32]
) -> tuple[Labels, dict[int, int]]:
    """The result and, under new keys, what earlier runs found outside of the boxes.

    An object is outside where at most half of it lies in boxes, and at most half under new ones.
    Returns the ids of these keys, too.
    """
    inside = np.zeros(result.shape, bool)
    for x0, y0, x1, y1 in np.rint(np.clip(boxes[np.isfinite(boxes).all(axis=1)], 0, None)):
        inside[int(y0) : int(y1), int(x0) : int(x1)] = True
    found: Counter[int] = Counter()
    within: Counter[int] = Counter()
    covered: Counter[int] = Counter()
    for band in bands(result, before):
        ours = np.where(band.strokes, 0, band.now)
        found.update(tally(ours))
        within.update(tally(ours[inside[band.start : band.start + len(ours)]]))
        covered.update(tally(ours[band.result > 0]))
    outside = [
        label
        for label, count in sorted(found.items())
        if 2 * within[label] <= count and 2 * covered[label] <= count
    ]
    return with_kept(result, before, outside)


def _survey(result: Labels, before: Before) -> _Survey:
    found = _Survey()
    for band in bands(result, before):
        found.new.update(tally(band.result))
        found.now.update(tally(band.now))
        found.last.update(tally(band.last))
        found.painted.update(tally(band.now[band.strokes]))
        found.pairs.update(tally_pairs(band.result, band.now))
    return found


def _keep_ids(
    survey: _Survey,
    reserved: frozenset[int],
    stay: Mapping[int, int],
    *,
    skip: Container[int] = (),
) -> dict[int, int]:
    """Give an object the id that it had (IoU > 0.5 with what is there), or a free one.

    Those of ``stay`` have theirs.
    """
    kept = {
        new: now
        for (new, now), common in survey.pairs.items()
        if 2 * common > survey.new[new] + survey.now[now] - common  # one partner at most
    }
    if stay:
        theirs = set(stay.values())
        kept = {new: now for new, now in kept.items() if now not in theirs} | dict(stay)
    taken = set(kept.values()) | reserved | survey.now.keys()
    id_of: dict[int, int] = {}
    free = 1
    for key in sorted(key for key in survey.new if key not in skip):
        while key not in kept and free in taken:
            free += 1
        id_of[key] = kept.get(key, free)
        taken.add(id_of[key])
    return id_of


def _hidden(result: Labels, before: Before, id_of: dict[int, int], drawn: set[int]) -> Counter[int]:
    """New object -> pixels that lie under strokes which say something else."""
    found: Counter[int] = Counter()
    for band in bands(result, before):
        strokes = band.strokes
        if strokes.any():
            mapped = lookup(band.result, id_of)
            other = (mapped != band.now) | np.isin(mapped, list(drawn))
            found.update(tally(band.result[strokes & other]))
    return found


def _patch(
    result: Labels, before: Before, id_of: dict[int, int], known: frozenset[int], left_out: int
) -> Patch:
    small = np.uint16 if max(result.shape) <= 1 << 16 else np.int32
    pixels: list[tuple[NDArray[Any], ...]] = []
    written: list[bytes] = []
    present: set[int] = set()
    touched: set[int] = set()
    for band in bands(result, before):
        mapped, strokes = lookup(band.result, id_of), band.strokes
        final = np.where(strokes, band.now, mapped)
        rows, columns = np.nonzero(final != band.now)
        places = (rows + band.start).astype(small), columns.astype(small)
        pixels.append((*places, band.now[rows, columns], final[rows, columns]))
        written.append(Written.pack(np.where(strokes, np.int32(_STROKE), mapped)))
        present.update(tally(final))
        touched.update(tally(band.now[strokes]), tally(mapped[strokes]))
    rows, columns, old, new = (np.concatenate(parts) for parts in zip(*pixels, strict=True))
    return Patch(
        rows=rows,
        columns=columns,
        old=old,
        new=new,
        written=Written(tuple(written)),
        id_of={key: label for key, label in id_of.items() if label in present},
        present=frozenset(present),
        gone=known - present,
        touched=frozenset(touched & present),
        left_out=left_out,
    )

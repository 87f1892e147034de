"""How accepted objects join a mask: they are laid on what earlier runs left there, nothing goes.

A new object that is the same as one of an earlier run (IoU > 0.5) takes its place and id; one that
was corrected takes its own place, strokes and all. Elsewhere the person's strokes win.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.ops.tally import tally, tally_pairs
from napari_segkit.types import Progress
from napari_segkit.widgets._bands import Written, bands, with_kept
from napari_segkit.widgets._merge import join

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_segkit.types import Job, Labels
    from napari_segkit.widgets._bands import Before
    from napari_segkit.widgets._merge import Patch


def lay(result: Labels, before: Before, over: Mapping[int, int]) -> Job[Patch]:
    """Work out what accepted objects change in a plane.

    Parameters
    ----------
    result : (H, W) int32
        The accepted objects.
    before
        The plane, of the same height and width.
    over
        Id in the result -> id in the layer, of the objects that were corrected.
    """
    yield Progress(0, 3, "comparing")
    if over:
        before = _taken_over(result, before, set(over.values()))
    now: Counter[int] = Counter()
    new: Counter[int] = Counter()
    both: Counter[tuple[int, int]] = Counter()
    for band in bands(result, before):
        ours = np.where(band.strokes, 0, band.now)
        now.update(tally(ours))
        new.update(tally(band.result))
        both.update(tally_pairs(band.result, ours))
    same = {old for (key, old), n in both.items() if 2 * n > new[key] + now[old] - n}
    kept = sorted(now.keys() - same - set(over.values()))
    joined, stay = with_kept(result, before, kept)
    patch = yield from join(joined, before, stay | dict(over))
    return replace(patch, id_of={k: label for k, label in patch.id_of.items() if k not in stay})


def _taken_over(result: Labels, before: Before, labels: set[int]) -> Before:
    """The plane, as if earlier runs had made some objects, whoever painted them."""
    packed = []
    for band in bands(result, before):
        last = np.where(np.isin(band.now, list(labels)), band.now, band.last)
        packed.append(Written.pack(last))
    return replace(before, written=Written(tuple(packed)))

"""How accepted objects join a mask: they are laid on what earlier runs left there, nothing goes.

A new object that is the same as one of an earlier run (IoU > 0.5) takes its place and id; one that
was corrected takes its own place, strokes and all. Elsewhere the person's strokes win.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segkit import __version__
from napari_segkit.ops.tally import tally, tally_pairs
from napari_segkit.types import Progress, Provenance
from napari_segkit.widgets.masks._bands import Written, bands, with_kept
from napari_segkit.widgets.masks._merge import join as join_plane
from napari_segkit.widgets.parts._words import NOUNS, counted
from napari_segkit.widgets.runs._jobs import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_segkit.models.rings_plan import Found
    from napari_segkit.ops.prompt_objects import Asked
    from napari_segkit.types import ClassDef, Job, Labels
    from napari_segkit.widgets.masks._bands import Before
    from napari_segkit.widgets.masks._merge import Patch


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
    settled = {key: label for key, label in over.items() if key in new}
    patch = yield from join_plane(joined, before, stay | settled)
    return replace(patch, id_of={k: label for k, label in patch.id_of.items() if k not in stay})


@dataclass(frozen=True)
class Acceptance:
    """Objects that a person has accepted, and what they are.

    Attributes
    ----------
    found
        In the order in which they lie on each other.
    weights
        Hashes, for provenance.
    class_name
        Of those that are new; a corrected one keeps its own.
    classes
        Of the mask, with this one.
    earlier
        Provenance of what is in the plane already.
    kept
        Id in the mask -> class, of those that were corrected.
    """

    model: str
    params: Mapping[str, Any]
    weights: str
    found: tuple[tuple[Asked, Found], ...]
    shape: tuple[int, int]
    class_name: str
    classes: tuple[ClassDef, ...]
    earlier: Provenance | None = None
    kept: Mapping[int, str] = field(default_factory=dict)


def accept_job(one: Acceptance, before: Before) -> Job[Answer]:
    """Paint accepted objects, and work out what that changes in the mask."""
    yield Progress(0, 1, "accepting")
    from napari_segkit.models.rings_plan import painted
    from napari_segkit.ops.masks import segmentation_from_labels

    labels, scores = painted({n: mask for n, (_, mask) in enumerate(one.found, 1)}, one.shape)
    over = {n: a.start.label for n, (a, _) in enumerate(one.found, 1) if a.start is not None}
    class_of = dict.fromkeys(scores, one.class_name)
    class_of |= {n: one.kept[over[n]] for n in over if n in scores and over[n] in one.kept}
    lost = len(one.found) - len(scores)
    result = segmentation_from_labels(
        labels,
        classes=one.classes,
        class_of=class_of,
        scores=scores,
        provenance=_provenance(one),
        notes=(f"{counted(lost, 'object')} without a pixel, or covered by others",) if lost else (),
    )
    join = partial(lay, over=over)
    patch = yield from join(labels, before)
    counts = Counter(class_of.values())
    names = ", ".join(counted(n, NOUNS.get(name, name)) for name, n in counts.items())
    return Answer(result, patch, before.revision, 0.0, join, said=f"{names or 'Nothing'} accepted")


def _provenance(one: Acceptance) -> Provenance:
    """With the prompts of earlier acceptances, where the same model found them."""
    prompts: dict[str, list[Any]] = {}
    earlier = one.earlier
    same = (one.model, one.params, one.weights)
    if earlier is not None and (earlier.model, earlier.params, earlier.weights_sha256) == same:
        prompts = {key: list(rows) for key, rows in earlier.prompts.items() if key != "mask"}
    for asked, _ in one.found:
        for key, rows in asked.prompts().as_dict().items():
            prompts.setdefault(key, []).extend(rows)
    return Provenance(one.model, dict(one.params), prompts, one.weights, __version__)


def _taken_over(result: Labels, before: Before, labels: set[int]) -> Before:
    """The plane, as if earlier runs had made some objects, whoever painted them."""
    packed = []
    for band in bands(result, before):
        last = np.where(np.isin(band.now, list(labels)), band.now, band.last)
        packed.append(Written.pack(last))
    return replace(before, written=Written(tuple(packed)))

"""Correct one instance by a box or clicks: GrabCut, or any promptable model of the registry."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segkit.jobs.prompting import is_promptable, refine_with
from napari_segkit.models.registry import get_model, model_ids
from napari_segkit.types import Progress, Prompts

if TYPE_CHECKING:
    from napari_segkit.models.base import Segmenter
    from napari_segkit.ops.delta import Rect
    from napari_segkit.ops.edits import Edit
    from napari_segkit.types import Image, Job, Labels

GRABCUT = "grabcut"


def refiners() -> dict[str, str]:
    """Id -> title of what can correct an instance: GrabCut, and models whose weights are here."""
    found = {GRABCUT: "GrabCut"}
    for name in model_ids():
        model = get_model(name)
        if is_promptable(model) and not (model.weights_state() or "").startswith("none"):
            found[name] = model.title
    return found


@dataclass(frozen=True)
class Refining:
    """One question about one instance.

    Attributes
    ----------
    labels : (H, W) int32 or uint16
        Never written to.
    image : (H, W, 3) uint8 RGB
    key
        The instance; a new one where the mask does not have it.
    prompts
        All of this correction.
    box
        Of the instance, where there is one.
    region
        Where pixels may change; ``None``: near the instance and the prompts.
    earlier
        GrabCut's answer to the prompts before the last one: it goes on from there. A model is
        asked about the original instance each time.
    """

    labels: Labels
    image: Image
    key: int
    prompts: Prompts
    box: Rect | None = None
    region: Rect | None = None
    earlier: Edit | None = None
    models: dict[str, Segmenter] = field(default_factory=dict)


def refine(question: Refining, refiner: str) -> Job[Edit]:
    """What prompts change: pixels of that one instance, near it.

    Parameters
    ----------
    refiner
        `GRABCUT`, or the id of a promptable model; it is loaded into ``question.models``.

    Raises
    ------
    SegkitError
        As `napari_segkit.ops.refine.refine_instance` and `refine_with`.
    """
    from napari_segkit.ops.edits import edit_of

    if refiner == GRABCUT:
        yield Progress(0, None, "GrabCut")
        return _by_grabcut(question)
    if refiner not in question.models:
        yield Progress(0, None, "loading the model")
        model = get_model(refiner)()
        model.load()
        question.models[refiner] = model
    model = question.models[refiner]
    labels = question.labels.astype(np.int32)
    asked: Any = model
    delta = yield from refine_with(
        asked,
        next(iter(model.presets.values())),
        labels,
        question.image,
        question.key,
        question.prompts,
        region=question.region,
        box=question.box,
    )
    return edit_of([delta])


def _by_grabcut(question: Refining) -> Edit:
    """On a copy of the window, so that its last answer can be in it."""
    from napari_segkit.ops.delta import delta_in
    from napari_segkit.ops.edits import edit_of
    from napari_segkit.ops.refine import reach, refine_instance

    key, earlier = question.key, question.earlier
    box = question.box
    if earlier is not None and earlier:
        box = earlier.box if box is None else _joined(box, earlier.box)
    place = reach(question.labels, box, question.prompts, question.region)
    top, left = place[0].start, place[1].start
    before = question.labels[place]
    work = before.astype(np.int32)
    if earlier is not None:
        inside = (
            (earlier.rows >= top)
            & (earlier.rows < place[0].stop)
            & (earlier.columns >= left)
            & (earlier.columns < place[1].stop)
        )
        rows, columns = earlier.rows[inside] - top, earlier.columns[inside] - left
        work[rows, columns] = earlier.new[inside]
    refine_instance(
        work,
        question.image[place],
        key,
        _moved(question.prompts, left, top),
        region=(0, 0, work.shape[1], work.shape[0]),
        box=(0, 0, work.shape[1], work.shape[0]),
    ).apply(work)
    return edit_of([delta_in(question.labels, place, work)])


def _joined(one: Rect, other: Rect) -> Rect:
    return (
        min(one[0], other[0]),
        min(one[1], other[1]),
        max(one[2], other[2]),
        max(one[3], other[3]),
    )


def _moved(prompts: Prompts, left: int, top: int) -> Prompts:
    offset = np.array([left, top], np.float32)
    return Prompts(
        boxes=prompts.boxes - np.tile(offset, 2),
        points=prompts.points - offset,
        point_labels=prompts.point_labels,
    )

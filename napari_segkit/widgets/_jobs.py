"""What a run does outside of the GUI thread."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_segkit.types import Progress
from napari_segkit.widgets._layers import read_rgb
from napari_segkit.widgets._masks import warm_up
from napari_segkit.widgets._merge import merge

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from napari_segkit.models.base import ModelParams, Segmenter
    from napari_segkit.types import Job, Prompts, Segmentation
    from napari_segkit.widgets._layers import ImageSource
    from napari_segkit.widgets._merge import Before, Patch


@dataclass(frozen=True)
class Answer:
    """What comes back from the thread."""

    result: Segmentation
    patch: Patch
    revision: int
    seconds: float
    boxes: NDArray[np.float32]


def segment_job(
    model: Segmenter,
    source: ImageSource,
    prompts: Prompts,
    params: ModelParams,
    before: Before,
    *,
    load: Callable[[], None],
) -> Job[Answer]:
    """Read the plane, run the model, work out what changes; all of it outside of the GUI thread."""
    from napari_segkit.jobs import segment  # here: with every format, it is slow to import

    yield Progress(0, None, "reading the image")
    warm_up()
    image, notes = read_rgb(source)
    yield Progress(0, None, "loading the model")
    load()
    started = time.perf_counter()
    result = yield from segment(model, image, params=params, prompts=prompts)
    seconds = time.perf_counter() - started
    result = replace(result, notes=(*notes, *result.notes))
    patch = yield from merge(result.labels, before, prompts.boxes)
    return Answer(result, patch, before.revision, seconds, prompts.boxes)


def merge_job(answer: Answer, before: Before) -> Job[Answer]:
    """Work the changes out again, for a mask that was painted or undone meanwhile."""
    patch = yield from merge(answer.result.labels, before, answer.boxes)
    return replace(answer, patch=patch, revision=before.revision)

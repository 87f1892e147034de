"""What a run does outside of the GUI thread."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from napari_segkit.types import Progress
from napari_segkit.widgets._layers import read_rgb
from napari_segkit.widgets.masks._masks import warm_up
from napari_segkit.widgets.masks._merge import merge
from napari_segkit.widgets.parts._words import NOUNS, counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_segkit.models.base import ModelParams, Segmenter
    from napari_segkit.types import Job, Labels, Prompts, Segmentation
    from napari_segkit.widgets._layers import ImageSource
    from napari_segkit.widgets.masks._bands import Before
    from napari_segkit.widgets.masks._merge import Patch


@dataclass(frozen=True)
class Answer:
    """What comes back from the thread.

    Attributes
    ----------
    join
        How the result joins a mask: result's labels, the mask's plane -> what changes.
    said
        A sentence for the person instead of what was found in how many seconds.
    """

    result: Segmentation
    patch: Patch
    revision: int
    seconds: float
    join: Callable[[Labels, Before], Job[Patch]]
    said: str = ""

    def sentence(self, model_id: str) -> str:
        """``24 coins in 0.03 s · coins``."""
        if self.said:
            return self.said
        counts = Counter(one.class_name for one in self.result.instances.values())
        found = ", ".join(counted(n, NOUNS.get(name, name)) for name, n in counts.items())
        return f"{found or 'Nothing found'} in {self.seconds:.2f} s · {model_id}"

    @property
    def notes(self) -> tuple[str, ...]:
        """Those of the result, and what strokes kept out of the mask."""
        if not self.patch.left_out:
            return self.result.notes
        count = counted(self.patch.left_out, "object")
        return (*self.result.notes, f"{count} left out: your strokes are there")


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
    join = partial(merge, boxes=prompts.boxes)
    patch = yield from join(result.labels, before)
    return Answer(result, patch, before.revision, seconds, join)


def merge_job(answer: Answer, before: Before) -> Job[Answer]:
    """Work the changes out again, for a mask that was painted or undone meanwhile."""
    patch = yield from answer.join(answer.result.labels, before)
    return replace(answer, patch=patch, revision=before.revision)

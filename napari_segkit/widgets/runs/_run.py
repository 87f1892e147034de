"""One run of a model on a layer: what is taken down, what the thread does, where results go."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QObject, QTimer, Signal

from napari_segkit.types import Prompts
from napari_segkit.widgets._dock import when_destroyed
from napari_segkit.widgets._layers import (
    boxes_on_plane,
    full_resolution,
    image_source,
    transform_of,
)
from napari_segkit.widgets._worker import Failure, JobRunner
from napari_segkit.widgets.masks._bands import Before
from napari_segkit.widgets.masks._binding import find_mask, unbind
from napari_segkit.widgets.masks._masks import (
    PatchWriter,
    add_mask_layer,
    is_being_painted,
    is_usable,
)
from napari_segkit.widgets.masks._merge import merge
from napari_segkit.widgets.masks._undo import state_of
from napari_segkit.widgets.runs._jobs import Answer, merge_job, segment_job

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Shapes

    from napari_segkit.errors import SegkitError
    from napari_segkit.models.base import ModelParams, Segmenter
    from napari_segkit.types import Job
    from napari_segkit.widgets._layers import ImageSource

_AT_ONCE = 200_000
"""Changed pixels that are written without giving the GUI time in between: 10 ms."""
_REPLACED = "the mask was replaced while the model ran"


@dataclass(frozen=True)
class Outcome:
    """How a run ended, for the person.

    Attributes
    ----------
    offered
        Why the result was not written, where it was not; it can still be added as a new layer.
    """

    sentence: str
    notes: tuple[str, ...] = ()
    failure: Failure | None = None
    offered: str = ""
    cancelled: bool = False


@dataclass(frozen=True)
class _Task:
    """A run that is going on."""

    model: Segmenter
    image: Image
    source: ImageSource
    target: Labels | None
    target_data: object


class SegmentRun(QObject):
    """Runs a model and writes its result; one run at a time.

    A result is written only onto the image and mask that it was made for. Where they changed or
    went away meanwhile, it is kept and can be added as a new layer (`add_offered`).
    """

    progressed = Signal(object)
    finished = Signal(object)
    """An `Outcome`."""

    def __init__(self, viewer: ViewerModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._runner = JobRunner(self)
        self._task: _Task | None = None
        self._offered: tuple[_Task, Answer] | None = None
        self._held_back: Answer | None = None
        self._writers: list[PatchWriter] = []
        self._stroke_timer = QTimer(self)
        self._stroke_timer.setSingleShot(True)
        self._stroke_timer.setInterval(50)
        self._connect()

    def _connect(self) -> None:
        self._runner.progressed.connect(self.progressed)
        self._runner.done.connect(self._on_done)
        self._runner.failed.connect(self._on_failed)
        self._runner.cancelled.connect(self._on_cancelled)
        self._stroke_timer.timeout.connect(self._on_stroke_timer)
        when_destroyed(self, _finish_all, self._writers)

    @property
    def running(self) -> bool:
        """Whether a run is going on."""
        return self._task is not None

    def start(
        self,
        model: Segmenter,
        image: Image,
        params: ModelParams,
        shapes: Shapes | None = None,
        *,
        load: Callable[[], None],
    ) -> None:
        """Start a run; its end is told by `finished`.

        Parameters
        ----------
        load
            Gets the model ready; called in the thread.

        Raises
        ------
        SegkitError
            Where image or boxes cannot be used; nothing is started then.
        """
        source = image_source(image, self._viewer)
        prompts = Prompts()
        if shapes is not None:
            prompts = Prompts(boxes=boxes_on_plane(shapes, image, source.plane))
        make = partial(segment_job, model, source, prompts, params, load=load)
        self.begin(model, image, source, make)

    def begin(
        self,
        model: Segmenter,
        image: Image,
        source: ImageSource,
        make: Callable[[Before], Job[Answer]],
    ) -> None:
        """Start any job whose answer goes into the mask of an image and a model.

        Parameters
        ----------
        make
            The mask's plane as it is -> the job.
        """
        target = find_mask(self._viewer.layers, image, model.id)
        if target is not None and not is_usable(target, source):
            unbind(target)
            target = None
        self._offered = None
        self._task = _Task(model, image, source, target, None if target is None else target.data)
        self._runner.start(make(_before(target, source)), title=f"{model.title}: {image.name}")

    def cancel(self) -> None:
        """Stop at the model's next step; the mask stays as it is."""
        self._runner.cancel()
        if self._held_back is not None:  # found already, waiting for the end of a stroke
            self._held_back = None
            self._stroke_timer.stop()
            self._on_cancelled()

    def add_offered(self) -> None:
        """Add a result that could not be written as a new layer."""
        if self._offered is None:
            return
        from napari_segkit.jobs import drain

        (task, answer), self._offered = self._offered, None
        source = task.source
        patch = drain(merge(answer.result.labels, _before(None, source)))
        image = task.image if self._image_fault(task) is None else None
        layer = self._add_layer(task, image)
        PatchWriter(layer, source.plane, patch, answer.result).finish()

    def _add_layer(self, task: _Task, image: Image | None) -> Labels:
        source = task.source
        if image is not None:  # it may have been moved meanwhile
            source = replace(source, name=image.name, transform=transform_of(image))
        model = task.model
        return add_mask_layer(
            self._viewer, source, image=image, model=model.id, classes=model.classes
        )

    def _on_done(self, answer: Answer) -> None:
        task = self._task
        if task is None:
            return
        fault = self._image_fault(task) or self._mask_fault(task)
        if fault is not None:
            self._offer(task, answer, fault)
            return
        target = find_mask(self._viewer.layers, task.image, task.model.id)
        if target is not None and is_being_painted(target):
            self._held_back = answer
            self._stroke_timer.start()
            return
        if target is not None and state_of(target).revision != answer.revision:
            self._task = replace(task, target=target, target_data=target.data)
            job = merge_job(answer, _before(target, task.source))
            self._runner.start(job, title=f"{task.model.title}: {task.image.name}")
            return
        layer = target or self._add_layer(task, task.image)
        self._write(PatchWriter(layer, task.source.plane, answer.patch, answer.result), answer)

    def _on_stroke_timer(self) -> None:
        """Try again what could not be written under the brush."""
        answer, self._held_back = self._held_back, None
        if answer is not None:
            self._on_done(answer)

    def _write(self, writer: PatchWriter, answer: Answer) -> None:
        self._writers.append(writer)
        if len(answer.patch.rows) <= _AT_ONCE:
            writer.finish()
        self._on_write(answer)

    def _on_write(self, answer: Answer) -> None:
        """Write a portion, then let the event loop breathe."""
        if not self._writers:
            return
        writer, task = self._writers[0], self._task
        writer.step()
        if not writer.done:
            QTimer.singleShot(0, partial(self._on_write, answer))
            return
        self._writers.clear()
        if task is None:
            return
        if writer.lost:
            self._offer(task, answer, _REPLACED)
        else:
            self._end(Outcome(answer.sentence(task.model.id), answer.notes))

    def _image_fault(self, task: _Task) -> str | None:
        if task.image not in self._viewer.layers:
            return "the image was removed while the model ran"
        if full_resolution(task.image) is not task.source.data:
            return "the image was changed while the model ran"
        return None

    def _mask_fault(self, task: _Task) -> str | None:
        if task.target is None:
            return None
        if task.target not in self._viewer.layers:
            return "the mask was removed while the model ran"
        if task.target.data is not task.target_data:
            return _REPLACED
        return None

    def _offer(self, task: _Task, answer: Answer, fault: str) -> None:
        self._offered = task, answer
        self._end(Outcome(answer.sentence(task.model.id), answer.result.notes, offered=fault))

    def _on_failed(self, failure: Failure) -> None:
        self._end(Outcome(failure.sentence, failure=failure))

    def _on_cancelled(self) -> None:
        self._end(Outcome("Cancelled: the mask is as it was", cancelled=True))

    def _end(self, outcome: Outcome) -> None:
        self._task = None
        self.finished.emit(outcome)


def _before(target: Labels | None, source: ImageSource) -> Before:
    if target is not None:
        return state_of(target).before(target, source.plane)
    return Before(np.zeros(source.plane.shape, np.uint16), (slice(None), slice(None)))


def _finish_all(writers: list[PatchWriter]) -> None:
    while writers:
        writers.pop().finish()


def explain(error: SegkitError) -> Outcome:
    """An error before the start, told like one of the run."""
    failure = Failure.of(error)
    return Outcome(failure.sentence, failure=failure)

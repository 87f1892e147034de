"""Correct the selected instance by a box or clicks: seen at once, kept or dropped with one key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QObject, Signal

from napari_segkit.errors import SegkitError
from napari_segkit.types import Prompts
from napari_segkit.widgets._latest import LatestJob
from napari_segkit.widgets._worker import Failure
from napari_segkit.widgets.correct._clicks import Clicks
from napari_segkit.widgets.correct._drawing import BOX, Drawing
from napari_segkit.widgets.correct._toolbox import Answer, Toolbox, Use

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel
    from numpy.typing import NDArray

    from napari_segkit.jobs.correct import Refining
    from napari_segkit.models.base import Segmenter
    from napari_segkit.ops.edits import Edit
    from napari_segkit.types import Image, Job
    from napari_segkit.widgets.correct._moment import Moment
    from napari_segkit.widgets.correct._subject import Subject


class Prompting(QObject):
    """Asks a refiner, in a thread; shows its answer through the toolbox.

    Attributes
    ----------
    refiner
        Id in `napari_segkit.jobs.correct.refiners`.
    keys
        The instance; empty for a new one.
    ended
        The person is done with the object, either way.
    failed
        A `Failure`.
    """

    ended = Signal()
    failed = Signal(object)

    def __init__(
        self, viewer: ViewerModel, subject: Subject, toolbox: Toolbox, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.refiner = "grabcut"
        self._subject = subject
        self._toolbox = toolbox
        self._models: dict[str, Segmenter] = {}
        self._key: int | None = None
        self._new = False
        self.keys: tuple[int, ...] = ()
        self._box: NDArray[np.float32] = np.zeros((0, 4), np.float32)
        self._chain: list[Edit] = []
        self.clicks = Clicks(viewer, self)
        self.drawing = Drawing(viewer, self)
        self._latest = LatestJob("Refine", self)
        self._connect()

    def _connect(self) -> None:
        self.clicks.clicked.connect(self._on_clicked)
        self.clicks.cancelled.connect(self.stop)
        self.drawing.drawn.connect(self._on_box)
        self.drawing.cancelled.connect(self.stop)
        self._latest.answered.connect(self._on_answer)
        self._latest.failed.connect(self._on_failed)
        self._toolbox.written.connect(self._on_written)
        self._subject.replaced.connect(self.stop)
        self._subject.edited.connect(self._on_edited)

    @property
    def active(self) -> bool:
        """Whether an object is being corrected."""
        return self._key is not None

    @property
    def busy(self) -> bool:
        """Whether an answer is to come."""
        return self._latest.busy

    def start(self, keys: tuple[int, ...], *, box: bool) -> None:
        """Begin with an instance, or, without one, with a new one.

        Parameters
        ----------
        box
            Whether the person draws a box first; clicks may follow.

        Raises
        ------
        SegkitError
            Where mask or image cannot be used.
        """
        self.stop()
        moment = self._subject.moment()
        self._subject.rgb()
        mask = self._subject.mask
        if mask is None:
            return
        self.keys = keys[:1]
        self._key = keys[0] if keys else moment.new_id
        self._new = not keys
        if box:
            self.drawing.start(mask, BOX)
        else:
            self.clicks.start(mask)

    def stop(self, _: object = None) -> None:
        """Drop the answer; the mask stays as it is."""
        if self._key is None:
            return
        self._key = None
        self._box = np.zeros((0, 4), np.float32)
        self._chain = []
        self._latest.drop()
        self._toolbox.drop()
        self.drawing.stop()
        self.clicks.stop()
        self.ended.emit()

    def accept(self) -> bool:
        """Write the answer; False where it is still to come, or there is none."""
        if self._latest.busy or self._toolbox.answer is None:
            return False
        return self._toolbox.accept()

    def _on_box(self, points: NDArray[np.float64]) -> None:
        low, high = points.min(axis=0), points.max(axis=0)
        self._box = np.array([[*low, *high]], np.float32)
        if self._subject.mask is not None:
            self.clicks.start(self._subject.mask)
        self._ask()

    def _on_clicked(self) -> None:
        if not self.clicks.points and not len(self._box):
            self._chain = []
            self._toolbox.drop()
            return
        self._ask()

    def _ask(self) -> None:
        self._chain = self._chain[: max(len(self.clicks.points) - 1 + len(self._box), 0)]
        try:
            image = self._subject.rgb()
        except SegkitError as error:
            self._on_failed(Failure.of(error))
            return
        self._latest.ask(lambda: self._job(image))

    def _job(self, image: Callable[[], Image]) -> Job[Answer]:
        from napari_segkit.jobs.correct import GRABCUT, Refining

        moment, index = self._subject.moment(), self._subject.index
        key = moment.new_id if self._new or self._key is None else self._key
        seen = self._subject.seen() if self._new and not len(self._box) else None
        prompts = Prompts(
            boxes=self._box,
            points=np.array(self.clicks.points, np.float32).reshape(-1, 2),
            point_labels=np.array(self.clicks.labels, np.int32),
        )
        chained = self.refiner == GRABCUT and self._chain
        question = Refining(
            moment.labels,
            np.zeros((0, 0, 3), np.uint8),
            key,
            prompts,
            box=self._subject.box(key) if index is not None and key in index else None,
            region=seen,
            earlier=self._chain[-1] if chained else None,
            models=self._models,
        )
        tool = "box" if len(self._box) and not self.clicks.points else "clicks"
        return _answer(
            Use(f"{tool}, {self.refiner}", (key,)), moment, question, image, self.refiner
        )

    def _on_answer(self, answer: Answer) -> None:
        if self._key is None:
            return
        if not self._subject.is_now(answer.moment):
            self._ask()
            return
        self._chain.append(answer.edit)
        self._toolbox.show(answer)

    def _on_edited(self, _: object) -> None:
        """The mask was painted, or something was undone: the answer is of the past."""
        if self.active and not self._toolbox.busy and (self.clicks.points or len(self._box)):
            self._chain = []
            self._ask()

    def _on_failed(self, failure: Failure) -> None:
        self.failed.emit(failure)

    def _on_written(self, _: object) -> None:
        self.stop()


def _answer(
    use: Use, moment: Moment, question: Refining, image: Callable[[], Image], refiner: str
) -> Job[Answer]:
    """In the thread."""
    from dataclasses import replace

    from napari_segkit.jobs.correct import refine

    edit = yield from refine(replace(question, image=image()), refiner)
    return Answer(use, moment, edit, edit.picture())

"""Uses tools on a mask: works out in a thread, shows, writes as one undo step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QObject, QTimer, Signal

from napari_segkit.errors import SegkitError
from napari_segkit.types import Progress
from napari_segkit.widgets._dock import when_destroyed
from napari_segkit.widgets._latest import LatestJob
from napari_segkit.widgets._worker import Failure
from napari_segkit.widgets.correct._edits import EditWriter, adopt
from napari_segkit.widgets.correct._preview import PREVIEW

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from napari_segkit.ops.delta import Rect
    from napari_segkit.ops.edits import Edit
    from napari_segkit.ops.instance_rows import Rows
    from napari_segkit.types import ClassDef, Image, Job, Labels
    from napari_segkit.widgets.correct._moment import Moment
    from napari_segkit.widgets.correct._preview import Overlay
    from napari_segkit.widgets.correct._subject import Subject

_AT_ONCE = 200_000
"""Changed pixels that are written without giving the GUI time in between: 10 ms."""
_AGAIN = 50
"""Milliseconds until a tool is asked again that a stroke has overtaken."""


@dataclass(frozen=True)
class Use:
    """What a tool is told.

    Attributes
    ----------
    rows, classes
        Of ``other``, for the objects that are copied.
    """

    tool: str
    keys: tuple[int, ...] = ()
    value: float = 0.0
    points: NDArray | None = None
    looks: bool = False
    other: Labels | None = None
    rows: Rows | None = None
    classes: tuple[ClassDef, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What a tool would change, and for which state of the mask."""

    use: Use
    moment: Moment
    edit: Edit
    picture: tuple[int, int, NDArray]


class Toolbox(QObject):
    """One tool at a time; a newer question replaces the one before.

    Attributes
    ----------
    shown
        An `Answer` that is seen above the mask, not written yet.
    written
        An `Answer` whose pixels are in the mask.
    failed
        A `Failure`: nothing was changed.
    """

    shown = Signal(object)
    written = Signal(object)
    failed = Signal(object)

    def __init__(self, subject: Subject, overlay: Overlay, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._subject = subject
        self._overlay = overlay
        self._latest = LatestJob("Correct", self)
        self._asked: tuple[Use, bool] | None = None
        self._answer: Answer | None = None
        self._writers: list[EditWriter] = []
        self._again = QTimer(self)
        self._again.setSingleShot(True)
        self._again.setInterval(_AGAIN)
        self._again.timeout.connect(self._on_again)
        self._latest.answered.connect(self._on_answer)
        self._latest.failed.connect(self._on_failed)
        subject.replaced.connect(self._on_subject)
        subject.edited.connect(self._on_subject)
        when_destroyed(self, _end_all, self._writers)

    @property
    def busy(self) -> bool:
        """Whether an answer is to come, or is being written."""
        return self._latest.busy or bool(self._writers)

    @property
    def answer(self) -> Answer | None:
        """What is shown."""
        return self._answer

    def preview(self, use: Use) -> None:
        """Show what a tool would change."""
        self._ask(use, write=False)

    def apply(self, use: Use) -> None:
        """Change the mask; at once where this is what is shown."""
        answer = self._answer
        if answer is not None and answer.use == use and self._subject.is_now(answer.moment):
            self._write(answer)
        else:
            self._ask(use, write=True)

    def show(self, answer: Answer) -> None:
        """Show an answer that came from elsewhere."""
        mask, plane = self._subject.mask, answer.moment.plane
        if mask is None:
            return
        self._answer = answer
        top, left, codes = answer.picture
        self._overlay.show(PREVIEW, mask, plane, (top, left), codes)
        self.shown.emit(answer)

    def accept(self) -> bool:
        """Write what is shown; False where that is nothing, or of an older state."""
        answer = self._answer
        if answer is None or not self._subject.is_now(answer.moment):
            return False
        self._write(answer)
        return True

    def drop(self) -> None:
        """Show nothing, want nothing."""
        self._asked = self._answer = None
        self._latest.drop()
        self._overlay.hide(PREVIEW)

    def _ask(self, use: Use, *, write: bool) -> None:
        if self._writers:
            return
        self._asked = use, write
        try:
            job = self._job_of(use)
        except SegkitError as error:
            self._on_failed(Failure.of(error))
            return
        self._latest.ask(job)

    def _job_of(self, use: Use) -> Callable[[], Job[Answer]]:
        """What makes the job; what can be refused at once is."""
        subject = self._subject
        image = subject.rgb() if use.looks else None
        subject.moment()
        for key in use.keys:
            subject.box(key)

        def job() -> Job[Answer]:
            boxes = {key: subject.box(key) for key in use.keys}
            return _work_out(use, subject.moment(), boxes, image)

        return job

    def _on_answer(self, answer: Answer) -> None:
        if self._asked is None:
            return
        write = self._asked[1]
        if not self._subject.is_now(answer.moment):
            self._again.start()
        elif write:
            self._write(answer)
        else:
            self.show(answer)

    def _on_again(self) -> None:
        """The mask was painted meanwhile."""
        if self._asked is not None and not self._latest.busy:
            self._ask(self._asked[0], write=self._asked[1])

    def _write(self, answer: Answer) -> None:
        subject, edit = self._subject, answer.edit
        self.drop()
        mask = subject.mask
        if not edit or mask is None:
            self.written.emit(answer)
            return
        if subject.index is not None:
            adopt(mask, subject.index.keys)
        use = answer.use
        writer = EditWriter(
            mask,
            answer.moment.plane,
            edit,
            tool=use.tool,
            into=use.keys[0] if use.tool == "merge" else None,
            parents=use.rows,
            classes=use.classes,
        )
        self._writers.append(writer)
        if len(edit.rows) <= _AT_ONCE:
            writer.finish()
        self._on_write(answer)

    def _on_write(self, answer: Answer) -> None:
        """Write a portion, then let the event loop breathe."""
        if not self._writers:
            return
        writer = self._writers[0]
        writer.step()
        if not writer.done:
            QTimer.singleShot(0, partial(self._on_write, answer))
            return
        self._writers.clear()
        if writer.lost:
            self._on_failed(Failure("Not written: the mask was replaced meanwhile", ""))
        else:
            self.written.emit(answer)

    def _on_failed(self, failure: Failure) -> None:
        self.drop()
        self.failed.emit(failure)

    def _on_subject(self, _: object = None) -> None:
        """The mask is another one: what is shown is of the past; ask again."""
        asked, answer = self._asked, self._answer
        if answer is None or self._subject.is_now(answer.moment):
            return
        self._overlay.hide(PREVIEW)
        self._answer = None
        if asked is not None and not self._writers and self._subject.index is not None:
            use = replace(
                asked[0], keys=tuple(k for k in asked[0].keys if k in self._subject.index)
            )
            self._ask(use, write=False)


def _work_out(
    use: Use, moment: Moment, boxes: dict[int, Rect], image: Callable[[], Image] | None
) -> Job[Answer]:
    """In the thread."""
    yield Progress(0, None, use.tool)
    from napari_segkit.ops import tools

    edit = tools.use(
        use.tool,
        tools.Aim(
            moment.labels,
            use.keys,
            boxes,
            new_id=moment.new_id,
            value=use.value,
            image=None if image is None else image(),
            points=use.points,
            other=use.other,
        ),
    )
    return Answer(use, moment, edit, edit.picture())


def told(answer: Answer, *, shown: bool = False) -> str:
    """One sentence about a tool that was used, or that would be."""
    name = answer.use.tool.capitalize()
    edit = answer.edit
    if not edit:
        return f"{name}: there is nothing to change"
    gained = int(np.count_nonzero(edit.old == 0))
    lost = int(np.count_nonzero(edit.new == 0))
    moved = len(edit.rows) - gained - lost
    parts = [
        f"{count:,} {what}"
        for count, what in ((gained, "new"), (lost, "gone"), (moved, "moved"))
        if count
    ]
    return f"{name}: {', '.join(parts)} px" + (" · Enter applies, Esc drops" if shown else "")


def _end_all(writers: list[EditWriter]) -> None:
    while writers:
        writers.pop().finish()

"""What a review says and asks while a person works: saving, conflicts, damaged masks, runs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

from napari_segkit.errors import SegkitError

if TYPE_CHECKING:
    from napari_segkit.jobs.review_open import Blocked
    from napari_segkit.widgets._worker import Failure
    from napari_segkit.widgets.parts._ask import Question
    from napari_segkit.widgets.parts._status import StatusBox
    from napari_segkit.widgets.review._opened import OpenImage
    from napari_segkit.widgets.review._session import Session
    from napari_segkit.widgets.runs._run import Outcome


class Telling(QObject):
    """Turns a session's signals into sentences, and questions into its methods."""

    def __init__(
        self, session: Session, status: StatusBox, question: Question, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._session, self._status, self._question = session, status, question
        keeper = session.keeper
        session.shown.connect(self._on_shown)
        session.blocked.connect(self._on_blocked)
        session.unreadable.connect(self._on_unreadable)
        session.predicted.connect(self._on_predicted)
        session.mask_lost.connect(self._on_mask_lost)
        session.mask_closed.connect(self._on_mask_closed)
        keeper.failed.connect(self._on_save_failed)
        keeper.mended.connect(self._on_mended)
        keeper.conflict.connect(self._on_conflict)
        status.action.connect(session.run.add_offered)

    def forget(self) -> None:
        """Another image is wanted: what was said of the one before is over, unless it matters."""
        self._question.clear()
        if not self._session.keeper.failing:
            self._status.clear()

    def _on_shown(self, one: OpenImage) -> None:
        if one.notes:
            self._status.say(self._status.sentence.text() or one.name, notes=one.notes)
        if one.conflict:
            self._ask_which(one.name, "stored mask was changed by another program")

    def _on_blocked(self, blocked: Blocked) -> None:
        store = self._session.store
        may = store is not None and not store.read_only
        answers = {"Set it aside": partial(self._set_aside, blocked.name)} if may else {}
        self._question.ask(str(blocked.error), answers)

    def _set_aside(self, name: str) -> None:
        try:
            self._session.set_aside(name)
        except SegkitError as error:
            self._status.say(str(error), bad=True)

    def _on_unreadable(self, name: str, failure: Failure) -> None:
        self._status.say(failure.sentence, details=failure.details, bad=True)

    def _on_predicted(self, outcome: Outcome) -> None:
        if outcome.offered:
            said = f"Not written: {outcome.offered}"
            notes = (outcome.sentence, *outcome.notes)
            self._status.say(said, notes=notes, action="Add as a new layer", bad=True)
        elif outcome.failure is not None:
            self._status.say(outcome.sentence, details=outcome.failure.details, bad=True)
        else:
            self._status.say(outcome.sentence, notes=outcome.notes)

    def _on_mask_lost(self, name: str) -> None:
        said = f"the mask of {name} was given another size: it is not saved any more"
        self._question.ask(said, {"Open what is saved": partial(self._session.take_theirs, name)})

    def _on_mask_closed(self, name: str) -> None:
        self._status.say(
            f"The mask of {name} was closed; its work is saved. Click on the image in the list to "
            "open it again"
        )

    def _on_save_failed(self, error: SegkitError) -> None:
        self._status.say(f"Not saved yet, tried again: {error}", bad=True)

    def _on_mended(self) -> None:
        self._status.say("Saved")

    def _on_conflict(self, name: str, error: SegkitError) -> None:
        self._ask_which(name, str(error))

    def _ask_which(self, name: str, said: str) -> None:
        answers = {
            "Keep mine": partial(self._session.keep_mine, name),
            "Open the other": partial(self._session.take_theirs, name),
        }
        self._question.ask(f"{name}: {said}", answers)

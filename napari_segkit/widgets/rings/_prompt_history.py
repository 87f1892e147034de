"""Changes of prompts that can be taken back, and acceptances with their mask."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from weakref import ref

from napari_segkit.widgets.masks._undo import state_of
from napari_segkit.widgets.rings._prompt_scene import Drawn

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari.layers import Labels, Layer

_REMEMBERED = 200


@dataclass(frozen=True)
class _Before:
    """The prompts before a change; and the mask, where the change was that they were accepted.

    Attributes
    ----------
    revision
        Of the mask when that was done: undoing it must undo nothing else.
    """

    prompts: Drawn
    mask: ref[Labels] | None = None
    revision: int = 0


class PromptHistory:
    """Of the prompts of one image."""

    def __init__(self) -> None:
        self._steps: list[_Before] = []
        self._last = Drawn()

    def forget(self) -> None:
        """Of another image."""
        self._steps, self._last = [], Drawn()

    def begin(self, prompts: Drawn) -> None:
        """What is there now is no change."""
        self._last = prompts

    def changed(self, prompts: Drawn) -> None:
        """The person has changed the prompts to these, if they are others."""
        if not prompts.same(self._last):
            self._push(_Before(self._last))
            self._last = prompts

    def accepted(self, before: Drawn, after: Drawn, mask: Labels | None) -> None:
        """Prompts have become a part of a mask, by its latest step."""
        if mask is not None:
            self._push(_Before(before, ref(mask), state_of(mask).revision))
        self._last = after

    def take_back(self, layers: Iterable[Layer]) -> tuple[str, Drawn | None]:
        """Undo the last change; a sentence, and the prompts to put back."""
        if not self._steps:
            return "Nothing to take back", None
        before = self._steps.pop()
        mask = None if before.mask is None else before.mask()
        if mask is None or mask not in layers:
            return "Taken back", before.prompts
        if state_of(mask).revision != before.revision:
            return (
                "The prompts are there again; the mask was changed since and stays",
                before.prompts,
            )
        mask.undo()
        self._settle(mask)
        return "Taken back: the prompts are there again", before.prompts

    def _settle(self, mask: Labels) -> None:
        """After an undo of ours: what was accepted before it can be taken back, too."""
        for at in range(len(self._steps) - 1, -1, -1):
            one = self._steps[at]
            if one.mask is not None and one.mask() is mask:
                self._steps[at] = replace(one, revision=state_of(mask).revision)
                return

    def _push(self, step: _Before) -> None:
        self._steps = [*self._steps, step][-_REMEMBERED:]

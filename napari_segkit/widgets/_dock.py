"""What the docks have in common: they go when they are closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QObject, QTimer
from qtpy.QtWidgets import QWidget

if TYPE_CHECKING:
    from collections.abc import Callable

_waiting: list[Callable[[], None]] = []


def when_destroyed(one: QObject, function: Callable[..., None], *args: Any) -> None:
    """Call a function when a Qt object is deleted.

    The call is kept here until then: Python's garbage collection may empty what only the object's
    wrapper refers to before Qt deletes the object, and Qt would call into the void.
    """

    def call(_destroyed: object = None) -> None:
        _waiting.remove(call)
        function(*args)

    _waiting.append(call)
    one.destroyed.connect(call)


class Dock(QWidget):
    """A panel of a viewer.

    napari only takes a closed panel out of its window; Python's garbage collection would delete it
    at any later time, in any thread. This one is deleted at once, which cancels what it runs.
    """

    _was_docked = False

    def event(self, event: QEvent) -> bool:
        """Notice that the panel was put into a window, or taken out of it."""
        if event.type() == QEvent.Type.ParentChange:
            if self.parent() is not None:
                self._was_docked = True
            elif self._was_docked:
                QTimer.singleShot(0, self._on_taken_out)
        return bool(super().event(event))

    def _on_taken_out(self) -> None:
        if self.parent() is None:  # not put into another window at once
            self.deleteLater()

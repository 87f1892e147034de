"""What the docks have in common: they go when they are closed."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QTimer
from qtpy.QtWidgets import QWidget


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

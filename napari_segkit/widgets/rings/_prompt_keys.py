"""Keys of a dock with prompts: on its prompt layers, where the canvas has the focus, and in itself.

None of them is napari's own on Shapes or Points (napari 0.9).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence, QShortcut

from napari_segkit.widgets._dock import when_destroyed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from napari.layers import Layer
    from qtpy.QtWidgets import QWidget

ACCEPT, BACK, SWAP, CANDIDATE, STOP = "Ctrl+Enter", "Ctrl+Z", "Alt+X", "Alt+N", "Esc"
_OWN = {STOP}
"""In the dock alone: napari has another use for it on the layers."""


class PromptKeys:
    """What each key does, until the dock goes."""

    def __init__(self, dock: QWidget, actions: Mapping[str, Callable[[], object]]) -> None:
        self._actions = dict(actions)
        when_destroyed(dock, self._actions.clear)
        for key, action in actions.items():
            names = (key, key.replace("Enter", "Return")) if "Enter" in key else (key,)
            for name in names:
                shortcut = QShortcut(QKeySequence(name), dock)
                shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
                shortcut.activated.connect(action)

    def bind(self, layer: Layer) -> None:
        """Let them act while a layer is active; a dock that was there before is forgotten."""
        for key in self._actions.keys() - _OWN:
            name = key.replace("Ctrl", "Control").replace("+", "-")
            layer.bind_key(name, _presser(self._actions, key), overwrite=True)


def _presser(actions: Mapping[str, Callable[[], object]], key: str) -> Callable[[Any], None]:
    """A plain function: napari asks for its name."""

    def press(_layer: Any) -> None:
        action = actions.get(key)
        if action is not None:
            action()

    return press

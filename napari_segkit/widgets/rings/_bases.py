"""Which base and which adapter a promptable model gets; and how a base that is not here is had."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QFileDialog, QWidget

from napari_segkit.data.sam_weights import BASES, find_base
from napari_segkit.data.weights_store import versions
from napari_segkit.errors import WeightsError
from napari_segkit.models.rings_base import AUTO, NONE, SMALL

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_segkit.data.weights_store import Version

_FILE = "File…"


class SpecChooser(QComboBox):
    """What there is, by the names that the model's parameters use, and any file.

    Read anew when it opens: files come and go.
    """

    chosen = Signal()

    def __init__(
        self,
        entries: Callable[[], list[tuple[str, str]]],
        *,
        title: str,
        files: str,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._entries = entries
        self._title, self._files = title, files
        self._own: Path | None = None
        self._shown = 0
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        self.refresh()
        self.activated.connect(self._on_activated)

    @property
    def spec(self) -> str:
        """What was chosen, as the parameter says it."""
        return str(self.currentData())

    @spec.setter
    def spec(self, spec: str) -> None:
        if self.findData(spec) < 0:
            self._own = Path(spec)
            self.refresh()
        self._show(max(self.findData(spec), 0))
        self.chosen.emit()

    def refresh(self) -> None:
        """List what is there now; what was chosen stays."""
        before = self.currentData()
        self.clear()
        for text, spec in self._entries():
            self.addItem(text, spec)
        if self._own is not None:
            self.addItem(self._own.name, str(self._own))
        self.addItem(_FILE, _FILE)
        self._show(max(self.findData(before), 0))

    def showPopup(self) -> None:
        """Open the list."""
        self.refresh()
        super().showPopup()

    def _show(self, row: int) -> None:
        self._shown = row
        self.setCurrentIndex(row)
        self.setToolTip(f"{self._title}: {self.currentText()}")

    def _on_activated(self, row: int) -> None:
        if self.itemData(row) != _FILE:
            self._show(row)
            self.chosen.emit()
            return
        self._show(self._shown)
        name, _ = QFileDialog.getOpenFileName(self, self._title, "", self._files)
        if name:
            self.spec = name


def base_entries() -> list[tuple[str, str]]:
    """Bases that are here and those that can be fetched."""
    small = any(one.adopted for one in _versions(SMALL))
    first = f"{SMALL} (small, in use)" if small else f"{SMALL} (not here)"
    official = [
        (base.title if find_base(name) else f"{base.title} (not here)", name)
        for name, base in BASES.items()
    ]
    return [(first, AUTO), *official]


def adapter_entries() -> list[tuple[str, str]]:
    """Adapters that are here, and none."""
    known = _versions("rings")
    used = next((one.name for one in known if one.adopted), None)
    first = "automatic: none here" if used is None else f"{used} (in use)"
    own = [(one.name, str(one.path)) for one in known if not one.adopted]
    return [(first, AUTO), ("none: the bare base", NONE), *own]


def _versions(model: str) -> list[Version]:
    try:
        return versions(model)
    except WeightsError:  # told in full when they are loaded
        return []

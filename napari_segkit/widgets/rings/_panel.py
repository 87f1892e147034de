"""What is seen of the rings' dock: its lines, buttons and words; nothing happens here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Image
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_segkit.widgets.parts._choosers import LayerChooser
from napari_segkit.widgets.parts._form import ParamsForm, folded
from napari_segkit.widgets.parts._scroll import VerticalScroll
from napari_segkit.widgets.parts._status import StatusBox
from napari_segkit.widgets.rings._bases import SpecChooser, adapter_entries, base_entries
from napari_segkit.widgets.rings._prompt_keys import ACCEPT, BACK, CANDIDATE, SWAP
from napari_segkit.widgets.runs._weights import RuntimeLines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel

    from napari_segkit.models.base import Segmenter

CANDIDATES = {"auto": "auto", "1 (part)": "1", "2": "2", "3 (whole)": "3"}
_TOOLS = {"boxes": "Boxes", "points": "Points", "correct": "Correct"}
_TIPS = {
    "boxes": "A layer for boxes, with its tool in hand: drag, or click two corners; "
    "each box is one object. Boxes of another selected Shapes layer are copied to it",
    "points": "A layer for clicks, with its tool in hand: on the object, or with Ctrl beside it",
    "correct": "The first click takes an object of the mask; further ones say what it lacks, "
    "with Ctrl what is too much",
}
_HINTS = {
    "": "Boxes: drag around each object, or click two corners. Points: click on one object.",
    "boxes": "Drag a box around each object, or click two corners. The mask appears while you "
    "draw the next; points in a box refine its object.",
    "points": f"Click on the object, Ctrl+click beside it ({SWAP} swaps). "
    "Clicks in a box refine its object.",
    "correct": "Click on an object of the mask, then where it lacks something; Ctrl+click where "
    "it has too much.",
}
_SIGNS = {False: "+ the object", True: "− not the object"}
_ONCE = "An image is encoded once; after that, prompts are quick"
_STOP = "Stop; what was found stays, the mask is not changed (Esc in this panel)"
_BASES = "Base models (*.safetensors *.pth *.pt *.ckpt *.xml);;All files (*)"
_ADAPTERS = "Adapters (*.safetensors);;All files (*)"


class RingsPanel(QWidget):
    """Children and layout; fills its parent."""

    def __init__(self, viewer: ViewerModel, model: Segmenter, parent: QWidget) -> None:
        super().__init__(parent)
        self.image = LayerChooser(viewer, Image, none="open an image first")
        self.base = SpecChooser(base_entries, title="Base model", files=_BASES)
        self.adapter = SpecChooser(adapter_entries, title="Adapter", files=_ADAPTERS)
        self.classes = QComboBox()
        self.state = QLabel()
        self.stop_button = QPushButton("Cancel")
        self.tools = {name: QPushButton(text) for name, text in _TOOLS.items()}
        self.hint = QLabel()
        self.candidate = QComboBox()
        self.sign = QPushButton(_SIGNS[False])
        self.accept_button = QPushButton("Accept")
        self.back_button = QPushButton("Take back")
        self.clear_button = QPushButton("Clear")
        self.status = StatusBox()
        self.runtime = RuntimeLines()
        self.form = ParamsForm(
            next(iter(model.presets.values())), without=("base", "adapter", "candidate")
        )
        self._describe()
        self._lay_out(parent)
        self.show_tool("")

    def _describe(self) -> None:
        self.classes.setEditable(True)
        self.classes.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.classes.setToolTip("Class of what is accepted; a new name makes a new class")
        for name, button in self.tools.items():
            button.setCheckable(True)
            button.setToolTip(_TIPS[name])
        keep = self.stop_button.sizePolicy()
        keep.setRetainSizeWhenHidden(True)  # the lines below stay where they are
        self.stop_button.setSizePolicy(keep)
        self.hint.setWordWrap(True)
        self.hint.setTextFormat(Qt.TextFormat.PlainText)
        for text, value in CANDIDATES.items():
            self.candidate.addItem(text, value)
        self.candidate.setToolTip(
            "The model offers three masks for an unclear prompt; for the object that was asked "
            f"for last ({CANDIDATE}: the next one)"
        )
        self.sign.setCheckable(True)
        self.sign.toggled.connect(lambda off: self.sign.setText(_SIGNS[off]))
        self.sign.setToolTip(f"What clicks say ({SWAP} swaps it; Ctrl says the opposite once)")
        self.accept_button.setToolTip(
            f"What was found becomes a part of the mask, its prompts go ({ACCEPT})"
        )
        self.back_button.setToolTip(
            f"Undo the last prompt, or the last acceptance ({BACK} on the prompts' layers)"
        )
        self.clear_button.setToolTip("Remove every prompt; they can be taken back")

    def _lay_out(self, parent: QWidget) -> None:
        lines = _form_layout()
        for title, widget in (
            ("Image", self.image),
            ("Base", self.base),
            ("Adapter", self.adapter),
            ("Class", self.classes),
        ):
            lines.addRow(title, widget)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addLayout(lines)
        whole.addLayout(_row(self.state, self.stop_button, wide=self.state))
        whole.addLayout(_row(*self.tools.values()))
        whole.addWidget(self.hint)
        whole.addLayout(_row(QLabel("Clicks"), self.sign, QLabel("Candidate"), self.candidate))
        whole.addLayout(
            _row(self.accept_button, self.back_button, self.clear_button, wide=self.accept_button)
        )
        whole.addWidget(self.status)
        whole.addWidget(VerticalScroll(folded("Advanced", self._make_advanced())), 1)
        outer = QVBoxLayout(parent)
        outer.addWidget(self)

    def _make_advanced(self) -> QWidget:
        both = QWidget()
        layout = QVBoxLayout(both)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.runtime)
        layout.addWidget(self.form.native)
        return both

    def show_tool(self, tool: str) -> None:
        """Show which tool is in hand, and how it is used."""
        for name, button in self.tools.items():
            button.blockSignals(True)
            button.setChecked(name == tool)
            button.blockSignals(False)
        self.hint.setText(_HINTS[tool])
        self.sign.setEnabled(tool in ("points", "correct"))

    def show_classes(self, names: Sequence[str]) -> None:
        """List classes; what was chosen or typed stays."""
        before = self.classes.currentText()
        self.classes.clear()
        self.classes.addItems(list(names))
        if before:
            self.classes.setEditText(before)

    def show_candidate(self, candidate: str, *, enabled: bool) -> None:
        """Show that of the object that was asked for last."""
        self.candidate.setCurrentIndex(max(self.candidate.findData(candidate), 0))
        self.candidate.setEnabled(enabled)

    def show_state(self, state: str, notes: Sequence[str], *, busy: bool, failed: bool) -> None:
        """Show how far the image is, and whether it can be stopped or tried again."""
        self.state.setText(state)
        self.state.setToolTip("\n".join((_ONCE, *notes)))
        self.stop_button.setText("Cancel" if busy else "Try again")
        self.stop_button.setToolTip(_STOP if busy else "Encode the image once more")
        self.stop_button.setVisible(busy or failed)


def _form_layout() -> QFormLayout:
    lines = QFormLayout()
    lines.setContentsMargins(0, 0, 0, 0)
    lines.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return lines


def _row(*widgets: QWidget, wide: QWidget | None = None) -> QHBoxLayout:
    row = QHBoxLayout()
    for widget in widgets:
        row.addWidget(widget, int(widget is wide))
    return row

"""Which weights a dock's model gets, and on what it runs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QComboBox, QFormLayout, QWidget

from napari_segkit.data.weights_card import read_card
from napari_segkit.data.weights_store import downloads, find_weights, versions
from napari_segkit.errors import WeightsError
from napari_segkit.widgets._collector import collector_at_rest
from napari_segkit.widgets.parts._file_chooser import FileChooser

if TYPE_CHECKING:
    from napari_segkit.data.weights_store import Version
    from napari_segkit.models.base import Segmenter

DEVICES = {"automatic": "auto", "CPU": "cpu", "GPU (CUDA)": "cuda", "GPU (MPS)": "mps"}
BACKENDS = {"automatic": "auto", "torch": "torch", "OpenVINO": "openvino"}
_FILES = "Weights (*.safetensors *.xml *.pth *.pt *.ckpt);;All files (*)"
_NONE = "none here: choose a file"


@dataclass(frozen=True)
class Choice:
    """Weights (``None``: those in use), device and backend that a person chose."""

    weights: Path | None = None
    device: str = "auto"
    backend: str = "auto"


class Loader:
    """Gives a model its weights, where they are other ones than it has.

    Attributes
    ----------
    loaded
        What the model has.
    refused
        What could not be loaded last; the model has kept what it had.
    """

    def __init__(self) -> None:
        self.loaded: Choice | None = None
        self.refused: Choice | None = None
        self._stamp: object = None

    def load(self, model: Segmenter, choice: Choice) -> None:
        """Get a model ready; for the thread.

        Raises
        ------
        SegkitError
            As `Segmenter.load`.
        """
        self.refused = choice
        if choice.weights is None and not versions(model.id):
            raise WeightsError(
                f"no weights for {model.title} are here",
                remedy='choose a file, or see "segkit weights --help"',
            )
        stamp = _stamp(model.id, choice)
        if stamp != self._stamp or self.loaded is None:
            with collector_at_rest():
                model.load(choice.weights, device=choice.device, backend=choice.backend)
            self.loaded, self._stamp = choice, stamp
        self.refused = None


def _stamp(model_id: str, choice: Choice) -> object:
    """Changes with what would be loaded: a file may be trained anew, or another one adopted."""
    path = find_weights(model_id, choice.weights)
    state = path.stat()
    return path, state.st_mtime_ns, state.st_size, choice.device, choice.backend


class WeightsChooser(FileChooser):
    """Shipped, own and downloaded weights of a model, and any file."""

    def __init__(self, model_id: str, parent: QWidget | None = None) -> None:
        super().__init__(partial(_entries, model_id), title="Weights", files=_FILES, parent=parent)

    @property
    def path(self) -> Path | None:
        """The file that was chosen; ``None``: the weights in use."""
        found = self.currentData()
        return found if isinstance(found, Path) else None

    @path.setter
    def path(self, path: Path | None) -> None:
        self.choose(path)

    def choose_file(self, name: str) -> None:
        """Choose the file that a dialog gave."""
        self.choose(Path(name))

    def hint(self) -> str:
        """The file itself: names may be alike."""
        return "those in use; see `segkit weights list`" if self.path is None else str(self.path)


def known_versions(model_id: str) -> list[Version]:
    """Versions of a model's weights; none where their list cannot be read, which loading tells."""
    try:
        return versions(model_id)
    except WeightsError:
        return []


def _entries(model_id: str) -> list[tuple[str, Path | None]]:
    """Texts and files; the first one stands for the weights in use."""
    known = known_versions(model_id)
    used = next((one.name for one in known if one.adopted), None)
    first = _NONE if used is None else f"{used} (in use)"
    own = [(one.name, one.path) for one in known if not one.adopted]
    return [(first, None), *own, *_downloaded(model_id)]


def _downloaded(model_id: str) -> list[tuple[str, Path]]:
    found = []
    for path in sorted(downloads().glob("*.safetensors")):
        try:
            card = read_card(path)
        except WeightsError:
            continue  # of a network without a card, such as SAM's
        if card.model == model_id:
            found.append((f"{path.stem} (downloaded)", path))
    return found


class RuntimeLines(QWidget):
    """Device and backend."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.device, self.backend = QComboBox(), QComboBox()
        for box, choices in ((self.device, DEVICES), (self.backend, BACKENDS)):
            for text, value in choices.items():
                box.addItem(text, value)
        self.device.setToolTip("What computes; automatic: a GPU where there is one")
        self.backend.setToolTip(
            "automatic: the faster one on this computer, measured once for each weights file"
        )
        lines = QFormLayout(self)
        lines.setContentsMargins(0, 0, 0, 0)
        lines.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        lines.addRow("Device", self.device)
        lines.addRow("Backend", self.backend)

    def show_choice(self, choice: Choice) -> None:
        """Show other ones."""
        self.device.setCurrentIndex(self.device.findData(choice.device))
        self.backend.setCurrentIndex(self.backend.findData(choice.backend))

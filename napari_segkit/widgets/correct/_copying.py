"""From which mask objects are copied: of the previous image, or any other of the same size."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QWidget

from napari_segkit.errors import MaskError, SegkitError
from napari_segkit.widgets._layers import current_plane
from napari_segkit.widgets.correct._edits import OTHER
from napari_segkit.widgets.correct._tool_list import COPY
from napari_segkit.widgets.correct._tool_panel import add_key
from napari_segkit.widgets.correct._toolbox import Use
from napari_segkit.widgets.masks._binding import classes_of
from napari_segkit.widgets.masks._undo import state_of
from napari_segkit.widgets.parts._choosers import LayerChooser

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_segkit.ops.instance_rows import Rows
    from napari_segkit.types import ClassDef


class CopyLine(QWidget):
    """A chooser of masks and a button."""

    wanted = Signal()

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self.source = LayerChooser(viewer, Labels, none="previous image", optional=True)
        self.button = QPushButton(COPY.text)
        self.button.setToolTip(COPY.tooltip)
        self.source.setMinimumContentsLength(10)
        self.source.layer = None  # not the active one
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.button)
        row.addWidget(self.source, 1)
        self.button.clicked.connect(self.wanted)
        add_key(self, COPY.key, self.button.click)

    def use(self, mask: Labels | None) -> tuple[Use, tuple[ClassDef, ...]]:
        """What to copy into a mask, and the classes that it brings.

        Raises
        ------
        SegkitError
            Where there is nothing to copy from.
        """
        layer = self.source.layer
        if layer is None:
            labels, rows, classes = _previous(self._viewer)
            return Use(COPY.name, other=labels, rows=rows), classes
        if layer is mask or not isinstance(layer, Labels):
            raise MaskError("a mask cannot be copied into itself", remedy="choose another one")
        labels = np.asarray(layer.data[current_plane(layer, self._viewer).key])
        classes = classes_of(layer) or (OTHER,)
        return Use(COPY.name, other=labels, rows=state_of(layer).rows(layer)), classes


def _previous(viewer: ViewerModel) -> tuple[Any, Rows, tuple[ClassDef, ...]]:
    try:
        review = import_module("napari_segkit.widgets.review._session")
    except ImportError:  # the Review dock is not there
        session = None
    else:
        session = review.session_of(viewer)
    found = None if session is None else session.previous_labels()
    if found is None:
        raise SegkitError(
            "there is no previous image",
            remedy="open a folder in the Review dock, or choose another mask here",
        )
    labels, rows, classes = found
    return labels, rows, classes

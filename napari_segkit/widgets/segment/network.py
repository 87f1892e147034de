"""Docks of models that are a network: weights, device, what can be changed without a new look."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from napari.layers import Image
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_segkit.errors import SegkitError
from napari_segkit.widgets._identity import identity
from napari_segkit.widgets._layers import full_resolution
from napari_segkit.widgets.parts._form import live_fields
from napari_segkit.widgets.runs._weights import Choice, Loader, RuntimeLines, WeightsChooser
from napari_segkit.widgets.segment.dock import SegmentDock

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtWidgets import QFormLayout

    from napari_segkit.widgets.runs._run import Outcome

_SETTLED = 250
"""Milliseconds after the last movement of a slider."""


class NetworkDock(SegmentDock):
    """The dock of a model with weights.

    Parameters that are ``live`` take effect at once on what the network said last: the same run
    again, in which the model finds its probabilities kept. Each settled change is one undo step.
    """

    def _make_more(self) -> None:
        self.weights = WeightsChooser(self.model_id)
        self.runtime = RuntimeLines()
        self.loader = Loader()
        self._asked: object = None
        self._seen: object = None
        self._settled = QTimer(self)
        self._settled.setSingleShot(True)
        self._settled.setInterval(_SETTLED)

    def _add_lines(self, lines: QFormLayout) -> None:
        super()._add_lines(lines)
        lines.insertRow(lines.rowCount() - 1, "Weights", self.weights)
        if len(self.model.classes) > 1:
            lines.addRow("Finds", self._make_legend())

    def _make_legend(self) -> QLabel:
        legend = QLabel()
        legend.setTextFormat(Qt.TextFormat.RichText)
        legend.setToolTip("The classes and their colours")
        legend.setText(
            "&nbsp;&nbsp; ".join(
                f'<span style="color: rgb{one.color}">■</span> {one.name}'
                for one in self.model.classes
            )
        )
        return legend

    def _make_advanced(self) -> QWidget:
        both = QWidget()
        layout = QVBoxLayout(both)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.runtime)
        layout.addWidget(self.form.native)
        return both

    def _connect(self) -> None:
        super()._connect()
        self._settled.timeout.connect(self._on_settled)
        self.form.live_changed.connect(self._on_live)

    def _choice(self) -> Choice:
        device, backend = self.runtime.device, self.runtime.backend
        return Choice(self.weights.path, device.currentData(), backend.currentData())

    def _loading(self) -> Callable[[], None]:
        return partial(self.loader.load, self.model, self._choice())

    def _look(self) -> object:
        """What the network's answer depends on: all but the live parameters."""
        image = self.image.layer
        if not isinstance(image, Image):
            return None
        params = self.form.get()
        still = params.model_dump_json(exclude=live_fields(type(params)))
        point = tuple(self.viewer.dims.point) if image.ndim > 2 else ()
        return identity(image), id(full_resolution(image)), point, still, self._choice()

    def _start(self) -> None:
        super()._start()
        self._asked, self._seen = self._look(), None

    def _on_live(self) -> None:
        self._settled.start()

    def _on_settled(self) -> None:
        """Show what the new value changes, where the network need not look again."""
        if self.running:
            self._settled.start()
            return
        try:
            again = self._seen is not None and self._look() == self._seen
        except SegkitError:  # two parameters that do not fit: told by Run
            return
        if again:
            self._on_run()

    def _on_finished(self, outcome: Outcome) -> None:
        good = outcome.failure is None and not outcome.cancelled
        self._seen = self._asked if good else None
        super()._on_finished(outcome)
        if self.loader.refused is not None and not good:
            kept = self.loader.loaded or Choice()
            self.weights.path = kept.weights
            self.runtime.show_choice(kept)
            self.loader.refused = None


class EggPanDock(NetworkDock):
    """Eggs and pans."""

    model_id = "eggpan"

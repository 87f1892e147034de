"""The dock for dust: find it, fill it, and see which photos of a folder are worth labelling."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Image
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_segkit.errors import SegkitError
from napari_segkit.widgets.parts._form import folded
from napari_segkit.widgets.runs._run import explain
from napari_segkit.widgets.segment._filling import FillPanel
from napari_segkit.widgets.segment._ranking import RankPanel
from napari_segkit.widgets.segment.network import NetworkDock

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_segkit.jobs.mine import Candidate


class DustDock(NetworkDock):
    """Dust spots."""

    model_id = "dust"

    def _make_more(self) -> None:
        super()._make_more()
        self.fill = FillPanel(self.viewer, self.model_id)
        self.rank = RankPanel(self.viewer, self.model_id)
        self.ranking = folded("Rank a folder", self.rank)

    def _make_folds(self) -> QWidget:
        folds = QWidget()
        layout = QVBoxLayout(folds)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self.fill, self.ranking, self.advanced):
            layout.addWidget(widget)
        return folds

    def _connect(self) -> None:
        super()._connect()
        self.ranking.setToolTip("Which photos of a folder are most worth labelling")
        for panel in (self.fill, self.rank):
            panel.progressed.connect(self.status.show_progress)
            panel.finished.connect(self._tell)
        self.fill.finished.connect(self._on_filled)
        self.fill.button.clicked.connect(self._on_fill)
        self.rank.started.connect(self._on_rank)
        self.rank.opening.connect(self._on_open)

    @property
    def running(self) -> bool:
        """Whether something goes on that can be cancelled."""
        return super().running or self.fill.runner.running or self.rank.runner.running

    def cancel(self) -> None:
        """Stop what goes on."""
        super().cancel()
        self.fill.runner.cancel()
        self.rank.runner.cancel()

    def _on_fill(self) -> None:
        image = self.image.layer
        self._begin(lambda: self.fill.start(image if isinstance(image, Image) else None))

    def _on_filled(self) -> None:
        """Go on with the photo that was filled, not with the new layer."""
        self.image.layer = self.fill.image

    def _on_rank(self) -> None:
        self._begin(lambda: self.rank.start(self.form.get(), self._choice()))

    def _on_open(self, one: Candidate) -> None:
        self._begin(lambda: self.rank.open(one))

    def _begin(self, start: Callable[[], None]) -> None:
        """Start something beside the model's run; one thing at a time."""
        if self.running:
            return
        self.status.start("starting")
        try:
            start()
        except SegkitError as error:
            self._tell(explain(error))
        self._show_running()

    def _show_running(self) -> None:
        super()._show_running()
        idle = not self.running
        self.fill.button.setEnabled(idle and self.image.layer is not None)
        for widget in (self.rank.rank_button, self.rank.table):
            widget.setEnabled(idle)

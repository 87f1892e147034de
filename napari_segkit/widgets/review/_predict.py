"""Which model predicts what is new, and all of a folder in the background."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from napari_segkit.errors import SegkitError
from napari_segkit.jobs.review_open import Predictor, SharedModel, predict_some
from napari_segkit.models.registry import get_model, model_ids
from napari_segkit.widgets._worker import Failure, JobRunner
from napari_segkit.widgets.parts._form import ParamsForm, folded
from napari_segkit.widgets.parts._status import StatusBox
from napari_segkit.widgets.parts._words import counted
from napari_segkit.widgets.runs._weights import Choice, Loader, WeightsChooser

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_segkit.data.store import Store
    from napari_segkit.jobs.review import PredictedAll
    from napari_segkit.jobs.review_open import OpenNames
    from napari_segkit.types import Progress

_ALL = "Predict all"


class _Comparison(QWidget):
    """Other weights of the same model, whose answers tell which images are uncertain."""

    def __init__(self, model_id: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model, self._loader = get_model(model_id)(), Loader()
        self.wanted = QCheckBox("Compare with")
        self.weights = WeightsChooser(model_id)
        self.weights.setEnabled(False)
        self._choice = Choice()
        self._shared = SharedModel(self._model, self._load)
        self.wanted.setToolTip(
            "Predict all asks these weights, too: where the two differ, an image is uncertain, "
            "and by uncertainty it comes first. It takes twice as long."
        )
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.wanted)
        layout.addWidget(self.weights, 1)
        self.wanted.toggled.connect(self.weights.setEnabled)
        self.weights.chosen.connect(self._on_weights)

    def model(self) -> SharedModel | None:
        """The model with those weights, or ``None``."""
        return self._shared if self.wanted.isChecked() else None

    def _load(self) -> None:
        """In the thread that predicts."""
        self._loader.load(self._model, self._choice)

    def _on_weights(self) -> None:
        self._choice = Choice(self.weights.path)


class _ModelPage(QWidget):
    """Weights and parameters of one model."""

    changed = Signal()

    def __init__(self, model_id: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        model = get_model(model_id)()
        self._model, self._loader, self._choice = model, Loader(), Choice()
        trained = model.weights_state() is not None
        self.weights = WeightsChooser(model_id) if trained else None
        self.comparison = _Comparison(model_id) if trained else None
        self.preset = QComboBox()
        self.preset.addItems(list(model.presets))
        self.preset.setToolTip("Named sets of parameters")
        self.form = ParamsForm(next(iter(model.presets.values())))
        self.shared = SharedModel(model, self._load)
        lines = QFormLayout()
        lines.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        if self.weights is not None:
            lines.addRow("Weights", self.weights)
            self.weights.chosen.connect(self._on_weights)
        lines.addRow("Preset", self.preset)
        if self.comparison is not None:
            lines.addRow(self.comparison)
            self.comparison.wanted.toggled.connect(self.changed)
            self.comparison.weights.chosen.connect(self.changed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(lines)
        both = QWidget()
        inner = QVBoxLayout(both)
        inner.setContentsMargins(0, 0, 0, 0)
        if self.form.live is not None:
            inner.addWidget(self.form.live)
        inner.addWidget(self.form.native)
        layout.addWidget(folded("Parameters", both))
        self.preset.currentTextChanged.connect(self._on_preset)
        self.form.changed.connect(self.changed.emit)

    def predictor(self) -> Predictor:
        """The model with what stands in the form; `ParamsError` where that does not fit."""
        second = None if self.comparison is None else self.comparison.model()
        return Predictor(self.shared, self.form.get(), second)

    def _load(self) -> None:
        """In the thread that predicts."""
        if self.weights is None:
            self._model.load()
        else:
            self._loader.load(self._model, self._choice)

    def _on_weights(self) -> None:
        if self.weights is not None:
            self._choice = Choice(self.weights.path)
        self.changed.emit()

    def _on_preset(self) -> None:
        self.form.set(self._model.presets[self.preset.currentText()])
        self.changed.emit()


class PredictPanel(QWidget):
    """Model, weights, parameters, and "Predict all" with its own progress."""

    changed = Signal()
    """Another model, other weights or parameters."""
    predicting = Signal()
    """The person wants all images predicted."""
    progressed = Signal()
    """Images were predicted."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.runner = JobRunner(self)
        self.model = QComboBox()
        self.pages = QStackedWidget()
        self.again = QCheckBox("also what is predicted already")
        self.button = QPushButton(_ALL)
        self.status = StatusBox()
        self._known: dict[str, _ModelPage] = {}
        self._lay_out()
        self._connect()
        self.show_running(possible=False)

    def _lay_out(self) -> None:
        self.model.addItem("none: masks are drawn by hand", "")
        for model_id in model_ids():
            model = get_model(model_id)
            if not model.needs_prompts:
                self.model.addItem(model.title, model_id)
        self.model.setToolTip("Predicts images that are new: the open one, the next one, or all")
        self.again.setToolTip("With other weights or parameters; never what you edited or decided")
        self.pages.addWidget(QWidget())
        self.pages.hide()
        lines = QFormLayout()
        lines.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        lines.addRow("Model", self.model)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(lines)
        for widget in (self.pages, self.again, self.button, self.status):
            layout.addWidget(widget)

    def _connect(self) -> None:
        self.model.currentIndexChanged.connect(self._on_model)
        self.button.clicked.connect(self._on_button)
        self.runner.progressed.connect(self._on_progress)
        self.runner.done.connect(self._on_done)
        self.runner.failed.connect(self._on_failed)
        self.runner.cancelled.connect(self._on_cancelled)

    def predictor(self) -> Predictor | None:
        """The chosen model with its parameters; ``None`` for none.

        Raises
        ------
        ParamsError
            Where parameters do not fit each other.
        """
        page = self._known.get(self.model.currentData())
        return None if page is None else page.predictor()

    def start(self, store: Store, names: Sequence[str], opened: OpenNames) -> None:
        """Predict images in the background."""
        self.status.start("starting")
        try:
            predictor = self.predictor()
        except SegkitError as error:
            self._on_failed(Failure.of(error))
            return
        if predictor is not None and not self.runner.running:
            redo = self.again.isChecked()
            job = predict_some(store, predictor, names, opened, redo=redo)
            self.runner.start(job, title=f"Predict {store.folder.name}")
        self.show_running()

    def show_running(self, *, possible: bool = True) -> None:
        """Button and its tooltip."""
        running = self.runner.running
        chosen = bool(self.model.currentData())
        self.button.setText("Cancel" if running else _ALL)
        self.button.setEnabled(running or (possible and chosen))
        self.again.setEnabled(chosen)
        tip = "Predict the new images of the list, one after the other; you can go on meanwhile"
        self.button.setToolTip(
            "Stop; what is predicted stays, and the next time goes on from there"
            if running
            else tip
            if chosen
            else "Choose a model first"
        )

    def _on_model(self) -> None:
        model_id = self.model.currentData()
        if model_id and model_id not in self._known:
            page = self._known[model_id] = _ModelPage(model_id)
            page.changed.connect(self.changed)
            self.pages.addWidget(page)
        self.pages.setVisible(bool(model_id))
        if model_id:
            self.pages.setCurrentWidget(self._known[model_id])
        self.changed.emit()

    def _on_button(self) -> None:
        if self.runner.running:
            self.button.setEnabled(False)
            self.runner.cancel()
        else:
            self.predicting.emit()

    def _on_progress(self, step: Progress) -> None:
        self.status.show_progress(step)
        self.progressed.emit()

    def _on_done(self, report: PredictedAll) -> None:
        said = f"{counted(report.predicted, 'image')} predicted in {report.seconds:.0f} s"
        if report.failures:
            said += f", {report.failures and len(report.failures)} not"
        notes = [f"{failure.path.name}: {failure.error}" for failure in report.failures[:3]]
        self.status.say(said, notes=notes, bad=bool(report.failures))
        self._end()

    def _on_failed(self, failure: Failure) -> None:
        self.status.say(failure.sentence, details=failure.details, bad=True)
        self._end()

    def _on_cancelled(self) -> None:
        self.status.say("Cancelled: what is predicted stays")
        self._end()

    def _end(self) -> None:
        self.show_running()
        self.progressed.emit()

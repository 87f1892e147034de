"""Fill what a mask marks: the photo without its dust, as a new layer."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QSpinBox, QWidget

from napari_segkit.errors import ImageError, MaskError
from napari_segkit.types import Progress
from napari_segkit.widgets._layers import image_source, transform_of
from napari_segkit.widgets._worker import Failure, JobRunner
from napari_segkit.widgets.masks._binding import find_mask
from napari_segkit.widgets.masks._masks import is_usable
from napari_segkit.widgets.parts._words import counted
from napari_segkit.widgets.runs._run import Outcome

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from numpy.typing import NDArray

    from napari_segkit.types import Job
    from napari_segkit.widgets._layers import ImageSource

METHODS = {"Telea": "telea", "Navier-Stokes": "ns"}


@dataclass(frozen=True)
class Cleaned:
    """Pixels of the whole layer, and how much of them was filled."""

    data: NDArray[Any]
    objects: int
    pixels: int
    seconds: float


class FillPanel(QWidget):
    """A button that fills the mask of an image, and how it is done.

    Attributes
    ----------
    image
        The image that was filled last.
    """

    progressed = Signal(object)
    finished = Signal(object)
    """An `Outcome`."""

    def __init__(self, viewer: ViewerModel, model_id: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._model_id = model_id
        self._task: tuple[str, str, dict[str, Any]] | None = None
        self.image: Image | None = None
        self.runner = JobRunner(self)
        self.button = QPushButton("Inpaint")
        self.widen = QSpinBox()
        self.method = QComboBox()
        self._lay_out()
        self.runner.progressed.connect(self.progressed)
        self.runner.done.connect(self._on_done)
        self.runner.failed.connect(self._on_failed)
        self.runner.cancelled.connect(self._on_cancelled)

    def _lay_out(self) -> None:
        self.button.setToolTip(
            "Fill what the mask marks from its surroundings, as a new image layer. The selected "
            "Labels layer is taken, else the mask of this dock."
        )
        self.widen.setRange(0, 50)
        self.widen.setValue(2)
        self.widen.setSuffix(" px")
        self.widen.setToolTip("Widen the mask by this much: dust has a soft rim")
        for text, value in METHODS.items():
            self.method.addItem(text, value)
        self.method.setToolTip("How it is filled: Telea 2004 or Bertalmio et al. 2001")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.button, 1)
        row.addWidget(QLabel("widen"))
        row.addWidget(self.widen)
        row.addWidget(self.method)

    def start(self, image: Image | None) -> None:
        """Fill the plane of an image that the viewer shows.

        Raises
        ------
        ImageError, MaskError
            Where there is no image, or no mask of it.
        """
        if image is None:
            raise ImageError("no image is open", remedy="open one, or File > Open Sample")
        source = image_source(image, self._viewer)
        mask = self._mask_of(image, source)
        self.image, self._task = image, (image.name, mask.name, _looks(image))
        job = fill_job(
            source,
            mask.data,
            method=self.method.currentData(),
            widen=self.widen.value(),
        )
        self.runner.start(job, title=f"Inpaint {image.name}")

    def _mask_of(self, image: Image, source: ImageSource) -> Labels:
        active = self._viewer.layers.selection.active
        if isinstance(active, Labels) and is_usable(active, source):
            return active
        mask = find_mask(self._viewer.layers, image, self._model_id)
        if mask is None or not is_usable(mask, source):
            raise MaskError(
                "there is no mask to fill",
                where=image.name,
                remedy="press Run first, or select a Labels layer of the image's size",
            )
        return mask

    def _on_done(self, cleaned: Cleaned) -> None:
        task, self._task = self._task, None
        if task is None:
            return
        name, mask_name, looks = task  # the layers may show another image by now
        active = self._viewer.layers.selection.active
        self._viewer.add_layer(Image(cleaned.data, name=f"{name} · inpainted", **looks))
        if active in self._viewer.layers:
            self._viewer.layers.selection.active = active
        done = f"{counted(cleaned.objects, 'object')}, {counted(cleaned.pixels, 'pixel')} filled"
        note = f"from {mask_name}"
        self.finished.emit(Outcome(f"{done} in {cleaned.seconds:.2f} s · inpaint", (note,)))

    def _on_failed(self, failure: Failure) -> None:
        self._task = None
        self.finished.emit(Outcome(failure.sentence, failure=failure))

    def _on_cancelled(self) -> None:
        self._task = None
        self.finished.emit(Outcome("Cancelled: no layer was added", cancelled=True))


def _looks(image: Image) -> dict[str, Any]:
    """What makes another layer look like an image."""
    looks = {"rgb": image.rgb, "gamma": image.gamma, **transform_of(image)}
    if not image.rgb:
        limits = tuple(image.contrast_limits)
        looks |= {"colormap": image.colormap, "contrast_limits": limits}
    return looks


def fill_job(source: ImageSource, mask: Any, *, method: Any, widen: int) -> Job[Cleaned]:
    """Fill a plane; the other planes of a stack are copied.

    Parameters
    ----------
    mask
        Of the whole layer; what it holds when this begins is filled.
    """
    yield Progress(0, None, "reading the image")
    from napari_segkit.ops.inpaint import grown, inpaint
    from napari_segkit.types import present_ids

    labels = np.asarray(mask[source.plane.key])
    objects = len(present_ids(labels))
    marked = grown(labels > 0, widen)
    pixels = int(marked.sum())
    if not pixels:
        raise MaskError("the mask is empty: nothing is filled", where=source.name)
    started = time.perf_counter()
    key = (*source.plane.key, slice(None)) if source.rgb else source.plane.key
    data = np.asarray(source.data)
    plane = yield from inpaint(data[key], marked, method=method)
    if plane.shape != data.shape:
        data = data.copy()
        data[key] = plane
        plane = data
    return Cleaned(plane, objects, pixels, time.perf_counter() - started)

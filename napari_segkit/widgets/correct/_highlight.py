"""Shows which instances are selected: an outline, and the camera goes there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QObject

from napari_segkit.errors import SegkitError
from napari_segkit.types import Progress
from napari_segkit.widgets._dock import when_destroyed
from napari_segkit.widgets._latest import LatestJob
from napari_segkit.widgets._layers import camera_of
from napari_segkit.widgets.correct._preview import OUTLINES, Overlay, outline_of

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from numpy.typing import NDArray

    from napari_segkit.ops.delta import Rect
    from napari_segkit.types import Job
    from napari_segkit.widgets.correct._moment import Moment
    from napari_segkit.widgets.correct._subject import Subject

_MOST = 300
"""Instances that are outlined together."""
_SHARE, _LEAST, _MOST_SEEN = 0.35, 0.15, 0.8
"""Of the canvas, that an instance takes after zooming; and where the camera stays as it is."""


class Highlight(QObject):
    """Follows the selection."""

    def __init__(
        self,
        viewer: ViewerModel,
        subject: Subject,
        overlay: Overlay,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._subject = subject
        self._overlay = overlay
        self._latest = LatestJob("Outline", self)
        self._latest.answered.connect(self._on_answer)
        subject.replaced.connect(self._on_subject)
        when_destroyed(self, Overlay.remove, overlay)

    def _on_subject(self) -> None:
        if self._subject.mask is None:
            self._overlay.remove()

    def show(self, keys: tuple[int, ...]) -> None:
        """Outline instances; none: nothing."""
        subject = self._subject
        if not keys or subject.index is None:
            self._latest.drop()
            self._overlay.hide(OUTLINES)
            return

        def job() -> Job[tuple[Moment, Rect, NDArray[np.uint8]]]:
            shown = [key for key in keys[:_MOST] if subject.index and key in subject.index]
            return _outline(subject.moment(), shown, _around([subject.box(key) for key in shown]))

        self._latest.ask(job)

    def zoom(self, key: int) -> None:
        """Bring an instance into the middle, large enough to be worked on."""
        mask, plane = self._subject.mask, self._subject.plane
        if mask is None or plane is None:
            return
        try:
            x0, y0, x1, y1 = self._subject.box(key)
        except SegkitError:
            return
        corners = []
        for row, column in ((y0, x0), (y1, x1), (y0, x1), (y1, x0)):
            values = iter((row - 0.5, column - 0.5))
            point = [next(values) if isinstance(part, slice) else part for part in plane.key]
            corners.append(mask.data_to_world(point))
        spread = np.asarray(corners)[:, list(self._viewer.dims.displayed[-2:])]
        self._go(spread.min(axis=0), spread.max(axis=0), closest=40 / float(abs(mask.scale[-1])))

    def _go(self, low: NDArray[np.float64], high: NDArray[np.float64], *, closest: float) -> None:
        """Show a part of the world; the camera stays where it is well seen already."""
        camera, canvas = camera_of(self._viewer), _canvas_of(self._viewer)
        size = np.maximum(high - low, 1e-9)
        share = float((size * camera.zoom / canvas).max())
        if not _LEAST <= share <= _MOST_SEEN:
            camera.zoom = float(min(_SHARE * (canvas / size).min(), closest))
        half = canvas / camera.zoom / 2
        middle = np.asarray(camera.center[-2:])
        if (low < middle - half).any() or (high > middle + half).any():
            camera.center = (0.0, *((low + high) / 2))

    def _on_answer(self, answer: tuple[Moment, Rect, NDArray[np.uint8]]) -> None:
        moment, (x0, y0, _, _), codes = answer
        if self._subject.mask is not None and self._subject.plane == moment.plane:
            self._overlay.show(OUTLINES, self._subject.mask, moment.plane, (y0, x0), codes)


def _canvas_of(viewer: ViewerModel) -> NDArray[np.float64]:
    """(height, width) of the canvas on the screen."""
    canvas = getattr(viewer, "canvas", None)
    size = viewer._canvas_size if canvas is None else canvas.size
    return np.asarray(size, float)


def _around(boxes: list[Rect]) -> Rect:
    if not boxes:
        return 0, 0, 0, 0
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    return min(x0), min(y0), max(x1), max(y1)


def _outline(
    moment: Moment, keys: list[int], box: Rect
) -> Job[tuple[Moment, Rect, NDArray[np.uint8]]]:
    yield Progress(0, None, "outline")
    x0, y0, x1, y1 = box
    view = moment.labels[y0:y1, x0:x1]
    inside = view == keys[0] if len(keys) == 1 else np.isin(view, keys)
    return moment, box, outline_of(inside)

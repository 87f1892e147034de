"""What is being corrected: a mask, the plane that is seen, its image, areas and rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject, QTimer, Signal

from napari_segkit.errors import ImageError, MaskError, SegkitError
from napari_segkit.widgets._dock import when_destroyed
from napari_segkit.widgets._latest import LatestJob
from napari_segkit.widgets._layers import image_source, read_rgb
from napari_segkit.widgets.correct._edits import adopt
from napari_segkit.widgets.correct._instances import Line
from napari_segkit.widgets.correct._moment import Moment, count_job, editable_plane
from napari_segkit.widgets.masks._masks import is_being_painted
from napari_segkit.widgets.masks._undo import MaskChange, MaskState, state_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from napari.components import ViewerModel
    from napari.layers import Image, Labels

    from napari_segkit.ops.delta import Rect
    from napari_segkit.ops.instance_index import InstanceIndex
    from napari_segkit.types import Image as RgbImage
    from napari_segkit.widgets._layers import Plane

_AGAIN = 100
"""Milliseconds until areas are counted again that a stroke has overtaken."""
_TIGHT = 1 << 22
"""Pixels of a box that is looked at in the GUI thread: a millisecond or two."""


class Subject(QObject):
    """Follows a mask layer and the viewer's plane; counts areas in a thread.

    Attributes
    ----------
    replaced
        Another mask, another plane, or areas that had to be counted anew: all lines.
    edited
        Some ids changed: a set.
    left
        What was being done is about another mask: the layer shows the next image's.
    """

    replaced = Signal()
    edited = Signal(object)
    left = Signal()

    def __init__(self, viewer: ViewerModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self.mask: Labels | None = None
        self.plane: Plane | None = None
        self.image: Image | None = None
        self.fault = ""
        self._rgb: tuple[object, str, RgbImage] | None = None
        self._linked: list[MaskState] = []
        self._counting = LatestJob("Counting areas", self)
        self._again = QTimer(self)
        self._again.setSingleShot(True)
        self._again.setInterval(_AGAIN)
        self._connect()

    def _connect(self) -> None:
        self._counting.answered.connect(self._on_counted)
        self._again.timeout.connect(self._count)
        dims = self._viewer.dims.events
        emitters = (dims.current_step, dims.ndisplay, dims.order)
        for emitter in emitters:
            emitter.connect(self._on_dims)
        when_destroyed(self, _unlink, emitters, self._on_dims)
        when_destroyed(self, _unlink_state, self._linked, self._on_mask, self._on_exchanged)

    def set_mask(self, mask: Labels | None) -> None:
        """Correct another mask."""
        if mask is self.mask:
            return
        _unlink_state(self._linked, self._on_mask, self._on_exchanged)
        self.mask, self.plane = mask, None
        if mask is not None:
            self._linked.append(state_of(mask))
            self._linked[0].changed.connect(self._on_mask)
            self._linked[0].exchanged.connect(self._on_exchanged)
        self._look()

    def _on_exchanged(self) -> None:
        self.left.emit()
        self.plane = None
        self._look()

    @property
    def state(self) -> MaskState | None:
        """What is known of the mask."""
        return self._linked[0] if self._linked else None

    @property
    def index(self) -> InstanceIndex | None:
        """Areas and boxes, once they are counted."""
        if self.state is None or self.plane is None:
            return None
        return self.state.index_of(self.plane)

    def _on_dims(self, event: object = None) -> None:
        if self.mask is not None and self.mask.ndim > 2:
            self._look()

    def _look(self) -> None:
        """See which plane is meant, and whether it can be corrected."""
        plane, self.fault = None, ""
        if self.mask is not None:
            try:
                plane = editable_plane(self.mask, self._viewer)
            except SegkitError as error:
                self.fault = str(error)
        if plane is not None and plane == self.plane:
            return
        self.plane = plane
        if self.index is None and plane is not None:
            self._count()
        else:
            self._counting.drop()
        self.replaced.emit()

    def _count(self) -> None:
        mask, plane = self.mask, self.plane
        if mask is None or plane is None or self.state is None:
            return
        if is_being_painted(mask):
            self._again.start()
            return
        self._counting.ask(lambda: count_job(self.moment()))

    def _on_counted(self, answer: tuple[Moment, InstanceIndex]) -> None:
        moment, index = answer
        mask, state = self.mask, self.state
        if mask is None or state is None or moment.plane != self.plane:
            return
        stale = mask.data is not moment.data or is_being_painted(mask)
        if stale or not state.track(moment.plane, index, revision=moment.revision):
            self._again.start()
            return
        if state.rows(mask):  # of ours, or with a table: agree with the pixels
            adopt(mask, index.keys)
        self.replaced.emit()

    def _on_mask(self, change: MaskChange) -> None:
        if change.box is None:
            self._count()
        else:
            self.edited.emit(change.ids)

    def moment(self) -> Moment:
        """The mask now.

        Raises
        ------
        MaskError
            Where there is none that can be corrected.
        """
        if self.mask is None or self.plane is None or self.state is None:
            raise MaskError(
                self.fault or "no mask is open", remedy="run a model, or add a Labels layer"
            )
        index = self.index
        named = max(self.state.rows(self.mask), default=0)
        return Moment(
            self.mask.data,
            self.plane,
            self.state.revision,
            max(named + 1, 1 if index is None else index.free_id),
        )

    def is_now(self, moment: Moment) -> bool:
        """Whether nothing has changed since."""
        return (
            self.mask is not None
            and self.mask in self._viewer.layers
            and self.state is not None
            and self.mask.data is moment.data
            and self.plane == moment.plane
            and self.state.revision == moment.revision
            and not is_being_painted(self.mask)
        )

    def box(self, key: int) -> Rect:
        """The box of an instance, exact where that is quick."""
        index = self.index
        if index is None:
            raise MaskError("areas are not counted yet", remedy="wait a moment")
        x0, y0, x1, y1 = index.box(key)
        if (x1 - x0) * (y1 - y0) <= _TIGHT:
            return index.tighten(self.moment().labels, key)
        return x0, y0, x1, y1

    def seen(self) -> Rect | None:
        """What of the plane is on the screen; ``None`` where that is not known."""
        if self.mask is None or self.plane is None:
            return None
        axes = [axis for axis, part in enumerate(self.plane.key) if isinstance(part, slice)]
        (top, left), (bottom, right) = np.asarray(self.mask.corner_pixels)[:, axes].tolist()
        if bottom <= top or right <= left:
            return None
        return left, top, right + 1, bottom + 1

    def lines(self, keys: Collection[int] | None = None) -> dict[int, Line | None]:
        """Id -> line; ``None`` where an id has no pixel."""
        index, state, mask = self.index, self.state, self.mask
        if index is None or state is None or mask is None:
            return {}
        rows = state.rows(mask)
        found: dict[int, Line | None] = {}
        for key in index.keys if keys is None else keys:
            row = rows.get(key)
            if key not in index:
                found[key] = None
            elif row is None:
                found[key] = Line(key, "", 1.0, index.area(key), "")
            else:
                found[key] = Line(key, row.class_name, row.score, index.area(key), row.status)
        return found

    def rgb(self) -> Callable[[], RgbImage]:
        """What reads the image, in a thread; it is kept for the next time.

        Raises
        ------
        ImageError
            Where there is none, or one of another size.
        """
        image, plane = self.image, self.plane
        if image is None or plane is None:
            raise ImageError("there is no image to look at", remedy="choose the mask's image")
        source = image_source(image, self._viewer)
        if source.plane.shape != plane.shape:
            raise ImageError(
                "image and mask have other sizes",
                where=image.name,
                expected="x".join(map(str, plane.shape[::-1])),
                got="x".join(map(str, source.plane.shape[::-1])),
            )
        place = source.plane.place

        def read() -> RgbImage:
            known = self._rgb
            if known is None or known[0] is not source.data or known[1] != place:
                known = self._rgb = source.data, place, read_rgb(source)[0]
            return known[2]

        return read


def _unlink(emitters: tuple[Any, ...], slot: Callable[..., None]) -> None:
    for emitter in emitters:
        emitter.disconnect(slot)


def _unlink_state(
    linked: list[MaskState], changed: Callable[..., None], exchanged: Callable[..., None]
) -> None:
    while linked:
        state = linked.pop()
        state.changed.disconnect(changed)
        state.exchanged.disconnect(exchanged)

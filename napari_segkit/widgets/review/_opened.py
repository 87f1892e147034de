"""An image under review: its work since it was read, and what the store must know of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from napari_segkit.data.store import Status
from napari_segkit.data.store.record import Run
from napari_segkit.jobs.autosave import Autosave
from napari_segkit.jobs.review import ActiveTime
from napari_segkit.jobs.review_open import Moment
from napari_segkit.types import ClassDef
from napari_segkit.widgets.masks._binding import MaskBinding, plain_classes, put_binding
from napari_segkit.widgets.masks._colors import palette_of
from napari_segkit.widgets.masks._features import table
from napari_segkit.widgets.masks._sheet import MaskSheet
from napari_segkit.widgets.masks._steps import Past
from napari_segkit.widgets.masks._tracked import Tracker
from napari_segkit.widgets.masks._undo import state_of
from napari_segkit.widgets.review._exhibit import Exhibit

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Image, Labels

    from napari_segkit.data.store import Record, Store
    from napari_segkit.jobs.review_open import ReadImage
    from napari_segkit.ops.delta import Rect
    from napari_segkit.widgets.review._reader import Prepared

UNKNOWN = ClassDef("object", (0, 160, 255))
"""Class of what is drawn where no model and no dataset has named one."""
REVIEW = "review"
"""Stands for the model of a mask that no model has made."""


class OpenImage:
    """An image with its mask, on the stage or beside it, and its work since it was read.

    Parameters
    ----------
    model
        Id that results go to this mask for; `REVIEW` for none.
    classes
        Of a mask that has none of its own yet.
    changed
        Called after every change.

    Attributes
    ----------
    exhibit
        Its pixels and its mask.
    autosave
        What is not on the disk yet; ``None`` where nothing may be written.
    version
        Counts changes.
    writing
        Writes that are under way.
    lost
        Whether the layer was given a mask of another size: nothing is saved from it any more.
    conflict
        Whether another program changed what is stored, and the person must choose.
    predicted_here
        Whether a model wrote into the mask since it was last saved whole.
    """

    def __init__(
        self,
        prepared: Prepared,
        store: Store,
        *,
        model: str,
        classes: tuple[ClassDef, ...],
        changed: Callable[[OpenImage], None],
    ) -> None:
        read = prepared.read
        self.name, self.notes, self._changed = read.name, read.notes, changed
        self.record: Record = read.record
        self._classes = read.record.class_defs or classes
        self._runs_before = len(read.record.runs)
        model = read.record.runs[-1].model if read.record.runs else model
        sheet = self._make_sheet(prepared, model)
        self.exhibit = Exhibit(read.pixels, read.path, read.name, sheet)
        self.autosave = None if store.read_only else Autosave(store, self.name, read.labels.shape)
        self.version = self.steps = self.writing = 0
        self.predicted_here = self.lost = self.conflict = False
        self.time = ActiveTime(read.record.seconds)
        self._tracker: Tracker | None = None

    def _make_sheet(self, prepared: Prepared, model: str) -> MaskSheet:
        rows = prepared.read.record.instances
        palette, colormap = prepared.look or (palette_of(rows, self._classes), None)
        past = Past(rows, palette=palette, run=self._runs_before)
        past.begin(prepared.written)
        sheet = MaskSheet(
            data=prepared.read.labels,
            name=f"{self.name} · mask",
            metadata={},
            features=table(
                [(key, row.class_name, row.score, row.status) for key, row in rows.items()]
            ),
            past=past,
            colormap=colormap,
        )
        binding = MaskBinding(
            owner="",
            image=None,
            image_name=self.name,
            model=model,
            classes=plain_classes(self._classes),
            sample=self.name,
        )
        put_binding(sheet.metadata, binding)
        return sheet

    @property
    def image(self) -> Image | None:
        """The layer with its pixels, while it is shown."""
        return self.exhibit.image

    @property
    def mask(self) -> Labels | None:
        """The layer with its mask, while it is shown."""
        return self.exhibit.mask

    def show_on(self, image: Image, mask: Labels) -> None:
        """Be shown on layers."""
        self.exhibit.show_on(image, mask, editable=self.autosave is not None)
        self._tracker = Tracker(mask, self._on_change, self._on_replaced)
        state_of(mask).exchanged.emit()

    def put_away(self) -> None:
        """Be shown no more; what is being drawn or written ends first, and is its own."""
        self.exhibit.settle()
        if self._tracker is not None:
            self._tracker.catch_up()
        self.exhibit.put_away()
        self.stop()

    def stop(self) -> None:
        """Follow the mask no more."""
        if self._tracker is not None:
            self._tracker.stop()
            self._tracker = None

    def give_pixels(self, read: ReadImage) -> None:
        """Have its pixels again, which were let go; the mask stays as it is."""
        self.exhibit.pixels = read.pixels

    def expect(self, model: str, classes: tuple[ClassDef, ...]) -> None:
        """Let a model's results go to this mask, in which nobody has done anything yet."""
        binding = self.exhibit.binding
        if binding is not None and self.record.status is Status.NEW:
            changes = {"model": model, "classes": plain_classes(classes)}
            self.exhibit.bind(binding.model_copy(update=changes))

    @property
    def size(self) -> int:
        """Bytes of mask and pixels, about, without the undo history."""
        pixels = self.exhibit.pixels
        return int(self.exhibit.labels.nbytes + (0 if pixels is None else pixels.nbytes))

    @property
    def clean(self) -> bool:
        """Whether all is on the disk, so that the layers may go."""
        return not self.writing and (self.autosave is None or not self.autosave.dirty)

    @property
    def failing(self) -> bool:
        """Whether the disk refused what was last written."""
        return self.autosave is not None and self.autosave.failing

    @property
    def classes(self) -> tuple[ClassDef, ...]:
        """The mask's classes now."""
        binding = self.exhibit.binding
        return self._classes if binding is None else binding.class_defs

    def touched(self) -> None:
        """The person did something with the image."""
        self.time = self.time.touched(time.monotonic())

    def decide(self, status: Status) -> None:
        """Give the image a status; `moment` tells it."""
        self.touched()
        self._set_status(status)
        self.dirty_again()

    def dirty_again(self, *, whole: bool = False) -> None:
        """Mark what could not be written, or changed while it was."""
        self.version += 1
        if self.autosave is not None:
            height, width = self.exhibit.labels.shape
            self.autosave.mark((0, 0, width, height) if whole else None, time.monotonic())
        self._changed(self)

    def moment(self) -> Moment:
        """Take down all that the store must know; no pixel is copied."""
        if self._tracker is not None:
            self._tracker.catch_up()
        binding = self.exhibit.binding
        runs = self.record.runs[: self._runs_before]
        made = None if binding is None else binding.made().get("")
        if made is not None:
            runs = (*runs, Run(**made.as_dict()))
        record = self.record.model_copy(
            update={
                "size": self.exhibit.labels.shape,
                "classes": tuple((one.name, one.color) for one in self.classes),
                "runs": runs,
                "edits": self.record.edits + self.steps,
                "seconds": round(self.time.seconds, 1),
            }
        )
        return Moment(self.exhibit.labels, record, dict(self.exhibit.rows))

    def _on_change(self, box: Rect | None, who: str) -> None:
        if self.autosave is None or self.lost:
            return
        self.version += 1
        if who == "model":
            self.predicted_here = True
            untouched = self.record.status in (Status.NEW, Status.PREDICTED)
            status = Status.PREDICTED if untouched else Status.EDITED
        else:
            self.steps += bool(who) and who != "undo"
            status = Status.EDITED if box is not None else self.record.status
        self._set_status(status)
        self.touched()
        self.autosave.mark(box, time.monotonic())
        self._changed(self)

    def _set_status(self, status: Status) -> None:
        if status is not self.record.status:
            self.record = self.record.model_copy(update={"status": status})

    def _on_replaced(self) -> None:
        self.lost = True
        self._changed(self)

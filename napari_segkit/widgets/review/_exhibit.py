"""An image with its mask: shown on the two layers of the stage, or put away beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4
from weakref import WeakKeyDictionary, ref

import numpy as np
from napari.layers import Image, Labels

from napari_segkit.widgets._identity import stand_for
from napari_segkit.widgets._layers import transform_of
from napari_segkit.widgets.masks._binding import binding_in, put_binding, read_binding
from napari_segkit.widgets.masks._picture import remember_original
from napari_segkit.widgets.masks._sheet import (
    MaskSheet,
    can_lie_on,
    histories,
    lay_on,
    layer_of,
    move_to,
    settle,
    take_off,
)
from napari_segkit.widgets.masks._undo import state_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_segkit.ops.instance_rows import Rows
    from napari_segkit.types import Image as RgbImage
    from napari_segkit.widgets.masks._bands import Written
    from napari_segkit.widgets.masks._binding import MaskBinding


class Exhibit:
    """Has its mask either as a sheet or on a layer, never both, never neither.

    So there is no moment at which another image's pixels could be taken for its own: it has let go
    of the layers before they show another image, and takes them only once they show this one.

    Parameters
    ----------
    pixels : (H, W, 3) uint8 RGB
    sheet
        Its mask; the binding in it is made that of this image.

    Attributes
    ----------
    pixels
        ``None`` while they are not in memory.
    """

    def __init__(self, pixels: RgbImage, path: Path, title: str, sheet: MaskSheet) -> None:
        self.pixels: RgbImage | None = pixels
        self._path, self._title = path, title
        self._place: dict[str, Any] = {}
        self._id = uuid4().hex
        self._at: MaskSheet | tuple[Image, Labels] = sheet
        binding = self.binding
        if binding is not None:
            owned = {"owner": f"{self._id} mask", "image": f"{self._id} image"}
            self.bind(binding.model_copy(update=owned))

    @property
    def image(self) -> Image | None:
        """The layer with its pixels, while it is shown."""
        return None if isinstance(self._at, MaskSheet) else self._at[0]

    @property
    def mask(self) -> Labels | None:
        """The layer with its mask, while it is shown."""
        return None if isinstance(self._at, MaskSheet) else self._at[1]

    def fits(self, image: Image, mask: Labels) -> bool:
        """Whether layers can show it: they differ in nothing that napari cannot exchange."""
        there, pixels, sheet = image.data, self.pixels, self._at
        if not isinstance(there, np.ndarray) or pixels is None or not isinstance(sheet, MaskSheet):
            return False
        alike = image.rgb and (there.dtype, there.ndim) == (pixels.dtype, pixels.ndim)
        return alike and can_lie_on(mask, sheet)

    def make_layers(self) -> tuple[Image, Labels]:
        """New layers that it can be shown on."""
        if not isinstance(self._at, MaskSheet):
            return self._at
        return Image(self.pixels, name=self._title, rgb=True), layer_of(self._at)

    def show_on(self, image: Image, mask: Labels, *, editable: bool) -> None:
        """Be shown on layers; whichever exhibit is still on them is put away first."""
        sheet = self._at
        if not isinstance(sheet, MaskSheet):
            return
        found = _shown.get(mask)
        before = None if found is None else found()
        if before is not None:
            before.put_away()
        stand_for(image, f"{self._id} image")
        stand_for(mask, f"{self._id} mask")
        lay_on(mask, sheet)
        mask.editable = editable
        remember_original(image, self._path)
        move_to(image, self._place)
        if image.data is not self.pixels:
            image.data = self.pixels
        if image.name != self._title:
            image.name = self._title
        for layer in (image, mask):
            if not layer.visible:  # hidden on another image; setting it draws the layer anew
                layer.visible = True
        self._at = image, mask
        _shown[mask] = ref(self)

    def give_up(self) -> Labels:
        """Its mask as a layer for the person to keep; it is not reviewed any more."""
        if not isinstance(self._at, MaskSheet):
            return self._at[1]
        mask = layer_of(self._at)
        stand_for(mask, f"{self._id} mask")
        lay_on(mask, self._at)
        return mask

    def settle(self) -> None:
        """End what is being drawn or written."""
        if self.mask is not None:
            settle(self.mask)

    def put_away(self) -> None:
        """Be shown no more."""
        if isinstance(self._at, MaskSheet):
            return
        image, mask = self._at
        self._at = take_off(mask)
        _shown.pop(mask, None)
        self._title, self._place = image.name, transform_of(image)
        if self.pixels is not None:
            self.pixels = image.data

    @property
    def labels(self) -> NDArray[Any]:
        """The mask's pixels now: (H, W)."""
        at = self._at
        labels: NDArray[Any] = at.data if isinstance(at, MaskSheet) else at[1].data
        return labels

    @property
    def binding(self) -> MaskBinding | None:
        """What the mask is; ``None`` where someone has damaged it."""
        at = self._at
        return binding_in(at.metadata) if isinstance(at, MaskSheet) else read_binding(at[1])

    def bind(self, binding: MaskBinding) -> None:
        """Keep what the mask is."""
        at = self._at
        put_binding(at.metadata if isinstance(at, MaskSheet) else at[1].metadata, binding)

    @property
    def rows(self) -> Rows:
        """Id -> row, now."""
        at = self._at
        return at.past.rows if isinstance(at, MaskSheet) else state_of(at[1]).rows(at[1])

    @property
    def written(self) -> Written | None:
        """What the last model's run that stands wrote."""
        at = self._at
        if isinstance(at, MaskSheet):
            return at.past.steps.last_written("")
        return state_of(at[1]).written()

    @property
    def history(self) -> tuple[Iterable[Any], ...]:
        """Items of napari's undo and redo."""
        at = self._at
        return (at.undo, at.redo) if isinstance(at, MaskSheet) else histories(at[1])


_shown: WeakKeyDictionary[Labels, ref[Exhibit]] = WeakKeyDictionary()

"""The image that a mask was made on, as an export needs it: its file, or its pixels.

napari's own reader does not turn a photo as its EXIF tag says, CVAT and we do. A mask that was made
on such a layer is turned on its way out, so that it fits the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from napari_segkit.data.dataset import PackedImage
from napari_segkit.data.images import TURN, image_size
from napari_segkit.errors import ImageError
from napari_segkit.widgets._layers import full_resolution

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_segkit.types import Image as RgbImage

_ORIENTATION = 274  # the EXIF tag
_NAPARI = ("napari", "napari_builtins", "builtins")

_originals: WeakKeyDictionary[Image, Path | PackedImage] = WeakKeyDictionary()


def remember_original(layer: Image, original: Path | PackedImage) -> None:
    """Remember the file that a layer of ours was read from, on disk or in an archive."""
    _originals[layer] = original


def original_of(layer: Image) -> Path | PackedImage | None:
    """The file that a layer was read from."""
    path = layer.source.path
    return _originals.get(layer, None if path is None else Path(path))


@dataclass(frozen=True)
class Picture:
    """An image layer, without the layer.

    Attributes
    ----------
    original
        The file that it was read from, on disk or in an archive.
    plain
        Whether napari's own reader read it: without turning it.
    """

    name: str
    data: Any
    rgb: bool
    original: Path | PackedImage | None
    plain: bool

    @classmethod
    def of(cls, layer: Image) -> Picture:
        """Take an image layer down."""
        return cls(
            name=layer.name,
            data=full_resolution(layer),
            rgb=layer.rgb,
            original=original_of(layer),
            plain=layer.source.reader_plugin in _NAPARI and layer not in _originals,
        )

    @property
    def path(self) -> Path | None:
        """The file, where it is one of its own."""
        return self.original if isinstance(self.original, Path) else None

    @property
    def shape(self) -> tuple[int, ...]:
        """The pixel grid."""
        shape = tuple(self.data.shape)
        return shape[:-1] if self.rgb else shape

    def orientation(self) -> int:
        """How the layer must be turned to be looked at; 1 where it need not be."""
        from PIL import Image as PilImage

        if self.path is None or not self.plain or len(self.shape) != 2:
            return 1
        try:
            with PilImage.open(self.path) as image:
                found = int(image.getexif().get(_ORIENTATION, 1))
                as_stored = self.shape == (image.height, image.width)
        except (OSError, ValueError):  # not a format of Pillow's, or gone
            return 1
        return found if as_stored and found in TURN else 1

    def file_or_pixels(self, place: str, shape: tuple[int, ...]) -> Path | PackedImage | RgbImage:
        """The file, if it is the picture that the mask belongs to; else the layer's pixels.

        Parameters
        ----------
        place
            The plane; empty where there is only one.
        shape
            (H, W) of the turned mask.
        """
        from napari_segkit.ops.images import to_rgb8

        if isinstance(self.original, PackedImage) and not place and self.shape == shape:
            return self.original
        if self.path is not None and not place:
            try:
                if image_size(self.path) == shape:
                    return self.path
            except ImageError:
                pass  # moved or changed meanwhile: the pixels are still here
        plane = self.data[int(place)] if place else self.data
        pixels, _ = to_rgb8(np.asarray(plane), where=self.name)
        turned: RgbImage = np.ascontiguousarray(TURN[1 if place else self.orientation()](pixels))
        return turned

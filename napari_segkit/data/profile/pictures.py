"""Thumbnails of suspects: the picture with the outlines of its mask, as a small JPEG."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as PilImage

from napari_segkit.data.pixels import sample_pixels
from napari_segkit.data.profile.measure import with_image
from napari_segkit.errors import SegkitError
from napari_segkit.ops.resizing import resize_image, resize_labels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_segkit.data.pixels import ImageFinder
    from napari_segkit.data.profile.source import Entry
    from napari_segkit.types import Box, Color, Image, Labels, Segmentation

SIDE = 220
"""Longest side of a thumbnail in pixels."""
_QUALITY = 78
_BOX_COLOR = (255, 40, 40)
_GROUND = 235  # gray level where there is no image, only a mask


def thumbnail(
    entry: Entry, *, box: Box | None = None, images: ImageFinder | None = None
) -> str | None:
    """A picture of one image as a ``data:`` address, or ``None`` where it cannot be read.

    Parameters
    ----------
    box
        An object to frame, XYXY in pixels of the image.
    images
        Where images lie that the dataset does not have itself.
    """
    try:
        sample = with_image(entry.read(), images)
        loaded = sample_pixels(sample)
    except SegkitError:
        return None
    labels = sample.segmentation.labels
    picture = loaded.pixels if loaded else np.full((*labels.shape, 3), _GROUND, np.uint8)
    if 0 in picture.shape:
        return None
    scale = min(1.0, SIDE / max(picture.shape[:2]))
    shape = (
        max(1, round(picture.shape[0] * scale)),
        max(1, round(picture.shape[1] * scale)),
    )
    small = np.array(resize_image(picture, shape))
    if labels.shape == picture.shape[:2]:
        ids = resize_labels(labels, shape)
        _paint_outlines(small, ids, colors=_colors(sample.segmentation))
        if box is not None:
            _paint_box(small, tuple(value * scale for value in box))
    return data_address(small)


def _colors(segmentation: Segmentation) -> dict[int, Color]:
    colors = {one.name: one.color for one in segmentation.classes}
    return {key: colors[one.class_name] for key, one in segmentation.instances.items()}


def _paint_outlines(picture: Image, labels: Labels, *, colors: Mapping[int, Color]) -> None:
    """Paint the pixels of every object that touch another or the background."""
    edge = np.pad(labels, 1, mode="edge")
    inner = edge[1:-1, 1:-1]
    around = (edge[:-2, 1:-1], edge[2:, 1:-1], edge[1:-1, :-2], edge[1:-1, 2:])
    rim = (inner > 0) & np.any([inner != other for other in around], axis=0)
    for key in np.unique(labels[rim]).tolist():
        picture[rim & (labels == key)] = colors[key]


def _paint_box(picture: Image, box: tuple[float, ...]) -> None:
    height, width = picture.shape[:2]
    x0, y0 = max(0, int(box[0]) - 3), max(0, int(box[1]) - 3)
    x1, y1 = min(width, int(np.ceil(box[2])) + 3), min(height, int(np.ceil(box[3])) + 3)
    framed = np.zeros((height, width), bool)
    framed[y0:y1, x0:x1] = True
    framed[y0 + 2 : y1 - 2, x0 + 2 : x1 - 2] = False
    picture[framed] = _BOX_COLOR


def data_address(picture: Image) -> str:
    """A picture as a JPEG that stands in the page itself."""
    buffer = io.BytesIO()
    PilImage.fromarray(picture).save(buffer, "JPEG", quality=_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()

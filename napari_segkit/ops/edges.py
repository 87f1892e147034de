"""Snap an instance's outline to the edges of the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.errors import ParamsError
from napari_segkit.ops.delta import delta_in
from napari_segkit.ops.edit import find_box, window

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_segkit.ops.delta import Delta, Rect
    from napari_segkit.types import Image, Labels

_INSIDE, _OUTSIDE = 1, 2


def snap_to_edges(
    labels: Labels, image: Image, key: int, *, reach: int = 5, box: Rect | None = None
) -> Delta:
    """Move the outline to the strongest edge within ``reach`` pixels.

    A watershed of the gradient between what is certainly inside and certainly outside (Meyer and
    Beucher 1990, doi:10.1016/1047-3203(90)90014-M). Other instances are outside.

    Parameters
    ----------
    labels : (H, W) int32
    image : (H, W, 3) uint8 RGB
    reach
        1 to 100; less where the instance is thinner than twice that.

    Raises
    ------
    MaskError
        Where there is no such instance.
    ParamsError
        For a reach out of range, or an image of another size than the mask.
    """
    import cv2
    from skimage.segmentation import watershed

    if not 1 <= reach <= 100:
        raise ParamsError("reach out of range", expected="1 to 100 px", got=reach)
    if image.shape[:2] != labels.shape:
        raise ParamsError("image and mask differ", expected=labels.shape, got=image.shape[:2])
    place = window(labels.shape, box or find_box(labels, key), reach + 2)
    view = labels[place]
    inside = view == key
    deep = _distance(inside)
    core = min(float(reach), 0.6 * float(deep.max()))
    markers = np.zeros(view.shape, np.int32)
    markers[deep > core] = _INSIDE
    markers[(_distance(~inside) > reach) | ((view != 0) & ~inside)] = _OUTSIDE
    soft = cv2.GaussianBlur(image[place], (0, 0), 1).astype(np.float32)
    slope = np.hypot(cv2.Sobel(soft, -1, 1, 0), cv2.Sobel(soft, -1, 0, 1)).max(axis=-1)
    found = watershed(slope, markers) == _INSIDE
    after = np.where(inside & ~found, np.int32(0), view)
    after[found & (view == 0)] = key
    return delta_in(labels, place, after)


def _distance(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Distance to the nearest pixel outside of a mask; large where there is none."""
    import cv2

    return np.asarray(
        cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE),
        np.float32,
    )

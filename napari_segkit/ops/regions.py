"""Pixels that a tool is pointed at: a polygon, an instance of this or another mask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from napari_segkit.errors import MaskError
from napari_segkit.ops.edit import convex_hull, fill_holes, find_box, window
from napari_segkit.ops.polygons import checked_ring, fill_rings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_segkit.ops.delta import Rect
    from napari_segkit.types import Labels


class Region(NamedTuple):
    """Some pixels of an image.

    Attributes
    ----------
    top, left
        First row and column of the box.
    mask : (h, w) bool
        Which pixels of the box.
    """

    top: int
    left: int
    mask: NDArray[np.bool_]

    @property
    def box(self) -> Rect:
        """x0 y0 x1 y1 in pixels."""
        height, width = self.mask.shape
        return self.left, self.top, self.left + width, self.top + height


def polygon_region(points: Any, shape: tuple[int, int]) -> Region:
    """Pixels whose centres lie in a polygon.

    Parameters
    ----------
    points : (N, 2) x y in pixels
    shape
        (H, W) of the image; what lies outside is cut off.

    Raises
    ------
    MaskError
        Where the points are none, or no pixel lies inside.
    """
    mask, top, left = fill_rings([checked_ring(points)], shape)
    if not mask.any():
        raise MaskError("polygon encloses no pixel", remedy="draw it on the image")
    return Region(top, left, mask)


def instance_region(
    labels: Labels,
    key: int,
    *,
    extent: Literal["exact", "filled", "hull"] = "exact",
    box: Rect | None = None,
) -> Region:
    """Pixels of an instance, with its holes, or with everything in its convex hull.

    Parameters
    ----------
    labels : (H, W) int32
        Of this mask or of another one of the same size. In one mask instances never overlap: to
        subtract or intersect two of them, take the other by its hull.

    Raises
    ------
    MaskError
        Where there is no such instance.
    """
    box = box or find_box(labels, key)
    place = window(labels.shape, box)
    alone = np.where(labels[place] == key, labels[place], 0)
    if extent != "exact":
        inside = (0, 0, alone.shape[1], alone.shape[0])
        tool = fill_holes if extent == "filled" else convex_hull
        tool(alone, key, box=inside).apply(alone)
    return Region(place[0].start, place[1].start, alone == key)

"""Tools that change the shape of one instance: pure functions from a mask to a `Delta`.

Each looks only at the instance's box and a margin, so that it takes milliseconds in a mask of any
size; with ``box=None`` the instance is looked for first. Pixels of other instances stay theirs.
Where a tool would change nothing, its delta is false.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segkit.errors import MaskError, ParamsError
from napari_segkit.ops.delta import delta_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from napari_segkit.ops.delta import Delta, Rect
    from napari_segkit.types import Labels

    Mask = NDArray[np.bool_]

MOST = 500
"""Pixels that a tool can be told to grow, shrink or smooth by."""
_TRIMS = 6  # fits, each without the points that lie farthest off: bites and burrs


def find_box(labels: Labels, key: int) -> Rect:
    """The box of one instance, by looking at all pixels.

    Raises
    ------
    MaskError
        Where there is no such instance.
    """
    inside = labels == key
    rows = np.flatnonzero(inside.any(axis=1))
    if key <= 0 or not len(rows):
        raise MaskError("no such object in the mask", got=f"id {key}")
    columns = np.flatnonzero(inside[rows[0] : rows[-1] + 1].any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def window(shape: tuple[int, ...], box: Rect, margin: int = 0) -> tuple[slice, slice]:
    """Index of a box and a margin around it, clipped to an image of ``shape`` (H, W, …)."""
    x0, y0, x1, y1 = box
    rows = slice(max(0, y0 - margin), max(0, min(shape[0], y1 + margin)))
    return rows, slice(max(0, x0 - margin), max(0, min(shape[1], x1 + margin)))


def reshape(
    labels: Labels,
    key: int,
    change: Callable[[Mask], Mask],
    *,
    box: Rect | None = None,
    margin: int = 0,
) -> Delta:
    """Give an instance another shape.

    Parameters
    ----------
    labels : (H, W) int32
    change
        From its pixels (h, w) bool in the box and margin to those that it should have; what
        belongs to another instance it does not get.

    Raises
    ------
    MaskError
        Where there is no such instance.
    """
    place = window(labels.shape, box or find_box(labels, key), margin)
    view = labels[place]
    inside = view == key
    if not inside.any():
        raise MaskError("no such object in the mask", got=f"id {key}")
    wanted = change(inside)
    after = np.where(inside & ~wanted, np.int32(0), view)
    after[wanted & (view == 0)] = key
    return delta_in(labels, place, after)


def fill_holes(
    labels: Labels, key: int, *, largest: int | None = None, box: Rect | None = None
) -> Delta:
    """Fill background that the instance encloses, up to ``largest`` pixels a hole."""

    def change(inside: Mask) -> Mask:
        padded = np.pad(inside, 1)  # what touches the box's edge is open
        count, parts, stats = _components(~padded, connectivity=4)
        outside = parts[0, 0]
        areas = stats[:, 4]
        fill = np.ones(count, bool) if largest is None else areas <= largest
        fill[[0, outside]] = False
        return np.asarray(inside | fill[parts][1:-1, 1:-1])

    return reshape(labels, key, change, box=box)


def remove_specks(labels: Labels, key: int, *, smallest: int, box: Rect | None = None) -> Delta:
    """Remove connected parts of fewer than ``smallest`` pixels; the largest part always stays."""

    def change(inside: Mask) -> Mask:
        _, parts, stats = _components(inside)
        keep = stats[:, 4] >= smallest
        keep[_largest(stats)] = True
        keep[0] = False
        return np.asarray(keep[parts])

    return reshape(labels, key, change, box=box)


def keep_largest(labels: Labels, key: int, *, box: Rect | None = None) -> Delta:
    """Remove every connected part but the largest."""

    def change(inside: Mask) -> Mask:
        _, parts, stats = _components(inside)
        return np.asarray(parts == _largest(stats))

    return reshape(labels, key, change, box=box)


def smooth(labels: Labels, key: int, *, radius: float, box: Rect | None = None) -> Delta:
    """Round the outline off: details that are smaller than ``radius`` pixels go.

    A Gaussian's level set at one half, so that straight edges stay where they are.

    Raises
    ------
    ParamsError
        For a radius that is not in 0 to 500.
    """
    import cv2

    _check(radius, "radius")

    def change(inside: Mask) -> Mask:
        if not radius:
            return inside
        soft = cv2.GaussianBlur(
            inside.astype(np.float32), (0, 0), radius, borderType=cv2.BORDER_REPLICATE
        )
        return np.asarray(soft > 0.5)

    return reshape(labels, key, change, box=box, margin=int(2 * radius) + 1)


def grow(labels: Labels, key: int, *, pixels: float, box: Rect | None = None) -> Delta:
    """Move the outline outwards by a distance in pixels, or inwards where it is negative.

    The image's border is no outline: an instance that it cuts off does not shrink from there.

    Raises
    ------
    ParamsError
        For a distance beyond 500 pixels.
    """
    import cv2

    _check(abs(pixels), "distance")

    def change(inside: Mask) -> Mask:
        if not pixels:
            return inside
        far = cv2.distanceTransform(
            (inside if pixels < 0 else ~inside).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE
        )
        return np.asarray(far > -pixels if pixels < 0 else far <= pixels)

    return reshape(labels, key, change, box=box, margin=int(max(pixels, 0)) + 1)


def convex_hull(labels: Labels, key: int, *, box: Rect | None = None) -> Delta:
    """Give an instance the shape of a rubber band around it."""
    import cv2

    def change(inside: Mask) -> Mask:
        hull = cv2.convexHull(cv2.findNonZero(inside.view(np.uint8)))
        canvas = np.zeros(inside.shape, np.uint8)
        return np.asarray(cv2.fillConvexPoly(canvas, hull, 1), bool)

    return reshape(labels, key, change, box=box)


def fit_ellipse(labels: Labels, key: int, *, box: Rect | None = None) -> Delta:
    """Give an instance the shape of the ellipse that fits its outline best.

    Least squares on the outline of its largest part (Fitzgibbon, Pilu and Fisher 1999,
    doi:10.1109/34.765658), some times over without bites and burrs.

    Raises
    ------
    MaskError
        Where the instance is too small or too thin to tell an ellipse.
    """

    def change(inside: Mask) -> Mask:
        cx, cy, a, b, angle = _ellipse(inside)
        y, x = np.ogrid[: inside.shape[0], : inside.shape[1]]
        along = (x - cx) * np.cos(angle) + (y - cy) * np.sin(angle)
        across = (y - cy) * np.cos(angle) - (x - cx) * np.sin(angle)
        return np.asarray((along / a) ** 2 + (across / b) ** 2 <= 1)

    box = box or find_box(labels, key)
    side = max(box[2] - box[0], box[3] - box[1])
    return reshape(labels, key, change, box=box, margin=side)


def _ellipse(inside: Mask) -> tuple[float, float, float, float, float]:
    """Centre x y, half axes, angle in radians of the first axis to x."""
    import cv2

    outlines, _ = cv2.findContours(
        inside.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    points = max(outlines, key=len)[:, 0].astype(np.float32)
    if len(points) < 8:
        raise MaskError("object is too small for an ellipse", got=f"{len(points)} outline pixels")
    kept = points
    for _ in range(_TRIMS):
        (cx, cy), (width, height), degrees = cv2.fitEllipseDirect(kept)
        turn = np.deg2rad(degrees)
        along = (points[:, 0] - cx) * np.cos(turn) + (points[:, 1] - cy) * np.sin(turn)
        across = (points[:, 1] - cy) * np.cos(turn) - (points[:, 0] - cx) * np.sin(turn)
        off = np.abs(np.hypot(2 * along / max(width, 1), 2 * across / max(height, 1)) - 1)
        if not np.isfinite(off).all():
            break
        kept = points[off <= max(2 * float(np.median(off)), 1.5 / max(width, height, 1))]
        if len(kept) < 8:
            break
    a, b = width / 2 + 0.5, height / 2 + 0.5  # the outline runs through the pixels' centres
    if not np.isfinite([cx, cy, a, b]).all() or min(a, b) < 1 or max(a, b) > 2 * max(inside.shape):
        raise MaskError("no ellipse fits the object", remedy="smooth it first, or draw it anew")
    return cx, cy, a, b, float(np.deg2rad(degrees))


def _components(mask: Mask, *, connectivity: int = 8) -> tuple[int, Any, Any]:
    import cv2

    count, parts, stats, _ = cv2.connectedComponentsWithStats(
        np.ascontiguousarray(mask).view(np.uint8), connectivity=connectivity
    )
    return count, parts, stats


def _largest(stats: NDArray[np.int32]) -> int:
    return 1 + int(np.argmax(stats[1:, 4]))


def _check(value: float, name: str) -> None:
    if not 0 <= value <= MOST:
        raise ParamsError(f"{name} out of range", expected=f"0 to {MOST} px", got=value)

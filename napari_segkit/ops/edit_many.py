"""Tools about several instances or about a region: split, merge, cut, subtract, copy.

As in `napari_segkit.ops.edit`: pure functions from a mask to a `Delta`. New instances get ids from
``new_id`` on, by default above all others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segkit.errors import MaskError, ParamsError
from napari_segkit.ops.delta import delta_in
from napari_segkit.ops.edit import find_box, window
from napari_segkit.ops.instance_index import free_id
from napari_segkit.ops.masks import instance_boxes, lookup

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from napari_segkit.ops.delta import Delta, Rect
    from napari_segkit.ops.regions import Region
    from napari_segkit.types import Labels


def split_touching(
    labels: Labels,
    key: int,
    *,
    depth: float = 0.2,
    new_id: int | None = None,
    box: Rect | None = None,
) -> Delta:
    """Split an instance at its necks: a watershed of the distance to its outline.

    The largest part keeps the id.

    Parameters
    ----------
    labels : (H, W) int32
    depth
        How much thinner than the thinner side a neck must be, 0 to 1: 0.5 splits only where it is
        half as thick.

    Raises
    ------
    MaskError
        Where there is no such instance.
    ParamsError
        For a depth that is not in 0.01 to 0.99.
    """
    import cv2
    from skimage.segmentation import watershed

    if not 0.01 <= depth <= 0.99:
        raise ParamsError("depth out of range", expected="0.01 to 0.99", got=depth)
    place = window(labels.shape, box or find_box(labels, key), 1)
    inside = labels[place] == key
    far = cv2.distanceTransform(
        np.pad(inside, 1).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE
    )[1:-1, 1:-1]
    parts = watershed(-far, _cores(far, depth), mask=inside)
    return _parted(labels, key, place, parts, new_id)


def _cores(far: NDArray[np.float32], depth: float) -> NDArray[np.int32]:
    """One marker for each thick place that a neck parts from the others.

    On the logarithm of the distance, a neck's depth relative to the thickness is a difference, so
    these are the extended maxima (Soille 2003, section 6.3.5).
    """
    from scipy import ndimage
    from skimage.morphology import local_maxima, reconstruction

    thick = np.log(np.maximum(far, 1))
    lowered = reconstruction(thick + np.log(1 - depth), thick)
    cores = local_maxima(lowered) & (far > 0)
    return np.asarray(ndimage.label(cores, np.ones((3, 3)))[0], np.int32)


def split_along(
    labels: Labels,
    key: int,
    line: Any,
    *,
    new_id: int | None = None,
    box: Rect | None = None,
) -> Delta:
    """Split an instance along a line that someone drew; the largest part keeps the id.

    Parameters
    ----------
    line : (N, 2) x y in pixels, N >= 2
        Pixels on it go to the part that is nearest. Where it does not part the instance, nothing
        changes.

    Raises
    ------
    MaskError
        Where there is no such instance, or the line is none.
    """
    import cv2
    from scipy import ndimage

    points = np.asarray(line, np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) < 2 or not _drawable(points):
        raise MaskError("not a line", expected="two or more points x y", got=points.shape)
    place = window(labels.shape, box or find_box(labels, key))
    inside = labels[place] == key
    origin = place[1].start, place[0].start
    drawn = np.zeros(inside.shape, np.uint8)
    cv2.polylines(drawn, [np.rint(points - 0.5 - origin).astype(np.int32)], False, 1)
    rest = (inside & (drawn == 0)).astype(np.uint8)
    _, parts = cv2.connectedComponents(rest, connectivity=4)
    if not rest.any():
        return delta_in(labels, place, labels[place])
    nearest = ndimage.distance_transform_edt(
        parts == 0, return_distances=False, return_indices=True
    )
    return _parted(labels, key, place, np.where(inside, parts[tuple(nearest)], 0), new_id)


def _drawable(points: NDArray[np.float64]) -> bool:
    return bool(np.isfinite(points).all() and np.abs(points).max() < 1e6)


def _parted(
    labels: Labels, key: int, place: tuple[slice, slice], parts: NDArray[Any], new_id: int | None
) -> Delta:
    """Parts 1, 2, … of an instance as instances; the largest keeps the id."""
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    table = np.zeros(len(sizes), np.int32)
    start = new_id or free_id(labels)
    others = [part for part in np.flatnonzero(sizes) if part != np.argmax(sizes)]
    table[others] = np.arange(start, start + len(others))
    table[np.argmax(sizes)] = key
    view = labels[place]
    after = np.where((view == key) & (parts > 0), table[parts], view)
    return delta_in(labels, place, after.astype(np.int32))


def merge(labels: Labels, keys: Collection[int], *, into: int, box: Rect | None = None) -> Delta:
    """Make several instances one, with the id ``into``.

    Parameters
    ----------
    box
        Around all of them.
    """
    others = sorted(set(keys) - {into})
    place = _window_of(labels, others, box)
    view = labels[place]
    return delta_in(labels, place, np.where(np.isin(view, others), np.int32(into), view))


def delete(labels: Labels, keys: Collection[int], *, box: Rect | None = None) -> Delta:
    """Remove instances."""
    place = _window_of(labels, keys, box)
    view = labels[place]
    return delta_in(labels, place, np.where(np.isin(view, list(keys)), np.int32(0), view))


def cut_out(labels: Labels, region: Region, *, keys: Collection[int] | None = None) -> Delta:
    """Remove a region from some instances, or from all; also how one is subtracted from another."""
    place = window(labels.shape, region.box)
    view = labels[place]
    hit = region.mask if keys is None else region.mask & np.isin(view, list(keys))
    return delta_in(labels, place, np.where(hit, np.int32(0), view))


def intersect(labels: Labels, key: int, region: Region, *, box: Rect | None = None) -> Delta:
    """Keep of an instance what lies in a region."""
    place = window(labels.shape, box or find_box(labels, key))
    view = labels[place]
    keep = np.zeros(view.shape, bool)
    x0, y0, x1, y1 = region.box
    top, left = max(y0, place[0].start), max(x0, place[1].start)
    bottom, right = min(y1, place[0].stop), min(x1, place[1].stop)
    if top < bottom and left < right:
        part = region.mask[top - y0 : bottom - y0, left - x0 : right - x0]
        rows, columns = place[0].start, place[1].start
        keep[top - rows : bottom - rows, left - columns : right - columns] = part
    return delta_in(labels, place, np.where((view == key) & ~keep, np.int32(0), view))


def paint(labels: Labels, region: Region, key: int) -> Delta:
    """Give background in a region to an instance, which may be a new one."""
    place = window(labels.shape, region.box)
    view = labels[place]
    return delta_in(labels, place, np.where(region.mask & (view == 0), np.int32(key), view))


def copy_from(
    labels: Labels, previous: Labels, keys: Collection[int], *, new_id: int | None = None
) -> tuple[Delta, dict[int, int]]:
    """Copy instances of another image's mask to the same pixels, where nothing is yet.

    Returns
    -------
    delta
    origin
        New id -> id in ``previous``, of those that got a pixel.

    Raises
    ------
    MaskError
        Where the masks have other sizes, or an id is not there.
    """
    if labels.shape != previous.shape:
        raise MaskError(
            "masks have other sizes", expected=labels.shape, got=previous.shape, remedy="draw it"
        )
    place = _window_of(previous, keys, None)
    view, source = labels[place], previous[place]
    start = new_id or free_id(labels)
    table = {key: start + number for number, key in enumerate(sorted(keys))}
    after = np.where(view == 0, lookup(np.ascontiguousarray(source), table), view)
    delta = delta_in(labels, place, after.astype(np.int32))
    gained = delta.ids()[1]
    return delta, {new: old for old, new in table.items() if new in gained}


def _window_of(labels: Labels, keys: Collection[int], box: Rect | None) -> tuple[slice, slice]:
    if box is None:
        boxes = instance_boxes(labels)
        absent = [key for key in keys if key not in boxes]
        if absent or not keys:
            raise MaskError("no such object in the mask", got=f"ids {absent or 'none'}")
        corners = np.array([boxes[key] for key in keys])
        (x0, y0), (x1, y1) = corners[:, :2].min(axis=0), corners[:, 2:].max(axis=0)
        box = int(x0), int(y0), int(x1), int(y1)
    return window(labels.shape, box)

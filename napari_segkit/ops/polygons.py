"""Polygons to pixels and back, exactly.

The convention everywhere but in COCO (which pycocotools fills): the pixel in row r and column c
covers x from c to c + 1 and y from r to r + 1. A pixel belongs to a polygon where its centre lies
inside; rings that lie in each other alternate (even-odd), so holes are holes. An outline that
`outlines` makes runs along the pixels' edges, so filling it gives the same pixels again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segkit.errors import MaskError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Ring = NDArray[np.float64]
    """(N, 2) x y in pixels; the last point is joined to the first."""

FARTHEST = 1e6
"""Coordinates beyond this are no pixels."""
LONGEST = 4e6
"""Outlines that are longer, in pixels, would take too much memory to fill."""


def checked_ring(points: Any, *, where: object = None) -> Ring:
    """Points as an array.

    Parameters
    ----------
    points
        (N, 2) or (2 N,) x y in pixels.

    Raises
    ------
    MaskError
        For anything but pairs of finite numbers within a million pixels, and outlines that are
        too long to fill.
    """
    try:
        ring = np.asarray(points, np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise MaskError("polygon is no list of numbers", where=where) from error
    if ring.ndim == 1 and ring.size % 2 == 0:
        ring = ring.reshape(-1, 2)
    if ring.ndim != 2 or ring.shape[1] != 2:
        raise MaskError(
            "polygon is no list of points", where=where, expected="x y pairs", got=ring.shape
        )
    if not np.isfinite(ring).all():
        raise MaskError("polygon has NaN or infinite coordinates", where=where)
    farthest = float(np.abs(ring).max(initial=0))
    if farthest > FARTHEST:
        raise MaskError(
            "polygon lies far outside any image",
            where=where,
            expected=f"coordinates up to {FARTHEST:.0f}",
            got=f"{farthest:g}",
        )
    length = float(np.abs(ring - np.roll(ring, -1, axis=0)).max(axis=1, initial=0).sum())
    if length > LONGEST:
        raise MaskError(
            "outline of a polygon is too long",
            where=where,
            expected=f"at most {LONGEST:.0f} pixels",
            got=f"{length:.0f}",
        )
    return ring


def fill_rings(rings: Sequence[Ring], shape: tuple[int, int]) -> tuple[NDArray[np.bool_], int, int]:
    """Pixels whose centres lie inside.

    Parameters
    ----------
    rings
        From `checked_ring`; outer rings and holes together.
    shape
        (H, W) of the image; what lies outside is cut off.

    Returns
    -------
    mask : (h, w) bool
        Empty where no pixel is inside.
    top, left
        Its place in pixels.
    """
    rows, columns = _crossings([ring for ring in rings if len(ring) > 2], shape)
    if not len(rows):
        return np.zeros((0, 0), bool), 0, 0
    top, left = int(rows.min()), int(columns.min())
    height, width = int(rows.max()) - top + 1, int(columns.max()) - left
    places, times = np.unique((rows - top) * (width + 1) + columns - left, return_counts=True)
    toggles = np.zeros((height, width + 1), bool)
    toggles.ravel()[places[times % 2 == 1]] = True
    return np.logical_xor.accumulate(toggles, axis=1)[:, :width], top, left


def _crossings(
    rings: Sequence[Ring], shape: tuple[int, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(row, first column to the right) wherever an edge crosses the middle line of a row."""
    none = np.zeros(0, np.int64)
    if not rings:
        return none, none
    start = np.concatenate(rings)
    end = np.concatenate([np.roll(ring, -1, axis=0) for ring in rings])
    low, high = np.minimum(start[:, 1], end[:, 1]), np.maximum(start[:, 1], end[:, 1])
    first = np.clip(np.ceil(low - 0.5), 0, shape[0]).astype(np.int64)
    count = np.clip(np.ceil(high - 0.5), 0, shape[0]).astype(np.int64) - first
    edge = np.repeat(np.arange(len(start)), count)
    if not len(edge):
        return none, none
    row = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count) + first[edge]
    x0, y0 = start[edge].T
    x1, y1 = end[edge].T
    x = x0 + (row + 0.5 - y0) * (x1 - x0) / (y1 - y0)
    return row, np.clip(np.ceil(x - 0.5), 0, shape[1]).astype(np.int64)


def outlines(mask: NDArray[np.bool_]) -> tuple[list[Ring], list[Ring]]:
    """Outlines of a mask along the edges of its pixels.

    Parameters
    ----------
    mask : (H, W) bool

    Returns
    -------
    outer, holes
        Closed rings of corners. Pixels that touch at a corner belong to one outer ring.
    """
    padded = np.pad(np.asarray(mask, bool), 1)
    a, b = padded[:-1, :-1], padded[:-1, 1:]
    c, d = padded[1:, :-1], padded[1:, 1:]
    odd = a ^ b ^ c ^ d
    saddle = (a == d) & (b == c) & (a != b)
    y, x = np.nonzero(odd | saddle)
    right, below = (b != d)[y, x], (c != d)[y, x]
    twice = saddle[y, x]
    # at a saddle two corners meet; each goes round a pixel outside, so the two inside are joined
    right = np.concatenate([right & ~twice, np.ones(twice.sum(), bool)])
    below = np.concatenate([np.where(twice, a[y, x], below), ~a[y, x][twice]])
    y, x = np.concatenate([y, y[twice]]), np.concatenate([x, x[twice]])
    across = _partners(np.lexsort((right, x, y)))
    along = _partners(np.lexsort((below, y, x)))
    outer: list[Ring] = []
    holes: list[Ring] = []
    seen = bytearray(len(y))
    for start in np.lexsort((x, y)).tolist():
        if not seen[start]:
            path = _path(start, across, along, seen)
            ring = np.column_stack([x[path], y[path]]).astype(np.float64)
            (outer if d[y[start], x[start]] else holes).append(ring)
    return outer, holes


def _partners(order: NDArray[np.int64]) -> list[int]:
    """The other end of each corner's edge: corners pair up along a line."""
    partner = np.empty(len(order), np.int64)
    partner[order[::2]], partner[order[1::2]] = order[1::2], order[::2]
    return partner.tolist()


def _path(start: int, across: list[int], along: list[int], seen: bytearray) -> list[int]:
    path = []
    here = start
    while not seen[here]:
        there = across[here]
        seen[here] = seen[there] = 1
        path += [here, there]
        here = along[there]
    return path


def bridged(outer: Sequence[Ring], holes: Sequence[Ring]) -> Ring:
    """One ring instead of many, joined by cuts that are walked there and back.

    A cut has no width, so filling the ring gives the same pixels; programs that paint outlines
    paint the cuts, too. Holes run the other way round, so that either rule of filling leaves them.
    """
    rings = [_oriented(ring, 1) for ring in outer] + [_oriented(ring, -1) for ring in holes]
    whole = rings[0]
    for ring in rings[1:]:
        near = int(np.abs(whole - ring[0]).sum(axis=1).argmin())
        whole = np.concatenate([whole[: near + 1], ring, ring[:1], whole[near:]])
    return whole


def _oriented(ring: Ring, sense: int) -> Ring:
    following = np.roll(ring, -1, axis=0)
    area = float((ring[:, 0] * following[:, 1] - following[:, 0] * ring[:, 1]).sum())
    return ring if area * sense > 0 else ring[::-1]


def ellipse_ring(center: tuple[float, float], radii: tuple[float, float]) -> Ring:
    """An ellipse as a polygon that is nowhere a tenth of a pixel off.

    Parameters
    ----------
    center, radii
        (x, y) in pixels.
    """
    largest = max(abs(radii[0]), abs(radii[1]), 1.0)
    count = 4 * int(np.clip(np.ceil(np.pi * np.sqrt(largest / 0.2) / 4), 4, 1024))
    angles = np.arange(count) * (2 * np.pi / count)
    return np.column_stack(
        [center[0] + radii[0] * np.cos(angles), center[1] + radii[1] * np.sin(angles)]
    )


def box_ring(x0: float, y0: float, x1: float, y1: float) -> Ring:
    """A box as a polygon."""
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], np.float64)


def turned(ring: Ring, degrees: float) -> Ring:
    """A ring turned about the middle of its extent, clockwise as y points down."""
    angle = np.deg2rad(degrees)
    center = (ring.min(axis=0) + ring.max(axis=0)) / 2
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.array([[cosine, sine], [-sine, cosine]])
    result: Ring = center + (ring - center) @ turn
    return result

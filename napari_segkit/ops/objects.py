"""Objects of a probability map, found in one pass from top to bottom.

The map may be given in bands, so that an image of any height takes the memory of a band: objects
that cross a joint get two provisional ids, which are united afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_segkit.types import Box, Labels

    Chances8 = NDArray[np.uint8]
    """(H, W) uint8: probability times 255."""

_BAND_ROWS = 512


@dataclass(frozen=True)
class FoundObject:
    """One object: id, pixels, mean probability of its pixels, box XYXY in pixels.

    Attributes
    ----------
    top
        (row, column) of one of its pixels in its first row.
    """

    id: int
    area: int
    score: float
    box: Box
    top: tuple[int, int] = (0, 0)


class Labeller:
    """Gives provisional ids to bands from top to bottom, then says which objects there are.

    Parameters
    ----------
    threshold : 1 to 255
        Pixels of this value and above belong to objects; pixels that touch, also at a corner,
        to the same one.
    certain : 1 to 255 or None
        An object has at least one pixel of this value; by default the threshold: a speck's rim is
        less sure than its middle, and a faint cloud has no sure middle.
    """

    def __init__(self, threshold: int, *, certain: int | None = None) -> None:
        self._threshold = threshold
        self._certain = max(threshold, certain or 0)
        self._rows = 0
        self._last: Labels | None = None
        self._parent = np.zeros(1, np.int64)
        self._area = np.zeros(1, np.int64)
        self._sum = np.zeros(1, np.float64)
        self._peak = np.zeros(1, np.uint8)
        self._box = np.zeros((1, 4), np.int64)
        self._top = np.zeros((1, 2), np.int64)

    def add(self, band: Chances8) -> Labels:
        """Provisional ids (h, W) int32 of the next rows; 0 = background."""
        import cv2

        inside = (band >= self._threshold).view(np.uint8)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(
            inside, connectivity=8, ltype=cv2.CV_32S
        )
        found: Labels = np.asarray(labels, np.int32)
        offset = len(self._parent) - 1
        if count > 1:
            found[found > 0] += offset
            self._note(found, band, stats[1:], offset)
        if self._last is not None:
            self._unite(self._last, found[0])
        self._last = found[-1].copy()
        self._rows += len(band)
        return found

    def _note(self, labels: Labels, band: Chances8, stats: NDArray[np.int32], offset: int) -> None:
        rows, columns = np.nonzero(labels)
        ids = labels[rows, columns] - offset - 1
        sums = np.bincount(ids, weights=band[rows, columns], minlength=len(stats))
        peaks = np.zeros(len(stats), np.uint8)
        np.maximum.at(peaks, ids, band[rows, columns])
        left, top, width, height, area = stats.T.astype(np.int64)
        top = top + self._rows
        box = np.stack((left, top, left + width, top + height), axis=1)
        self._parent = np.append(self._parent, np.arange(len(stats)) + offset + 1)
        self._area = np.append(self._area, area)
        self._sum = np.append(self._sum, sums)
        self._peak = np.append(self._peak, peaks)
        self._box = np.append(self._box, box, axis=0)
        _, first = np.unique(ids, return_index=True)  # np.nonzero goes row by row
        tops = np.stack((rows[first] + self._rows, columns[first]), axis=1)
        self._top = np.append(self._top, tops, axis=0)

    def _unite(self, above: Labels, below: Labels) -> None:
        """Ids of two neighbouring rows that touch belong to one object."""
        width = len(above)
        for shift in (-1, 0, 1):
            a = above[max(0, -shift) : width - max(0, shift)]
            b = below[max(0, shift) : width - max(0, -shift)]
            both = (a > 0) & (b > 0)
            for one, other in {*zip(a[both].tolist(), b[both].tolist(), strict=True)}:
                roots = sorted((self._root(one), self._root(other)))
                self._parent[roots[1]] = roots[0]

    def _root(self, key: int) -> int:
        while self._parent[key] != key:
            self._parent[key] = self._parent[self._parent[key]]
            key = int(self._parent[key])
        return key

    def finish(self, *, min_area: int = 1) -> tuple[NDArray[np.int32], list[FoundObject]]:
        """What the provisional ids become, and the objects.

        Returns
        -------
        table : (N,) int32
            Provisional id -> id from 1, in the order of their first pixel's band; 0 = dropped.
        objects
            Those of ``min_area`` pixels or more.
        """
        roots = np.array([self._root(key) for key in range(len(self._parent))])
        size = len(roots)
        area = np.bincount(roots, weights=self._area, minlength=size).astype(np.int64)
        total = np.bincount(roots, weights=self._sum, minlength=size)
        box = self._box.copy()
        np.minimum.at(box[:, :2], roots, self._box[:, :2])
        np.maximum.at(box[:, 2:], roots, self._box[:, 2:])
        peak = np.zeros(size, np.uint8)
        np.maximum.at(peak, roots, self._peak)
        large = (area >= max(min_area, 1)) & (peak >= self._certain)
        kept = np.flatnonzero((roots == np.arange(size)) & large)
        numbers = np.zeros(size, np.int32)
        numbers[kept] = np.arange(1, len(kept) + 1)
        scores = total / np.maximum(area, 1) / 255
        objects = [
            FoundObject(
                number,
                int(area[key]),
                float(scores[key]),
                tuple(box[key].tolist()),
                tuple(self._top[key].tolist()),
            )
            for number, key in enumerate(kept.tolist(), 1)
        ]
        return numbers[roots], objects


def find_objects(
    chances: Chances8, *, threshold: int, certain: int | None = None, min_area: int = 1
) -> tuple[Labels, list[FoundObject]]:
    """Objects of a whole map, in bands, so that beside the result little memory is needed.

    Returns
    -------
    labels : (H, W) int32, 0 = background
    objects
        One for each id.
    """
    labeller = Labeller(threshold, certain=certain)
    labels = np.empty(chances.shape, np.int32)
    bands = [slice(top, top + _BAND_ROWS) for top in range(0, len(chances), _BAND_ROWS)]
    for band in bands:
        labels[band] = labeller.add(chances[band])
    table, objects = labeller.finish(min_area=min_area)
    for band in bands:
        np.take(table, labels[band], out=labels[band])
    return labels, objects

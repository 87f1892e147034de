"""Objects painted one after another into a label image; what gets lost on the way is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.errors import MaskError
from napari_segkit.limits import limits, raise_by
from napari_segkit.ops.masks import segmentation_from_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_segkit.types import ClassDef, Segmentation


class Canvas:
    """A label image in the making: the n-th object gets the id n, a later one covers an earlier.

    Parameters
    ----------
    shape
        (H, W) in pixels.
    where
        File and image, for errors.

    Raises
    ------
    MaskError
        Where the size is none of an image.
    """

    def __init__(self, shape: tuple[int, int], *, where: object = None) -> None:
        height, width = shape
        whole = isinstance(height, int) and isinstance(width, int)
        if not whole or height < 1 or width < 1 or height * width > limits().pixels:
            raise MaskError(
                "size of the image is not possible",
                where=where,
                expected=f"whole numbers from 1, at most {limits().pixels / 1e6:.0f} Mpx",
                got=f"{width!r}x{height!r}"[:80],
                remedy=raise_by("pixels"),
            )
        self.shape = height, width
        self._where = where
        self._labels = np.zeros(shape, np.int32)
        self._class_of: dict[int, str] = {}
        self._scores: dict[int, float] = {}
        self._areas: dict[int, int] = {}
        self._covered = self._outside = 0

    def paint(
        self,
        mask: NDArray[np.bool_],
        place: tuple[int, int],
        *,
        class_name: str,
        score: float = 1.0,
        part_of: int | None = None,
    ) -> int:
        """Add an object, or more pixels of one.

        Parameters
        ----------
        mask : (h, w) bool
        place
            (top, left) of the mask in the image; what lies outside is cut off and counted.
        part_of
            Id of the object, painted before, that these pixels belong to.

        Returns
        -------
        The object's id.
        """
        key = part_of or len(self._areas) + 1
        top, left = place
        y0, x0 = max(top, 0), max(left, 0)
        y1 = min(top + mask.shape[0], self.shape[0])
        x1 = min(left + mask.shape[1], self.shape[1])
        inside = mask[max(y0 - top, 0) : max(y1 - top, 0), max(x0 - left, 0) : max(x1 - left, 0)]
        area = int(np.count_nonzero(inside))
        self._outside += int(np.count_nonzero(mask)) != area
        self._areas[key] = self._areas.get(key, 0) + area
        self._class_of[key], self._scores[key] = class_name, score
        if area:
            window = self._labels[y0:y1, x0:x1]
            under = window[inside]
            self._covered += int(np.count_nonzero((under != 0) & (under != key)))
            window[inside] = key
        return key

    def segmentation(
        self, classes: Sequence[ClassDef], *, notes: Sequence[str] = ()
    ) -> Segmentation:
        """What was painted.

        Raises
        ------
        MaskError
            For an unknown class or a score out of range.
        """
        try:
            result = segmentation_from_labels(
                self._labels,
                classes=classes,
                class_of=self._class_of,
                scores=self._scores,
                notes=(*notes, *self._remarks()),
            )
        except MaskError as error:
            raise MaskError(
                error.what, where=self._where, expected=error.expected, got=error.got
            ) from error
        hidden = sum(area > 0 for area in self._areas.values()) - len(result.instances)
        if not hidden:
            return result
        note = f"{hidden} of the objects lie wholly under others and were left out"
        return segmentation_from_labels(
            self._labels,
            classes=classes,
            class_of=self._class_of,
            scores=self._scores,
            notes=(*result.notes, note),
        )

    def _remarks(self) -> list[str]:
        empty = sum(area == 0 for area in self._areas.values())
        remarks = []
        if self._covered:
            remarks.append(f"{self._covered} pixels lie in several objects and went to the last")
        if empty:
            remarks.append(f"{empty} of the objects cover no pixel of the image and were left out")
        if self._outside:
            remarks.append(f"{self._outside} of the objects left the image and were cut off")
        return remarks

"""Boxes and clicks as a person drew them -> the objects that they ask for, each with its own.

A box is an object. A click belongs to the box drawn last among those that it lies in (or just
beside); clicks in no box belong together to one more object, or to the one that is corrected.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.types import Prompts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from napari_segkit.types import Box, Labels

Click = tuple[float, float, int]
"""x, y in pixels of the image; 1 = on the object, 0 = not."""
_MARGIN = 0.1
"""A click beside a box belongs to it up to this share of its size; as a mask may leave its box."""


@dataclass(frozen=True)
class Start:
    """The object of a mask that is corrected.

    Attributes
    ----------
    label
        Its id.
    revision
        Of the mask: the question is another one when the mask has changed.
    """

    label: int
    revision: int = 0


@dataclass(frozen=True)
class Asked:
    """One object as it is asked for; equal questions have equal answers.

    Attributes
    ----------
    box
        x0 y0 x1 y1 in pixels of the image, or None.
    clicks
        In their order.
    start
        What it begins from, or None.
    candidate
        Which of the network's candidates is wanted.
    """

    box: Box | None = None
    clicks: tuple[Click, ...] = ()
    start: Start | None = None
    candidate: str = "auto"

    @property
    def place(self) -> tuple[Box | None, Start | None]:
        """What stays while clicks are added."""
        return self.box, None if self.start is None else replace(self.start, revision=0)

    def prompts(self, mask: Labels | None = None) -> Prompts:
        """For a model, with the mask to begin from."""
        table = np.array(self.clicks, np.float32).reshape(-1, 3)
        boxes = np.array([] if self.box is None else [self.box], np.float32).reshape(-1, 4)
        return Prompts(boxes, table[:, :2], table[:, 2].astype(np.int32), mask=mask)


def objects_of(
    boxes: NDArray[np.float32], clicks: Iterable[Click], start: Start | None = None
) -> tuple[Asked, ...]:
    """The objects that prompts ask for: the boxes in their order, then the one without a box.

    Clicks that tell of no object (beside it only, and no box there) ask for nothing.

    Parameters
    ----------
    boxes : (N, 4)
        x0 y0 x1 y1 in pixels, clean.
    start
        The object that is corrected.
    """
    corners = np.asarray(boxes, np.float32).reshape(-1, 4)
    room = _MARGIN * np.tile(corners[:, 2:] - corners[:, :2], 2) * np.array([-1, -1, 1, 1])
    wide = corners + room
    of_box: dict[int, list[Click]] = {}
    free: list[Click] = []
    for click in clicks:
        x, y, _ = click
        inside = (wide[:, 0] <= x) & (x < wide[:, 2]) & (wide[:, 1] <= y) & (y < wide[:, 3])
        owners = np.flatnonzero(inside)
        (of_box.setdefault(int(owners[-1]), []) if len(owners) else free).append(click)
    found = [
        Asked(box=_box(row), clicks=tuple(of_box.get(number, ())))
        for number, row in enumerate(corners)
    ]
    if (start is not None and free) or any(on for _, _, on in free):
        found.append(Asked(clicks=tuple(free), start=start))
    return tuple(found)


def _box(row: NDArray[np.float32]) -> Box:
    x0, y0, x1, y1 = (float(value) for value in row)
    return x0, y0, x1, y1

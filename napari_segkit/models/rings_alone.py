"""One object that is asked for by itself, and looked at again where it turned out small."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.models.rings_plan import Ask, asks, box_with, inside
from napari_segkit.ops.masks import instance_boxes
from napari_segkit.ops.prompt_windows import window_of
from napari_segkit.types import Prompts

if TYPE_CHECKING:
    from napari_segkit.models.rings_plan import Found
    from napari_segkit.ops.prompt_windows import Look


def alone(
    number: int, one: Prompts, shape: tuple[int, int], input_size: int, *, look: Look = "window"
) -> Ask:
    """One object whose prompts are all its own; of boxes the first counts, of the mask all pixels.

    Raises
    ------
    PromptError
        Where neither box nor positive point nor mask tells of it.
    """
    boxes = one.boxes[:1]
    begun = False
    if one.mask is not None and one.mask.any():
        begun = True
        if not len(boxes):
            around = instance_boxes(np.asarray(one.mask != 0).astype(np.int32))[1]
            boxes = np.array([box_with(around, one)], np.float32)
    whole = replace(one, boxes=boxes, mask=None)
    first = asks(whole, shape, input_size, look=look)[0]
    return Ask(number, first.window, first.box, one.points, one.point_labels, int(begun))


def closer(
    ask: Ask, found: Found, shape: tuple[int, int], input_size: int, *, look: Look = "window"
) -> Ask | None:
    """The same object through a window, where clicks alone told of it and it turned out small.

    None where the window is the one that was looked at. Clicks outside of it are left out.
    """
    if ask.box is not None or not found.mask.any():
        return None  # its box has told where to look, or there is nothing to look at
    x, y = found.roi[:2]
    x0, y0, x1, y1 = instance_boxes(found.mask.astype(np.int32))[1]
    on = Prompts(points=ask.points, point_labels=ask.labels)
    left, top, right, bottom = box_with((x0 + x, y0 + y, x1 + x, y1 + y), on)
    window = window_of((left, top, right, bottom), shape, input_size, look=look)
    if window == ask.window:
        return None
    mine = inside(ask.points, np.array(window))
    return replace(ask, window=window, points=ask.points[mine], labels=ask.labels[mine])

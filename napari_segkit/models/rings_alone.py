"""One object that is asked for by itself, and looked at again where it turned out small."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.models.rings_plan import Ask, asks, inside
from napari_segkit.ops.clicks import changed_at
from napari_segkit.ops.masks import instance_boxes
from napari_segkit.ops.prompt_windows import square_around, window_of
from napari_segkit.types import Prompts

if TYPE_CHECKING:
    from napari_segkit.models.rings_plan import Found
    from napari_segkit.ops.prompt_windows import Look, Window
    from napari_segkit.types import Box, Labels

_LEAST = 64
"""Pixels of the image in the closest look."""


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
    ask = Ask(number, first.window, first.box, one.points, one.point_labels, int(begun))
    return through(ask, first.window)


def through(ask: Ask, window: Window) -> Ask:
    """The same object through another window; clicks outside of it are left out."""
    mine = inside(ask.points, np.array(window))
    return replace(ask, window=window, points=ask.points[mine], labels=ask.labels[mine])


def views(ask: Ask, shape: tuple[int, int]) -> list[Ask]:
    """Closer and closer looks at an object that clicks alone tell of: how large it is, none says.

    Each window is half as wide as the one before, around the clicks on the object.
    """
    on = ask.points[ask.labels == 1]
    low, high = on.min(axis=0), on.max(axis=0)
    (x, y), least = (low + high) / 2, max(_LEAST, 2 * float((high - low).max()))
    found, side = [ask], max(shape) / 2
    while side >= least:
        found.append(through(ask, square_around(float(x), float(y), side, shape)))
        side /= 2
    return found


def worth(found: Found, shape: tuple[int, int]) -> float:
    """How good an answer to clicks alone is, 0 to 1: the IoU that the network expects.

    Less where the window cuts through the object.
    """
    (x0, y0, x1, y1), mask, score = found
    if not mask.any():
        return 0.0
    edges = (
        (mask[:, 0], x0 > 0),
        (mask[:, -1], x1 < shape[1]),
        (mask[0], y0 > 0),
        (mask[-1], y1 < shape[0]),
    )
    cut = max((float(edge.mean()) for edge, inner in edges if inner), default=0.0)
    return score * (1 - cut)


def closer(
    ask: Ask, found: Found, shape: tuple[int, int], input_size: int, *, look: Look = "window"
) -> tuple[Ask, Labels | None] | None:
    """The same object through a window that fits it, where clicks alone told of it.

    Clicks outside of the window are left out. A network that looks close starts from what was
    found; its mask of the whole image (H, W) comes with the ask.

    Returns
    -------
    None where there is nothing to look at, or no other window.
    """
    if ask.box is not None or not found.mask.any():
        return None  # its box has told where to look
    x, y, right, bottom = found.roi
    x0, y0, x1, y1 = instance_boxes(found.mask.astype(np.int32))[1]
    on = Prompts(points=ask.points, point_labels=ask.labels)
    box = box_with((x0 + x, y0 + y, x1 + x, y1 + y), on)
    window = window_of(box, shape, input_size, look=look)
    if look != "close":
        return None if window == ask.window else (through(ask, window), None)
    start = np.zeros(shape, np.int32)  # a photo may be large: only its part is touched
    start[y:bottom, x:right] = found.mask
    return replace(through(ask, window), box=box, start=1, held=False), start


def corrected(found: Found, one: Prompts) -> Found:
    """An answer to clicks on a mask, of which those changes count that a click asks for."""
    if one.mask is None or not one.mask.any() or len(one.boxes) or not len(one.points):
        return found
    x0, y0, x1, y1 = found.roi
    mine = inside(one.points, np.array(found.roi))
    points, labels = one.points[mine] - np.array([x0, y0], np.float32), one.point_labels[mine]
    start = one.mask[y0:y1, x0:x1] != 0
    return found._replace(mask=changed_at(start, found.mask, points, labels))


def box_with(box: tuple[float, float, float, float], prompts: Prompts) -> Box:
    """A box that holds the positive clicks, too."""
    on = prompts.points[prompts.point_labels == 1]
    low = np.minimum(box[:2], on.min(axis=0, initial=np.inf)) if len(on) else np.array(box[:2])
    high = np.maximum(box[2:], on.max(axis=0) + 1) if len(on) else np.array(box[2:])
    left, top, right, bottom = (float(value) for value in (*low, *high))
    return left, top, right, bottom

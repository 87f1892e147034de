"""Which part of an image a prompt is looked at in: the whole, or a window around a small object.

A network sees a square of a fixed number of pixels. A large photo is scaled down to it, and a small
object in it loses its detail; so such an object gets a window at the image's own resolution.
Windows lie on a coarse grid, so that neighbours share one and its embedding.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from napari_segkit.types import Box

Look = Literal["window", "close", "whole"]
Window = tuple[int, int, int, int]
"""x0 y0 x1 y1 in whole pixels, inside of the image."""
_ROOM = 1.7
"""Side of a window in sides of its object."""
_CLOSE = 1.5
"""The same for a network that was trained on windows."""
_PITCH = 0.65
"""The grid's pitch in parts of the room beside the object: a sixth of it stays on each side."""
_SMALL = 0.4
"""An object that is a smaller part of the network's input gets a window."""


def window_of(
    box: Box, shape: tuple[int, int], input_size: int, *, look: Look = "window"
) -> Window:
    """The part of an image to look at for one box.

    Parameters
    ----------
    box
        x0 y0 x1 y1 in pixels, inside of the image.
    shape
        (H, W) of the image.
    input_size
        Side of the network's input in pixels.
    look
        ``window``: as described above; ``close``: every box in a window of its own, for a network
        that was trained on these; ``whole``: always the whole image.

    Returns
    -------
    The whole image where the object is large in it, else a square around the object, moved inside;
    ``close``: cut off at the image's edges.
    """
    height, width = shape
    if look == "whole":
        return 0, 0, width, height
    if look == "close":
        return _close(box, shape)
    longest = max(height, width)
    side = max(box[2] - box[0], box[3] - box[1])
    scale = min(1.0, input_size / longest)
    if scale == 1.0 or side * scale >= _SMALL * input_size:
        return 0, 0, width, height
    wanted = max(float(input_size), _ROOM * side)
    steps = math.ceil(2 * math.log2(wanted / input_size))  # sizes of the grid: half octaves
    size = min(longest, round(input_size * 2 ** (steps / 2)))
    return _placed((box[0] + box[2]) / 2, (box[1] + box[3]) / 2, size, shape, slack=size - side)


def square_around(x: float, y: float, side: float, shape: tuple[int, int]) -> Window:
    """A window of a side in pixels around a place, moved inside of the image (H, W)."""
    corners = []
    for at, length in ((x, shape[1]), (y, shape[0])):
        size = min(round(side), length)
        start = min(max(round(at - size / 2), 0), length - size)
        corners.append((start, start + size))
    (x0, x1), (y0, y1) = corners
    return x0, y0, x1, y1


def _close(box: Box, shape: tuple[int, int]) -> Window:
    side = max(box[2] - box[0], box[3] - box[1]) * _CLOSE
    if not math.isfinite(side):
        return 0, 0, shape[1], shape[0]
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    x0, y0 = max(0, math.floor(x - side / 2)), max(0, math.floor(y - side / 2))
    x1, y1 = min(shape[1], math.ceil(x + side / 2)), min(shape[0], math.ceil(y + side / 2))
    return x0, y0, max(x1, x0 + 1), max(y1, y0 + 1)


def _placed(x: float, y: float, size: int, shape: tuple[int, int], *, slack: float) -> Window:
    """A window of about `size` with a place in it, snapped to a grid as far as there is slack.

    The grid's pitch is a half, a quarter … of the size: boxes of different sizes share windows.
    """
    height, width = shape
    pitch = max(1, round(size / 2 ** max(1, math.ceil(math.log2(size / (_PITCH * slack))))))
    corners = []
    for middle, length in ((x, width), (y, height)):
        side = min(size, length)
        start = round((middle - side / 2) / pitch) * pitch
        corners.append((min(max(start, 0), length - side), side))
    (x0, w), (y0, h) = corners
    return x0, y0, x0 + w, y0 + h

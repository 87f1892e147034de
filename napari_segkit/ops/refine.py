"""Correct one instance by clicks or a box: GrabCut on a small window.

GrabCut (Rother, Kolmogorov and Blake 2004, doi:10.1145/1015706.1015720) models the colours of
object and ground and cuts between them. It needs no weights and takes 0.1 to 0.3 s.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.errors import MaskError, PromptError
from napari_segkit.ops.delta import delta_in
from napari_segkit.ops.edit import find_box, window

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_segkit.ops.delta import Delta, Rect
    from napari_segkit.types import Image, Labels, Prompts

    Mask = NDArray[np.bool_]

_SIDE = 384  # of the window that is cut, in pixels: GrabCut's time grows with its area
_ITERATIONS = 3
_GROUND, _OBJECT, _MAYBE_GROUND, _MAYBE_OBJECT = 0, 1, 2, 3  # cv2.GC_…


def refine_instance(
    labels: Labels,
    image: Image,
    key: int,
    prompts: Prompts,
    *,
    region: Rect | None = None,
    box: Rect | None = None,
) -> Delta:
    """Give an instance the shape that clicks ask for; nothing else changes.

    Parameters
    ----------
    labels : (H, W) int32
    image : (H, W, 3) uint8 RGB
    key
        Its id; where the mask has no such instance, the first of the prompts' boxes begins it.
    prompts
        Points: 1 = belongs to it, 0 = does not.
    region
        Where pixels may change; by default the instance's box, clicks and boxes with a quarter of
        their size around them.
    box
        Of the instance, where it is known.

    Raises
    ------
    PromptError
        Where there is neither an instance nor a box nor a click on it, or nothing lies inside of
        the image.
    """
    box = box or known_box(labels, key)
    place = reach(labels, box, prompts, region)
    view = labels[place]
    others = (view != 0) & (view != key)
    found = cut(
        image[place],
        prompts,
        start=view == key if (view == key).any() else None,
        blocked=others,
        origin=(place[1].start, place[0].start),
    )
    return reshaped(labels, place, key, found)


def known_box(labels: Labels, key: int) -> Rect | None:
    """Box of an instance; ``None`` where there is none: a box or a click may begin it."""
    with suppress(MaskError):
        return find_box(labels, key)
    return None


def reach(
    labels: Labels, box: Rect | None, prompts: Prompts, region: Rect | None
) -> tuple[slice, slice]:
    """Rows and columns in which an instance may change; ``region``: where it was told.

    Raises
    ------
    PromptError
        Where there is neither a box nor a prompt, or nothing lies inside of the image.
    """
    region = region or around(box, prompts, labels.shape)
    place = window(labels.shape, region)
    if not labels[place].size:
        raise PromptError("prompts lie outside of the image", got=region)
    return place


def reshaped(labels: Labels, place: tuple[slice, slice], key: int, found: Mask) -> Delta:
    """An instance gets the shape ``found`` (h, w) at a place, as far as no other lies there."""
    view = labels[place]
    after = np.where((view == key) & ~found, np.int32(0), view)
    after[found & (view == 0)] = key
    return delta_in(labels, place, after)


def around(box: Rect | None, prompts: Prompts, shape: tuple[int, ...]) -> Rect:
    """Where an instance may change: its box and the prompts, with a quarter of their size around.

    Raises
    ------
    PromptError
        Where there is neither.
    """
    corners = [np.reshape(one, (-1, 2)) for one in (prompts.boxes, prompts.points) if len(one)]
    if box is not None:
        corners.append(np.reshape(box, (2, 2)).astype(np.float32))
    if not corners:
        raise PromptError("nothing to refine", expected="an object, a box or a click")
    points = np.concatenate(corners)
    low, high = points.min(axis=0), points.max(axis=0)
    margin = max(8.0, float((high - low).max()) / 4)
    if box is None and not len(prompts.boxes):
        margin = max(shape[:2]) / 4  # a click alone says nothing of the size
    x0, y0 = np.floor(low - margin).astype(int)
    x1, y1 = np.ceil(high + margin).astype(int) + 1
    return int(x0), int(y0), int(x1), int(y1)


def cut(
    image: Image,
    prompts: Prompts,
    *,
    start: Mask | None = None,
    blocked: Mask | None = None,
    origin: tuple[int, int] = (0, 0),
) -> Mask:
    """Object pixels of a window.

    Parameters
    ----------
    image : (h, w, 3) uint8 RGB
    prompts
        In pixels of the whole image: the first box, and the points.
    start : (h, w) bool
        The object as it is.
    blocked : (h, w) bool
        What cannot belong to it.
    origin
        (x, y) of the window's first pixel.

    Returns
    -------
    (h, w) bool

    Raises
    ------
    PromptError
        Without a start, a box or a click on the object.
    """
    import cv2

    height, width = image.shape[:2]
    scale = min(1.0, _SIDE / max(height, width))
    size = max(2, round(width * scale)), max(2, round(height * scale))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    seeds = _seeds(size, prompts, start, np.array(origin), scale)
    if blocked is not None:
        seeds[_shrunk(blocked, size)] = _GROUND
    marks = _clicked(seeds, prompts, np.array(origin), scale)
    kinds = np.isin(marks, (_OBJECT, _MAYBE_OBJECT))
    if not kinds.any():
        return np.zeros((height, width), bool)
    if not kinds.all():
        models = np.zeros((1, 65)), np.zeros((1, 65))
        cv2.setRNGSeed(0)  # its k-means draws: the same clicks give the same mask
        cv2.grabCut(small, marks, None, *models, _ITERATIONS, cv2.GC_INIT_WITH_MASK)
        kinds = np.isin(marks, (_OBJECT, _MAYBE_OBJECT))
    kept = _held(kinds, seeds, marks)
    full = cv2.resize(kept.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(full > 0.5)


def _shrunk(mask: Mask, size: tuple[int, int]) -> Mask:
    import cv2

    return np.asarray(cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0)


def _seeds(
    size: tuple[int, int],
    prompts: Prompts,
    start: Mask | None,
    origin: NDArray[np.int64],
    scale: float,
) -> NDArray[np.uint8]:
    """What each pixel (h, w) is likely to be before the clicks."""
    seeds = np.full(size[::-1], _MAYBE_GROUND, np.uint8)
    if len(prompts.boxes):
        x0, y0, x1, y1 = ((prompts.boxes[0].reshape(2, 2) - origin) * scale).ravel()
        rows, columns = slice(max(0, round(y0)), round(y1)), slice(max(0, round(x0)), round(x1))
        seeds[:] = _GROUND
        seeds[rows, columns] = _MAYBE_GROUND if start is not None else _MAYBE_OBJECT
    if start is not None:
        seeds[_shrunk(start, size)] = _MAYBE_OBJECT
    elif not len(prompts.boxes):
        on = prompts.points[prompts.point_labels == 1]
        if not len(on):
            raise PromptError("nothing to refine", expected="an object, a box or a click on it")
        for x, y in (on - origin) * scale:
            seeds[_disc(seeds.shape, x, y, max(size) / 10)] = _MAYBE_OBJECT
    return seeds


def _clicked(
    seeds: NDArray[np.uint8], prompts: Prompts, origin: NDArray[np.int64], scale: float
) -> NDArray[np.uint8]:
    """Seeds with clicks: certain close by, likely as far as the outline that they correct."""
    import cv2

    marks = seeds.copy()
    likely = np.isin(seeds, (_OBJECT, _MAYBE_OBJECT))
    sure = max(2.0, max(seeds.shape) / 100)
    places = list(zip((prompts.points - origin) * scale, prompts.point_labels, strict=True))
    for (x, y), label in places:
        row, column = int(np.clip(y, 0, seeds.shape[0] - 1)), int(np.clip(x, 0, seeds.shape[1] - 1))
        wrong = likely if label == 0 else ~likely
        far = cv2.distanceTransform(np.pad(wrong, 1).astype(np.uint8), cv2.DIST_L2, 5)
        reach = float(far[row + 1, column + 1])
        near = _disc(seeds.shape, x, y, min(reach, max(seeds.shape) / 8)) & (marks >= _MAYBE_GROUND)
        marks[near] = _MAYBE_OBJECT if label else _MAYBE_GROUND
    for (x, y), label in places:
        marks[_disc(seeds.shape, x, y, sure)] = _OBJECT if label else _GROUND
    return marks


def _disc(shape: tuple[int, ...], x: float, y: float, radius: float) -> Mask:
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return np.asarray((rows + 0.5 - y) ** 2 + (columns + 0.5 - x) ** 2 <= radius * radius)


def _held(found: Mask, seeds: NDArray[np.uint8], marks: NDArray[np.uint8]) -> Mask:
    """Parts that hold a click on the object, or that were likely before; not far islands."""
    import cv2

    count, parts = cv2.connectedComponents(found.astype(np.uint8))
    hold = (marks == _OBJECT) if (marks == _OBJECT).any() else (seeds == _MAYBE_OBJECT)
    keep = np.zeros(count, bool)
    keep[np.unique(parts[hold & found])] = True
    before = np.bincount(parts[(seeds == _MAYBE_OBJECT) & found], minlength=count)
    keep |= before > 0.5 * np.bincount(parts.ravel(), minlength=count)
    keep[0] = False
    return np.asarray(keep[parts])

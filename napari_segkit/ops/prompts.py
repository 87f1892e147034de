"""Prompts as people draw them -> prompts that a model can use."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.errors import PromptError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_segkit.types import Prompts


def clean_prompts(prompts: Prompts, shape: tuple[int, int]) -> tuple[Prompts, tuple[str, ...]]:
    """Clip boxes to the image and drop what lies outside of it, in the order given.

    Parameters
    ----------
    prompts
        Boxes XYXY and points (x, y) in pixels.
    shape
        (H, W) of the image.

    Returns
    -------
    prompts
        Boxes inside [0, W] x [0, H] with an area of at least one pixel; points on pixels.
    notes
        One sentence for each kind of change.

    Raises
    ------
    PromptError
        Where an array has the wrong form, the mask has another size than the image, or nothing
        is left of the boxes and points that were given: the whole image is then not what was
        asked for.
    """
    if prompts.mask is not None and prompts.mask.shape != shape:
        raise PromptError(
            "mask prompt has another size than the image", expected=shape, got=prompts.mask.shape
        )
    boxes, box_notes = _clean_boxes(prompts.boxes, shape)
    points, labels, point_notes = _clean_points(prompts.points, prompts.point_labels, shape)
    notes = (*box_notes, *point_notes)
    given = len(prompts.boxes) + len(prompts.points)
    if given and not len(boxes) + len(points):
        raise PromptError(
            "no usable prompt", got=" and ".join(notes), remedy="draw them on the image"
        )
    return replace(prompts, boxes=boxes, points=points, point_labels=labels), notes


def _clean_boxes(
    boxes: NDArray[np.float32], shape: tuple[int, int]
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    kept, clipped, notes = usable_boxes(boxes, shape)
    return clipped[kept], notes


def usable_boxes(
    boxes: NDArray[np.float32], shape: tuple[int, int]
) -> tuple[NDArray[np.bool_], NDArray[np.float32], tuple[str, ...]]:
    """Which boxes can be used, all of them clipped to the image, and what was done to them.

    Returns
    -------
    kept : (N,) bool
    clipped : (N, 4)
    notes
        One sentence for each kind of change.

    Raises
    ------
    PromptError
        Where the array is none of boxes.
    """
    boxes = np.asarray(boxes, np.float32)
    if boxes.size == 0:
        return np.zeros(0, bool), np.zeros((0, 4), np.float32), ()
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise PromptError("boxes have the wrong form", expected="(N, 4) XYXY", got=boxes.shape)
    height, width = shape
    finite = np.isfinite(boxes).all(axis=1)
    ordered = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    clipped = np.clip(boxes, 0, np.array([width, height, width, height], np.float32))
    inside = (clipped[:, 2] - clipped[:, 0] >= 1) & (clipped[:, 3] - clipped[:, 1] >= 1)
    broken = ~(finite & ordered)
    outside = ~broken & ~inside
    kept = ~broken & inside
    changed = kept & (clipped != boxes).any(axis=1)
    notes = (
        _count(broken, "box", "dropped: no area, or not finite"),
        _count(outside, "box", "skipped: outside of the image"),
        _count(changed, "box", "clipped to the image"),
    )
    return kept, clipped, tuple(note for note in notes if note)


def _clean_points(
    points: NDArray[np.float32], labels: NDArray[np.int32], shape: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.int32], tuple[str, ...]]:
    points, labels = np.asarray(points, np.float32), np.asarray(labels, np.int32)
    if points.size == 0:
        return np.zeros((0, 2), np.float32), np.zeros(0, np.int32), ()
    if points.ndim != 2 or points.shape[1] != 2 or len(labels) != len(points):
        raise PromptError(
            "points have the wrong form",
            expected="(M, 2) x y and M labels",
            got=f"{points.shape} and {labels.shape}",
        )
    height, width = shape
    x, y = points.T
    inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    note = _count(~inside, "point", "skipped: outside of the image")
    return points[inside], labels[inside], (note,) if note else ()


def _count(rows: NDArray[np.bool_], noun: str, verb: str) -> str:
    number = int(np.count_nonzero(rows))
    plural = {"box": "boxes"}.get(noun, f"{noun}s")
    return f"{number} {noun if number == 1 else plural} {verb}" if number else ""

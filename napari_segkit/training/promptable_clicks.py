"""Clicks and rough masks for lessons: as people set them, and as the network's own answers need.

A lesson may be asked several times before it counts: each time the answer gets another click where
it is most wrong, as in Sofiiuk et al. 2021 (arXiv:2102.06583).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from napari_segkit.ops.clicks import next_click
from napari_segkit.ops.colour_evidence import evidence_grid
from napari_segkit.ops.mask_logits import share_of_mask

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_segkit.training.promptable_samples import Lesson

    Mask = NDArray[np.bool_]
    Clicks = tuple[NDArray[np.float32], NDArray[np.int32]]

CLICKS = 3
ROUNDS = 3
"""Answers at most, before a lesson that is asked again counts."""
_FROM_ANSWER = 0.6
"""Share of such lessons that start from the last answer; the others have the clicks alone."""


def clicks(mask: Mask, rng: np.random.Generator, *, first: bool) -> Clicks:
    """`CLICKS` clicks; with `first` one of them lies well inside. -1 = no click."""
    inner = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    near = cv2.dilate(mask.astype(np.uint8), np.ones((25, 25), np.uint8)) > 0
    at = np.zeros((CLICKS, 2), np.float32)
    marks = np.full(CLICKS, -1, np.int32)
    for k in range(CLICKS):
        inside = (first and k == 0) or rng.random() < 0.5
        if not (first and k == 0) and rng.random() < 0.4:
            continue
        where = inner >= 0.6 * inner.max() if inside else near & ~mask
        ys, xs = np.nonzero(where)
        if len(ys):
            pick = int(rng.integers(len(ys)))
            at[k], marks[k] = (xs[pick], ys[pick]), int(inside)
    return at, marks


def worsened(mask: Mask, rng: np.random.Generator) -> Mask:
    """A mask as it might be before it is corrected: shifted, swollen, bitten, holes closed."""
    rough = mask.astype(np.uint8)
    size = int(rng.integers(1, max(3, min(mask.shape) // 16)))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * size + 1, 2 * size + 1))
    ways = (cv2.MORPH_DILATE, cv2.MORPH_ERODE, cv2.MORPH_CLOSE, cv2.MORPH_OPEN)
    rough = cv2.morphologyEx(rough, ways[int(rng.integers(4))], disc)
    for _ in range(int(rng.integers(0, 3))):
        centre = rng.uniform(0, 1, 2) * mask.shape[::-1]
        radius = int(rng.uniform(0.03, 0.2) * min(mask.shape)) + 1
        cv2.circle(rough, centre.astype(int).tolist(), radius, int(rng.integers(2)), -1)
    return np.asarray(np.roll(rough, rng.integers(-4, 5, 2), (0, 1)), bool)


def corrections(mask: Mask, start: Mask, rng: np.random.Generator) -> Clicks:
    """`CLICKS` clicks into what a start has wrong, or none."""
    at, marks = np.zeros((CLICKS, 2), np.float32), np.full(CLICKS, -1, np.int32)
    wrong = mask ^ start
    for k in range(int(rng.integers(CLICKS + 1))):
        core = cv2.erode(wrong.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        ys, xs = np.nonzero(core if core.any() else wrong)
        if len(ys):
            pick = int(rng.integers(len(ys)))
            at[k], marks[k] = (xs[pick], ys[pick]), int(mask[ys[pick], xs[pick]])
    return at, marks


def box_around(mask: Mask, at: NDArray[np.float32], marks: NDArray[np.int32]) -> list[float]:
    """x0 y0 x1 y1 of a mask and the clicks on it; of a mask of nothing, the clicks'."""
    ys, xs = np.nonzero(mask)
    on = at[marks == 1]
    if not len(xs) and not len(on):
        return [0.0, 0.0, *map(float, mask.shape[::-1])]
    every = np.concatenate((np.stack((xs, ys), 1), np.floor(on))).astype(np.float32)
    return [*map(float, every.min(axis=0)), *map(float, every.max(axis=0) + 1)]


def asked_again(lesson: Lesson, found: Mask, rng: np.random.Generator, *, last: bool) -> Lesson:
    """The same lesson with a click more for each object, where the answer is most wrong.

    Parameters
    ----------
    found : (P, S, S)
        The answer.
    last
        Whether the lesson counts now: then some start from the clicks alone.

    Returns
    -------
    With the evidence of its prompts, and of the answer where it starts from that.
    """
    height, width = lesson.shape
    count, side = len(found), len(lesson.image) // 2
    at, marks = np.zeros((count, 1, 2), np.float32), np.full((count, 1), -1, np.int32)
    for k, (target, answer) in enumerate(zip(lesson.targets, found, strict=True)):
        click = next_click(target[:height, :width], answer[:height, :width], rng)
        if click is not None:
            at[k, 0], marks[k, 0] = click
    if lesson.points is not None and lesson.labels is not None:
        at = np.concatenate((lesson.points, at), axis=1)
        marks = np.concatenate((lesson.labels, marks), axis=1)
    boxes, shares = lesson.boxes if lesson.boxed else None, None
    if not last or rng.random() < _FROM_ANSWER:
        answers = found[:, :height, :width]
        shares = np.stack([share_of_mask(one, 2 * side, side) for one in answers])
        if boxes is None:
            each = zip(answers, at, marks, strict=True)
            boxes = np.array([box_around(*one) for one in each], np.float32)
    start = evidence_grid(lesson.image, lesson.shape, boxes, at, marks, shares)
    return replace(lesson, boxes=boxes, points=at, labels=marks, masks=start, rounds=0)

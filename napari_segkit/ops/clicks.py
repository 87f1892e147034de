"""How many clicks a method needs: NoC, by simulated clicks (Xu et al. 2016, arXiv:1603.04042)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]
    Predict = Callable[[NDArray[np.float32], NDArray[np.int32], Mask], Mask]
    """Points (M, 2) x y, their labels (M,), the mask before -> the mask after."""


def next_click(
    truth: Mask, found: Mask, rng: np.random.Generator, *, jitter: float = 0.3
) -> tuple[tuple[float, float], int] | None:
    """Where a person would click next: in the middle of the largest error, more or less.

    Parameters
    ----------
    truth, found : (H, W) bool
    jitter
        Standard deviation of the click's place, in radii of the error's largest inscribed circle;
        it never leaves the error.

    Returns
    -------
    (x, y) in pixels and 1 for a missing part or 0 for a false one; ``None`` without an error.
    """
    import cv2

    best: tuple[int, Mask, int] | None = None
    for wrong, label in ((truth & ~found, 1), (found & ~truth, 0)):
        count, parts, stats, _ = cv2.connectedComponentsWithStats(wrong.astype(np.uint8))
        if count > 1:
            part = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
            area = int(stats[part, cv2.CC_STAT_AREA])
            if best is None or area > best[0]:
                best = area, parts == part, label
    if best is None:
        return None
    _, region, label = best
    far = cv2.distanceTransform(np.pad(region, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    row, column = np.unravel_index(int(np.argmax(far)), far.shape)
    offset = rng.normal(0, jitter * float(far[row, column]), 2)
    place = np.rint(np.array([row, column]) + offset)
    y, x = np.clip(place, 0, np.array(region.shape) - 1).astype(int)
    if not region[y, x]:
        y, x = int(row), int(column)
    return (float(x) + 0.5, float(y) + 0.5), label


def changed_at(
    start: Mask, found: Mask, points: NDArray[np.float32], labels: NDArray[np.int32]
) -> Mask:
    """A mask with those of its changes that clicks ask for; the rest stays, as FocalClick has it.

    Parameters
    ----------
    start, found : (H, W) bool
        Before and after.
    points : (K, 2), labels : (K,)
        x y; 1 = object, 0 = not. One asks for a change where the start says otherwise.

    Returns
    -------
    (H, W) bool
        Chen et al. 2022 (arXiv:2204.02574), "progressive merge".
    """
    import cv2

    height, width = start.shape
    columns, rows = np.clip(points.astype(int), 0, (width - 1, height - 1)).T
    asking = start[rows, columns] != (labels == 1)
    _, parts = cv2.connectedComponents((start ^ found).astype(np.uint8), connectivity=8)
    wanted = parts[rows[asking], columns[asking]]
    return np.asarray(start ^ np.isin(parts, wanted[wanted > 0]))


def click_ious(
    truth: Mask,
    predict: Predict,
    *,
    start: Mask | None = None,
    target: float = 0.9,
    most: int = 20,
    seed: int = 0,
) -> list[float]:
    """IoU before the first click and after each, until the target is reached or ``most`` clicks.

    Parameters
    ----------
    truth : (H, W) bool
    predict
        What is examined.
    start : (H, W) bool
        Its mask before the first click; empty by default.
    """
    rng = np.random.default_rng(seed)
    found = np.zeros(truth.shape, bool) if start is None else start
    points: list[tuple[float, float]] = []
    labels: list[int] = []
    ious = [_iou(truth, found)]
    while ious[-1] < target and len(points) < most:
        click = next_click(truth, found, rng)
        if click is None:
            break
        points.append(click[0])
        labels.append(click[1])
        found = predict(np.array(points, np.float32), np.array(labels, np.int32), found)
        ious.append(_iou(truth, found))
    return ious


def number_of_clicks(ious: list[float], target: float = 0.9, most: int = 20) -> int:
    """Clicks until the target, ``most`` where it is never reached; ``ious`` as `click_ious`."""
    return next((clicks for clicks, iou in enumerate(ious) if iou >= target), most)


def _iou(one: Mask, other: Mask) -> float:
    union = int(np.count_nonzero(one | other))
    return float(np.count_nonzero(one & other) / union) if union else 1.0

"""Which of the rims found are coins: one per coin, the outer one, of about the same size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from napari_segkit.ops.polar import Bools, Floats, Frames

SIZE_RATIO = 2.6  # between the largest and the smallest coin of a photo


def small_masks(outlines: Floats, shape: tuple[int, int], *, longest: int = 160) -> Floats:
    """(N, P) float32 masks, flat, of outlines (N, T, 2) of an image of ``shape``, made small."""
    scale = min(1.0, longest / max(shape))
    height, width = max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))
    masks = np.zeros((len(outlines), height, width), np.uint8)
    points = np.rint((outlines * scale) * 16).astype(np.int32)
    for mask, outline in zip(masks, points, strict=True):
        cv2.fillPoly(mask, [outline], 1, shift=4)
    return masks.reshape(len(outlines), -1).astype(np.float32)


def duplicates(frames: Frames, score: Floats, *, near: float = 0.2) -> Bools:
    """(N,) whether a better guess has about the same centre and axes."""
    centers, size = frames.centers, np.stack([frames.axes[:, 0, 0], frames.axes[:, 1, 1]], 1)
    order = np.argsort(-score, kind="stable")
    centers, size = centers[order], size[order]
    apart = np.abs(centers[:, None] - centers[None]) / np.maximum(size[:, None], 1e-3)
    ratio = np.abs(np.log(np.maximum(size[:, None], 1e-3) / np.maximum(size[None], 1e-3)))
    same = (apart.max(2) < near) & (ratio.max(2) < near)
    gone = np.zeros(len(order), bool)
    for i in range(len(order)):
        if not gone[i]:
            gone[i + 1 :] |= same[i, i + 1 :]
    result = np.zeros_like(gone)
    result[order] = gone
    return result


NESTED_MARGIN, CLOSE_MARGIN, RING_MARGIN = 0.0, 0.02, 0.25


def choose(outlines: Floats, score: Floats, shape: tuple[int, int]) -> Bools:
    """(N,) the rims to keep where several overlap.

    Of concentric rims the outer one is kept unless it is clearly less sure (rings of two metals,
    embossed circles, holes); of other nested ones and of two that overlap partly the surer one, or
    both if both are sure and most of each is free.
    """
    masks = small_masks(outlines, shape)
    area = np.maximum(masks.sum(1), 1)
    common = masks @ masks.T
    size = np.array([abs(cv2.contourArea(o.astype(np.float32))) for o in outlines])
    middle = outlines.mean(axis=1)
    alive = np.ones(len(outlines), bool)
    order = np.argsort(-size, kind="stable")
    for a, i in enumerate(order):
        for j in order[a + 1 :]:
            if not alive[i]:
                break
            if alive[j]:
                inside = common[i, j] / area[j]
                apart = np.hypot(*(middle[i] - middle[j])) / np.sqrt(size[i] / np.pi)
                if not _may_both_stay(inside, min(score[i], score[j])):
                    margin = _margin(inside, apart, size[j] / size[i])
                    alive[j if score[i] > score[j] - margin else i] = False
    return alive


def _may_both_stay(inside: float, score: float) -> bool:
    """Whether two coins may overlap so much: the share ``inside`` of the smaller one."""
    return inside < 0.15 or (inside < 0.45 and score > 0.75)


def _margin(inside: float, apart: float, ratio: float) -> float:
    """How much less sure the larger of two rims may be and still be kept."""
    if inside < 0.75:
        return 0.03
    if ratio > 0.65:
        return CLOSE_MARGIN
    return RING_MARGIN if apart < 0.12 else NESTED_MARGIN


def similar_in_size(radius: Floats, score: Floats) -> Bools:
    """(N,) the rims of the best supported range of sizes."""
    if not len(radius):
        return np.zeros(0, bool)
    trust = np.maximum(score - 0.5, 0.01) * radius**0.75
    fits = (radius[None] <= radius[:, None] * 1.001) & (
        radius[None] * SIZE_RATIO >= radius[:, None]
    )
    best = int(np.argmax(fits @ trust + 1e-6 * radius))
    return np.asarray(fits[best])

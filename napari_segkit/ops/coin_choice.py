"""Which of the rims found are coins: one per coin, the outer one, of about the same size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from napari_segkit.ops.polar import Bools, Floats, Frames

# how much less sure an outer rim may be: around others, nearly the same, around a ring
NESTED_MARGIN, CLOSE_MARGIN, RING_MARGIN = 0.0, 0.02, 0.25
# of a coin under others: least visible area, least visible rim, least support of that rim
FREE_AREA, FREE_RIM, HIDDEN_SUPPORT = 0.3, 0.45, 0.65
SIZE_RATIO = 2.6  # between the largest and the smallest coin of a photo


def small_masks(outlines: Floats, shape: tuple[int, int], *, longest: int = 160) -> Floats:
    """(N, P) float32 masks, flat, of outlines (N, T, 2) of an image of ``shape``, made small."""
    scale = min(1.0, longest / max(shape))
    height, width = max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))
    masks = np.zeros((len(outlines), height, width), np.uint8)
    points = np.rint((outlines * scale) * 16).astype(np.int32)
    for mask, outline in zip(masks, points, strict=True):
        cv2.fillPoly(mask, [outline], 1, shift=4)
    return masks.reshape(len(outlines), height * width).astype(np.float32)


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
        if not alive[i]:
            continue
        smaller = order[a + 1 :][alive[order[a + 1 :]]]
        inside = common[i, smaller] / area[smaller]
        rivals = (inside >= 0.15) & ~(
            (inside < 0.45) & (np.minimum(score[smaller], score[i]) > 0.75)
        )
        smaller, inside = smaller[rivals], inside[rivals]
        apart = np.linalg.norm(middle[smaller] - middle[i], axis=1) / np.sqrt(size[i] / np.pi)
        margin = _margin(inside, apart, size[smaller] / size[i])
        alive[i] = (score[i] > score[smaller] - margin).all()
        if alive[i]:
            alive[smaller] = False
    return alive


def _margin(inside: Floats, apart: Floats, ratio: Floats) -> Floats:
    """How much less sure the larger of two rims may be and still be kept."""
    nested = np.where(apart < 0.12, RING_MARGIN, NESTED_MARGIN)
    return np.where(inside < 0.75, 0.03, np.where(ratio > 0.65, CLOSE_MARGIN, nested))


def partly_hidden(outlines: Floats, support: Floats, kept: Bools, shape: tuple[int, int]) -> Floats:
    """Coins that lie partly under kept ones: what is visible of them counts.

    Parameters
    ----------
    outlines : (N, T, 2) float32
        x, y in pixels.
    support : (N, T) float32
        How much of a rim each point has.
    kept : (N,) bool
        The coins that are sure.
    shape
        Height and width of the image.

    Returns
    -------
    (N,) float32
        Mean support of the visible rim of each coin found here, 0 for all others.
    """
    scale = min(1.0, 160 / max(shape))
    masks = np.asarray(small_masks(outlines, shape) > 0)
    height, width = max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))
    x = np.clip((outlines[..., 0] * scale).astype(np.intp), 0, width - 1)
    y = np.clip((outlines[..., 1] * scale).astype(np.intp), 0, height - 1)
    area = np.maximum(masks.sum(1), 1)
    middle = np.median(area[kept])
    cover = np.asarray(masks[kept].any(axis=0))
    found = np.zeros(len(outlines), np.float32)
    fits = ~kept & (area > 0.4 * middle) & (area < 2.2 * middle)
    while True:
        free = (masks & ~cover).sum(1) / area
        shown = ~cover[y * width + x]
        seen = (support * shown).sum(1) / np.maximum(shown.sum(1), 1)
        seen[~fits | (free < FREE_AREA) | (shown.mean(1) < FREE_RIM)] = 0
        best = int(seen.argmax())
        if seen[best] < HIDDEN_SUPPORT:
            return found
        found[best], fits[best] = seen[best], False
        cover = cover | masks[best]


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

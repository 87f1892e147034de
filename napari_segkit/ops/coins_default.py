"""Coins by their rims: guesses from votes of edges, rims in polar coordinates, a choice, fine rims.

::

    for 80, 160, 320, 640 pixels a side:
      edges -> votes for circles and tilted circles -> rims around them -> again around those
    -> choose (outer rims, one per coin, similar sizes) -> fine rims at full resolution
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from napari_segkit.ops.coin_choice import choose, partly_hidden, similar_in_size
from napari_segkit.ops.coin_search import (
    LEVELS,
    RAYS,
    Guesses,
    is_settled,
    search_level,
    trace_guesses,
)
from napari_segkit.ops.polar import Frames
from napari_segkit.ops.pyramid import Pyramid
from napari_segkit.ops.rims import trace
from napari_segkit.types import Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_segkit.ops.polar import Floats
    from napari_segkit.types import Box, Image, Job, Labels

FINE = np.linspace(0.86, 1.14, 57, dtype=np.float32)
FINE_RAYS = 96
FINE_RADIUS = 64  # pixels: at least so large is a coin where its fine rim is followed
FINE_SLACK, EASE = 0.12, 0.1  # how much less sure a coin may be: closely, where there is no other
OUTWARD = (2.0, 9.0)  # see `trace`


@dataclass(frozen=True, kw_only=True)
class Search:
    """What to look for.

    Attributes
    ----------
    sensitivity
        0 to 1; higher takes fainter rims.
    min_diameter, max_diameter
        As shares of the image's longer side.
    """

    sensitivity: float = 0.5
    min_diameter: float = 0.02
    max_diameter: float = 1.5


@dataclass(frozen=True)
class CoinOutline:
    """One coin.

    Attributes
    ----------
    outline : (T, 2) float32
        x, y in pixels, where pixel centres are at integers.
    score : float
        0 to 1: how much of its rim is supported by the image.
    """

    outline: Floats
    score: float


def find_coins(
    image: Image, search: Search, boxes: NDArray[np.float32] | None = None
) -> Job[list[CoinOutline]]:
    """Find every coin of a photo.

    Parameters
    ----------
    image : (H, W, 3) uint8 RGB
    search
        What to look for.
    boxes : (N, 4) float32, optional
        x0 y0 x1 y1 in pixels: look only there.

    Returns
    -------
    list of CoinOutline
        In the order in which they are to be painted.
    """
    if boxes is not None and len(boxes):
        return (yield from _find_in_boxes(image, search, boxes))
    if min(image.shape[:2]) < 8:
        return []
    pyramid = Pyramid(image)
    guesses = Guesses()
    for k, level in enumerate(LEVELS):
        yield Progress(k, len(LEVELS) + 1, "looking for coins")
        search_level(pyramid, level, guesses)
        if is_settled(guesses, pyramid.shape, level):
            break
    yield Progress(len(LEVELS), len(LEVELS) + 1, "following rims")
    return _finish(pyramid, guesses, search)


def _find_in_boxes(
    image: Image, search: Search, boxes: NDArray[np.float32]
) -> Job[list[CoinOutline]]:
    """Coins of every box; of coins found in two boxes, the surer one."""
    found: list[CoinOutline] = []
    for k, box in enumerate(boxes):
        yield Progress(k, len(boxes), "looking for coins in the boxes")
        found += _find_in_box(image, search, box)
    if not found:
        return []
    middle = np.stack([coin.outline.mean(axis=0) for coin in found])
    radius = np.array([np.ptp(coin.outline, axis=0).mean() / 2 for coin in found])
    kept: list[int] = []
    for k in np.argsort([-coin.score for coin in found], kind="stable"):
        apart = np.linalg.norm(middle[kept] - middle[k], axis=1)
        if not (apart < 0.3 * np.maximum(radius[kept], radius[k])).any():
            kept.append(int(k))
    return [found[k] for k in reversed(kept)]


def _find_in_box(image: Image, search: Search, box: NDArray[np.float32]) -> list[CoinOutline]:
    """Coins of one box, looked for in it and a margin around it."""
    low, high = np.asarray(box[:2], float), np.asarray(box[2:], float)
    margin = 0.2 * (high - low) + 2
    x0, y0 = np.maximum(np.floor(low - margin), 0).astype(int)
    x1, y1 = np.minimum(np.ceil(high + margin), image.shape[1::-1]).astype(int)
    crop = image[y0:y1, x0:x1]
    if min(crop.shape[:2]) < 8:
        return []
    pyramid = Pyramid(crop)
    shift = np.array([x0, y0], np.float32)
    half = ((high - low) / 2).astype(np.float32)
    guesses = Guesses()
    seed = Frames((low + half - 0.5 - shift).astype(np.float32)[None], np.diag(half)[None])
    trace_guesses(pyramid, seed, guesses)
    for level in LEVELS[:4]:
        if is_settled(guesses, pyramid.shape, level):
            break
        search_level(pyramid, level, guesses)
    scale = max(image.shape[:2]) / max(crop.shape[:2])
    limits = replace(
        search,
        min_diameter=search.min_diameter * scale,
        max_diameter=search.max_diameter * scale,
    )
    coins = [replace(c, outline=c.outline + shift) for c in _finish(pyramid, guesses, limits)]
    return [coin for coin in coins if _lies_in(coin.outline, low, high)]


def _lies_in(outline: Floats, low: NDArray[np.float64], high: NDArray[np.float64]) -> bool:
    """Whether a coin's middle is in a box and the box holds most of its outline."""
    slack = 0.1 * (high - low)
    within = ((outline > low - slack) & (outline < high + slack)).all(axis=1)
    middle = outline.mean(axis=0)
    return bool(((middle > low) & (middle < high)).all() and within.mean() > 0.7)


def paint(coins: list[CoinOutline], shape: tuple[int, int]) -> Labels:
    """(H, W) int32 labels; coin k of the list has id k + 1 and covers those before it."""
    labels = np.zeros(shape, np.int32)
    for k, coin in enumerate(coins, 1):
        cv2.fillPoly(labels, [np.rint(coin.outline * 16).astype(np.int32)], k, shift=4)
    return labels


def painted_boxes(labels: Labels, coins: list[CoinOutline]) -> dict[int, Box]:
    """Box, x1 and y1 exclusive, of each coin of which `paint` left a pixel; keys are its ids."""
    boxes = {}
    for k, coin in enumerate(coins, 1):
        x0, y0 = np.maximum(np.floor(coin.outline.min(axis=0)).astype(int) - 1, 0).tolist()
        x1, y1 = np.maximum(np.ceil(coin.outline.max(axis=0)).astype(int) + 2, 0).tolist()
        own = (labels[y0:y1, x0:x1] == k).view(np.uint8)
        x, y, width, height = cv2.boundingRect(own) if own.size else (0, 0, 0, 0)
        if width:
            left, top = float(x0 + x), float(y0 + y)
            boxes[k] = left, top, left + width, top + height
    return boxes


def _finish(pyramid: Pyramid, guesses: Guesses, search: Search) -> list[CoinOutline]:
    """Choose among the guesses and follow their rims at full resolution."""
    low = 0.7 - 0.2 * search.sensitivity
    diameter = 2 * guesses.frames.radius / max(pyramid.shape)
    fits = (diameter >= search.min_diameter) & (diameter <= search.max_diameter)
    frames, score = guesses.frames[fits], guesses.score[fits]
    chosen, hidden = _chosen(frames, score, guesses.support[fits], pyramid.shape, low)
    if not len(chosen):
        chosen, low = _faint(score, diameter[fits], low), low - EASE
    if not len(chosen):
        return []
    frames = frames[chosen]
    score = np.maximum(score[chosen], np.minimum(hidden[chosen], low))
    values, inside = pyramid.sample(frames, FINE_RAYS, FINE, radius=FINE_RADIUS)
    rims = trace(values, inside, FINE, order=12, penalty=0.05, outward=OUTWARD, reach=2)
    score = (score + rims.score) / 2
    half = np.float32(0.5)  # cv2.fillPoly also paints the pixels of the edge
    outlines = frames.points(np.asarray(rims.curves - half / frames.radius[:, None], np.float32))
    order = [k for k in np.argsort(score, kind="stable") if score[k] > low - FINE_SLACK]
    return [CoinOutline(outlines[k], float(np.clip(score[k], 0, 1))) for k in order]


def _chosen(
    frames: Frames, score: Floats, support: Floats, shape: tuple[int, int], low: float
) -> tuple[NDArray[np.intp], Floats]:
    """One rim per coin: the sure ones of similar size, and those that these hide in part.

    Returns
    -------
    chosen : (K,) int
    hidden : (N,) float32
        Support of those partly hidden, see `partly_hidden`.
    """
    outlines = frames.points(np.ones((len(frames), RAYS), np.float32))
    sure = np.flatnonzero(score > low)
    if not len(sure):
        return sure, np.zeros(len(frames), np.float32)
    sure = sure[choose(outlines[sure], score[sure], shape)]
    sure = sure[similar_in_size(frames.radius[sure], score[sure])]
    kept = np.zeros(len(frames), bool)
    kept[sure] = True
    hidden = partly_hidden(outlines, support, kept, shape)
    return np.concatenate([np.flatnonzero(hidden), sure]), hidden


def _faint(score: Floats, diameter: Floats, low: float) -> NDArray[np.intp]:
    """In a photo without a sure coin the best guess of a large one, if it is nearly sure."""
    large = np.where(diameter > 0.2, score, 0)
    best = np.argsort(-large, kind="stable")[:1]
    return best[large[best] > low - EASE]

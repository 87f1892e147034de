"""Coins by their rims: guesses from votes of edges, rims in polar coordinates, a choice, fine rims.

::

    for 80, 160, 320, 640 pixels a side:
      edges -> votes for circles and tilted circles -> rims around them -> again around those
    -> choose (outer rims, one per coin, similar sizes) -> fine rims at full resolution
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from napari_segkit.ops.circle_votes import find_edges, vote
from napari_segkit.ops.coin_choice import SIZE_RATIO, choose, duplicates, similar_in_size
from napari_segkit.ops.polar import Frames, joined, refitted
from napari_segkit.ops.pyramid import Pyramid
from napari_segkit.ops.rims import bumps, trace
from napari_segkit.types import Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_segkit.ops.polar import Floats
    from napari_segkit.ops.rims import Rims
    from napari_segkit.types import Image, Job, Labels

SMALLEST = 9.0  # radius in pixels of a level
FINE_SLACK, FINE_RADIUS = 0.15, 64
SURE, LOOSE = 0.71, 0.2
OUTWARD = (2.0, 9.0)
UPRIGHT = ((1.0, 1.0),)
TILTED = ((1.0, 0.75), (0.75, 1.0))
FIRST = np.linspace(0.62, 1.42, 37, dtype=np.float32)
SECOND = np.linspace(0.78, 1.34, 43, dtype=np.float32)
FINE = np.linspace(0.86, 1.14, 57, dtype=np.float32)


@dataclass(frozen=True, kw_only=True)
class Level:
    """One pass over the photo at one size.

    Attributes
    ----------
    longest
        Longer side of the photo in pixels.
    largest
        Largest radius in pixels; the smallest is ``SMALLEST``.
    tilts
        Semi-axes looked for, as shares of the radius.
    guesses, edges
        At most so many guesses per tilt, from so many edge pixels.
    rays
        Rays of the first and of the second trace.
    """

    longest: int
    largest: float
    tilts: tuple[tuple[float, float], ...] = UPRIGHT + TILTED
    guesses: int = 40
    edges: int = 6000
    rays: tuple[int, int] = (64, 64)


LEVELS = (
    Level(longest=80, largest=50, tilts=UPRIGHT, guesses=8, edges=900, rays=(32, 48)),
    Level(longest=80, largest=50, guesses=12),
    Level(longest=160, largest=20),
    Level(longest=320, largest=20),
    Level(longest=640, largest=20),
)
"""The first is quick and enough for most photos of one large coin."""


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


@dataclass
class _Guesses:
    """Rims found so far, in pixels of the image."""

    frames: Frames = field(default_factory=lambda: joined([]))
    score: Floats = field(default_factory=lambda: np.zeros(0, np.float32))
    loose: float = 1.0  # share of edges outside of sure coins

    def add(self, frames: Frames, score: Floats) -> None:
        self.frames = joined([self.frames, frames])
        self.score = np.concatenate([self.score, score])


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
    guesses = _Guesses()
    for k, level in enumerate(LEVELS):
        yield Progress(k, len(LEVELS) + 1, "looking for coins")
        _search_level(pyramid, level, guesses)
        if _is_settled(guesses, pyramid.shape, level):
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
    outlines = np.stack([coin.outline for coin in found])
    score = np.array([coin.score for coin in found], np.float32)
    keep = choose(outlines, score, (image.shape[0], image.shape[1]))
    return [found[k] for k in np.argsort(score, kind="stable") if keep[k]]


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
    guesses = _Guesses()
    seed = Frames((low + half - 0.5 - shift).astype(np.float32)[None], np.diag(half)[None])
    _trace_guesses(pyramid, seed, guesses)
    for level in LEVELS[:4]:
        if _is_settled(guesses, pyramid.shape, level):
            break
        _search_level(pyramid, level, guesses)
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


def _search_level(pyramid: Pyramid, level: Level, guesses: _Guesses) -> None:
    """Add the rims that one level shows."""
    if level.longest > max(LEVELS[0].longest, 1.42 * max(pyramid.shape)):
        return
    lab, scale = pyramid.resized(level.longest)
    xy, direction = find_edges(lab, most=level.edges)
    if len(xy) < 12:
        return
    steps = int(np.log(level.largest / SMALLEST) / np.log(1.1)) + 1
    radii = (SMALLEST * 1.1 ** np.arange(steps)).astype(np.float32)
    shape = (lab.shape[0], lab.shape[1])
    found = [
        vote(xy, direction, shape, radii=radii, tilt=tilt, most=level.guesses)
        for tilt in level.tilts
    ]
    frames, votes = _frames_of(np.concatenate(found), scale)
    _trace_guesses(pyramid, frames[~duplicates(frames, votes)], guesses, rays=level.rays)
    sure = guesses.frames[guesses.score > SURE]
    guesses.loose = _share_outside(sure.scaled(scale), xy)


def _frames_of(found: Floats, scale: float) -> tuple[Frames, Floats]:
    """Frames in pixels of the image, and votes, of the rows of `vote`."""
    axes = np.zeros((len(found), 2, 2), np.float32)
    axes[:, 0, 0], axes[:, 1, 1] = found[:, 2] / scale, found[:, 3] / scale
    return Frames((found[:, :2] + 0.5) / np.float32(scale) - np.float32(0.5), axes), found[:, 4]


def _trace_guesses(
    pyramid: Pyramid, frames: Frames, guesses: _Guesses, *, rays: tuple[int, int] = (64, 64)
) -> None:
    """Trace rims around guesses, twice, and keep what could be a coin."""
    for n_rays, rhos, order, penalty, least in (
        (rays[0], FIRST, 3, 0.03, 0.35),
        (rays[1], SECOND, 4, 0.04, 0.45),
    ):
        if not len(frames):
            return
        values, inside = pyramid.sample(frames, n_rays, rhos, radius=20)
        rims = trace(values, inside, rhos, order=order, penalty=penalty)
        frames = refitted(frames, rims.coefficients)
        keep = (rims.score > least) & _is_coin_shaped(frames, rims)
        frames, score = frames[keep], rims.score[keep]
    guesses.add(frames, score)


def _is_coin_shaped(frames: Frames, rims: Rims) -> NDArray[np.bool_]:
    c = rims.coefficients
    return np.asarray(
        (c[:, 0] > 0.3)
        & (frames.radius > 4)
        & (frames.flatness > 0.5)
        & (bumps(c) < 0.05)
        & (rims.visible > 0.3)
    )


def _is_settled(guesses: _Guesses, shape: tuple[int, int], level: Level) -> bool:
    """Whether a sure coin is so large that the levels to come would only show smaller things.

    After the quick level, few edges may be left outside of such coins too.
    """
    smallest = SMALLEST * max(shape) / level.longest
    sure = guesses.score > SURE
    large = bool((guesses.frames.radius[sure] > SIZE_RATIO * smallest).any())
    return large and (level is not LEVELS[0] or guesses.loose < LOOSE)


def _share_outside(frames: Frames, xy: Floats) -> float:
    """Share of the points ``xy`` (M, 2) that lie outside of all frames, and not close to them."""
    if not len(frames):
        return 1.0
    offset = xy[None] - frames.centers[:, None]
    distance = np.linalg.norm(np.einsum("nij,nmj->nmi", np.linalg.inv(frames.axes), offset), axis=2)
    return float((distance > 1.15).all(axis=0).mean())


def _finish(pyramid: Pyramid, guesses: _Guesses, search: Search) -> list[CoinOutline]:
    frames, score = guesses.frames, guesses.score
    low = 0.7 - 0.2 * search.sensitivity
    diameter = 2 * frames.radius / max(pyramid.shape)
    low = _eased(score, frames.radius, low)
    keep = (score > low) & (diameter >= search.min_diameter) & (diameter <= search.max_diameter)
    frames, score = frames[keep], score[keep]
    frames, score = _chosen(frames, score, pyramid.shape)
    if not len(frames):
        return []
    values, inside = pyramid.sample(frames, 96, FINE, radius=FINE_RADIUS)
    rims = trace(values, inside, FINE, order=12, penalty=0.05, outward=OUTWARD, reach=2)
    score = (score + rims.score) / 2
    curves = (
        rims.curves - np.float32(0.5) / frames.radius[:, None]
    )  # cv2.fillPoly also paints its edge pixels
    outlines = frames.points(curves)
    keep = score > low - FINE_SLACK
    order = np.argsort(score, kind="stable")
    return [CoinOutline(outlines[k], float(np.clip(score[k], 0, 1))) for k in order if keep[k]]


def _eased(score: Floats, radius: Floats, low: float) -> float:
    """The threshold, lowered to the best guess where none reaches it."""
    large = radius > 0.25 * radius.max(initial=0)
    best = float(score[large].max(initial=0))
    return low if best > low or best < low - 0.12 else best - 0.01


def _chosen(frames: Frames, score: Floats, shape: tuple[int, int]) -> tuple[Frames, Floats]:
    if not len(frames):
        return frames, score
    outlines = frames.points(np.ones((len(frames), 64), np.float32))
    keep = choose(outlines, score, shape)
    frames, score = frames[keep], score[keep]
    keep = similar_in_size(frames.radius, score)
    return frames[keep], score[keep]

"""Guesses where coins are: rims around the circles that edges vote for, in ever larger copies."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.ops.circle_votes import find_edges, vote
from napari_segkit.ops.coin_choice import SIZE_RATIO, duplicates
from napari_segkit.ops.polar import Frames, joined, refitted
from napari_segkit.ops.rims import bumps, trace

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_segkit.ops.polar import Floats
    from napari_segkit.ops.pyramid import Pyramid
    from napari_segkit.ops.rims import Rims

RAYS = 64  # of every guess that is kept
SMALLEST = 9.0  # radius in pixels of a level
SURE, LOOSE = 0.71, 0.2  # score of a sure coin; share of edges that may lie outside of such coins
UPRIGHT = ((1.0, 1.0),)
TILTED = ((1.0, 0.75), (0.75, 1.0))
FIRST = np.linspace(0.62, 1.42, 37, dtype=np.float32)
SECOND = np.linspace(0.78, 1.34, 43, dtype=np.float32)


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
    rays: tuple[int, int] = (RAYS, RAYS)


LEVELS = (
    Level(longest=80, largest=50, tilts=UPRIGHT, guesses=8, edges=900, rays=(32, RAYS)),
    Level(longest=80, largest=50, guesses=12),
    Level(longest=160, largest=20),
    Level(longest=320, largest=20),
    Level(longest=640, largest=20, guesses=80),
)
"""The first is quick and enough for most photos of one large coin."""


@dataclass
class Guesses:
    """Rims found so far, in pixels of the image.

    Attributes
    ----------
    frames : Frames
        N ellipses.
    score : (N,) float32
        See `Rims`.
    support : (N, RAYS) float32
        See `Rims`.
    loose
        Share of the edges that lie outside of sure coins.
    """

    frames: Frames = field(default_factory=lambda: joined([]))
    score: Floats = field(default_factory=lambda: np.zeros(0, np.float32))
    support: Floats = field(default_factory=lambda: np.zeros((0, RAYS), np.float32))
    loose: float = 1.0

    def add(self, frames: Frames, score: Floats, support: Floats) -> None:
        """Add N more."""
        self.frames = joined([self.frames, frames])
        self.score = np.concatenate([self.score, score])
        self.support = np.concatenate([self.support, support])


def search_level(pyramid: Pyramid, level: Level, guesses: Guesses) -> None:
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
    trace_guesses(pyramid, frames[~duplicates(frames, votes)], guesses, rays=level.rays)
    sure = guesses.frames[guesses.score > SURE]
    guesses.loose = _share_outside(sure.scaled(scale), xy)


def _frames_of(found: Floats, scale: float) -> tuple[Frames, Floats]:
    """Frames in pixels of the image, and votes, of the rows of `vote`."""
    axes = np.zeros((len(found), 2, 2), np.float32)
    axes[:, 0, 0], axes[:, 1, 1] = found[:, 2] / scale, found[:, 3] / scale
    return Frames((found[:, :2] + 0.5) / np.float32(scale) - np.float32(0.5), axes), found[:, 4]


def trace_guesses(
    pyramid: Pyramid, frames: Frames, guesses: Guesses, *, rays: tuple[int, int] = (RAYS, RAYS)
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
        frames, score, support = frames[keep], rims.score[keep], rims.support[keep]
    guesses.add(frames, score, support)


def _is_coin_shaped(frames: Frames, rims: Rims) -> NDArray[np.bool_]:
    c = rims.coefficients
    return np.asarray(
        (c[:, 0] > 0.3)
        & (frames.radius > 4)
        & (frames.flatness > 0.5)
        & (bumps(c) < 0.05)
        & (rims.visible > 0.3)
    )


def is_settled(guesses: Guesses, shape: tuple[int, int], level: Level) -> bool:
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

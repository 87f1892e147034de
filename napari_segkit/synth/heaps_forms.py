"""Outlines of what lies in a heap: (N, 2) x y about the origin, one unit long."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from napari_segkit.synth.view import Points

_COUNT = 96
"""Points of an outline."""


def _polar(radius: NDArray[np.floating], stretch: float) -> Points:
    angle = np.linspace(0, math.tau, len(radius), endpoint=False)
    points = np.stack([radius * np.cos(angle), stretch * radius * np.sin(angle)], 1)
    return np.asarray(points / np.ptp(points, axis=0).max())


def blob(rng: np.random.Generator, rough: float = 0.12) -> Points:
    """A round thing with dents: fruit, potatoes, pebbles, lumps."""
    angle = np.linspace(0, math.tau, _COUNT, endpoint=False)
    radius = np.ones(_COUNT)
    for wave in range(2, 7):
        radius += rough * rng.normal() / wave * np.cos(wave * angle + rng.uniform(0, math.tau))
    return _polar(radius, rng.uniform(0.55, 1))


def ball(rng: np.random.Generator) -> Points:
    """A disc, seen a little from the side: berries, coins, plates."""
    return _polar(np.ones(_COUNT), rng.uniform(0.85, 1))


def egg(rng: np.random.Generator) -> Points:
    """An egg, a lemon, an almond."""
    points = _polar(np.ones(_COUNT), rng.uniform(0.6, 0.85))
    narrow = 1 - rng.uniform(0, 0.5) * (points[:, 0] + 0.5)
    return np.stack([points[:, 0], points[:, 1] * narrow], 1)


def slab(rng: np.random.Generator) -> Points:
    """A rectangle with round corners: tablets, boxes, biscuits, sliced bread."""
    angle = np.linspace(0, math.tau, _COUNT, endpoint=False)
    power = rng.uniform(2.5, 12)
    c, s = np.cos(angle), np.sin(angle)
    radius = (np.abs(c) ** power + np.abs(s) ** power) ** (-1 / power)
    points = _polar(radius, rng.uniform(0.4, 1))
    lean = rng.normal(0, 0.1)
    return np.stack([points[:, 0] + lean * points[:, 1], points[:, 1]], 1)


def stick(rng: np.random.Generator) -> Points:
    """A rod, straight or bent: beans, pasta, cinnamon, chips, bananas."""
    thick, bend = rng.uniform(0.05, 0.3), rng.uniform(0, 0.35) * (rng.random() < 0.5)
    along = np.linspace(-0.5, 0.5, _COUNT // 2)
    taper = (1 - np.abs(2 * along) ** rng.uniform(3, 30)) ** 0.5 * thick / 2
    line = bend * (along**2 - 0.125)
    upper = np.stack([along, line + taper], 1)
    lower = np.stack([along, line - taper], 1)[::-1]
    return np.concatenate([upper, lower])


def leaf(rng: np.random.Generator) -> Points:
    """Pointed at one end or both: leaves, seeds, flames, slices of cake."""
    along = np.linspace(0, 1, _COUNT // 2)
    wide = np.sin(math.pi * along ** rng.uniform(0.5, 1.5)) * rng.uniform(0.15, 0.45)
    line = rng.normal(0, 0.1) * np.sin(math.pi * along)
    upper = np.stack([along - 0.5, line + wide], 1)
    lower = np.stack([along - 0.5, line - wide], 1)[::-1]
    return np.concatenate([upper, lower])


def crooked(rng: np.random.Generator) -> Points:
    """A blob with deep dents: popcorn, flowers, broken pieces, meat."""
    return blob(rng, rough=rng.uniform(0.25, 0.6))


def shard(rng: np.random.Generator) -> Points:
    """A convex piece with corners: cheese, chocolate, glass, paper."""
    angle = np.sort(rng.uniform(0, math.tau, int(rng.integers(3, 7))))
    if np.diff(np.append(angle, angle[0] + math.tau)).max() > math.pi:
        return slab(rng)
    corners = np.stack([np.cos(angle), np.sin(angle) * rng.uniform(0.5, 1)], 1)
    return np.asarray(corners / np.ptp(corners, axis=0).max())


FORMS: dict[str, Callable[[np.random.Generator], Points]] = {
    "ball": ball,
    "blob": blob,
    "crooked": crooked,
    "egg": egg,
    "leaf": leaf,
    "shard": shard,
    "slab": slab,
    "stick": stick,
}

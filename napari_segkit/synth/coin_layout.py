"""Where coins lie: apart, touching, overlapping, heaped."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.synth.coin_render import Pose

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_segkit.synth.view import Points, View

THICKNESS = 0.15  # radii; the mean of `metal.Design.thickness`
_SPIRAL = np.arange(80) + 0.5
_DISC = np.stack(
    [
        np.sqrt(_SPIRAL / 80) * np.cos(_SPIRAL * 2.39996),
        np.sqrt(_SPIRAL / 80) * np.sin(_SPIRAL * 2.39996),
    ],
    axis=1,
)  # evenly spread points of a unit disc


@dataclass
class Table:
    """Coins placed so far, with what is still visible of each.

    `least_visible` is the share of every coin that must stay in sight, of other coins and of the
    frame.
    """

    view: View
    least_visible: float
    least_in_frame: float
    poses: list[Pose] = field(default_factory=list)
    samples: list[Points] = field(default_factory=list)
    taken: NDArray[np.bool_] | None = None

    def accepts(self, x: float, y: float, radius: float, *, gap: float) -> bool:
        """Whether a coin fits there; a negative `gap`, in radii, allows overlap."""
        disc = _DISC * radius + (x, y)
        image = self.view.project(np.c_[disc, np.zeros(len(disc))])
        inside = (image > 0).all(axis=1) & (image < (self.view.width, self.view.height)).all(axis=1)
        if inside.mean() < self.least_in_frame:
            return False
        if self.taken is not None:
            cols, rows = np.round(image[inside]).astype(int).T
            if self.taken[
                rows.clip(0, self.view.height - 1), cols.clip(0, self.view.width - 1)
            ].any():
                return False
        for pose, sample in zip(self.poses, self.samples, strict=True):
            apart = math.hypot(x - pose.x, y - pose.y) - radius - pose.radius
            if apart < gap * min(radius, pose.radius):
                return False
            if apart < 0:
                kept = np.hypot(*(sample - (x, y)).T) > radius
                if kept.sum() < self.least_visible * len(_DISC):
                    return False
        return True

    def put(
        self, x: float, y: float, radius: float, rng: np.random.Generator, *, lean: float = 0
    ) -> None:
        """Lay a coin down, on top of those it overlaps."""
        z = 0.0
        for k, pose in enumerate(self.poses):
            if math.hypot(x - pose.x, y - pose.y) < 0.98 * (radius + pose.radius):
                z = max(z, pose.z + THICKNESS * pose.radius)
                self.samples[k] = self.samples[k][np.hypot(*(self.samples[k] - (x, y)).T) > radius]
        tilt = abs(rng.normal(0, lean)) if z else 0.0
        turn, towards = rng.uniform(0, math.tau), rng.uniform(0, math.tau)
        self.poses.append(Pose(x, y, z + radius * math.sin(tilt), radius, turn, tilt, towards))
        self.samples.append(_DISC * radius + (x, y))

    def spot(self, rng: np.random.Generator, *, inset: float = 0.0) -> tuple[float, float]:
        """A random table point in view; `inset` keeps that share of the frame free at each side."""
        low, high = inset, 1 - inset
        image = rng.uniform((low, low), (high, high)) * (self.view.width, self.view.height)
        x, y = self.view.to_ground(image[None])[0]
        return float(x), float(y)


def _scatter(table: Table, radii: list[float], rng: np.random.Generator, *, gap: float) -> None:
    for radius in radii:
        for _ in range(40):
            x, y = table.spot(rng)
            if table.accepts(x, y, radius, gap=gap):
                table.put(x, y, radius, rng)
                break


def _attach(
    table: Table,
    radii: list[float],
    rng: np.random.Generator,
    *,
    share: tuple[float, float],
    lean: float,
) -> None:
    """Chain coins to coins already there at `share` of the distance at which they would touch."""
    low, _ = share
    for radius in radii:
        for _ in range(60):
            if not table.poses or rng.random() < 0.12:
                x, y = table.spot(rng, inset=0.2)
                gap = 0.0
            else:
                host = table.poses[int(rng.integers(len(table.poses)))]
                angle = rng.uniform(0, math.tau)
                reach = (host.radius + radius) * rng.uniform(*share)
                x, y = host.x + reach * math.cos(angle), host.y + reach * math.sin(angle)
                gap = -2.0 if low < 0.99 else -0.005
            if table.accepts(x, y, radius, gap=gap):
                table.put(x, y, radius, rng, lean=lean)
                break


def _heap(table: Table, radii: list[float], rng: np.random.Generator) -> None:
    spread = rng.uniform(0.4, 0.6) * math.sqrt(sum(r * r for r in radii))
    for radius in radii:
        for _ in range(40):
            x, y = rng.normal(0, spread, 2)
            if table.accepts(float(x), float(y), radius, gap=-2.0):
                table.put(float(x), float(y), radius, rng, lean=0.12)
                break


def arrange(
    layout: str,
    radii: list[float],
    view: View,
    *,
    rng: np.random.Generator,
    taken: NDArray[np.bool_] | None = None,
) -> list[Pose]:
    """Lay coins on the table.

    Parameters
    ----------
    layout : 'single', 'cut', 'apart', 'touching', 'overlapping' or 'heap'.
    radii : of the coins, in table pixels; those that find no place are left out, the first never
        is.
    view : the camera.
    taken : (H, W) bool, where other things lie in the image; None = nowhere.

    Returns
    -------
    Poses from the lowest to the topmost.
    """
    visible = {"overlapping": 0.4, "heap": 0.3}.get(layout, 0.0)
    in_frame = {"single": 0.0, "cut": 0.0, "apart": 0.97}.get(layout, 0.7)
    table = Table(view, visible, in_frame, taken=taken)
    if layout in {"single", "cut"}:
        room = max(0.0, min(view.width, view.height) / 2 - radii[0])
        offset = rng.uniform(-1, 1, 2) * room * 0.6
        if layout == "cut":
            away, shift = rng.uniform(0, math.tau), rng.uniform(0.1, 0.6) * radii[0]
            offset = np.array([math.cos(away), math.sin(away)]) * shift
        table.put(float(offset[0]), float(offset[1]), radii[0], rng)
    elif layout == "touching":
        _attach(table, radii, rng, share=(1.0, 1.012), lean=0.0)
    elif layout == "overlapping":
        _attach(table, radii, rng, share=(0.6, 0.97), lean=0.06)
    elif layout == "heap":
        _heap(table, radii, rng)
    else:
        _scatter(table, radii, rng, gap=0.12)
    if not table.poses:
        table.put(0.0, 0.0, radii[0], rng)
    return table.poses

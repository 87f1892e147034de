"""Put one coin into a scene: outline by projection, cast shadow, side wall, face."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from napari_segkit.synth.metal import Design, Lamp, face_colours, wall_colours
from napari_segkit.synth.noise import Field, soften
from napari_segkit.synth.relief import SPAN
from napari_segkit.synth.view import Points, View, Window, coverage, sweep

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Pose:
    """Where a coin lies: centre of its underside, radius (table pixels), turn, lean (radians)."""

    x: float
    y: float
    z: float
    radius: float
    turn: float
    lean: float
    lean_towards: float


@dataclass(frozen=True)
class Outline:
    """A coin in the image: upper and lower edge, (N, 2) each, and its face's corners, (4, 2)."""

    upper: Points
    lower: Points
    corners: Points

    @property
    def all(self) -> Points:
        """Both edges, (2N, 2)."""
        return np.concatenate([self.upper, self.lower])


def _frame(pose: Pose) -> NDArray[np.float64]:
    """Columns: the coin's own x, y and normal in table coordinates, (3, 3)."""
    c, s = math.cos(pose.lean), math.sin(pose.lean)
    d, e = math.cos(pose.lean_towards), math.sin(pose.lean_towards)
    axis = np.array(
        [
            [d * d * c + e * e, d * e * (c - 1), d * s],
            [d * e * (c - 1), e * e * c + d * d, e * s],
            [-d * s, -e * s, c],
        ]
    )
    t, u = math.cos(pose.turn), math.sin(pose.turn)
    return np.asarray(axis @ np.array([[t, -u, 0], [u, t, 0], [0, 0, 1]]))


def outline_in(view: View, pose: Pose, design: Design) -> Outline:
    """Project a coin's edges and the corners of its face's square."""
    count = len(design.outline)
    angle = np.linspace(0, math.tau, count, endpoint=False)
    flat = np.stack(
        [design.outline * np.cos(angle), design.outline * np.sin(angle), np.zeros(count)], axis=1
    )
    frame, place = _frame(pose), np.array([pose.x, pose.y, pose.z])
    lift = np.array([0, 0, design.thickness])
    square = np.array([[-SPAN, -SPAN, 0], [SPAN, -SPAN, 0], [SPAN, SPAN, 0], [-SPAN, SPAN, 0]])
    upper, lower, corners = (
        view.project(place + pose.radius * (points @ frame.T))
        for points in (flat + lift, flat, square + lift)
    )
    return Outline(upper, lower, corners)


def silhouette(edge: Outline, design: Design, window: Window) -> Field:
    """Share of each pixel covered by face and visible side wall together; (h, w) float32."""
    return coverage(sweep(edge.upper, edge.lower, convex=design.convex), window)


def cast_shadow(canvas: Field, view: View, pose: Pose, design: Design, lamp: Lamp) -> None:
    """Darken what lies under and behind the coin, in place; canvas (H, W, 3) linear light."""
    thick = design.thickness * pose.radius
    reach = (thick + pose.z) / max(0.15, lamp.height)
    count = len(design.outline)
    angle = np.linspace(0, math.tau, count, endpoint=False) + pose.turn
    ring = pose.radius * design.outline[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    ring = np.c_[ring + np.array([pose.x, pose.y]), np.full(count, max(0.0, pose.z - thick))]
    away = np.array([-lamp.direction[0], -lamp.direction[1], 0]) * reach
    near, far = view.project(ring), view.project(ring + away)
    blur = max(0.6, (0.15 + lamp.softness) * reach * 0.5)
    contact = max(0.6, thick * 0.35)
    window = Window.around(
        np.concatenate([near, far]), canvas.shape[:2], margin=3 * max(blur, contact) + 2
    )
    if window.empty:
        return
    umbra = soften(coverage(sweep(near, far, convex=True), window), blur)
    touch = soften(coverage([near], window), contact)
    shade = (1 - lamp.strength * umbra) * (1 - np.float32(0.45) * touch)
    canvas[window.slices] *= shade[..., None]


def paint_coin(
    canvas: Field, view: View, pose: Pose, design: Design, lamp: Lamp, *, rng: np.random.Generator
) -> tuple[Window, Field]:
    """Paint a coin and its shadow over a picture, in place.

    Parameters
    ----------
    canvas : (H, W, 3) float32 linear light.

    Returns
    -------
    The window that holds the coin, and its coverage there, (h, w) float32 in [0, 1]. A central
    hole counts as coin in the coverage, though the ground is seen through it.
    """
    edge = outline_in(view, pose, design)
    window = Window.around(edge.all, canvas.shape[:2])
    if window.empty:
        return window, np.zeros((0, 0), np.float32)
    behind = canvas[window.slices].copy()
    cast_shadow(canvas, view, pose, design, lamp)
    cover = silhouette(edge, design, window)
    upper = coverage([edge.upper], window)
    size = int(np.clip(2 * pose.radius * SPAN, 40, 560))
    lean = (
        2 * math.sin(pose.lean) * math.cos(pose.lean_towards),
        2 * math.sin(pose.lean) * math.sin(pose.lean_towards) + view.tilt,
    )
    face = face_colours(design, size, lamp, turn=pose.turn, lean=lean, rng=rng)
    square = np.array([[0, 0], [size - 1, 0], [size - 1, size - 1], [0, size - 1]], np.float32)
    target = (edge.corners - (window.x0, window.y0)).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(square, target)
    shape = (window.shape[1], window.shape[0])
    top = cv2.warpPerspective(
        face, matrix, shape, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    x = np.arange(window.x0, window.x1, dtype=np.float32)[None, :]
    y = np.arange(window.y0, window.y1, dtype=np.float32)[:, None]
    wall = wall_colours(design, edge.lower.mean(axis=0), (x, y), lamp, rng=rng)
    coin = wall + (top - wall) * upper[..., None]
    if design.hole:
        coin = _pierce(coin, behind, edge, design, window)
    region = canvas[window.slices]
    region += (coin - region) * cover[..., None]
    return window, cover


def _pierce(coin: Field, behind: Field, edge: Outline, design: Design, window: Window) -> Field:
    """Show the ground, shaded, through a central hole."""
    middle = edge.upper.mean(axis=0)
    hole = middle + (edge.upper - middle) * design.hole
    inside = coverage([hole], window)[..., None]
    return np.asarray(coin + (behind * np.float32(0.7) - coin) * inside, np.float32)

"""A small ray caster for implicit surfaces, vectorised over pixels.

World coordinates: x, y along the table, z up. Every ray runs downwards, so that its points are
``(ax + bx z, ay + by z, z)``, and of two surfaces the higher one is in front. A solid is a field
``f(x, y, z)``, about the distance to its surface, negative inside.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np

from napari_segkit.synth.noise import Field, Real
from napari_segkit.synth.view import Points, Window, camera_axes

if TYPE_CHECKING:
    from numpy.typing import NDArray

Surface: TypeAlias = Callable[[Real, Real, Real], Field]
"""`(x, y, z) -> distance`; the three broadcast."""
_STEPS = 9  # on the way to a lamp
_STEEPEST = -0.06  # rays at the horizon and above are bent down to this z per unit of length


@dataclass(frozen=True)
class Rays:
    """Rays of a block of pixels, each array (H, W) float32; ``dx dy dz`` has unit length."""

    ax: Field
    ay: Field
    bx: Field
    by: Field
    dx: Field
    dy: Field
    dz: Field

    def cut(self, window: Window) -> Rays:
        """Rays of a window of the image."""
        parts = (self.ax, self.ay, self.bx, self.by, self.dx, self.dy, self.dz)
        return Rays(*(part[window.slices] for part in parts))


@dataclass(frozen=True)
class Eye:
    """A pinhole camera.

    Attributes
    ----------
    shape
        (height, width) of the image in pixels.
    centre : (3,) world coordinates
    axes : (3, 3)
        Rows: right, down, forward.
    focal
        In pixels.
    """

    shape: tuple[int, int]
    centre: Points
    axes: Points
    focal: float

    def rays(self) -> Rays:
        """One ray for each pixel's centre."""
        height, width = self.shape
        y, x = np.mgrid[:height, :width].astype(np.float32)
        x, y = (x - (width - 1) / 2) / self.focal, (y - (height - 1) / 2) / self.focal
        right, down, forward = self.axes.astype(np.float32)
        dx, dy, dz = (x * right[k] + y * down[k] + forward[k] for k in range(3))
        length = np.sqrt(dx * dx + dy * dy + dz * dz)
        dx, dy, dz = dx / length, dy / length, np.minimum(dz / length, np.float32(_STEEPEST))
        bx, by = dx / dz, dy / dz
        cx, cy, cz = (np.float32(part) for part in self.centre)
        return Rays(cx - bx * cz, cy - by * cz, bx, by, dx, dy, dz)

    def project(self, points: Points) -> Points:
        """(N, 3) world coordinates to (N, 2) image x, y."""
        seen = (points - self.centre) @ self.axes.T
        depth = np.maximum(seen[:, 2:], 1e-3)
        height, width = self.shape
        return np.asarray(
            seen[:, :2] / depth * self.focal + ((width - 1) / 2, (height - 1) / 2), np.float64
        )


def look_at(
    target: Points,
    *,
    shape: tuple[int, int],
    elevation: float,
    azimuth: float,
    distance: float,
    view_angle: float,
    roll: float = 0.0,
) -> Eye:
    """A camera above the table; angles in radians, ``view_angle`` across the longer side."""
    axes = camera_axes(elevation, azimuth, roll)
    focal = max(shape) / 2 / math.tan(view_angle / 2)
    return Eye(shape, target - axes[2] * distance, axes, focal)


@dataclass(frozen=True)
class Bounds:
    """A box in world coordinates that holds a solid."""

    x0: float
    x1: float
    y0: float
    y1: float
    z0: float
    z1: float

    def window(self, eye: Eye) -> Window:
        """Pixels in which the box is seen."""
        corners = [
            (x, y, z)
            for x in (self.x0, self.x1)
            for y in (self.y0, self.y1)
            for z in (self.z0, self.z1)
        ]
        return Window.around(eye.project(np.array(corners)), eye.shape)


@dataclass(frozen=True)
class Material:
    """What surfaces look like at N points.

    Attributes
    ----------
    albedo : (N, 3)
        Share of light that is scattered.
    mirror : (N, 3)
        Share of light that is mirrored when looked at from above (Fresnel's F0).
    rough : (N,)
        0 = a mirror, 1 = a wide sheen.
    """

    albedo: Field
    mirror: Field
    rough: Field


Paint: TypeAlias = Callable[[Field, Field, Field, Field], Material]
"""`(x, y, z, normals (N, 3)) -> Material`; may bend the normals in place."""

Classify: TypeAlias = "Callable[[Field, Field, Field], NDArray[np.uint8]]"
"""`(x, y, z) -> class numbers (N,)`."""


@dataclass(frozen=True)
class Solid:
    """Something in the scene.

    ``value`` is its class number, 0 = background, unless ``classify`` says more; where ``casts``
    is true it throws a shadow.
    """

    surface: Surface
    bounds: Bounds
    paint: Paint
    value: int = 0
    steps: int = 28
    casts: bool = True
    classify: Classify | None = None


def march(rays: Rays, surface: Surface, bounds: Bounds, steps: int) -> Field:
    """Height z of each ray's first point inside; -inf where there is none. (H, W) float32."""
    found = np.full(rays.ax.shape, -np.inf, np.float32)
    levels = np.linspace(bounds.z1 + 1e-3, bounds.z0, steps)
    before: Field | None = None
    for above, level in zip([levels[0], *levels[:-1]], levels, strict=True):
        z = np.float32(level)
        value = surface(rays.ax + rays.bx * z, rays.ay + rays.by * z, np.full(1, z))
        entered = (value < 0) & np.isneginf(found)
        if before is not None and entered.any():
            start, end = before[entered], value[entered]
            share = np.where(start > 0, start / np.maximum(start - end, 1e-9), 0)
            found[entered] = np.float32(above) - share * np.float32(above - level)
        before = value
    return found


def normals(surface: Surface, x: Field, y: Field, z: Field, *, reach: float = 4e-3) -> Field:
    """Unit normals at N points, (N, 3), by differences."""
    step = np.float32(reach)
    parts = (
        surface(x + step, y, z) - surface(x - step, y, z),
        surface(x, y + step, z) - surface(x, y - step, z),
        surface(x, y, z + step) - surface(x, y, z - step),
    )
    slope = np.stack(parts, axis=1)
    slope /= np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-9)
    return np.asarray(slope, np.float32)


def sample(texture: Field, column: Real, row: Real, *, border: int = cv2.BORDER_REFLECT) -> Field:
    """Values of a picture, (H, W) or (H, W, C), at N places in its pixels, between them linear."""
    count, width = len(column), 1024
    rows = max(1, math.ceil(count / width))
    places = np.zeros((2, rows * width), np.float32)
    places[0, :count], places[1, :count] = column, row
    grid = places.reshape(2, rows, width)
    got = cv2.remap(texture, grid[0], grid[1], cv2.INTER_LINEAR, borderMode=border)
    return np.asarray(got.reshape(rows * width, *texture.shape[2:])[:count], np.float32)


def shade_share(
    solid: Solid, places: tuple[Field, Field, Field], light: Points, softness: float
) -> Field:
    """Share of a lamp's light that passes a solid on the way to each point; (N,) float32.

    Soft shadows after Quilez: the nearest miss, seen from the point, against the lamp's size.
    """
    x, y, z = places
    rise = np.float32(max(float(light[2]), 0.08))
    length = np.clip((solid.bounds.z1 - z) / rise, 0, 6)
    nearest = np.ones(x.shape, np.float32)
    for share in (np.arange(_STEPS, dtype=np.float32) + 0.5) / _STEPS:
        way = 0.015 + length * share
        value = solid.surface(
            x + np.float32(light[0]) * way, y + np.float32(light[1]) * way, z + rise * way
        )
        np.minimum(nearest, value / (np.float32(softness) * way + 0.01), out=nearest)
    passed = np.clip(0.5 + 0.5 * nearest, 0, 1)
    return np.where(length > 0, passed * passed * (3 - 2 * passed), 1).astype(np.float32)

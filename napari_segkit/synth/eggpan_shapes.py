"""Fields of what stands in a kitchen: vessels, handles, eggs in the shell, rods, boxes.

A vessel's inner radius at its top is 1; its floor lies at z = 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.synth.rays import Bounds

if TYPE_CHECKING:
    from napari_segkit.synth.noise import Field, Real
    from napari_segkit.synth.rays import Surface


@dataclass(frozen=True)
class Profile:
    """Cross-section of a vessel, in its own radius.

    Attributes
    ----------
    floor
        Radius of the flat floor.
    height
        Of the rim above the floor.
    bend
        Exponent of the wall: 1 straight, below 1 rounded at the floor.
    wall, base
        Thickness of wall and floor.
    lip
        Radius of the rim's bead.
    corner
        0 = round; otherwise a square with corners of this radius.
    spout
        How far two spouts reach out.
    """

    floor: float = 0.8
    height: float = 0.2
    bend: float = 0.6
    wall: float = 0.03
    base: float = 0.05
    lip: float = 0.02
    corner: float = 0.0
    spout: float = 0.0

    def radius(self, z: Real) -> Field:
        """Inner radius at height z."""
        share = np.clip(z / self.height, 0, 1)
        return np.asarray(self.floor + (1 - self.floor) * share**self.bend, np.float32)

    def ground(self, rho: Field) -> Field:
        """Height of the inner surface at a radius."""
        share = np.clip((rho - self.floor) / max(1e-3, 1 - self.floor), 0, 1)
        return np.asarray(self.height * share ** (1 / self.bend), np.float32)

    def rho(self, x: Real, y: Real) -> Field:
        """Radius of a place, as the shape of the rim has it."""
        if self.corner:
            edge = np.float32(1 - self.corner)
            qx, qy = np.abs(x) - edge, np.abs(y) - edge
            outside = np.sqrt(np.maximum(qx, 0) ** 2 + np.maximum(qy, 0) ** 2)
            return np.asarray(
                outside + np.minimum(np.maximum(qx, qy), 0) + 1 - self.corner, np.float32
            )
        rho = np.sqrt(x * x + y * y)
        if self.spout:
            share = np.clip((np.abs(y) / np.maximum(rho, 0.3) - 0.97) / 0.03, 0, 1)
            rho = rho - np.float32(self.spout) * share * np.clip(rho * 3 - 2, 0, 1)
        return np.asarray(rho, np.float32)

    def surface(self) -> Surface:
        """Its field."""

        def distance(x: Real, y: Real, z: Real) -> Field:
            rho = self.rho(x, y)
            outer = rho - self.radius(z + self.base) - np.float32(self.wall)
            slab = np.maximum(np.maximum(outer, -z - self.base), z - self.height)
            wall = np.maximum(slab, self.radius(z) - rho)
            floor = np.maximum(slab, z)
            both = np.minimum(wall, floor)
            if self.lip:
                across = rho - np.float32(1 + self.wall / 2)
                rim = np.sqrt(across * across + (z - self.height) ** 2) - np.float32(self.lip)
                both = np.minimum(both, rim)
            return np.asarray(both, np.float32)

        return distance

    def bounds(self) -> Bounds:
        """A box around it."""
        reach = 1 + self.wall + self.lip + self.spout + 0.01
        return Bounds(-reach, reach, -reach, reach, -self.base, self.height + self.lip)


def moved(surface: Surface, x0: float, y0: float, z0: float, *, scale: float = 1.0) -> Surface:
    """The field of a thing scaled about its origin, then moved."""
    k = np.float32(scale)

    def distance(x: Real, y: Real, z: Real) -> Field:
        return np.asarray(surface((x - x0) / k, (y - y0) / k, (z - z0) / k) * k, np.float32)

    return distance


def moved_bounds(bounds: Bounds, x0: float, y0: float, z0: float, *, scale: float = 1.0) -> Bounds:
    """Its box."""
    return Bounds(
        bounds.x0 * scale + x0,
        bounds.x1 * scale + x0,
        bounds.y0 * scale + y0,
        bounds.y1 * scale + y0,
        bounds.z0 * scale + z0,
        bounds.z1 * scale + z0,
    )


@dataclass(frozen=True)
class Handle:
    """A long handle that starts at the rim; ``turn`` is its direction in radians."""

    turn: float
    start: float
    length: float
    height: float
    slope: float
    widths: tuple[float, float, float]
    thick: float
    hole: float = 0.0

    def surface(self) -> Surface:
        """Its field: an elliptic rod that changes its width along its length."""
        c, s = np.float32(math.cos(self.turn)), np.float32(math.sin(self.turn))
        first, middle, last = self.widths

        def distance(x: Real, y: Real, z: Real) -> Field:
            along = (x * c + y * s - np.float32(self.start)) / np.float32(self.length)
            across = y * c - x * s
            t = np.clip(along, 0, 1)
            width = first + (middle - first) * np.minimum(t * 2.5, 1) + (last - middle) * t * t
            axis = self.height + self.slope * t * self.length
            oval = np.sqrt((across / width) ** 2 + ((z - axis) / self.thick) ** 2) - 1
            ends = (np.abs(along - 0.5) - 0.5) * np.float32(self.length)
            rod = np.maximum(oval * np.float32(self.thick), ends)
            if self.hole:
                place = (along - 0.9) * np.float32(self.length)
                rod = np.maximum(rod, self.hole - np.sqrt(place * place * 0.4 + across * across))
            return np.asarray(rod, np.float32)

        return distance

    def bounds(self) -> Bounds:
        """A box around it."""
        wide = max(self.widths) + 0.02
        far = self.start + self.length
        c, s = math.cos(self.turn), math.sin(self.turn)
        xs = [r * c + k * s * wide for r in (self.start, far) for k in (-1, 1)]
        ys = [r * s + k * c * wide for r in (self.start, far) for k in (-1, 1)]
        heights = (self.height, self.height + self.slope * self.length)
        low, high = min(heights) - self.thick - 0.01, max(heights) + self.thick + 0.01
        return Bounds(min(xs), max(xs), min(ys), max(ys), low, high)


@dataclass(frozen=True)
class Loop:
    """A short handle: a half ring that stands out from the rim."""

    turn: float
    start: float
    height: float
    reach: float
    width: float
    thick: float

    def surface(self) -> Surface:
        """Its field."""
        c, s = np.float32(math.cos(self.turn)), np.float32(math.sin(self.turn))

        def distance(x: Real, y: Real, z: Real) -> Field:
            along = (x * c + y * s - np.float32(self.start)) / np.float32(self.reach)
            across = (y * c - x * s) / np.float32(self.width)
            ring = (np.sqrt(along * along + across * across) - 1) * np.float32(self.reach)
            tube = np.sqrt(ring * ring + (z - np.float32(self.height)) ** 2)
            return np.asarray(np.maximum(tube - np.float32(self.thick), -along * 0.2), np.float32)

        return distance

    def bounds(self) -> Bounds:
        """A box around it."""
        x, y = self.start * math.cos(self.turn), self.start * math.sin(self.turn)
        reach = max(self.reach, self.width) + self.thick + 0.01
        low, high = self.height - self.thick, self.height + self.thick
        return Bounds(x - reach, x + reach, y - reach, y + reach, low, high)


def rod(start: tuple[float, ...], end: tuple[float, ...], first: float, last: float) -> Surface:
    """A rod with round ends between two places (x, y, z), its radius from ``first`` to ``last``."""
    a, b = np.array(start, np.float32), np.array(end, np.float32)
    way = b - a
    square = np.float32(max(1e-6, float(way @ way)))

    def distance(x: Real, y: Real, z: Real) -> Field:
        px, py, pz = x - a[0], y - a[1], z - a[2]
        t = np.clip((px * way[0] + py * way[1] + pz * way[2]) / square, 0, 1)
        dx, dy, dz = px - t * way[0], py - t * way[1], pz - t * way[2]
        thick = np.float32(first) + np.float32(last - first) * t
        return np.asarray(np.sqrt(dx * dx + dy * dy + dz * dz) - thick, np.float32)

    return distance


def rod_bounds(
    start: tuple[float, ...], end: tuple[float, ...], first: float, last: float
) -> Bounds:
    """Its box."""
    reach = max(first, last)
    low = [min(p, q) - reach for p, q in zip(start, end, strict=True)]
    high = [max(p, q) + reach for p, q in zip(start, end, strict=True)]
    return Bounds(low[0], high[0], low[1], high[1], low[2], high[2])


def ovoid(
    radii: tuple[float, float, float], turn: float, *, point: float = 0.0, cut: float | None = None
) -> Surface:
    """An ellipsoid about the origin, pointed towards +x by ``point``, cut flat above ``cut``."""
    a, b, height = (np.float32(part) for part in radii)
    c, s = np.float32(math.cos(turn)), np.float32(math.sin(turn))

    def distance(x: Real, y: Real, z: Real) -> Field:
        u, v = (x * c + y * s) / a, y * c - x * s
        wide = 1 - np.float32(point) * np.clip(u, -1, 1)
        oval = np.sqrt(u * u + (v / (b * wide)) ** 2 + (z / (height * wide)) ** 2) - 1
        body = oval * min(a, b, height)
        return np.asarray(body if cut is None else np.maximum(body, z - cut), np.float32)

    return distance


def spheroid(a: float, b: float, axis: tuple[float, ...], *, point: float = 0.0) -> Surface:
    """A body of revolution about a unit axis: half as long as ``a``, as wide as ``b``, pointed."""
    ax, ay, az = (np.float32(part) for part in axis)

    def distance(x: Real, y: Real, z: Real) -> Field:
        along = x * ax + y * ay + z * az
        across = np.maximum(x * x + y * y + z * z - along * along, 0)
        u = along / np.float32(a)
        wide = np.float32(b) * (1 - np.float32(point) * np.clip(u, -1, 1))
        oval = np.sqrt(u * u + across / (wide * wide)) - 1
        return np.asarray(oval * np.float32(min(a, b)), np.float32)

    return distance


def packed(
    radius: float, pitch: float, layers: int, rng: np.random.Generator
) -> list[tuple[float, float, int]]:
    """x, y and layer of round things heaped over a disc, from its middle outwards."""
    places = []
    for layer in range(layers):
        room = radius - 0.55 * pitch * layer
        turn, shift = rng.uniform(0, math.tau), rng.uniform(0, pitch, 2)
        count = math.ceil(radius / pitch) + 1
        for i in range(-count, count + 1):
            for j in range(-count, count + 1):
                u = (i + 0.5 * (j % 2)) * pitch + shift[0] + rng.normal(0, 0.06 * pitch)
                v = j * 0.87 * pitch + shift[1] + rng.normal(0, 0.06 * pitch)
                if math.hypot(u, v) < room:
                    c, s = math.cos(turn), math.sin(turn)
                    places.append((u * c - v * s, u * s + v * c, layer))
    places.sort(key=lambda one: (one[2], math.hypot(one[0], one[1])))
    return places or [(0.0, 0.0, 0)]


def box(half: tuple[float, float, float], turn: float, *, rounding: float = 0.02) -> Surface:
    """A box about the origin with round edges."""
    c, s = np.float32(math.cos(turn)), np.float32(math.sin(turn))
    a, b, height = (np.float32(max(1e-3, part - rounding)) for part in half)

    def distance(x: Real, y: Real, z: Real) -> Field:
        qx, qy = np.abs(x * c + y * s) - a, np.abs(y * c - x * s) - b
        qz = np.abs(z) - height
        outside = np.sqrt(np.maximum(qx, 0) ** 2 + np.maximum(qy, 0) ** 2 + np.maximum(qz, 0) ** 2)
        inside = np.minimum(np.maximum(np.maximum(qx, qy), qz), 0)
        return np.asarray(outside + inside - np.float32(rounding), np.float32)

    return distance


def cube_bounds(reach: float, low: float, high: float) -> Bounds:
    """A box about the origin."""
    return Bounds(-reach, reach, -reach, reach, low, high)

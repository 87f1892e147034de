"""Solids as dense points, drawn by a depth buffer: a renderer for whatever has a formula.

A surface is sampled about once a pixel, so that every pixel of it is hit; the nearest point of
each pixel wins and carries its normal, texture place, material and instance. Masks are therefore
exact, holes included. World: x, y along the floor, z up, float32.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np

from napari_segkit.synth.noise import Field
from napari_segkit.synth.view import camera_axes

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


Surface: TypeAlias = Callable[[Field, Field], Field]
"""`(u, v) -> points (…, 3)`; u and v in [0, 1]."""
_MOST_POINTS = 3_000_000


@dataclass(frozen=True)
class Cloud:
    """N points of surfaces.

    Attributes
    ----------
    points, normals : (N, 3) float32
    uv : (N, 2) float32
        Place in the material's texture.
    material, instance : (N,) int32
    """

    points: Field
    normals: Field
    uv: Field
    material: NDArray[np.int32]
    instance: NDArray[np.int32]

    def moved(self, turn: Field | None = None, by: Field | None = None) -> Cloud:
        """Turned by a (3, 3) rotation, then shifted by (3,)."""
        points, normals = self.points, self.normals
        if turn is not None:
            matrix = np.asarray(turn, np.float32).T
            points, normals = points @ matrix, normals @ matrix
        if by is not None:
            points = points + np.asarray(by, np.float32)
        return replace(self, points=points, normals=normals)

    def called(self, instance: int) -> Cloud:
        """The same as one instance."""
        return replace(self, instance=np.full(len(self.points), instance, np.int32))

    def mirrored(self) -> Cloud:
        """Its reflection in the floor."""
        flip = np.array([1, 1, -1], np.float32)
        return replace(self, points=self.points * flip, normals=self.normals * flip)


def vec(values: ArrayLike) -> Field:
    """Numbers as float32."""
    return np.asarray(values, np.float32)


def cloud(points: Field, normals: Field, uv: Field, material: int = 0) -> Cloud:
    """Points of one material."""
    count = points.shape[0]
    return Cloud(
        np.asarray(points, np.float32),
        np.asarray(normals, np.float32),
        np.asarray(uv, np.float32),
        np.full(count, material, np.int32),
        np.zeros(count, np.int32),
    )


def together(clouds: list[Cloud]) -> Cloud:
    """All points of several clouds."""
    return Cloud(
        *(
            np.concatenate([getattr(one, name) for one in clouds])
            for name in ("points", "normals", "uv", "material", "instance")
        )
    )


def sampled(surface: Surface, step: float, *, material: int = 0) -> Cloud:
    """A surface sampled every `step` world units at most; normals by differences."""
    coarse = surface(*_grid(49, 25))
    counts = []
    for axis in (0, 1):
        longest = np.linalg.norm(np.diff(coarse, axis=axis), axis=2).max(axis=1 - axis).sum()
        counts.append(int(np.clip(longest / step, 3, 4000)) + 2)
    if counts[0] * counts[1] > _MOST_POINTS:
        shrink = math.sqrt(_MOST_POINTS / (counts[0] * counts[1]))
        counts = [max(3, int(count * shrink)) for count in counts]
    u, v = _grid(*counts)
    points = surface(u, v)
    along_u, along_v = _difference(points, 0), _difference(points, 1)
    normals = np.cross(along_u, along_v).reshape(-1, 3)
    length = np.maximum(np.sqrt(np.einsum("ij,ij->i", normals, normals)), 1e-12)
    normals /= length[:, None]
    uv = np.stack([u, v], axis=-1).reshape(-1, 2)
    return cloud(points.reshape(-1, 3), normals, uv, material)


def _grid(rows: int, columns: int) -> tuple[Field, Field]:
    """U down the rows and v along the columns, both from 0 to 1."""
    u, v = np.linspace(0, 1, rows, dtype=np.float32), np.linspace(0, 1, columns, dtype=np.float32)
    first, second = np.meshgrid(u, v, indexing="ij")
    return vec(first), vec(second)


def _difference(points: Field, axis: int) -> Field:
    """Central differences, one-sided at the ends; lengths do not matter."""
    ahead = np.concatenate(
        [points[1:], points[-1:]] if axis == 0 else [points[:, 1:], points[:, -1:]], axis
    )
    behind = np.concatenate(
        [points[:1], points[:-1]] if axis == 0 else [points[:, :1], points[:, :-1]], axis
    )
    return np.asarray(ahead - behind, np.float32)


def repeated(template: Cloud, turns: Field, places: Field, sizes: Field) -> Cloud:
    """Copies of a small cloud: (K, 3, 3) rotations, (K, 3) places, (K,) sizes."""
    k, n = len(places), len(template.points)
    matrices = np.ascontiguousarray(turns.transpose(0, 2, 1), np.float32)
    points = template.points @ matrices * sizes.astype(np.float32)[:, None, None]
    points += places.astype(np.float32)[:, None]
    normals = template.normals @ matrices
    uv = np.broadcast_to(template.uv, (k, n, 2)) + np.arange(k, dtype=np.float32)[:, None, None]
    made = cloud(points.reshape(-1, 3), normals.reshape(-1, 3), uv.reshape(-1, 2))
    return replace(made, material=np.tile(template.material, k))


def turn_about(axis: int, angle: float) -> Field:
    """Rotation about x (0), y (1) or z (2); radians."""
    c, s = math.cos(angle), math.sin(angle)
    matrix = np.eye(3, dtype=np.float32)
    first, second = [(1, 2), (2, 0), (0, 1)][axis]
    matrix[first, first] = matrix[second, second] = c
    matrix[first, second], matrix[second, first] = -s, s
    return matrix


@dataclass(frozen=True)
class Eye:
    """A pinhole camera: (height, width), place (3,), rows right, down, forward (3, 3), focal px."""

    shape: tuple[int, int]
    place: Field
    axes: Field
    focal: float
    shift: tuple[float, float] = (0.0, 0.0)

    def seen(self, points: Field) -> tuple[Field, Field]:
        """(N, 2) pixels x, y and (N,) depths."""
        local = (points - self.place) @ self.axes.T
        depth = np.maximum(local[:, 2], np.float32(1e-3))
        height, width = self.shape
        middle = vec([(width - 1) / 2 + self.shift[0], (height - 1) / 2 + self.shift[1]])
        return vec(local[:, :2] / depth[:, None] * np.float32(self.focal) + middle), vec(depth)

    def directions(self) -> Field:
        """(H, W, 3) unit directions of the pixels' rays."""
        height, width = self.shape
        x = (np.arange(width, dtype=np.float32) - (width - 1) / 2 - self.shift[0]) / self.focal
        y = (np.arange(height, dtype=np.float32) - (height - 1) / 2 - self.shift[1]) / self.focal
        local = np.stack([*np.meshgrid(x, y), np.ones(self.shape, np.float32)], axis=-1)
        local = np.asarray(local @ self.axes, np.float32)
        return np.asarray(local / np.linalg.norm(local, axis=2, keepdims=True), np.float32)


def eye_at(
    target: Field,
    *,
    shape: tuple[int, int],
    elevation: float,
    azimuth: float,
    distance: float,
    focal: float,
    roll: float = 0.0,
) -> Eye:
    """A camera that looks at a point from above the floor; angles in radians, focal in pixels."""
    axes = camera_axes(elevation, azimuth, roll)
    place = np.asarray(target - axes[2] * distance, np.float32)
    return Eye(shape, place, axes.astype(np.float32), focal)


def nearest(eye: Eye, points: Field) -> tuple[NDArray[np.int32], Field]:
    """(H, W) index of the point in front at each pixel, -1 where there is none, and its depth."""
    height, width = eye.shape
    places, depth = eye.seen(points)
    x, y = np.rint(places[:, 0]).astype(np.int32), np.rint(places[:, 1]).astype(np.int32)
    inside = np.flatnonzero(
        (x >= 0) & (y >= 0) & (x < width) & (y < height) & (depth > np.float32(1e-2))
    )
    far = float(depth[inside].max(initial=1.0))
    level = (depth[inside] * np.float32(2**30 / far)).astype(np.int64)
    buffer = np.full(height * width, np.iinfo(np.int64).max, np.int64)
    np.minimum.at(buffer, y[inside] * width + x[inside], (level << 32) | inside)
    index = np.where(buffer == np.iinfo(np.int64).max, -1, buffer & 0xFFFFFFFF)
    found = _without_pinholes(index.astype(np.int32).reshape(height, width))
    deep = np.where(found >= 0, depth[np.maximum(found, 0)], np.float32(np.inf))
    return found, np.asarray(deep, np.float32)


def _without_pinholes(index: NDArray[np.int32]) -> NDArray[np.int32]:
    """Fill pixels that fell between the points: five and more of eight neighbours are covered."""
    covered = (index >= 0).astype(np.uint8)
    around = cv2.boxFilter(covered, cv2.CV_16S, (3, 3), normalize=False)
    holes = (covered == 0) & (around >= 5)
    ys, xs = np.nonzero(holes)
    for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0)):
        y, x = np.clip(ys + dy, 0, index.shape[0] - 1), np.clip(xs + dx, 0, index.shape[1] - 1)
        index[ys, xs] = np.maximum(index[ys, xs], index[y, x])
    return index

"""A pinhole camera that looks at a table, and polygons of subpixel coverage.

Table coordinates: X to the right, Y towards the camera's lower edge, Z up from the table, in
pixels of the image centre. Image coordinates: x to the right, y down, pixel centres at whole
numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]


@dataclass(frozen=True)
class View:
    """A camera tilted from straight down.

    `tilt` in radians; `distance` in pixels to the table point it looks at.
    """

    width: int
    height: int
    tilt: float
    distance: float

    def project(self, points: Points) -> Points:
        """(N, 3) table coordinates to (N, 2) image x, y."""
        c, s = math.cos(self.tilt), math.sin(self.tilt)
        depth = self.distance - (points[:, 1] * s + points[:, 2] * c)
        scale = self.distance / depth
        x = (self.width - 1) / 2 + points[:, 0] * scale
        y = (self.height - 1) / 2 + (points[:, 1] * c - points[:, 2] * s) * scale
        return np.stack([x, y], axis=1)

    def ground_to_image(self) -> NDArray[np.float64]:
        """(3, 3) homography from table (X, Y, 1) at Z = 0 to the image."""
        c, s, d = math.cos(self.tilt), math.sin(self.tilt), self.distance
        cx, cy = (self.width - 1) / 2, (self.height - 1) / 2
        return np.array([[d, -cx * s, cx * d], [0, d * c - cy * s, cy * d], [0, -s, d]])

    def to_ground(self, image_xy: Points) -> Points:
        """(N, 2) image x, y to (N, 2) table X, Y at Z = 0."""
        inverse = np.linalg.inv(self.ground_to_image())
        homogeneous = np.c_[image_xy, np.ones(len(image_xy))] @ inverse.T
        return np.asarray(homogeneous[:, :2] / homogeneous[:, 2:])


def camera_axes(elevation: float, azimuth: float, roll: float) -> Points:
    """(3, 3) of a camera above a table with z up: rows right, down, forward; angles in radians."""
    ce, se = math.cos(elevation), math.sin(elevation)
    ca, sa = math.cos(azimuth), math.sin(azimuth)
    forward = np.array([-ce * ca, -ce * sa, -se])
    right = np.array([-sa, ca, 0.0])
    down = np.cross(forward, right)
    c, s = math.cos(roll), math.sin(roll)
    return np.stack([c * right + s * down, c * down - s * right, forward])


@dataclass(frozen=True)
class Window:
    """A rectangle of an image: rows y0 to y1, columns x0 to x1, ends excluded."""

    x0: int
    y0: int
    x1: int
    y1: int

    @classmethod
    def around(cls, points: Points, shape: tuple[int, int], *, margin: float = 2) -> Window:
        """Bounds of (N, 2) points plus a margin, within (height, width); may be empty."""
        low = np.floor(points.min(axis=0) - margin).astype(int)
        high = np.ceil(points.max(axis=0) + margin).astype(int) + 1
        x0, y0 = np.clip(low, 0, shape[::-1])
        x1, y1 = np.clip(high, 0, shape[::-1])
        return cls(int(x0), int(y0), int(x1), int(y1))

    @property
    def empty(self) -> bool:
        """Whether no pixel lies within."""
        return self.x1 <= self.x0 or self.y1 <= self.y0

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width)."""
        return self.y1 - self.y0, self.x1 - self.x0

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of the window in an image array."""
        return slice(self.y0, self.y1), slice(self.x0, self.x1)


def coverage(polygons: list[Points], window: Window) -> NDArray[np.float32]:
    """Share of each pixel that lies in the union of polygons.

    Parameters
    ----------
    polygons : each (N, 2) image x, y.
    window : the part of the image to fill.

    Returns
    -------
    (h, w) float32 in [0, 1], exact to 1/16 (1/4 pixel in x and y), coarser for windows over 1000
    px.
    """
    height, width = window.shape
    factor = 4 if max(height, width) <= 600 else 2
    canvas = np.zeros((height * factor, width * factor), np.uint8)
    shift = 4
    for polygon in polygons:
        # A pixel (x) covers [x - 0.5, x + 0.5); fillPoly's sample points are the centres of the
        # fine pixels.
        fine = (polygon - (window.x0 - 0.5, window.y0 - 0.5)) * factor - 0.5
        cv2.fillPoly(canvas, [np.round(fine * (1 << shift)).astype(np.int32)], 255, shift=shift)
    small = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32) / np.float32(255)


def sweep(first: Points, second: Points, *, convex: bool) -> list[Points]:
    """Polygons whose union is what `first` covers on its way to `second`; both (N, 2)."""
    if convex:
        both = np.concatenate([first, second]).astype(np.float32)
        return [cv2.convexHull(both)[:, 0].astype(np.float64)]
    steps = int(np.clip(math.ceil(float(np.abs(second - first).max()) * 1.5), 1, 60))
    return [first + (second - first) * (k / steps) for k in range(steps + 1)]

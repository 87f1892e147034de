"""Where circles, upright or tilted, could be: every edge votes along its gradient for centres.

The Hough transform for circles with gradient directions (Kimme, Ballard and Sklansky 1975,
doi:10.1145/360666.360677), over a range of radii that grow geometrically. A coin seen obliquely is
a circle again in an image stretched along x or y; edges are stretched instead of the image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

CELL = 1.5  # pixels of a level per cell of the accumulator


def find_edges(lab: NDArray[np.uint8], *, most: int = 6000) -> tuple[Floats, Floats]:
    """Thin edges of a colour image: of the strongest channel at each pixel.

    Parameters
    ----------
    lab : (H, W, 3) uint8
    most
        Of more edge pixels, the strongest half and an even choice of the others are taken.

    Returns
    -------
    xy : (M, 2) float32, pixels
    direction : (M, 2) float32, unit gradients
    """
    dx, dy = (
        cv2.split(cv2.Sobel(lab, cv2.CV_16S, 1, 0)),
        cv2.split(cv2.Sobel(lab, cv2.CV_16S, 0, 1)),
    )
    square = [
        cv2.multiply(gx, gx, dtype=cv2.CV_32F) + cv2.multiply(gy, gy, dtype=cv2.CV_32F)
        for gx, gy in zip(dx, dy, strict=True)
    ]
    gx, gy, top = dx[0], dy[0], square[0]
    for k in (1, 2):
        stronger = (square[k] > top).astype(np.uint8)
        gx, gy = cv2.copyTo(dx[k], stronger, gx), cv2.copyTo(dy[k], stronger, gy)
        top = cv2.max(top, square[k])
    level = max(24.0, float(np.sqrt(np.quantile(top[::2, ::2], 0.6))))
    thin = cv2.Canny(gx, gy, 0.7 * level, level, L2gradient=True)
    where = _thinned(np.flatnonzero(thin), top.ravel(), most)
    direction = np.stack([gx.ravel()[where], gy.ravel()[where]], 1).astype(np.float32)
    direction /= np.linalg.norm(direction, axis=1, keepdims=True) + 1e-6
    y, x = np.divmod(where, lab.shape[1])
    return np.stack([x, y], 1).astype(np.float32), direction


def _thinned(where: NDArray[np.intp], strength: Floats, most: int) -> NDArray[np.intp]:
    if len(where) <= most:
        return where
    order = np.argsort(-strength[where], kind="stable")
    rest = order[most // 2 :]
    chosen = np.concatenate([order[: most // 2], rest[:: -(-len(rest) // (most - most // 2))]])
    return np.asarray(where[np.sort(chosen)])


def vote(
    xy: Floats,
    direction: Floats,
    shape: tuple[int, int],
    *,
    radii: Floats,
    tilt: tuple[float, float] = (1.0, 1.0),
    most: int = 10,
    low: float = 0.25,
) -> Floats:
    """The best centres and radii.

    Parameters
    ----------
    xy, direction
        Edges, from `find_edges`.
    shape
        Height and width of the image.
    radii : (K,) float32
        In pixels, ascending.
    tilt
        Semi-axes along x and y of the ellipses looked for, as shares of the radius.
    most
        At most so many.
    low
        Least number of votes, as a share of the circle's length.

    Returns
    -------
    (N, 5) float32: x, y, semi-axis along x, along y, votes; best first
    """
    stretch = np.array(tilt, np.float32)
    normal = direction * stretch
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
    margin = float(radii[-1]) * 0.25 + 3
    votes = _accumulate(
        xy / stretch + margin, normal, radii, np.array(shape[::-1]) / stretch + 2 * margin
    )
    votes[1:-1] += votes[:-2] + votes[2:]
    best = votes.max(axis=0)
    peaks = (best >= cv2.dilate(best, np.ones((3, 3), np.uint8))) & (best > low)
    ys, xs = np.nonzero(peaks)
    order = np.argsort(-best[ys, xs], kind="stable")[:most]
    ys, xs = ys[order], xs[order]
    r = radii[votes[:, ys, xs].argmax(axis=0)]
    x = ((xs + 0.5) * CELL - margin) * stretch[0]
    y = ((ys + 0.5) * CELL - margin) * stretch[1]
    return np.stack([x, y, r * stretch[0], r * stretch[1], best[ys, xs]], 1).astype(np.float32)


def _accumulate(xy: Floats, normal: Floats, radii: Floats, size: NDArray[np.floating]) -> Floats:
    """(K, H, W) votes per radius and cell, as shares of the circle's length."""
    width, height = (int(n) for n in np.ceil(size / CELL))
    reach = np.concatenate([radii, -radii])[:, None] / np.float32(CELL)
    x = (xy[:, 0] / np.float32(CELL) + reach * normal[:, 0]).astype(np.int32)
    y = (xy[:, 1] / np.float32(CELL) + reach * normal[:, 1]).astype(np.int32)
    ok = (x > 0) & (x < width) & (y > 0) & (y < height)
    layer = np.tile(np.arange(len(radii), dtype=np.int32) * height, 2)[:, None]
    y += layer
    y *= width
    y += x
    votes = np.bincount(y[ok], minlength=len(radii) * height * width).astype(np.float32)
    votes = votes.reshape(len(radii), height, width)
    for k, r in enumerate(radii):
        side = max(3, int(r * 0.12 / CELL) * 2 + 1)
        cv2.boxFilter(votes[k], -1, (side, side), votes[k], normalize=False)
    votes /= (2 * np.pi * radii)[:, None, None]
    return votes

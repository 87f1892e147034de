"""Closed curves around a centre: polar samples, best closed path, Fourier curve.

A *frame* is a centre (x, y) and a 2x2 matrix that maps the unit circle to an ellipse around it, in
pixels. A curve in a frame is its distance from the centre per ray, where 1 is the ellipse itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, TypeVar

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Bools = NDArray[np.bool_]

MOST_ROWS = 32000  # cv2.remap takes fewer than 32768
_Scalar = TypeVar("_Scalar", bound=np.generic)


@dataclass(frozen=True)
class Frames:
    """N ellipses.

    Attributes
    ----------
    centers : (N, 2) float32
        x, y in pixels.
    axes : (N, 2, 2) float32
        Maps the unit circle to the ellipse around its centre.
    """

    centers: Floats
    axes: Floats

    def __len__(self) -> int:
        return len(self.centers)

    def __getitem__(self, which: NDArray[np.generic]) -> Frames:
        return Frames(self.centers[which], self.axes[which])

    @property
    def radius(self) -> Floats:
        """(N,) radius of the circle of the same area, in pixels."""
        a = self.axes
        return np.asarray(np.sqrt(np.abs(a[:, 0, 0] * a[:, 1, 1] - a[:, 0, 1] * a[:, 1, 0])))

    @property
    def flatness(self) -> Floats:
        """(N,) shorter axis over longer axis."""
        a, b, c, d = self.axes.reshape(-1, 4).T
        turning, mirrored = np.hypot(a + d, c - b), np.hypot(a - d, c + b)
        both = np.maximum(turning + mirrored, np.float32(2e-6))
        return np.asarray(np.abs(turning - mirrored) / both, np.float32)

    def scaled(self, scale: float) -> Frames:
        """The same ellipses in an image resized by ``scale`` (pixel centres at integers)."""
        centers = (self.centers + np.float32(0.5)) * np.float32(scale) - np.float32(0.5)
        return Frames(centers, self.axes * np.float32(scale))

    def points(self, curves: Floats) -> Floats:
        """(N, T, 2) x, y of curves (N, T) given in these frames."""
        outline = np.einsum("nij,tj->nti", self.axes, rays(curves.shape[1])) * curves[..., None]
        return np.asarray(self.centers[:, None] + outline, np.float32)


def joined(parts: list[Frames]) -> Frames:
    """All frames of a list in one."""
    centers = [np.zeros((0, 2), np.float32), *(part.centers for part in parts)]
    axes = [np.zeros((0, 2, 2), np.float32), *(part.axes for part in parts)]
    return Frames(np.concatenate(centers), np.concatenate(axes))


@cache
def rays(count: int) -> Floats:
    """(T, 2) unit vectors, from x towards y."""
    angle = np.arange(count) * (2 * np.pi / count)
    return np.stack([np.cos(angle), np.sin(angle)], 1).astype(np.float32)


def sample(
    image: NDArray[np.uint8], frames: Frames, n_rays: int, rhos: Floats
) -> tuple[Floats, Bools]:
    """Lab colours along the rays of every frame.

    Parameters
    ----------
    image : (H, W, 3) uint8 RGB
    frames
        In pixels of ``image``.
    rhos : (R,) float32
        Distances along each ray; 1 is the ellipse.

    Returns
    -------
    values : (3, N, T, R) float32
        8-bit L, a and b.
    inside : (N, T, R) bool
        Whether the sample lies in the frame of the image.
    """
    u = frames.axes @ rays(n_rays).T
    shape = (len(frames) * n_rays, len(rhos))
    x = (frames.centers[:, 0, None, None] + u[:, 0, :, None] * rhos).reshape(shape)
    y = (frames.centers[:, 1, None, None] + u[:, 1, :, None] * rhos).reshape(shape)
    height, width = image.shape[:2]
    inside = (x > 0.5) & (x < width - 1.5) & (y > 0.5) & (y < height - 1.5)
    values = np.empty((3, *shape), np.float32)
    for i in range(0, shape[0], MOST_ROWS):
        rows = slice(i, i + MOST_ROWS)
        rgb = cv2.remap(image, x[rows], y[rows], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for plane, channel in zip(
            values, cv2.split(cv2.cvtColor(rgb, cv2.COLOR_RGB2Lab)), strict=True
        ):
            plane[rows] = channel
    full = (len(frames), n_rays, len(rhos))
    return values.reshape(3, *full), inside.reshape(full)


def pick(values: NDArray[_Scalar], at: NDArray[np.intp]) -> NDArray[_Scalar]:
    """Values (…, N, T, R) at one sample per ray, ``at`` (…, K N, T), over the N K times."""
    n, t, r = values.shape[-3:]
    first = np.arange(0, n * t * r, r).reshape(n, t)
    flat = values.reshape(*values.shape[:-3], n * t * r)
    return flat.take((at.reshape(-1, n, t) + first).reshape(at.shape), axis=-1)


def closed_path(gain: Floats, *, penalty: float, reach: int = 1) -> NDArray[np.intp]:
    """Closed path of highest gain, by dynamic programming over one and a quarter turns.

    The ends meet in all but hopeless cases, because the turns before and after pull them together.

    Parameters
    ----------
    gain : (N, T, R) float32
    penalty
        Cost of a step to the next ray that moves by d samples is ``penalty * d**2``.
    reach
        Largest such move.

    Returns
    -------
    (N, T) int, a column per ray
    """
    n, t, r = gain.shape
    half = (t + t // 4) // 2
    place = np.arange(-1, 2 * half) % t  # rays in the order of the path, from its start to its end
    columns = np.ascontiguousarray(gain.transpose(1, 2, 0))
    # The first half forwards and the second backwards, at once: 2 N lanes that meet in the middle.
    total = np.full((half + 1, r + 2 * reach, 2 * n), -1e6, np.float32)
    total[:, reach : reach + r, :n] = columns[place[: half + 1]]
    total[:, reach : reach + r, n:] = columns[place[: half - 1 if half else None : -1]]
    _accumulate(total.reshape(half + 1, -1), 2 * n, penalty=penalty, reach=reach)
    meeting = total[half, :, :n] + total[half, :, n:]
    meeting[reach : reach + r] -= columns[place[half]]
    nodes = _walk_back(total, meeting.argmax(axis=0), penalty=penalty, reach=reach)
    first = 2 * half - t // 8
    path = np.empty((n, t), np.intp)
    path[:, place[first - t + 1 : first + 1]] = nodes[first - t + 1 : first + 1].T - reach
    return path


def _accumulate(total: Floats, lanes: int, *, penalty: float, reach: int) -> None:
    """Add to each row of gains (H + 1, (R + 2 reach) lanes) the best way there, in place."""
    stop = total.shape[1] - reach * lanes
    shifts = range(lanes, (reach + 1) * lanes, lanes)
    sides = [total[:-1, reach * lanes + s : stop + s] for s in (*shifts, *(-s for s in shifts))]
    middle = total[:, reach * lanes : stop]
    step, best = np.empty_like(middle[0]), np.empty_like(middle[0])
    cost = [np.full_like(step, penalty * d * d) for d in range(1, reach + 1)]
    for same, after, *near in zip(middle[:-1], middle[1:], *sides, strict=True):
        np.copyto(best, same)
        for fee, left, right in zip(cost, near[:reach], near[reach:], strict=True):
            np.maximum(left, right, out=step)
            np.subtract(step, fee, out=step)
            np.maximum(best, step, out=best)
        np.add(after, best, out=after)


def _walk_back(
    total: Floats, meeting: NDArray[np.intp], *, penalty: float, reach: int
) -> NDArray[np.intp]:
    """(2 H + 1, N) rows of the best path, from where its halves of H steps each meet."""
    half, lanes = len(total) - 1, total.shape[2]
    moves = np.arange(-reach, reach + 1)[:, None]
    shift = np.repeat(moves * lanes, lanes, axis=1)
    fee = np.repeat(np.float32(penalty) * (moves * moves).astype(np.float32), lanes, axis=1)
    flat_shift = moves[:, 0] * lanes
    walk = np.empty((half + 1, lanes), np.intp)
    walk[half] = j = np.tile(meeting, 2) * lanes + np.arange(lanes)
    near, ways = np.empty_like(shift), np.empty_like(fee)
    for before, place in zip(total.reshape(half + 1, -1)[-2::-1], walk[-2::-1], strict=True):
        np.add(j, shift, out=near)
        before.take(near, out=ways, mode="clip")
        np.subtract(ways, fee, out=ways)
        j = np.add(j, flat_shift.take(ways.argmax(0)), out=place)
    walk = (walk - np.arange(lanes)) // lanes
    n = lanes // 2
    return np.concatenate([walk[:, :n], walk[-2::-1, n:]])


@cache
def fourier_basis(count: int, order: int) -> Floats:
    """(T, 2 order + 1) values of 1, cos t, sin t, cos 2t and so on."""
    angle = np.arange(count) * (2 * np.pi / count)
    columns = [np.ones(count)]
    for k in range(1, order + 1):
        columns += [np.cos(k * angle), np.sin(k * angle)]
    return np.stack(columns, 1).astype(np.float32)


@cache
def _fourier_normal(count: int, order: int, ridge: float) -> tuple[Floats, Floats]:
    """Products of any two columns of `fourier_basis` (T, K * K), and the damping (K, K)."""
    basis = fourier_basis(count, order)
    k = np.repeat(np.arange(order + 1), 2)[1:]
    damping = np.diag(ridge * np.maximum(k - 2, 0) ** 2 + 1e-4 * (k > 0)).astype(np.float32)
    products = np.asarray((basis[:, :, None] * basis[:, None, :]).reshape(count, -1), np.float32)
    return products, damping


def fit_curves(
    rho: Floats, weight: Floats, *, order: int, scale: float, ridge: float = 0.02, rounds: int = 3
) -> tuple[Floats, Floats]:
    """Robust Fourier curves through noisy distances (iteratively reweighted, Cauchy weights).

    Parameters
    ----------
    rho, weight : (N, T) float32
        Distance per ray and how far to trust it.
    scale
        Distance at which a ray counts half.
    ridge
        Damping of orders above 2; order 0 to 2 (an ellipse) are free.

    Returns
    -------
    coefficients : (N, 2 order + 1) float32
    curves : (N, T) float32
    """
    basis = fourier_basis(rho.shape[1], order)
    products, damping = _fourier_normal(rho.shape[1], order, ridge)
    size = basis.shape[1]
    w = weight + np.float32(1e-6)
    for _ in range(rounds):
        a = (w @ products).reshape(len(rho), size, size)
        a += damping * w.sum(1)[:, None, None]
        c = np.linalg.solve(a, ((w * rho) @ basis)[..., None])[..., 0]
        curves = c @ basis.T
        w = weight / (1 + ((rho - curves) / np.float32(scale)) ** 2) + np.float32(1e-6)
    return c, np.asarray(curves, np.float32)


def refitted(frames: Frames, coefficients: Floats) -> Frames:
    """Frames moved and stretched by the first two orders of fitted curves, about an ellipse."""
    c = coefficients
    stretch = np.empty_like(frames.axes)
    stretch[:, 0, 0], stretch[:, 1, 1] = c[:, 0] + c[:, 3], c[:, 0] - c[:, 3]
    stretch[:, 0, 1] = stretch[:, 1, 0] = c[:, 4]
    shift = np.einsum("nij,nj->ni", frames.axes, c[:, 1:3])
    return Frames(frames.centers + shift, frames.axes @ stretch)

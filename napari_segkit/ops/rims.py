"""The rim of a coin around a guessed ellipse, and how sure it is.

Along rays from the centre a rim is a strong radial step of colour; the closed path with the most of
it is found by dynamic programming, as in the polar active contours of medical imaging (e.g. Sun et
al. 2006, doi:10.1109/TMI.2006.884199), and smoothed by a robust Fourier curve.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from napari_segkit.ops.polar import closed_path, fit_curves, pick

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_segkit.ops.polar import Bools, Floats

FLOOR = 5.0  # Lab units (8 bit): steps below it are noise
ALONG = np.ones((1, 5), np.uint8)  # samples of a ray among which an edge is to be the strongest
OUTER_MARGIN = 0.06  # how much less sure an outer rim may be than an inner one


@dataclass(frozen=True)
class Rims:
    """One closed curve per frame.

    Attributes
    ----------
    coefficients : (N, 2 K + 1) float32
        Fourier coefficients of the curve.
    curves : (N, T) float32
        Distance per ray, in units of the frame.
    score : (N,) float32
        About 0 to 1: how much of the visible curve is a rim.
    visible : (N,) float32
        Share of the curve that lies in the image.
    support : (N, T) float32
        0 to 1: how much of a rim each ray has; 0 outside of the image.
    """

    coefficients: Floats
    curves: Floats
    score: Floats
    visible: Floats
    support: Floats


def trace(
    values: Floats,
    inside: Bools,
    rhos: Floats,
    *,
    order: int,
    penalty: float,
    outward: tuple[float, ...] = (0.3,),
    reach: int = 1,
) -> Rims:
    """Find the rim in polar samples.

    Parameters
    ----------
    values : (3, N, T, R) float32
        Lab colours along the rays.
    inside : (N, T, R) bool
        Samples within the image.
    rhos : (R,) float32
        Distances of the samples.
    order
        Highest order of the curve.
    penalty, reach
        Cost of a crooked path and its largest step, see `closed_path`.
    outward
        Preferences for the outer of two rims: growth of the gain per unit of distance. Each gives a
        curve; a later one is taken where it is nearly as sure as those before.
    """
    gain = edge_gain(values, inside, rhos)
    sums = np.zeros((*values.shape[:3], len(rhos) + 1), np.float32)
    np.cumsum(values, axis=3, out=sums[..., 1:])
    biased = np.concatenate([gain * np.maximum(1 + np.float32(k) * (rhos - 1), 0) for k in outward])
    path = closed_path(biased, penalty=penalty, reach=reach)
    scale = 1.5 * float(rhos[1] - rhos[0])
    c, curves = fit_curves(rhos[path], pick(gain, path), order=order, scale=scale)
    rated = _rated(gain, sums, inside, rhos, c, curves)
    if len(outward) == 1:
        return rated
    best, *others = _split(rated, len(outward))
    for other in others:
        best = _either(best, other, other.score > best.score - OUTER_MARGIN)
    return best


def _rated(
    gain: Floats, sums: Floats, inside: Bools, rhos: Floats, c: Floats, curves: Floats
) -> Rims:
    near, visible = gain_at(gain, inside, curves, rhos)
    contrast = colour_step(sums, curves, rhos)
    cover = np.minimum(np.maximum((near - np.float32(0.25)) / np.float32(0.3), 0), 1)
    support = (cover + contrast) / 2 * visible
    score = rim_score(c, cover, contrast, visible)
    return Rims(c, curves, score, visible.mean(1), np.asarray(support, np.float32))


def _split(rims: Rims, parts: int) -> list[Rims]:
    columns = (rims.coefficients, rims.curves, rims.score, rims.visible, rims.support)
    return [Rims(*part) for part in zip(*(np.split(x, parts) for x in columns), strict=True)]


def _either(first: Rims, second: Rims, take: Bools) -> Rims:
    """Rims of ``second`` where ``take``, else of ``first``."""
    return Rims(
        np.where(take[:, None], second.coefficients, first.coefficients),
        np.where(take[:, None], second.curves, first.curves),
        np.where(take, second.score, first.score),
        np.where(take, second.visible, first.visible),
        np.where(take[:, None], second.support, first.support),
    )


def edge_gain(values: Floats, inside: Bools, rhos: Floats) -> Floats:
    """(N, T, R) in [0, 1): radial, strong against the texture outside, thin along the ray."""
    _, n, t, r = values.shape
    radial = np.zeros((n, t, r), np.float32)
    radial[..., 2:-2] = _square(values[..., 4:] - values[..., :-4])
    d = np.empty_like(values)
    np.subtract(values[:, :, 2:], values[:, :, :-2], out=d[:, :, 1:-1])
    np.subtract(values[:, :, 1], values[:, :, -1], out=d[:, :, 0])
    np.subtract(values[:, :, 0], values[:, :, -2], out=d[:, :, -1])
    arc = (4 * (rhos[1] - rhos[0]) / (4 * np.pi / t * rhos)).astype(np.float32)
    across = _square(d) * (arc * arc)
    strength = np.sqrt(radial)
    strength *= inside
    outside = strength[:, ::2, int(np.searchsorted(rhos, 1.08)) :: 2].reshape(n, -1)
    k = int(0.75 * outside.shape[1])
    texture = np.partition(outside, k, axis=1)[:, k, None, None]
    peak = cv2.dilate(strength.reshape(n * t, r), ALONG).reshape(n, t, r)
    thin = np.divide(strength, np.add(peak, np.float32(1e-3), out=peak), out=peak)
    np.square(np.square(thin, out=thin), out=thin)
    across += radial
    across += np.float32(20)
    aligned = np.divide(radial, across, out=across)
    gain = strength / (strength + texture + np.float32(FLOOR))
    gain *= aligned
    gain *= thin
    return np.asarray(gain)


def _square(colours: Floats) -> Floats:
    """Squared lengths of colours (3, …), which are overwritten."""
    np.square(colours, out=colours)
    total = np.add(colours[0], colours[1], out=colours[0])
    return np.asarray(np.add(total, colours[2], out=total))


def _turned(values: Floats, by: int) -> Floats:
    """Values (…, T) moved by some rays; as `numpy.roll`, which is slower."""
    return np.concatenate([values[..., -by:], values[..., :-by]], axis=-1)


def gain_at(gain: Floats, inside: Bools, curves: Floats, rhos: Floats) -> tuple[Floats, Bools]:
    """Best gain near the curve, and whether the curve is in the image: (N, T) each."""
    at = _column(curves, rhos, 1, len(rhos) - 2)
    near = pick(gain, np.stack([at - 1, at, at + 1])).max(axis=0)
    return near, pick(inside, at)


def _column(curves: Floats, rhos: Floats, low: int, high: int) -> NDArray[np.intp]:
    at = ((curves - rhos[0]) * (1 / (rhos[1] - rhos[0])) + np.float32(0.5)).astype(np.intp)
    return np.asarray(np.minimum(np.maximum(at, low), high))


def colour_step(
    sums: Floats, curves: Floats, rhos: Floats, *, width: float = 0.1, gap: float = 0.03
) -> Floats:
    """Step of the mean colour across the curve against the texture outside it.

    Parameters
    ----------
    sums : (3, N, T, R + 1) float32
        Colours summed along the rays, from 0.
    curves : (K N, T) float32
    width, gap
        Of the strips that are compared, inside and outside of the curve.

    Returns
    -------
    (K N, T) float32 in [0, 1)
    """
    r = len(rhos)
    # strips: within, out, far
    start = np.array([-gap - width, gap, gap + width], np.float32)[:, None, None]
    stop = np.array([-gap, gap + width, gap + 2 * width], np.float32)[:, None, None]
    i = _column(curves + start, rhos, 0, r - 1)
    j = np.maximum(_column(curves + stop, rhos, 1, r), i + 1)
    mean: Floats = pick(sums, j) - pick(sums, i)
    mean /= (j - i).astype(np.float32)
    mean = mean + _turned(mean, 1) + _turned(mean, -1)
    mean /= np.float32(3)
    within, out, far = mean[:, 0], mean[:, 1], mean[:, 2]
    step = np.sqrt(_square(within - out))
    turned = _turned(out, curves.shape[1] // 16)
    texture = np.sqrt(np.maximum(_square(far - out), _square(out - turned)))
    half = texture.shape[1] // 2
    texture.partition((half - 1, half), axis=1)
    middle = (texture[:, half - 1, None] + texture[:, half, None]) / np.float32(2)
    return np.asarray(step / (step + middle + np.float32(3)), np.float32)


def rim_score(c: Floats, cover: Floats, contrast: Floats, visible: Bools) -> Floats:
    """(N,) mean of edge cover and colour step, less for bumpy curves and for mostly hidden ones."""
    rays = visible.shape[1]
    seen = np.maximum(visible.sum(1), 1)
    shown = (cover * visible).sum(1) / np.maximum(seen, 0.3 * rays)
    step = (contrast * visible).sum(1) / seen
    score = (shown + step) / 2 - 4 * np.maximum(bumps(c) - 0.003, 0)
    return np.asarray(score * np.sqrt(np.minimum(1, visible.mean(1) / 0.5)), np.float32)


def bumps(c: Floats) -> Floats:
    """(N,) how far curves are from ellipses: root mean square of orders 3 and up, by radius."""
    return np.asarray(np.sqrt((c[:, 5:] ** 2).sum(1) / 2) / np.maximum(c[:, 0], 0.1), np.float32)

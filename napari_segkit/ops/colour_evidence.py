"""How much the colour of each pixel speaks for the object that a prompt means.

The histogram of the colours that a prompt points at is set against that of the rest of the window,
as in the first step of GrabCut (doi:10.1145/1015706.1015720), once and without a cut: iterating
makes thin and many-coloured objects vanish. It takes about a millisecond.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_segkit.types import Image

    Floats = NDArray[np.float32]

_BINS = 20
"""Of each channel of CIELAB, as OpenCV scales it."""
_MOST = 4.0
"""Largest log-odds; a pixel outside of the box loses as much."""
_REACH = 0.05
"""Radius of what a click points at, in sides of the window."""
_MARK = 0.03
"""Radius of a click's own mark, in sides of the window."""


def evidence_grid(
    image: Image,
    shape: tuple[int, int],
    boxes: NDArray[np.floating] | None,
    points: NDArray[np.floating] | None,
    labels: NDArray[np.int32] | None,
    masks: Floats | None = None,
) -> Floats:
    """Evidence of colours for N prompts, as a promptable network is given a mask.

    Parameters
    ----------
    image : (S, S, 3) uint8 RGB
        The network's input, a window at its top left.
    shape
        (height, width) of the window in it; beyond it the evidence is against the object.
    boxes : (N, 4), points : (N, K, 2), labels : (N, K)
        In pixels of the input; see `colour_evidence`.
    masks : (N, S // 2, S // 2)
        0 to 1: what there is of each object already.

    Returns
    -------
    (N, S // 2, S // 2) float32
    """
    side = len(image) // 2
    height, width = ((value + 1) // 2 for value in shape)
    small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)[:height, :width]
    count = len(boxes) if boxes is not None else len(points) if points is not None else 0
    found = np.full((count, side, side), -2 * _MOST, np.float32)
    for k in range(count):
        found[k, :height, :width] = colour_evidence(
            small,
            None if boxes is None else boxes[k] / 2,
            None if points is None else points[k] / 2,
            None if labels is None else labels[k],
            None if masks is None else masks[k, :height, :width],
        )
    return found


def colour_evidence(
    image: Image,
    box: NDArray[np.floating] | None,
    points: NDArray[np.floating] | None = None,
    labels: NDArray[np.int32] | None = None,
    mask: Floats | None = None,
) -> Floats:
    """Log-odds of object against ground by colour.

    Parameters
    ----------
    image : (H, W, 3) uint8 RGB
        A window, small: the network's grid is enough.
    box : (4,)
        x0 y0 x1 y1 in its pixels.
    points : (K, 2), labels : (K,)
        x y; 1 = object, 0 = not, -1 = no point. What lies at a click is as sure as can be.
    mask : (H, W)
        0 to 1: what there is of the object already. It speaks in the box's place.

    Returns
    -------
    (H, W) float32
        Within plus and minus 8; 0 where nothing speaks.
    """
    shape = image.shape[:2]
    inside = _in_box(shape, box) if mask is None else mask
    told = box is not None or mask is not None
    on, off = _near(shape, points, labels, 1), _near(shape, points, labels, 0)
    objects = inside + 3 * on * inside.sum() / max(on.sum(), 1.0) if told else on
    ground = 1 - inside if told else 1 - np.minimum(1, 3 * on)
    objects = objects * (1 - np.minimum(1, off))
    ground = ground + off * ground.sum() / max(off.sum(), 1.0)
    bins = _bins(image)
    odds = np.log(_histogram(bins, objects) / _histogram(bins, ground))[bins]
    smooth = cv2.GaussianBlur(odds.astype(np.float32), (0, 0), 1.0)
    found = np.clip(smooth, -_MOST, _MOST)
    if mask is not None:
        found += _MOST * (2 * mask - 1)
    elif box is not None:
        found -= _MOST * (1 - inside)
    return _marked(np.asarray(found, np.float32), points, labels)


def _marked(
    found: Floats, points: NDArray[np.floating] | None, labels: NDArray[np.int32] | None
) -> Floats:
    """With the clicks in it, the last one on top."""
    if points is None or labels is None:
        return found
    y, x = np.ogrid[: found.shape[0], : found.shape[1]]
    radius = max(1.5, _MARK * max(found.shape))
    for (px, py), label in zip(points, labels, strict=True):
        if label >= 0:
            far = ((x + 0.5 - px) ** 2 + (y + 0.5 - py) ** 2) / radius**2
            share = np.exp(-(far**2))
            found = found * (1 - share) + share * (2 * label - 1) * 2 * _MOST
    return np.asarray(found, np.float32)


def _in_box(shape: tuple[int, int], box: NDArray[np.floating] | None) -> Floats:
    inside = np.zeros(shape, np.float32)
    if box is not None:
        x0, y0, x1, y1 = np.rint(np.maximum(box, 0)).astype(int)
        inside[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)] = 1
    return inside


def _near(
    shape: tuple[int, int],
    points: NDArray[np.floating] | None,
    labels: NDArray[np.int32] | None,
    label: int,
) -> Floats:
    near = np.zeros(shape, np.float32)
    if points is None or labels is None:
        return near
    y, x = np.ogrid[: shape[0], : shape[1]]
    spread = 2 * (_REACH * max(shape)) ** 2
    for px, py in points[labels == label]:
        near += np.exp(-((x + 0.5 - px) ** 2 + (y + 0.5 - py) ** 2) / spread)
    return near


def _bins(image: Image) -> NDArray[np.int32]:
    """Number of the colour of each pixel."""
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB).astype(np.int32) * _BINS // 256
    return np.asarray((lab[..., 0] * _BINS + lab[..., 1]) * _BINS + lab[..., 2], np.int32)


def _histogram(bins: NDArray[np.int32], weights: Floats) -> Floats:
    """Share of each colour, smoothed over its neighbours."""
    shares = np.bincount(bins.ravel(), weights.ravel(), _BINS**3).reshape((_BINS,) * 3)
    counts = np.asarray(shares, np.float32)
    for axis in range(3):
        around = np.roll(counts, 1, axis) + np.roll(counts, -1, axis)
        counts = np.asarray((2 * counts + around) / 4, np.float32)
    return np.asarray(counts / max(counts.sum(), 1e-6) + 1e-5, np.float32).ravel()

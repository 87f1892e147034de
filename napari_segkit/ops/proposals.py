"""Regions of an image without any mask: k-means of colour and texture, or of a network's features.

Lloyd's k-means as in OpenCV, started by k-means++ (Arthur and Vassilvitskii 2007).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_segkit.types import Image, Labels

    Features = NDArray[np.float32]

_SEED = 1
_PLACE = 0.6  # weight of x and y beside colour and texture of variance 1


def colour_texture(image: Image) -> Features:
    """Colour, roughness at two scales and place of each pixel, each of variance about 1.

    Parameters
    ----------
    image : (H, W, 3) uint8 RGB

    Returns
    -------
    (H, W, 7) float32
    """
    lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    soft = cv2.GaussianBlur(lab, (0, 0), 1.5)
    light = np.ascontiguousarray(lab[..., 0])
    planes = [soft[..., k] for k in range(3)]
    for sigma in (1.5, 5.0):
        mean = cv2.GaussianBlur(light, (0, 0), sigma)
        square = cv2.GaussianBlur(light * light, (0, 0), sigma)
        planes.append(np.log1p(np.sqrt(np.maximum(square - mean * mean, 0))))
    stacked = np.dstack(planes).astype(np.float32)
    stacked -= stacked.mean(axis=(0, 1))
    stacked /= np.maximum(stacked.std(axis=(0, 1)), 1e-3)
    height, width = light.shape
    y, x = np.mgrid[:height, :width].astype(np.float32) / max(height, width) - 0.5
    place = np.dstack([x, y]) * np.float32(_PLACE * 3.5)
    return np.concatenate([stacked, place], axis=2)


def clustered(rows: Features, count: int) -> NDArray[np.int32]:
    """Cluster number, from 0, of each row (N, F); the same rows give the same numbers."""
    count = min(count, len(rows))
    if count < 2:
        return np.zeros(len(rows), np.int32)
    cv2.setRNGSeed(_SEED)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 25, 1e-3)
    data = np.ascontiguousarray(rows, np.float32)
    start: Any = None
    _, found, _ = cv2.kmeans(data, count, start, stop, 3, cv2.KMEANS_PP_CENTERS)
    return np.asarray(found[:, 0], np.int32)


def regions(features: Features, *, parts: int, least: float) -> Labels:
    """Connected regions of alike pixels.

    Parameters
    ----------
    features : (H, W, F)
    parts
        Clusters of pixels.
    least
        Smallest region as a share of the image; smaller ones are 0.

    Returns
    -------
    (H, W) int32, regions from 1.
    """
    height, width, depth = features.shape
    kinds = clustered(features.reshape(-1, depth), parts).reshape(height, width)
    kinds = cv2.medianBlur((kinds + 1).astype(np.uint8), 5)
    labels = np.zeros((height, width), np.int32)
    number = 0
    for kind in range(1, int(kinds.max()) + 1):
        inside = (kinds == kind).astype(np.uint8)
        _, pieces, stats, _ = cv2.connectedComponentsWithStats(inside, connectivity=4)
        for piece in np.flatnonzero(stats[:, cv2.CC_STAT_AREA] >= least * kinds.size):
            if piece:
                number += 1
                labels[pieces == piece] = number
    return labels


def descriptors(image: Image, features: Features, labels: Labels) -> Features:
    """What regions of different images are compared by: colour, features, size, shape, border.

    Parameters
    ----------
    image : (H, W, 3) uint8 RGB
    features : (H, W, F), of the same size
    labels : (H, W) int32
        Regions from 1 without gaps.

    Returns
    -------
    (regions, F + 8) float32
    """
    lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB) / 50
    rows = []
    for number in range(1, int(labels.max()) + 1):
        inside = labels == number
        area = float(inside.mean())
        edge = np.concatenate([inside[0], inside[-1], inside[:, 0], inside[:, -1]])
        hull = cv2.convexHull(cv2.findNonZero(inside.astype(np.uint8)))
        full = float(inside.sum()) / max(1.0, cv2.contourArea(hull))
        colour = lab[inside]
        rows.append(
            np.concatenate(
                [
                    colour.mean(axis=0),
                    colour.std(axis=0),
                    features[inside].mean(axis=0),
                    [2 * np.sqrt(area) + 0.5 * min(full, 1.0), 2 * float(edge.mean())],
                ]
            )
        )
    width = 8 + features.shape[2]
    return np.array(rows, np.float32).reshape(-1, width)

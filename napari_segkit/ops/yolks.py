"""Fried eggs that have run together, told apart by their yolks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from napari_segkit.types import Image, Labels

_SIDE = 320  # pixels of the longer side in which yolks are looked for
_CONTRAST = 18.0  # CIELAB b* of a yolk above that of its white
_SHARE = (0.01, 0.4)  # of the egg's area
_SOLID, _LONG, _GAP = 0.85, 2.0, 1.1


def split_by_yolks(image: Image, labels: Labels, ids: Iterable[int]) -> dict[int, int]:
    """Cut objects with several yolks halfway between them, in place.

    A yolk is a compact area that is much yellower than what surrounds it. Where there are not two
    that stand apart (an omelette, a yolk that ran out, an egg in its shell) nothing changes.

    Parameters
    ----------
    image : (H, W, 3) uint8 RGB
    labels : (H, W) int32
        Changed; new ids follow the largest one.
    ids
        Objects to look at.

    Returns
    -------
    New id -> the id of which it was a part.
    """
    wanted = set(ids)
    largest = int(labels.max(initial=0))
    new: dict[int, int] = {}
    for key, window in _boxes(labels, wanted):
        parts = _nearest_yolk(image[window], labels[window] == key)
        if parts is None:
            continue
        inside = labels[window]
        mask = inside == key
        for number in range(2, int(parts[mask].max()) + 1):
            there = mask & (parts == number)
            if there.any():
                largest += 1
                inside[there] = largest
                new[largest] = key
    return new


def _boxes(labels: Labels, wanted: set[int]) -> list[tuple[int, tuple[slice, slice]]]:
    from scipy.ndimage import find_objects

    found = find_objects(labels)
    return [(k, box) for k, box in enumerate(found, start=1) if box is not None and k in wanted]


def _nearest_yolk(image: Image, mask: NDArray[np.bool_]) -> NDArray[np.int32] | None:
    """The number of the yolk that is nearest to each pixel of a box; ``None`` for fewer than two.

    Parameters
    ----------
    image : (h, w, 3) uint8
    mask : (h, w)
    """
    height, width = mask.shape
    scale = min(1.0, _SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    egg = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    yolks = _yolks(small, egg)
    if len(yolks) < 2:
        return None
    seeds = np.ones(egg.shape, np.uint8)
    number_at = np.zeros(egg.shape, np.int32)
    for number, yolk in enumerate(yolks, start=1):
        seeds[yolk] = 0
        number_at[yolk] = number
    _, place = cv2.distanceTransformWithLabels(
        seeds, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    table = np.zeros(int(place.max()) + 1, np.int32)
    table[place[seeds == 0]] = number_at[seeds == 0]
    nearest = cv2.resize(
        table[place].astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST
    )
    return np.asarray(nearest, np.int32)


def _yolks(image: Image, egg: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """Masks of the yolks in an egg that stand apart from each other."""
    area = int(egg.sum())
    if area < 100:
        return []
    lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    yellow = cv2.GaussianBlur(lab[..., 2], (0, 0), max(0.6, 0.02 * math.sqrt(area)))
    values = np.clip(yellow[egg] + 128, 0, 255).astype(np.uint8)
    cut, _ = cv2.threshold(values, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    above = values > cut
    if not above.any() or above.all():
        return []
    if float(values[above].mean() - values[~above].mean()) < _CONTRAST:
        return []
    spots = (egg & (yellow + 128 > cut)).astype(np.uint8)
    reach = 2 * max(1, round(0.02 * math.sqrt(area))) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    spots = cv2.morphologyEx(spots, cv2.MORPH_OPEN, disc)
    found: list[tuple[NDArray[np.bool_], NDArray[np.float64], float]] = []
    _, numbers, stats, centres = cv2.connectedComponentsWithStats(spots)
    for number in range(1, len(stats)):
        if not _SHARE[0] * area <= stats[number, cv2.CC_STAT_AREA] <= _SHARE[1] * area:
            continue
        spot = numbers == number
        if _is_compact(spot):
            radius = math.sqrt(float(stats[number, cv2.CC_STAT_AREA]) / math.pi)
            found.append((spot, centres[number], radius))
    return _apart(found)


def _is_compact(spot: NDArray[np.bool_]) -> bool:
    outlines, _ = cv2.findContours(
        spot.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
    )
    outline = max(outlines, key=len)
    hull = cv2.contourArea(cv2.convexHull(outline))
    _, (first, second), _ = cv2.minAreaRect(outline)
    long, short = max(first, second), min(first, second)
    return bool(cv2.contourArea(outline) >= _SOLID * hull > 0 and long <= _LONG * max(short, 1))


def _apart(
    found: list[tuple[NDArray[np.bool_], NDArray[np.float64], float]],
) -> list[NDArray[np.bool_]]:
    """Largest first; what nearly touches one that is kept is the same egg's second yolk."""
    kept: list[tuple[NDArray[np.bool_], NDArray[np.float64], float]] = []
    for spot, centre, radius in sorted(found, key=lambda one: -one[2]):
        if 3 * radius < max((one[2] for one in kept), default=radius):
            continue
        if all(math.dist(centre, one[1]) > _GAP * (radius + one[2]) for one in kept):
            kept.append((spot, centre, radius))
    return [spot for spot, _, _ in kept]

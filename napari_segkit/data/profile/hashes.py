"""Copies of images, found by a 64-bit perceptual hash and made sure by a small picture of each.

The hash is the sign of the 64 lowest frequencies of a small gray picture (pHash: C. Zauner,
"Implementation and Benchmarking of Perceptual Image Hash Functions", 2010). It survives other
sizes, JPEG, brightness and contrast, but single objects on plain grounds get like hashes, too; so
pairs of like hashes are compared by the details of their small pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Scalar = TypeVar("Scalar", bound=np.generic)

SIDE = 64
"""Side of the small pictures in pixels."""
MOST_BITS = 10
"""Hashes that differ in more bits are of different images."""
LEAST_LIKENESS = 0.8
"""Correlation from which on two small pictures show the same. Copies of generated photos (JPEG 30,
half or double size, blur, gamma, darker) had more in 98 of 100 cases, noisy and overexposed ones in
95; of 80,000 pairs of different coins on plain grounds none had more than 0.77."""
_ROWS = 256  # hashes compared with all others at once
_PAIRS = 512  # small pictures compared at once

_frequency = np.arange(9)[:, None] * (2 * np.arange(SIDE) + 1) * np.pi / (2 * SIDE)
_DCT = np.cos(_frequency).astype(np.float32)  # its scale does not matter for signs
_BYTES = np.array([bin(value).count("1") for value in range(256)], np.uint8)


@dataclass(frozen=True)
class Copy:
    """Two images that show the same, as positions in the list that was searched.

    Attributes
    ----------
    likeness
        Correlation of their details, up to 1.
    turned
        Whether one is mirrored or turned against the other.
    """

    first: int
    second: int
    likeness: float
    turned: bool = False


def perceptual_hashes(smalls: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """64-bit hashes of small pictures.

    Parameters
    ----------
    smalls : (N, 64, 64) uint8

    Returns
    -------
    (N,) uint64
    """
    low = np.zeros((len(smalls), 64), np.float32)
    for start in range(0, len(smalls), _ROWS):
        part = slice(start, start + _ROWS)
        spectrum = _DCT @ smalls[part].astype(np.float32) @ _DCT.T
        low[part] = spectrum[:, :8, :8].reshape(-1, 64)
        low[part, 0] = spectrum[:, 8, 8]  # for the mean, which says nothing of the content
    bits = np.packbits(low > np.median(low, axis=1, keepdims=True), axis=1)
    return bits.view(np.uint64)[:, 0]


def find_copies(smalls: NDArray[np.uint8]) -> list[Copy]:
    """All pairs that show the same, mirrored and turned ones included.

    Every hash is compared with every other, 256 at a time: 10,000 images take seconds, and memory
    for 256 x 10,000 hashes. Constant pictures are like nothing.

    Parameters
    ----------
    smalls : (N, 64, 64) uint8
        Small gray pictures.

    Returns
    -------
    Pairs with ``first < second``, one per pair, upright rather than turned where both are alike.
    """
    kept = np.array([k for k, one in enumerate(smalls) if one.min() < one.max()], int)
    smalls = smalls[kept]
    upright = perceptual_hashes(smalls)
    found: dict[tuple[int, int], Copy] = {}
    for way in range(8):
        hashes = perceptual_hashes(_turned(smalls, way)) if way else upright
        for rows, columns in _like(upright, hashes):
            likeness = _likeness(smalls[rows], _turned(smalls[columns], way))
            sure = likeness >= LEAST_LIKENESS
            pairs = zip(kept[rows[sure]], kept[columns[sure]], likeness[sure], strict=True)
            for first, second, value in pairs:
                copy = Copy(int(first), int(second), float(value), turned=way > 0)
                found.setdefault((copy.first, copy.second), copy)
    return sorted(found.values(), key=lambda copy: (copy.first, copy.second))


def _turned(smalls: NDArray[Scalar], way: int) -> NDArray[Scalar]:
    """One of the eight ways to lay square pictures."""
    turned = np.rot90(smalls, way % 4, axes=(1, 2))
    return turned[:, :, ::-1] if way >= 4 else turned


def _like(
    hashes: NDArray[np.uint64], others: NDArray[np.uint64]
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Positions i and j, i < j, whose hashes differ in few bits, some thousand at a time."""
    for start in range(0, len(hashes), _ROWS):
        different = hashes[start : start + _ROWS, None] ^ others[None, start:]
        near = np.flatnonzero(_bit_count(different) <= MOST_BITS)  # faster than nonzero on planes
        rows, columns = np.divmod(near, different.shape[1])
        rows, columns = rows[rows < columns], columns[rows < columns]
        for part in range(0, len(rows), _PAIRS):
            yield start + rows[part : part + _PAIRS], start + columns[part : part + _PAIRS]


def _bit_count(words: NDArray[np.uint64]) -> NDArray[np.uint8]:
    if hasattr(np, "bitwise_count"):  # NumPy 2
        counts: NDArray[np.uint8] = np.bitwise_count(words)
        return counts
    parts: NDArray[np.uint8] = _BYTES[words.view(np.uint8)].reshape(*words.shape, 8)
    counts = parts.sum(axis=-1, dtype=np.uint8)
    return counts


def _details(smalls: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What differs from the mean of the 3x3 pixels around."""
    edge = np.pad(smalls.astype(np.float32), ((0, 0), (1, 1), (1, 1)), mode="edge")
    around = np.zeros(smalls.shape, np.float32)
    for y in range(3):
        for x in range(3):
            around += edge[:, y : y + SIDE, x : x + SIDE]
    return smalls - around / np.float32(9)


def _likeness(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Correlation of the pictures or of their details, the lower one; (K,) of (K, 64, 64) each."""
    return np.minimum(_correlation(one, other), _correlation(_details(one), _details(other)))


def _correlation(one: NDArray[Any], other: NDArray[Any]) -> NDArray[np.float32]:
    products: NDArray[np.float32] = np.einsum("kyx,kyx->k", _unit(one), _unit(other))
    return products


def _unit(smalls: NDArray[Any]) -> NDArray[np.float32]:
    """Mean 0 and length 1 each, so that a product of two is their correlation."""
    centred = smalls.astype(np.float32)
    centred -= centred.mean(axis=(1, 2), keepdims=True)
    length = np.sqrt((centred**2).sum(axis=(1, 2), keepdims=True))
    unit: NDArray[np.float32] = centred / np.maximum(length, np.float32(1e-6))
    return unit

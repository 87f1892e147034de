"""One image and its mask -> some numbers and a picture of 64x64; nothing larger is kept."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.data.pixels import sample_pixels
from napari_segkit.data.profile.file_facts import file_surprises
from napari_segkit.data.profile.hashes import SIDE
from napari_segkit.data.profile.outlines import Outline, measure_outline
from napari_segkit.errors import SegkitError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_segkit.data.dataset import Sample
    from napari_segkit.data.pixels import ImageFinder
    from napari_segkit.data.profile.source import Entry
    from napari_segkit.types import Image, Labels, Segmentation

GRID = 32
"""Rows and columns of the map of positions."""


@dataclass(frozen=True)
class Objects:
    """The objects of an image, one row each, in the order of their ids.

    Attributes
    ----------
    areas : (N,) int64, in pixels
    boxes : (N, 4) float32, x0 y0 x1 y1 in pixels
    classes : class name of each
    """

    areas: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    boxes: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pixels:
    """What the pixels of an image say.

    Attributes
    ----------
    shape
        (H, W).
    brightness, contrast
        Mean and standard deviation of the gray values, 0 to 255.
    digest
        Of the pixels: equal for equal images, however they are stored.
    small : (64, 64) uint8
        Gray.
    """

    shape: tuple[int, int]
    brightness: float
    contrast: float
    digest: bytes
    small: NDArray[np.uint8]


@dataclass(frozen=True)
class ImageFacts:
    """Everything that is kept of one image.

    Attributes
    ----------
    title, subsets
        As in `Entry`.
    shape
        (H, W) of the mask; (0, 0) where it could not be read.
    coverage
        Share of the image that objects cover.
    surprises
        What is odd about the image file.
    notes
        What the reader of the format said about this image.
    error
        Why image or mask could not be used; the rest is then empty, or without ``pixels``.
    """

    title: str
    subsets: tuple[str, ...] = ()
    shape: tuple[int, int] = (0, 0)
    coverage: float = 0.0
    objects: Objects = field(default_factory=Objects)
    outline: Outline = field(default_factory=Outline)
    pixels: Pixels | None = None
    surprises: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    error: SegkitError | None = None


def measure(
    entry: Entry, positions: NDArray[np.float64], *, images: ImageFinder | None = None
) -> ImageFacts:
    """Read one image and measure it; what goes wrong becomes a part of the answer.

    Parameters
    ----------
    positions : (32, 32) float64
        The share of each cell that objects cover is added here.
    images
        Where images lie that the dataset does not have itself.
    """
    facts = ImageFacts(entry.title, entry.subsets)
    try:
        sample = with_image(entry.read(), images)
        facts = _with_mask(facts, sample.segmentation, positions)
        facts = replace(facts, surprises=file_surprises(sample.image))
        loaded = sample_pixels(sample)
        if loaded is None:
            return facts
        pixels = measure_pixels(loaded.pixels)
        notes = (*facts.notes, *loaded.notes)
        return replace(facts, pixels=pixels, notes=notes)
    except SegkitError as error:
        return replace(facts, error=error)


def with_image(sample: Sample, images: ImageFinder | None) -> Sample:
    """The sample with its image from elsewhere, where it has none."""
    if sample.image is not None or images is None:
        return sample
    return replace(sample, image=images.find(sample.name))


def _with_mask(
    facts: ImageFacts, segmentation: Segmentation, positions: NDArray[np.float64]
) -> ImageFacts:
    labels = segmentation.labels
    keys = sorted(segmentation.instances)
    objects = Objects(
        areas=_areas(labels, keys),
        boxes=np.array([segmentation.instances[key].box for key in keys], np.float32).reshape(
            -1, 4
        ),
        classes=tuple(segmentation.instances[key].class_name for key in keys),
    )
    if labels.size:
        positions += _covered(labels)
    return replace(
        facts,
        shape=(labels.shape[0], labels.shape[1]),
        coverage=float(objects.areas.sum() / labels.size) if labels.size else 0.0,
        objects=objects,
        outline=measure_outline(labels),
        notes=segmentation.notes,
    )


def _areas(labels: Labels, keys: list[int]) -> NDArray[np.int64]:
    if not keys:
        return np.zeros(0, np.int64)
    if keys[-1] <= max(labels.size, 1 << 16):
        return np.bincount(labels.ravel(), minlength=keys[-1] + 1)[keys].astype(np.int64)
    _, counts = np.unique(labels[labels > 0], return_counts=True)
    return counts.astype(np.int64)


def _covered(labels: Labels) -> NDArray[np.float64]:
    """(32, 32) share of each cell of a grid over the image that objects cover."""
    import cv2

    mask = (labels > 0).astype(np.uint8) * np.uint8(255)
    cells = cv2.resize(mask, (GRID, GRID), interpolation=cv2.INTER_AREA)
    return np.asarray(cells, np.float64) / 255


def measure_pixels(image: Image) -> Pixels:
    """Measure an image's pixels.

    Parameters
    ----------
    image : (H, W, 3) uint8 RGB
    """
    import cv2

    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    mean, deviation = cv2.meanStdDev(gray)
    small = cv2.resize(gray, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    digest = hashlib.blake2b(str(image.shape).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(image).data)
    return Pixels(
        shape=(image.shape[0], image.shape[1]),
        brightness=float(mean[0, 0]),
        contrast=float(deviation[0, 0]),
        digest=digest.digest(),
        small=np.asarray(small, np.uint8),
    )

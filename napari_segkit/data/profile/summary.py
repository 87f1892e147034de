"""A dataset in numbers: counts, quantiles and histograms, ready for JSON and for plots."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_segkit.data.profile.measure import ImageFacts
    from napari_segkit.types import ClassDef, Color

_BINS = 24
_MOST_SIZES = 8


@dataclass(frozen=True)
class Distribution:
    """How a quantity is spread.

    Attributes
    ----------
    title, unit
        For people.
    count
        How many values there are.
    quantiles
        Least, 5 %, median, 95 %, largest; empty without values.
    edges, counts
        Histogram: one more edge than counts.
    logarithmic
        Whether the edges grow by a factor.
    """

    title: str
    unit: str
    count: int
    quantiles: tuple[float, ...]
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    logarithmic: bool


@dataclass(frozen=True)
class ClassBalance:
    """One class: objects, images that have one, share of all pixels of the dataset."""

    name: str
    color: Color
    objects: int
    images: int
    pixels: float


@dataclass(frozen=True)
class Summary:
    """The whole dataset.

    Attributes
    ----------
    images, readable, empty, objects
        Counts; ``readable``: image and mask; ``empty``: readable without an object.
    subsets
        Name -> images.
    sizes
        The most common image sizes (W, H, images); ``other_sizes`` counts images of the rest.
    positions : (32, 32) nested lists
        Share of the images in which objects cover each cell.
    """

    images: int
    readable: int
    empty: int
    objects: int
    subsets: Mapping[str, int]
    classes: tuple[ClassBalance, ...]
    sizes: tuple[tuple[int, int, int], ...]
    other_sizes: int
    distributions: Mapping[str, Distribution]
    positions: tuple[tuple[float, ...], ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def summarise(
    facts: Sequence[ImageFacts], classes: Sequence[ClassDef], positions: NDArray[np.float64]
) -> Summary:
    """Put the facts of all images together.

    Parameters
    ----------
    positions : (32, 32) float64
        Sum over all masks of what `measure` added.
    """
    masked = [one for one in facts if min(one.shape) > 0]
    sizes = Counter((one.shape[1], one.shape[0]) for one in masked)
    common = sizes.most_common(_MOST_SIZES)
    return Summary(
        images=len(facts),
        readable=sum(one.error is None for one in facts),
        empty=sum(one.error is None and not len(one.objects.areas) for one in facts),
        objects=sum(len(one.objects.areas) for one in masked),
        subsets=dict(Counter(subset for one in facts for subset in one.subsets)),
        classes=_balance(masked, classes),
        sizes=tuple((*size, count) for size, count in common),
        other_sizes=len(masked) - sum(count for _, count in common),
        distributions=_distributions(masked),
        positions=tuple(
            tuple(np.round(row, 4).tolist()) for row in positions / max(len(masked), 1)
        ),
    )


def _balance(facts: Sequence[ImageFacts], classes: Sequence[ClassDef]) -> tuple[ClassBalance, ...]:
    objects: Counter[str] = Counter()
    images: Counter[str] = Counter()
    pixels: Counter[str] = Counter()
    for one in facts:
        objects.update(one.objects.classes)
        images.update(set(one.objects.classes))
        for name, area in zip(one.objects.classes, one.objects.areas.tolist(), strict=True):
            pixels[name] += area
    every = sum(one.shape[0] * one.shape[1] for one in facts)
    return tuple(
        ClassBalance(
            one.name,
            one.color,
            objects[one.name],
            images[one.name],
            pixels[one.name] / every if every else 0.0,
        )
        for one in classes
    )


def _distributions(facts: Sequence[ImageFacts]) -> dict[str, Distribution]:
    seen = [one.pixels for one in facts if one.pixels is not None]
    areas = _joined([one.objects.areas for one in facts])
    shares = _joined([one.objects.areas / (one.shape[0] * one.shape[1]) for one in facts])
    boxes = np.concatenate([np.zeros((0, 4)), *(one.objects.boxes for one in facts)])
    width, height = (boxes[:, 2:] - boxes[:, :2]).T
    return {
        "megapixels": distribute(
            [one.shape[0] * one.shape[1] / 1e6 for one in facts], "Image size", "Mpx", log=True
        ),
        "image_aspect": distribute(
            [one.shape[1] / one.shape[0] for one in facts], "Image width : height", "", log=True
        ),
        "objects_per_image": distribute(
            [len(one.objects.areas) for one in facts], "Objects per image", ""
        ),
        "object_size": distribute(np.sqrt(areas), "Object size (√area)", "px", log=True),
        "object_share": distribute(100 * shares, "Object's share of its image", "%", log=True),
        "object_aspect": distribute(
            width / np.maximum(height, 1), "Object width : height", "", log=True
        ),
        "coverage": distribute(
            [100 * one.coverage for one in facts], "Covered by objects", "% of the image"
        ),
        "brightness": distribute([one.brightness for one in seen], "Brightness", "gray, 0–255"),
        "contrast": distribute([one.contrast for one in seen], "Contrast (σ)", "gray levels"),
    }


def _joined(parts: Sequence[NDArray[Any]]) -> NDArray[np.float64]:
    return np.concatenate([np.zeros(0), *parts])


def distribute(
    values: Sequence[float] | NDArray[np.float64], title: str, unit: str, *, log: bool = False
) -> Distribution:
    """Quantiles and a histogram of some numbers.

    Parameters
    ----------
    log
        Bins that grow by a factor; values must then be positive.
    """
    array = np.asarray(values, np.float64)
    if not len(array):
        return Distribution(title, unit, 0, (), (), (), log)
    low, high = float(array.min()), float(array.max())
    if log:
        low, high = (low * 0.9, high * 1.1) if high < low * 1.25 else (low, high)
        edges = np.geomspace(low, high, _BINS + 1)
    elif (array == np.rint(array)).all() and high - low < _BINS:
        edges = np.arange(low - 0.5, high + 1)
    else:
        edges = np.linspace(low, high if high > low else low + 1, _BINS + 1)
    edges[0], edges[-1] = min(edges[0], array.min()), max(edges[-1], array.max())
    counts, _ = np.histogram(array, edges)
    quantiles = np.quantile(array, [0, 0.05, 0.5, 0.95, 1])
    return Distribution(
        title,
        unit,
        len(array),
        tuple(quantiles.tolist()),
        tuple(edges.tolist()),
        tuple(counts.tolist()),
        log,
    )

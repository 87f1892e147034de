"""Which images look wrong, and why: every rule is a function from all `ImageFacts` to suspects.

Sizes are judged by the robust z-score of their logarithms, 0.6745 (x - median) / MAD (B. Iglewicz
and D. Hoaglin, "How to Detect and Handle Outliers", 1993), with a least spread, so that a dataset
whose images are all alike does not make suspects of tiny differences.

On clean sets of generated photos fewer than 2 of 100 images become suspects; a test holds that.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.data.profile.hashes import SIDE, find_copies
from napari_segkit.errors import MaskError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from napari_segkit.data.profile.measure import ImageFacts
    from napari_segkit.types import Box

KINDS = {
    "unreadable": ("Cannot be read", "Training stops there or skips them. Copy or export again."),
    "mismatch": ("Image and mask do not fit", "The mask belongs to another size or version."),
    "leak": (
        "Same picture in two subsets",
        "Validation scores are too good where the model has seen the picture. Keep one of them.",
    ),
    "identical": ("Identical images", "They count twice; check whether their masks agree."),
    "similar": ("Almost identical images", "Copies in another size, quality or orientation."),
    "everything": ("Mask covers almost everything", "Often an inverted or failed mask."),
    "nothing": ("Nothing is labelled", "Fine for an empty scene, else the mask is missing."),
    "area": ("Objects of unusual size", "Slips of the brush, merged objects, wrong classes."),
    "ragged": ("Ragged masks", "Outlines like those of masks that were saved as JPEG."),
    "image-size": ("Images of unusual size", "Thumbnails, screenshots or crops among photos."),
    "blank": ("Images without contrast", "Black, white or covered by the lens cap."),
    "file": ("Surprises in the image file", "EXIF and colour profile can change what is seen."),
}
"""Kind -> title and what it means, in the order of the report."""

MOST_COVERED = 0.95
LEAST_CONTRAST = 2.0
AREA_Z, IMAGE_Z = 4.0, 5.0
_AREA_SPREAD, _IMAGE_SPREAD = 0.3, 0.25  # least MAD / 0.6745 of a logarithm
_LEAST_OBJECTS, _LEAST_IMAGES = 20, 10  # fewer say nothing about what is usual
_NEAR, _MODE = 0.4, 0.02  # within a factor of 1.5 lie 2 % of all objects: that size is usual, too
_EMPTY_IS_USUAL = 0.2  # a larger share of empty masks is how the dataset is


@dataclass(frozen=True)
class Suspect:
    """One thing that looks wrong.

    Attributes
    ----------
    kind
        Key of `KINDS`.
    titles
        The images concerned: one, or two that are compared.
    reason
        A sentence with the numbers.
    score
        The larger the worse, within a kind.
    box
        The object concerned, XYXY in pixels of the first image.
    """

    kind: str
    titles: tuple[str, ...]
    reason: str
    score: float = 1.0
    box: Box | None = None


def find_suspects(facts: Sequence[ImageFacts]) -> tuple[Suspect, ...]:
    """Judge a whole dataset; kind by kind, the worst first."""
    found = [suspect for rule in RULES for suspect in rule(facts)]
    order = {kind: number for number, kind in enumerate(KINDS)}
    return tuple(sorted(found, key=lambda one: (order[one.kind], -one.score, one.titles)))


def robust_z(values: NDArray[np.float64], least_spread: float) -> NDArray[np.float64]:
    """Robust z-scores; 0 for all of an empty list.

    Parameters
    ----------
    least_spread
        What a standard deviation is at least taken for.
    """
    if not len(values):
        return values
    centre = np.median(values)
    spread = float(np.median(np.abs(values - centre))) / 0.6745
    scores: NDArray[np.float64] = (values - centre) / max(spread, least_spread)
    return scores


def _errors(facts: Sequence[ImageFacts]) -> Iterator[Suspect]:
    for one in facts:
        if one.error is not None:
            odd_size = isinstance(one.error, MaskError) and "size" in one.error.what
            kind = "mismatch" if odd_size else "unreadable"
            yield Suspect(kind, (one.title,), str(one.error))
        elif one.pixels is not None and one.pixels.shape != one.shape:
            (ih, iw), (mh, mw) = one.pixels.shape, one.shape
            turned = ", as if EXIF had turned one of them" if (ih, iw) == (mw, mh) else ""
            reason = f"the image is {iw}x{ih}, the mask {mw}x{mh}{turned}"
            yield Suspect("mismatch", (one.title,), reason)


def _copies(facts: Sequence[ImageFacts]) -> Iterator[Suspect]:
    """Equal images by their digests, then one of each against all others by their looks."""
    groups: dict[bytes, list[ImageFacts]] = defaultdict(list)
    for one in facts:
        if one.pixels is not None and one.pixels.contrast >= LEAST_CONTRAST:
            groups[one.pixels.digest].append(one)
        if len(one.subsets) > 1:
            reason = f"it stands in the lists {' and '.join(one.subsets)}"
            yield Suspect("leak", (one.title,), reason, 3)
    alike = list(groups.values())
    for group in alike:
        for first, second in itertools.pairwise(group):
            masks = "" if _same_objects(first, second) else ", but their masks are not"
            yield _copy(first, second, f"their pixels are equal{masks}", 2, "identical")
    smalls = [group[0].pixels.small for group in alike if group[0].pixels is not None]
    for copy in find_copies(np.array(smalls, np.uint8).reshape(-1, SIDE, SIDE)):
        how = ", mirrored or turned" if copy.turned else ""
        reason = f"{int(100 * copy.likeness)} % alike in their details{how}"
        first, second = _apart(alike[copy.first], alike[copy.second])
        yield _copy(first, second, reason, copy.likeness, "similar")


def _same_objects(first: ImageFacts, second: ImageFacts) -> bool:
    one, other = first.objects, second.objects
    return (
        one.classes == other.classes
        and np.array_equal(one.areas, other.areas)
        and np.array_equal(one.boxes, other.boxes)
    )


def _apart(one: list[ImageFacts], other: list[ImageFacts]) -> tuple[ImageFacts, ImageFacts]:
    """One image of each group, of different subsets where there are such."""
    pairs = [(first, second) for first in one for second in other]
    return next((pair for pair in pairs if _leaks(*pair)), pairs[0])


def _leaks(first: ImageFacts, second: ImageFacts) -> bool:
    return bool(first.subsets and second.subsets) and first.subsets != second.subsets


def _copy(first: ImageFacts, second: ImageFacts, reason: str, score: float, kind: str) -> Suspect:
    titles = first.title, second.title
    if _leaks(first, second):
        where = f"in {', '.join(first.subsets)} and in {', '.join(second.subsets)}"
        return Suspect("leak", titles, f"{where}: {reason}", score)
    return Suspect(kind, titles, reason, score)


def _coverage(facts: Sequence[ImageFacts]) -> Iterator[Suspect]:
    readable = [one for one in facts if one.error is None and min(one.shape) > 0]
    empty = [one for one in readable if not len(one.objects.areas)]
    if len(empty) <= _EMPTY_IS_USUAL * len(readable):
        for one in empty:
            yield Suspect("nothing", (one.title,), "the mask has no object")
    for one in readable:
        if one.coverage >= MOST_COVERED:
            reason = f"objects cover {100 * one.coverage:.1f} % of the image"
            yield Suspect("everything", (one.title,), reason, one.coverage)


def _areas(facts: Sequence[ImageFacts]) -> Iterator[Suspect]:
    """Objects whose share of the image is unusual for their class; the worst of each image."""
    rows: dict[str, list[tuple[ImageFacts, int]]] = defaultdict(list)
    for one in facts:
        if one.error is None:
            for number, name in enumerate(one.objects.classes):
                rows[name].append((one, number))
    for name, objects in rows.items():
        if len(objects) < _LEAST_OBJECTS:
            continue
        shares = [one.objects.areas[k] / (one.shape[0] * one.shape[1]) for one, k in objects]
        logs = np.log(np.array(shares, np.float64))
        scores = np.where(_lonely(logs), robust_z(logs, _AREA_SPREAD), 0.0)
        yield from _worst_areas(name, objects, shares, scores)


def _lonely(logs: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which values have few others near: many together are another kind of photo, no mistake."""
    ordered = np.sort(logs)
    near = np.searchsorted(ordered, logs + _NEAR) - np.searchsorted(ordered, logs - _NEAR)
    lonely: NDArray[np.bool_] = near <= max(3.0, _MODE * len(logs))
    return lonely


def _worst_areas(
    name: str,
    objects: Sequence[tuple[ImageFacts, int]],
    shares: Sequence[float],
    scores: NDArray[np.float64],
) -> Iterator[Suspect]:
    usual, named = float(np.median(shares)), set()
    for position in np.argsort(-np.abs(scores)).tolist():
        score = abs(float(scores[position]))
        if score < AREA_Z:
            return
        one, number = objects[position]
        if one.title in named:
            continue
        named.add(one.title)
        times = shares[position] / usual
        size = f"{times:.1f} times" if times >= 1 else f"1/{1 / times:.0f} of"
        reason = (
            f"{name} of {one.objects.areas[number]} px: {size} the usual share of the image "
            f"(z {score:.1f})"
        )
        x0, y0, x1, y1 = (float(value) for value in one.objects.boxes[number])
        yield Suspect("area", (one.title,), reason, score, (x0, y0, x1, y1))


def _ragged(facts: Sequence[ImageFacts]) -> Iterator[Suspect]:
    for one in facts:
        outline = one.outline
        if outline.ragged:
            reason = f"{outline.crumbs} crumbs and holes lie along {outline.length} px of outline"
            yield Suspect("ragged", (one.title,), reason, outline.crumbs / outline.length)


def _images(facts: Sequence[ImageFacts]) -> Iterator[Suspect]:
    """Images of unusual size, and without contrast."""
    sized = [one for one in facts if min(one.shape) > 0]
    if len(sized) >= _LEAST_IMAGES:
        logs = np.log([float(one.shape[0] * one.shape[1]) for one in sized])
        for one, score in zip(sized, robust_z(logs, _IMAGE_SPREAD).tolist(), strict=True):
            if abs(score) >= IMAGE_Z:
                height, width = one.shape
                size = "larger" if score > 0 else "smaller"
                reason = f"{width}x{height} px: much {size} than the others (z {abs(score):.1f})"
                yield Suspect("image-size", (one.title,), reason, abs(score))
    for one in facts:
        if one.pixels is not None and one.pixels.contrast < LEAST_CONTRAST:
            pixels = one.pixels
            reason = f"gray {pixels.brightness:.0f} everywhere, give or take {pixels.contrast:.1f}"
            yield Suspect("blank", (one.title,), reason)


def _files(facts: Sequence[ImageFacts]) -> Iterator[Suspect]:
    for one in facts:
        for surprise in one.surprises:
            yield Suspect("file", (one.title,), surprise)


RULES: tuple[Callable[[Sequence[ImageFacts]], Iterator[Suspect]], ...] = (
    _errors,
    _copies,
    _coverage,
    _areas,
    _ragged,
    _images,
    _files,
)

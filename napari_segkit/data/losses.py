"""What a format cannot hold of given objects: counted, in sentences, before anything is written."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.data.dataset import Sample
from napari_segkit.ops.masks import components

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_segkit.data.formats.base import Capabilities
    from napari_segkit.types import Segmentation

_SENTENCES = {
    "scores": "scores of {objects} are not kept",
    "holes": "holes of {objects} are joined to the outline by cuts of no width, which programs "
    "that paint outlines fill",
    "parts": "parts of {objects} are joined by cuts of no width, which programs that paint "
    "outlines fill",
    "split": "{objects} in several parts become one object for each part",
    "touching": "{objects} that touch another of the same class become one with it",
    "uncertainty": "uncertainty of every pixel is not kept",
}


@dataclass
class LossCount:
    """Counts what ``capabilities`` cannot hold, sample by sample."""

    capabilities: Capabilities
    objects: Counter[str] = field(default_factory=Counter)
    images: Counter[str] = field(default_factory=Counter)

    def add(self, segmentation: Segmentation) -> None:
        """Take in one sample's objects."""
        for kind, number in _lost(segmentation, self.capabilities).items():
            if number:
                self.objects[kind] += number
                self.images[kind] += 1

    def sentences(self) -> tuple[str, ...]:
        """One sentence for each kind of loss."""
        return tuple(
            f"{sentence.format(objects=_counted(self.objects[kind], 'object'))}"
            f" (in {_counted(self.images[kind], 'image')})"
            for kind, sentence in _SENTENCES.items()
            if self.images[kind]
        )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _lost(segmentation: Segmentation, can: Capabilities) -> dict[str, int]:
    lost = {
        "scores": 0
        if can.scores
        else sum(one.score != 1 for one in segmentation.instances.values()),
        "uncertainty": int(segmentation.uncertainty is not None),
    }
    if can.holes != "kept" or can.parts != "kept":
        holes, parts = _holes_and_parts(segmentation)
        lost["holes"] = holes if can.holes != "kept" else 0
        if can.parts != "kept":
            lost["split" if can.parts == "split" else "parts"] = parts
    if not can.touching:
        lost["touching"] = _touching(segmentation)
    return lost


def _holes_and_parts(segmentation: Segmentation) -> tuple[int, int]:
    """How many objects have holes, and how many are in several parts."""
    import cv2

    holes = parts = 0
    for key, one in segmentation.instances.items():
        x0, y0, x1, y1 = (int(value) for value in one.box)
        mask = np.pad(segmentation.labels[y0:y1, x0:x1] == key, 1)
        parts += cv2.connectedComponents(mask.view(np.uint8), connectivity=8)[0] > 2
        outside = np.ascontiguousarray(~mask).view(np.uint8)
        holes += cv2.connectedComponents(outside, connectivity=4)[0] > 2
    return holes, parts


def _touching(segmentation: Segmentation) -> int:
    """How many objects share a connected area of their class with another."""
    position = {one.name: k for k, one in enumerate(segmentation.classes, 1)}
    largest = max(segmentation.instances, default=0)
    table = np.zeros(largest + 1, np.int32)
    for key, one in segmentation.instances.items():
        table[key] = position[one.class_name]
    areas, _ = components(table[segmentation.labels])
    inside = areas > 0
    pairs = np.unique(areas[inside].astype(np.int64) << 32 | segmentation.labels[inside])
    area, count = np.unique(pairs >> 32, return_counts=True)
    crowded = np.isin(pairs >> 32, area[count > 1])
    return len(np.unique(pairs[crowded] & 0xFFFFFFFF))


@dataclass
class NoteCount:
    """Adds up what readers note about samples.

    A note that begins with a number counts something that was left out or changed: numbers of
    equal notes are added. Other notes are information.
    """

    numbers: Counter[str] = field(default_factory=Counter)
    images: Counter[str] = field(default_factory=Counter)

    def add(self, segmentation: Segmentation) -> None:
        """Take in one sample's notes."""
        for note in segmentation.notes:
            number, _, rest = note.partition(" ")
            if number.isdecimal():
                self.numbers[rest] += int(number)
                self.images[rest] += 1

    def sentences(self) -> tuple[str, ...]:
        """One sentence for each kind of note."""
        return tuple(
            f"{number} {rest} (in {_counted(self.images[rest], 'image')})"
            for rest, number in self.numbers.items()
        )


def losses(source: Iterable[Sample] | Sample, capabilities: Capabilities) -> tuple[str, ...]:
    """What would be lost, in counted sentences; empty where a format holds everything.

    Parameters
    ----------
    source
        A dataset, or one sample; every sample is read. What its reader had to leave out is counted
        first.
    capabilities
        Of the format that would be written.
    """
    count, notes = LossCount(capabilities), NoteCount()
    for sample in (source,) if isinstance(source, Sample) else source:
        count.add(sample.segmentation)
        notes.add(sample.segmentation)
    return (*notes.sentences(), *count.sentences())


def may_lose(source: Capabilities, target: Capabilities) -> bool:
    """Whether samples must be looked at: ``source`` can have what gets lost on the way."""
    return (
        source.overlap
        or (source.scores and not target.scores)
        or target.holes != "kept"
        or target.parts != "kept"
        or (source.touching and not target.touching)
    )

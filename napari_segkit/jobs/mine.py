"""Which images are most worth labelling: those that a model is least sure of.

A pixel's doubt is largest at the threshold and zero where the network is sure. The doubt of an
image is that of its most doubtful objects and half-objects, not of its area: a large sure sky must
not hide three doubtful specks. (Least confidence sampling, Settles 2009, over objects.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.data.images import read_image
from napari_segkit.errors import InputError, SegkitError
from napari_segkit.jobs.predict import segment
from napari_segkit.types import Progress

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_segkit.data.images import ImageSource
    from napari_segkit.models.base import ModelParams, Segmenter
    from napari_segkit.types import Job, Segmentation

_MOST = 20  # objects that count


@dataclass(frozen=True)
class Candidate:
    """An image and how much there is to learn from it.

    Attributes
    ----------
    doubt
        Sum over its 20 most doubtful objects, each 0 (sure) to 1 (at the threshold).
    objects
        How many were found.
    """

    name: str
    path: Path
    doubt: float
    objects: int


@dataclass(frozen=True)
class MineReport:
    """Candidates, the most worthwhile first, and images that could not be looked at."""

    ranked: tuple[Candidate, ...]
    failures: tuple[tuple[Path, SegkitError], ...]


def mine(
    model: Segmenter, sources: Sequence[ImageSource], *, params: ModelParams
) -> Job[MineReport]:
    """Run a model over images and rank them.

    Raises
    ------
    InputError
        Without images.
    """
    if not sources:
        raise InputError("there are no images to rank")
    ranked, failures = [], []
    for number, source in enumerate(sources):
        yield Progress(number, len(sources), source.name)
        try:
            image = read_image(source.path).pixels
            found = yield from segment(model, image, params=params)
        except SegkitError as error:
            failures.append((source.path, error))
            continue
        doubt = doubt_of(found)
        ranked.append(Candidate(source.name, source.path, doubt, len(found.instances)))
    ranked.sort(key=lambda one: (-one.doubt, one.name))
    return MineReport(tuple(ranked), tuple(failures))


def doubt_of(found: Segmentation) -> float:
    """How unsure a result is: its objects' scores, near the threshold = 1."""
    scores = np.array([one.score for one in found.instances.values()])
    doubts = 1 - np.abs(2 * np.clip(scores, 0.5, 1) - 1) if len(scores) else np.zeros(0)
    return round(float(np.sort(doubts)[::-1][:_MOST].sum()), 4)

"""Measure a dataset, find what looks wrong, and show it."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segkit.data.atomic import atomic_write, disk_errors
from napari_segkit.data.staging import taken
from napari_segkit.errors import InputError
from napari_segkit.types import Progress

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari_segkit.data.pixels import ImageFinder
    from napari_segkit.data.profile.rules import Suspect
    from napari_segkit.data.profile.summary import Summary
    from napari_segkit.types import Job

MOST_PICTURES = 24
"""Suspects of each kind that get a picture."""


@dataclass(frozen=True)
class Profile:
    """What is in a dataset.

    Attributes
    ----------
    path
        The dataset.
    suspects
        What looks wrong, kind by kind, the worst first.
    notes
        What was unusual about the files, and what readers said, with the number of images.
    pictures
        (Image, its place in ``suspects``) -> thumbnail as a ``data:`` address.
    """

    path: Path
    summary: Summary
    suspects: tuple[Suspect, ...]
    notes: tuple[str, ...]
    pictures: Mapping[tuple[str, int], str] = field(default_factory=dict)

    def counts(self) -> dict[str, int]:
        """Suspects of each kind, in the order of the report."""
        return dict(Counter(one.kind for one in self.suspects))

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, without the pictures."""
        return {
            "path": str(self.path),
            "summary": self.summary.as_dict(),
            "suspects": [asdict(one) for one in self.suspects],
            "notes": list(self.notes),
        }


def profile(
    path: Path, *, images: ImageFinder | None = None, pictures: bool = True
) -> Job[Profile]:
    """Profile a dataset: every image is read once, those that get a picture twice.

    Parameters
    ----------
    path
        A dataset, or a folder with one per subset.
    images
        Where images lie that the dataset does not have itself.
    pictures
        Make thumbnails of the suspects.

    Raises
    ------
    DatasetError
        Where there is no dataset, or it cannot be opened; a bad image is a suspect instead.
    """
    # Here, not at the top: opening the program loads no decoders.
    from napari_segkit.data.profile.measure import GRID, measure
    from napari_segkit.data.profile.pictures import thumbnail
    from napari_segkit.data.profile.rules import find_suspects
    from napari_segkit.data.profile.source import Source
    from napari_segkit.data.profile.summary import summarise

    positions = np.zeros((GRID, GRID))
    facts = []
    shown: dict[tuple[str, int], str] = {}
    with Source(path) as source:
        for number, entry in enumerate(source.entries):
            yield Progress(number, len(source.entries), entry.title)
            facts.append(measure(entry, positions, images=images))
        yield Progress(len(facts), len(facts), "comparing")
        suspects = find_suspects(facts)
        wanted = _pictured(suspects) if pictures else []
        entries = {entry.title: entry for entry in source.entries}
        for number, (title, place) in enumerate(wanted):
            yield Progress(number, len(wanted), f"picture of {title}")
            box = suspects[place].box
            address = thumbnail(entries[title], box=box, images=images)
            if address is not None:
                shown[title, place] = address
        notes = (*source.notes, *_counted([note for one in facts for note in one.notes]))
        summary = summarise(facts, source.classes, positions)
    return Profile(path, summary, suspects, notes, shown)


def check_page(target: Path, *, overwrite: bool) -> None:
    """Refuse a place where the page must not go, before the work is done.

    Raises
    ------
    InputError
        Where something is there already that is no such page, unless ``overwrite``.
    """
    from napari_segkit.data.profile.style import MARK

    if target.is_dir():
        raise InputError("a folder is in the place of the page", where=target)
    if overwrite or not os.path.lexists(target):
        return
    try:
        with target.open("rb") as file:
            ours = MARK.encode() in file.read(300)
    except OSError:
        ours = False
    if not ours:
        raise taken(target)


def write_page(result: Profile, target: Path) -> None:
    """Write the profile as one HTML file that needs nothing else.

    Raises
    ------
    WriteError
        Where the disk refuses; an old file is intact.
    """
    from napari_segkit.data.profile.page import html_page

    page = html_page(
        result.path.absolute().name,
        result.summary,
        result.suspects,
        notes=result.notes,
        pictures=result.pictures,
    )
    with disk_errors(target):
        target.absolute().parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(target) as file:
        file.write(page.encode("utf-8", "replace"))


def _pictured(suspects: tuple[Suspect, ...]) -> list[tuple[str, int]]:
    """Images that get a picture: those of the first suspects of each kind."""
    counts: dict[str, int] = {}
    wanted = []
    for place, suspect in enumerate(suspects):
        counts[suspect.kind] = counts.get(suspect.kind, 0) + 1
        if counts[suspect.kind] <= MOST_PICTURES:
            wanted += [(title, place) for title in suspect.titles]
    return wanted


def _counted(notes: list[str]) -> list[str]:
    """Each sentence once, with the number of images, the most frequent first."""
    counts: dict[str, int] = {}
    for note in notes:
        counts[note] = counts.get(note, 0) + 1
    ordered = sorted(counts.items(), key=lambda row: -row[1])
    return [f"{note} ({count} images)" if count > 1 else note for note, count in ordered[:50]]

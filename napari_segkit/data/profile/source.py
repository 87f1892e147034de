"""Opens what is to be profiled: one dataset, or a folder that holds one per subset."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from napari_segkit.data.formats.registry import FORMATS, recognise
from napari_segkit.data.split_writer import split_folders
from napari_segkit.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari_segkit.data.dataset import Dataset, Sample
    from napari_segkit.types import ClassDef


@dataclass(frozen=True)
class Entry:
    """One image: its name in the report, and where it is read."""

    title: str
    name: str
    dataset: Dataset
    subsets: tuple[str, ...]

    def read(self) -> Sample:
        """The sample; errors as `Dataset.read`."""
        return self.dataset.read(self.name)


class Source:
    """One or several opened datasets as one list of images.

    Parameters
    ----------
    path
        A dataset, or a folder of datasets (such as ``segkit import --split`` writes): then every
        folder is a subset.

    Attributes
    ----------
    entries
        Every image once per dataset.
    classes
        Of all datasets; of classes that have one name, the first.
    notes
        What was unusual about the files.

    Raises
    ------
    DatasetError
        Where there is no dataset, or it cannot be opened.
    """

    entries: tuple[Entry, ...]
    classes: tuple[ClassDef, ...]
    notes: tuple[str, ...]

    def __init__(self, path: Path) -> None:
        self._open: dict[str, Dataset] = {}
        try:
            self._open_all(path)
        except BaseException:
            self.close()
            raise
        several = len(self._open) > 1
        self.entries = tuple(
            Entry(
                f"{folder}/{name}" if several else name,
                name,
                dataset,
                (folder,) if several else memberships.get(name, ()),
            )
            for folder, dataset in self._open.items()
            for memberships in [_memberships(dataset)]
            for name in dataset.names
        )
        every = [one for dataset in self._open.values() for one in dataset.classes]
        self.classes = tuple({one.name: one for one in reversed(every)}.values())[::-1]
        self.notes = tuple(
            f"{folder}: {note}" if several else note
            for folder, dataset in self._open.items()
            for note in dataset.notes
        )

    def _open_all(self, path: Path) -> None:
        folders = split_folders(path)
        if not folders:
            try:
                self._open[""] = recognise(path).open(path)
                return
            except DatasetError:
                folders = _datasets_in(path)
                if len(folders) < 2:
                    raise
        for folder in folders:
            self._open[folder] = recognise(path / folder).open(path / folder)

    def close(self) -> None:
        """Let go of archives."""
        for dataset in self._open.values():
            dataset.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _datasets_in(path: Path) -> tuple[str, ...]:
    with contextlib.suppress(OSError):
        return tuple(
            sorted(
                entry.name
                for entry in path.iterdir()
                if entry.is_dir() and any(one.recognises(entry) for one in FORMATS.values())
            )
        )
    return ()


def _memberships(dataset: Dataset) -> dict[str, tuple[str, ...]]:
    """Image name -> the subsets that list it, for formats that have lists."""
    subsets: Mapping[str, tuple[str, ...]] = getattr(dataset, "subsets", {})
    found: dict[str, tuple[str, ...]] = {}
    for subset, names in subsets.items():
        for name in names:
            found[name] = (*found.get(name, ()), subset)
    return found

"""What a format on disk is: it opens a dataset, writes one, and finds a dataset's faults."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from pathlib import Path

    from napari_segkit.data.dataset import Dataset, DatasetWriter, Validation, WriteOptions
    from napari_segkit.types import ClassDef, Job


class Format(ABC):
    """A dataset format.

    Attributes
    ----------
    id
        Name on the command line.
    title
        Name for people.
    """

    id: ClassVar[str]
    title: ClassVar[str]

    @abstractmethod
    def recognises(self, path: Path) -> bool:
        """Whether a folder or file looks like this format; never raises."""

    @abstractmethod
    def open(self, path: Path) -> Dataset:
        """Open a dataset for reading.

        Raises
        ------
        DatasetError
            Where it is not such a dataset, or hostile.
        """

    @abstractmethod
    def open_writer(
        self, target: Path, *, classes: tuple[ClassDef, ...], options: WriteOptions
    ) -> DatasetWriter:
        """Start a dataset at ``target``: a folder, or an archive where the name ends so.

        Raises
        ------
        DatasetError
            Where the classes or options break the format, or the target is taken.
        WriteError
            Where the place cannot be written.
        """

    @abstractmethod
    def validate(self, path: Path) -> Job[Validation]:
        """Find every fault of a dataset."""

"""What a format on disk is: it opens a dataset, writes one, and finds a dataset's faults."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from pathlib import Path

    from napari_segkit.data.dataset import Dataset, DatasetWriter, Validation, WriteOptions
    from napari_segkit.types import ClassDef, Job


@dataclass(frozen=True)
class Capabilities:
    """What a format can hold of a `Segmentation`; the defaults are everything.

    Attributes
    ----------
    overlap
        Objects may share pixels in the file. In a label image they never do, so this matters only
        for what others wrote: the later object gets the pixels, and a note counts them.
    holes, parts
        ``kept``; ``bridged``: joined to the outline by cuts of no width; ``split``: every part
        becomes an object.
    touching
        Objects of one class that touch stay apart; otherwise they become one.
    max_instances, classes
        Most objects in an image, most classes; ``None`` = no limit.
    scores, colors, images
        Whether scores, class colours and the images themselves are held.
    """

    overlap: bool = False
    holes: Literal["kept", "bridged"] = "kept"
    parts: Literal["kept", "bridged", "split"] = "kept"
    touching: bool = True
    max_instances: int | None = None
    classes: int | None = None
    scores: bool = True
    colors: bool = True
    images: bool = True


class Format(ABC):
    """A dataset format.

    Attributes
    ----------
    id
        Name on the command line.
    title
        Name for people.
    capabilities
        What it can hold.
    """

    id: ClassVar[str]
    title: ClassVar[str]
    capabilities: ClassVar[Capabilities] = Capabilities()

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

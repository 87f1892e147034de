"""What a dataset is, whatever its format on disk: classes, and one `Sample` per image."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from types import TracebackType

    from napari_segkit.types import ClassDef, Image, Segmentation


@dataclass(frozen=True)
class PackedImage:
    """An image file inside an archive: its bytes are read when they are asked for.

    Attributes
    ----------
    name
        Path inside the archive, with extension.
    read
        Gives the file's bytes; raises `DatasetError` where the archive is damaged.
    """

    name: str
    read: Callable[[], bytes]


@dataclass(frozen=True)
class Sample:
    """One image of a dataset and its objects.

    Attributes
    ----------
    name
        Path relative to the dataset, '/' between folders, without extension.
    segmentation
        The objects, at the size of the EXIF-rotated image.
    image
        The original file, on disk or in an archive (copied byte for byte where images are
        included), or pixels (H, W, 3) uint8 RGB (written as PNG), or ``None``.
    """

    name: str
    segmentation: Segmentation
    image: Path | PackedImage | Image | None = None


class Dataset(ABC):
    """An opened dataset; its samples are read when they are asked for."""

    classes: tuple[ClassDef, ...]
    names: tuple[str, ...]
    notes: tuple[str, ...] = ()
    """What was unusual and how it was understood: sentences for the person."""

    @abstractmethod
    def read(self, name: str) -> Sample:
        """One sample.

        Raises
        ------
        DatasetError, MaskError
            Where its files are missing, corrupt, or disagree.
        """

    def close(self) -> None:  # noqa: B027  most have nothing to close
        """Let go of an archive; a dataset in a folder holds nothing open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[Sample]:
        return (self.read(name) for name in self.names)


@dataclass(frozen=True)
class WriteOptions:
    """How a dataset is written.

    Attributes
    ----------
    subset
        Name of the list of images, such as ``default`` or ``Train``.
    include_images
        Copy the images into the dataset.
    instances
        ``separate``: every object by itself; ``merge``: one object per class and image.
    overwrite
        Replace what is at the target; otherwise it must not exist, or be an empty folder.
    values
        For masks of class values: the value of each class by its name, 1 to 255; empty = 1, 2, …
    """

    subset: str = "default"
    include_images: bool = False
    instances: Literal["separate", "merge"] = "separate"
    overwrite: bool = False
    values: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class WriteReport:
    """What was written."""

    path: Path
    images: int
    instances: int
    warnings: tuple[str, ...] = ()


class DatasetWriter(ABC):
    """Writes samples one by one; the target appears whole on a clean exit, or not at all.

    ::

        with format.open_writer(target, classes=classes, options=options) as writer:
            for sample in samples:
                writer.add(sample)
        print(writer.report)
    """

    report: WriteReport
    """Set on a clean exit."""

    @abstractmethod
    def add(self, sample: Sample) -> None:
        """Write one sample into the staging area.

        Raises
        ------
        DatasetError
            Where the format cannot hold it; what was added before stays, more can be added.
        WriteError
            Where the disk refuses.
        """

    @abstractmethod
    def commit(self) -> WriteReport:
        """Finish the lists and put the dataset in its place, atomically."""

    @abstractmethod
    def discard(self) -> None:
        """Remove the staging area; the target is as it was."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self.discard()
            return
        try:
            self.report = self.commit()
        except BaseException:
            self.discard()
            raise


@dataclass(frozen=True)
class Fault:
    """One thing wrong with a dataset, as ``segkit validate`` lists it.

    Attributes
    ----------
    file
        Path inside the dataset.
    what, remedy
        What is wrong (with what CVAT would do) and what to do about it.
    severity
        ``error``: data is lost or misread; ``warning``: it works, but perhaps not as meant.
    where
        Place inside the file, such as a line; empty for the whole file.
    """

    file: str
    what: str
    remedy: str
    severity: Literal["error", "warning"] = "error"
    where: str = ""


@dataclass(frozen=True)
class Validation:
    """Everything that a check found."""

    path: Path
    format: str
    images: int
    instances: int
    faults: tuple[Fault, ...] = field(default_factory=tuple)

    @property
    def ok(self) -> bool:
        """Whether nothing would be lost or misread."""
        return all(fault.severity != "error" for fault in self.faults)

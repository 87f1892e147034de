"""What most formats share: opened from a folder, an archive or one file, written as sheets."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from napari_segkit.data.formats.base import Format
from napari_segkit.data.formats.checking import found_by_reading
from napari_segkit.data.formats.sources import open_source

if TYPE_CHECKING:
    from pathlib import Path

    from napari_segkit.data.archive import Store
    from napari_segkit.data.dataset import Dataset, DatasetWriter, Validation, WriteOptions
    from napari_segkit.types import ClassDef, Job


class StoreFormat(Format):
    """A format whose dataset is found in a `Store` and written by a `SheetWriter`.

    Attributes
    ----------
    mark
        A file or folder at the top of every dataset of the format.
    lone
        Extension of a file that is a dataset by itself, such as ``.json``.
    """

    mark: ClassVar[str]
    lone: ClassVar[str] = ""

    @abstractmethod
    def opened(self, store: Store) -> Dataset:
        """The dataset in a store, which it closes.

        Raises
        ------
        DatasetError
            Where it is not such a dataset, or hostile.
        """

    @abstractmethod
    def writer(self, target: Path, **parts: Any) -> DatasetWriter:
        """What writes the format; ``parts`` as `SheetWriter`."""

    def open(self, path: Path) -> Dataset:
        """Open a dataset; see `Format.open`."""
        store = open_source(path, self.lone)
        try:
            return self.opened(store)
        except BaseException:
            store.close()
            raise

    def open_writer(
        self, target: Path, *, classes: tuple[ClassDef, ...], options: WriteOptions
    ) -> DatasetWriter:
        """Start a dataset; see `Format.open_writer`."""
        return self.writer(
            target,
            classes=classes,
            options=options,
            capabilities=self.capabilities,
            mark=self.mark,
        )

    def validate(self, path: Path) -> Job[Validation]:
        """Find every fault; see `Format.validate`."""
        return found_by_reading(self, path)

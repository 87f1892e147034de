"""What all readers share: files in folders and archives, lazily read samples, careful parsing."""

from __future__ import annotations

import contextlib
import json
import os
from abc import abstractmethod
from typing import IO, TYPE_CHECKING, Any, Generic, TypeVar

from napari_segkit.data.archive import FolderStore, Store, open_store, reading
from napari_segkit.data.atomic import put_back
from napari_segkit.data.dataset import Dataset, PackedImage, Sample
from napari_segkit.data.image_header import image_shape
from napari_segkit.data.names import path_fault
from napari_segkit.errors import DatasetError, MaskError, SegkitError
from napari_segkit.limits import limits, raise_by

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from napari_segkit.types import ClassDef

Entry = TypeVar("Entry")


class LoneFile(Store):
    """One file that was named itself, without what lies beside it."""

    def __init__(self, path: Path) -> None:
        self.path, self.faults = path.parent, []
        with reading(path):
            self.sizes = {path.name: path.stat().st_size}

    def open(self, name: str) -> IO[bytes]:
        """Open it for reading."""
        return (self.path / name).open("rb")


def open_source(path: Path, suffix: str = "") -> Store:
    """Open a folder, an archive, or one file that ends in ``suffix``.

    Raises
    ------
    DatasetError
        As `open_store`.
    """
    put_back(path)
    if suffix and path.is_file() and path.suffix.lower() == suffix:
        return LoneFile(path)
    return open_store(path)


@contextlib.contextmanager
def understood(where: object, *, expected: object = None) -> Iterator[None]:
    """Turn what a file of another form makes the code between raise into `DatasetError`."""
    try:
        yield
    except SegkitError:
        raise
    except RecursionError as error:
        raise DatasetError("is nested too deeply", where=where) from error
    except MemoryError as error:
        raise DatasetError("does not fit into memory", where=where) from error
    except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise DatasetError(
            "is not understood",
            where=where,
            expected=expected,
            got=f"{type(error).__name__} {error}"[:200],
            remedy="export it again",
        ) from error


def read_text(store: Store, name: str) -> bytes:
    """All of a JSON, XML or text file.

    Raises
    ------
    DatasetError
        Where it is missing, damaged or too large.
    """
    if store.sizes.get(name, 0) > limits().text:
        raise DatasetError(
            "file is too large to be read at once",
            where=f"{store.path}: {name}",
            expected=f"at most {limits().text >> 20} MiB",
            got=f"{store.sizes[name] >> 20} MiB",
            remedy=f"split it by subset; {raise_by('text')}",
        )
    return store.read(name)


def read_json(store: Store, name: str) -> Any:
    """Content of a JSON file; NaN and infinity are no numbers.

    Raises
    ------
    DatasetError
        As `read_text`, and where it is no JSON.
    """
    where = f"{store.path}: {name}"
    data = read_text(store, name)
    try:
        return json.loads(data.decode("utf-8-sig"), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise DatasetError("is not JSON", where=where, got=str(error)[:200]) from error


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number")


def image_name(path: Any, *, where: object) -> str:
    """The sample's name for an image's path as a file gives it: checked, without extension.

    Raises
    ------
    DatasetError
        For paths that lead out of the dataset: it is refused as a whole.
    """
    fault = path_fault(path) if isinstance(path, str) else "is no text"
    if fault or not isinstance(path, str):
        raise DatasetError(
            f"name of an image {fault}",
            where=where,
            got=repr(path)[:100],
            remedy="the dataset is refused as a whole; name its images by paths inside it",
        )
    return os.path.splitext(path)[0]


def add_entry(entries: dict[str, Entry], name: str, entry: Entry, *, where: object) -> None:
    """Enter an image into a dataset's list.

    Raises
    ------
    DatasetError
        Where it is there already.
    """
    if name in entries:
        raise DatasetError(
            "two images have one name without their extensions",
            where=where,
            got=name,
            remedy="rename one of them",
        )
    entries[name] = entry


def picture(store: Store, name: str | None) -> Path | PackedImage | None:
    """An image of a dataset, still unread; ``None`` where it is not there."""
    if name is None or name not in store.sizes:
        return None
    if isinstance(store, (FolderStore, LoneFile)):
        return store.path / name
    return PackedImage(name, lambda: store.read(name))


def check_picture(store: Store, name: str | None, shape: tuple[int, ...], where: object) -> None:
    """Compare an image's size with (H, W) of its objects; nothing where there is no image.

    Raises
    ------
    MaskError
        Where they differ.
    ImageError, DatasetError
        Where the image or its archive is damaged.
    """
    if name is None:
        return
    height, width = image_shape(store, name)
    if (height, width) != shape:
        raise MaskError(
            "objects were marked in an image of another size",
            where=where,
            expected=f"{width}x{height}, as the image",
            got=f"{shape[1]}x{shape[0]}",
            remedy="export them again for this image; nothing is resized",
        )


class EntryDataset(Dataset, Generic[Entry]):
    """A dataset whose index was read when it was opened; a sample is made when it is asked for."""

    def __init__(
        self,
        store: Store,
        entries: Mapping[str, Entry],
        classes: tuple[ClassDef, ...],
        notes: tuple[str, ...] = (),
    ) -> None:
        self.store, self.entries = store, entries
        self.classes, self.names, self.notes = classes, tuple(entries), notes

    def read(self, name: str) -> Sample:
        """One sample; see `Dataset.read`."""
        where = f"{self.store.path}: {name}"
        if name not in self.entries:
            raise DatasetError("no such image in the dataset", where=where)
        with understood(where):
            return self._sample(name, self.entries[name], where)

    @abstractmethod
    def _sample(self, name: str, entry: Entry, where: str) -> Sample:
        """Make a sample of its entry in the index."""

    def close(self) -> None:
        """Let go of the archive."""
        self.store.close()

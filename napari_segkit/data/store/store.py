"""The store of one folder: list, load, journal, save."""

from __future__ import annotations

import threading
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from napari_segkit.data.images import find_images
from napari_segkit.data.store.catalog import Catalog
from napari_segkit.data.store.marks import mark_of, same_content
from napari_segkit.data.store.place import open_place
from napari_segkit.data.store.record import Record
from napari_segkit.errors import DatasetError, SegkitError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from napari_segkit.data.images import ImageSource
    from napari_segkit.data.store.files import ImageFiles
    from napari_segkit.data.store.index import Line
    from napari_segkit.data.store.place import Place
    from napari_segkit.data.store.record import ImageMark
    from napari_segkit.data.store.tiles import Tile
    from napari_segkit.types import Labels

_OPEN = 32  # images whose records are kept in memory


@dataclass(frozen=True)
class Work:
    """What is stored of an image.

    Attributes
    ----------
    labels, predicted : (H, W) int32 or None
        The mask, and what the model had found first.
    other_image
        Whether the image file is not the one that the mask was made on.
    """

    record: Record
    labels: Labels | None = None
    predicted: Labels | None = None
    other_image: bool = False


class Store:
    """Masks in progress of a folder of images; every method may be called from any thread.

    ::

        with Store.open(folder) as store:
            work = store.load("beach/0001")
            store.append("beach/0001", tiles, record)     # every second or so: what changed
            store.save("beach/0001", labels, record)      # when the image is left

    Attributes
    ----------
    folder, place
        The images' folder and the store's.
    read_only
        Whether another program is writing there.
    notes
        What a person should know: sentences.
    recovered
        Names of images with changes from a program that ended without closing the store.
    sources
        Name -> image file.
    """

    def __init__(self, folder: Path, place: Place, sources: Iterable[ImageSource]) -> None:
        self.folder, self.place = folder, place.path
        self.read_only, self.notes = not place.lock.held, place.notes
        self._lock = place.lock
        self._guard = threading.RLock()
        self._open: OrderedDict[str, ImageFiles] = OrderedDict()
        self._catalog = Catalog(place.path, write=place.lock.held)
        self.recovered = tuple(self._catalog.with_journal) if place.lock.crashed else ()
        self.sources: dict[str, ImageSource] = {}
        self.rescan(sources)

    @classmethod
    def open(cls, folder: Path, sources: Iterable[ImageSource] | None = None) -> Self:
        """Open the store of a folder; it is made where there is none.

        Parameters
        ----------
        sources
            Its images, where they are known already.

        Raises
        ------
        ImageError
            Where the folder is not there or has no images.
        DatasetError
            Where something else has the store's name, or a newer program made it.
        WriteError
            Where neither the folder nor the user's data folder can be written.
        """
        sources = find_images([folder]) if sources is None else sources
        place = open_place(folder)
        try:
            return cls(folder, place, sources)
        except BaseException:
            place.lock.release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Write the index and let others write; what was appended or saved is on the disk."""
        with self._guard:
            if not self.read_only:
                self._catalog.tidy()
            self._lock.release()
            self.read_only = True

    def rescan(self, sources: Iterable[ImageSource] | None = None) -> dict[str, str]:
        """Look at the folder's images again; work goes with images that were renamed.

        Returns
        -------
        Old name -> new name of those.

        Raises
        ------
        ImageError
            Where no image is left.
        """
        found = find_images([self.folder]) if sources is None else sources
        with self._guard:
            self.sources = {source.name: source for source in found}
            moved = self._catalog.follow_renames(self.sources)
            for new in () if self.read_only else moved.values():
                with suppress(SegkitError):  # it is known here, and found again at the next start
                    files = self._writable(new)
                    if files.record is not None:
                        files.append([], files.record.changed(name=new))
                        self._catalog.put(new, files)
            return moved

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of which work is stored, but whose image is not there."""
        return tuple(sorted(self._catalog.keys.keys() - self.sources.keys()))

    def line(self, name: str) -> Line:
        """What a list shows of an image; of one without work: that it is new."""
        return self._catalog.line(name)

    def lines(self) -> list[Line]:
        """Lines of the images in which something was done; none is made for the others."""
        return [self._catalog.line(name) for name in self._catalog.keys if name in self.sources]

    def mark(self, name: str) -> ImageMark | None:
        """By what the image's file is known again; ``None`` where it is not there."""
        source = self.sources.get(name)
        return None if source is None else mark_of(source.path)

    def load(self, name: str) -> Work:
        """Everything stored of an image; an empty record where there is nothing.

        Raises
        ------
        DatasetError, MaskError
            Where the files are damaged: the image is blocked until they are set aside.
        """
        with self._guard:
            files = self._catalog.files(name)
            contents = files.read()
            self._remember(files)
            if contents is None:
                return Work(Record(name=name))
            record, source = contents.record, self.sources.get(name)
            record = record if record.name == name else record.changed(name=name)
            other = (
                source is not None
                and record.image is not None
                and not same_content(source.path, record.image)
            )
            return Work(record, contents.labels, contents.predicted, other)

    def append(self, name: str, tiles: Sequence[Tile], record: Record) -> Record:
        """Write down what changed since the last call; it is on the disk when this returns.

        Parameters
        ----------
        tiles
            Every tile of the mask with a changed pixel, as it is now.
        record
            As it is now.

        Returns
        -------
        The record as stored.

        Raises
        ------
        MaskError
            Where the mask had another size: save it.
        DatasetError
            Where the store is read-only; a `ChangedError` where another program changed the files.
        WriteError
            Where the disk refuses; what was stored is intact.
        """
        with self._guard:
            files = self._writable(name)
            marked = self._marked(name, record, files.record)
            files.append(tiles, marked)
            self._catalog.put(name, files)
            return marked

    def save(
        self,
        name: str,
        labels: Labels | None,
        record: Record,
        *,
        predicted: Labels | None = None,
        force: bool = False,
    ) -> Record:
        """Write an image whole; its journal begins anew.

        Parameters
        ----------
        labels : (H, W) int32, or None where there is no mask
        predicted : (H, W) int32
            What a model found; ``None`` keeps what is stored.
        force
            Write over what another program wrote.

        Returns, raises
        ---------------
        As `append`.
        """
        with self._guard:
            files = self._writable(name)
            marked = self._marked(name, record, files.record)
            files.save(labels, marked, predicted=predicted, force=force)
            self._catalog.put(name, files)
            return marked

    def set_aside(self, name: str) -> tuple[Path, ...]:
        """Rename an image's damaged files, so that it can be begun anew; none is deleted.

        Raises
        ------
        DatasetError
            Where the store is read-only.
        WriteError
            Where the disk refuses.
        """
        with self._guard:
            self._check_writable()
            files = self._catalog.files(name)
            moved = files.set_aside()
            self._open.pop(files.key, None)
            self._catalog.drop(name)
            return moved

    def _check_writable(self) -> None:
        if self.read_only:
            raise DatasetError(
                "the folder is opened for looking only",
                where=self.folder,
                got="; ".join(self.notes) or "a closed store",
                remedy="close the other program, then open the folder again",
            )

    def _writable(self, name: str) -> ImageFiles:
        self._check_writable()
        files = self._catalog.files(name)
        known = self._open.get(files.key)
        if known is None:
            files.read_record()
            self._remember(files)
            return files
        return known

    def _remember(self, files: ImageFiles) -> None:
        self._open[files.key] = files
        self._open.move_to_end(files.key)
        while len(self._open) > _OPEN:
            self._open.popitem(last=False)

    def _marked(self, name: str, record: Record, before: Record | None) -> Record:
        """The record with its name, and the mark of the image that it is about."""
        mark = record.image
        if mark is None:
            mark = self.mark(name) if before is None or before.image is None else before.image
        same = (record.name, record.image) == (name, mark)
        return record if same else record.model_copy(update={"name": name, "image": mark})

"""The files of a dataset, in a folder or a zip archive: listed and checked before any is read.

Nothing is ever extracted. What an archive from elsewhere can be up to (paths that lead out of it,
links, names that are one file on another system, bombs) is found from its directory alone; sizes
are held to while reading too.
"""

from __future__ import annotations

import contextlib
import os
import stat
import struct
import threading
import zipfile
import zlib
from abc import ABC, abstractmethod
from typing import IO, TYPE_CHECKING

from napari_segkit.data.dataset import Fault
from napari_segkit.data.names import collision_key, path_fault
from napari_segkit.errors import DatasetError
from napari_segkit.limits import limits, raise_by

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_ENCRYPTED = 0x1
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,  # a compression that Python does not know
    RuntimeError,  # a password
    ValueError,
    OverflowError,
)
_REFUSED = "the archive is rejected as a whole; make it anew without this"
_RATIO_FROM = 4 << 20  # bytes; a blank mask packs well and is no bomb


class Store(ABC):
    """The files below the root of a dataset.

    Attributes
    ----------
    path
        The folder or archive.
    sizes
        File name -> bytes unpacked; '/' between folders, in the order of the archive.
    faults
        What is hostile or broken; the names concerned are not in ``sizes``.
    """

    path: Path
    sizes: dict[str, int]
    faults: list[Fault]

    @abstractmethod
    def open(self, name: str) -> IO[bytes]:
        """Open one file for reading; `read` is safer."""

    def read(self, name: str) -> bytes:
        """All of a file.

        Raises
        ------
        DatasetError
            Where it is missing, damaged, or larger than announced.
        """
        if name not in self.sizes:
            raise DatasetError("file is missing", where=f"{self.path}: {name}")
        with reading(f"{self.path}: {name}"), self.open(name) as file:
            data = file.read(self.sizes[name] + 1)
            if len(data) != self.sizes[name]:
                raise DatasetError(
                    "file has another size than announced",
                    where=f"{self.path}: {name}",
                    expected=f"{self.sizes[name]} bytes",
                    got=f"{len(data)} or more",
                )
        return data

    def close(self) -> None:  # noqa: B027  a folder has nothing to close
        """Let go of the file."""


@contextlib.contextmanager
def reading(where: object) -> Iterator[None]:
    """Turn whatever a damaged file or disk raises into `DatasetError`."""
    try:
        yield
    except _DAMAGE as error:
        raise DatasetError(
            "file is damaged",
            where=where,
            got=str(error) or type(error).__name__,
            remedy="copy or export it again",
        ) from error
    except OSError as error:
        raise DatasetError("cannot be read", where=where, got=error.strerror or error) from error
    except MemoryError as error:
        raise DatasetError("does not fit into memory", where=where) from error


class FolderStore(Store):
    """Files of a folder; links that lead out of it are faults."""

    def __init__(self, path: Path) -> None:
        self.path, self.sizes, self.faults = path, {}, []
        with reading(path):
            for name, entry in _walk(path):
                reason = _entry_fault(entry) or path_fault(name)
                if reason:
                    self.faults.append(Fault(name, f"file {reason}", "copy the file itself there"))
                else:
                    self.sizes[name] = entry.stat().st_size
                if len(self.sizes) > limits().files:
                    raise DatasetError(
                        "folder has too many files",
                        where=path,
                        expected=f"at most {limits().files}",
                        remedy=raise_by("files"),
                    )
        self.faults += _collisions(self.sizes)

    def open(self, name: str) -> IO[bytes]:
        """Open one file for reading."""
        return (self.path / name).open("rb")


def _walk(folder: Path) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Every file below a folder and its name; links to folders are not followed."""
    waiting = [""]
    while waiting:
        inside = waiting.pop()
        with os.scandir(folder / inside) as entries:
            for entry in sorted(entries, key=lambda e: e.name):
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{inside}{entry.name}/")
                else:
                    yield f"{inside}{entry.name}", entry


def _entry_fault(entry: os.DirEntry[str]) -> str | None:
    if entry.is_symlink():
        return "is a symbolic link"
    return None if entry.is_file() else "is no regular file"


class ZipStore(Store):
    """Files of a zip archive, checked by its directory."""

    def __init__(self, path: Path) -> None:
        self.path, self.sizes, self.faults = path, {}, []
        self._lock = threading.Lock()
        self._process, self._zip = os.getpid(), self._opened()
        entries = self._zip.infolist()
        self.faults += _total_faults(entries)
        for entry in entries:
            if entry.is_dir() and not path_fault(entry.orig_filename.rstrip("/")):
                continue
            reason, remedy = _zip_fault(entry) or _size_fault(entry) or ("", "")
            if not reason and entry.filename in self.sizes:
                reason, remedy = "is there twice", _REFUSED
            if reason:
                self.faults.append(Fault(entry.orig_filename, f"entry {reason}", remedy))
            else:
                self.sizes[entry.filename] = entry.file_size
        self.faults += _collisions(self.sizes)

    def _opened(self) -> zipfile.ZipFile:
        with reading(self.path):
            if not zipfile.is_zipfile(self.path):
                raise DatasetError(
                    "not a zip archive, or cut off",
                    where=self.path,
                    got=_first_bytes(self.path),
                    remedy="download or export it again",
                )
            return zipfile.ZipFile(self.path)

    def open(self, name: str) -> IO[bytes]:
        """Open one file for reading."""
        with self._lock:
            if os.getpid() != self._process:  # a forked worker must not share the file's position
                self._process, self._zip = os.getpid(), self._opened()
            return self._zip.open(name)

    def close(self) -> None:
        """Let go of the file."""
        self._zip.close()


def _first_bytes(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(12)
    return f"a file that begins with {head!r}" if head else "an empty file"


def _zip_fault(entry: zipfile.ZipInfo) -> tuple[str, str] | None:
    """What is hostile or unknown about an entry, and the remedy."""
    mode = entry.external_attr >> 16
    reason = path_fault(entry.orig_filename.rstrip("/"))
    if reason is None and stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        reason = "is a symbolic link or a device"
    elif reason is None and entry.flag_bits & _ENCRYPTED:
        reason = "is encrypted"
    elif reason is None and entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        reason = f"is packed in a way that is not read here ({entry.compress_type})"
    return (reason, _REFUSED) if reason else None


def _size_fault(entry: zipfile.ZipInfo) -> tuple[str, str] | None:
    """Why an entry is larger than it may be, and the remedy."""
    size, most = entry.file_size, limits()
    if size > most.file:
        return f"is too large ({size} bytes, at most {most.file})", raise_by("file")
    grows = size / max(entry.compress_size, 1)
    if size > _RATIO_FROM and grows > most.ratio:
        what = f"grows {grows:.0f} times when unpacked, at most {most.ratio}, as bombs do"
        return what, raise_by("ratio")
    return None


def _total_faults(entries: list[zipfile.ZipInfo]) -> Iterator[Fault]:
    most = limits()
    if len(entries) > most.files:
        yield Fault("", f"{len(entries)} files, at most {most.files}", raise_by("files"))
    total = sum(entry.file_size for entry in entries)
    if total > most.total:
        yield Fault("", f"{total} bytes unpacked, at most {most.total}", raise_by("total"))
    if any(entry.header_offset < 0 for entry in entries):
        yield Fault("", "the archive's beginning is missing: cut off", "download it again")
    end = 0
    for entry in sorted(entries, key=lambda e: e.header_offset):
        if 0 <= entry.header_offset < end:
            yield Fault(entry.orig_filename, "entry lies over another, as in a bomb", _REFUSED)
        end = entry.header_offset + entry.compress_size


def _collisions(names: Iterable[str]) -> Iterator[Fault]:
    """Names that are one file where case or composed letters do not count."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(collision_key(name), name)
        if other != name:
            yield Fault(
                name,
                f"is the same file as {other} on Windows and macOS",
                "rename one of them",
            )


def open_store(path: Path, *, strict: bool = True) -> Store:
    """Open a folder or zip archive, within `napari_segkit.limits`.

    Parameters
    ----------
    strict
        Refuse it where anything is hostile; otherwise the faults are only listed.

    Raises
    ------
    DatasetError
        Where it is missing, no archive, damaged, or (``strict``) hostile.
    """
    if not path.exists():
        raise DatasetError("no such file or folder", where=path)
    store: Store = FolderStore(path) if path.is_dir() else ZipStore(path)
    if strict and store.faults:
        store.close()
        first = store.faults[0]
        others = len(store.faults) - 1
        raise DatasetError(
            "refused for its files",
            where=path,
            got=f"{first.file!r} {first.what}" + (f", and {others} more" if others else ""),
            remedy=first.remedy,
        )
    return store

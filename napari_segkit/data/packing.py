"""Where a dataset's files go: a folder or a zip archive, staged beside the target."""

from __future__ import annotations

import contextlib
import os
import zipfile
from typing import TYPE_CHECKING, Protocol

from napari_segkit.data.atomic import StagedFile, disk_errors, only_writer, sweep
from napari_segkit.data.staging import StagedFolder, taken
from napari_segkit.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_PACKED = (".png", ".jpg", ".jpeg", ".webp", ".gif")  # deflating these again gains nothing
_OTHER_ARCHIVES = (".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar")
_TIME = (1980, 1, 1, 0, 0, 0)  # the same dataset gives the same archive


class Pack(Protocol):
    """Takes files one by one; nothing is at the target before `commit`."""

    def put(self, name: str, data: bytes) -> None:
        """Write a file; ``name`` has '/' between folders."""

    def commit(self) -> None:
        """Put all of it in its place."""

    def discard(self) -> None:
        """Remove all of it."""


def open_pack(target: Path, *, overwrite: bool, replaceable: Callable[[Path], bool]) -> Pack:
    """Start a folder, or an archive where the target's name ends in ``.zip``.

    Missing folders above the target are made, and go again when the pack is discarded.

    Raises
    ------
    DatasetError
        Where the target is taken, or named as an archive of another kind.
    WriteError
        Where the place cannot be written.
    """
    if target.suffix.lower() in _OTHER_ARCHIVES:
        raise DatasetError(
            "an archive of this kind is not written",
            where=target,
            expected=".zip, or no ending for a folder",
            got=target.suffix,
        )
    made = _make_parents(target)
    try:
        if target.suffix.lower() == ".zip":
            return _ZipPack(target, overwrite=overwrite, made=made)
        return _FolderPack(target, overwrite=overwrite, replaceable=replaceable, made=made)
    except BaseException:
        _remove_empty(made)
        raise


def _make_parents(target: Path) -> list[Path]:
    """Make the folders above ``target``; returns those that were missing, deepest first."""
    missing = [folder for folder in target.absolute().parents if not os.path.lexists(folder)]
    with disk_errors(target):
        target.absolute().parent.mkdir(parents=True, exist_ok=True)
    return missing


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()


class _FolderPack:
    def __init__(
        self,
        target: Path,
        *,
        overwrite: bool,
        replaceable: Callable[[Path], bool],
        made: list[Path],
    ) -> None:
        self._target, self._made = target, made
        self._staged = StagedFolder(target, overwrite=overwrite, replaceable=replaceable)
        self._folders: set[Path] = set()

    def put(self, name: str, data: bytes) -> None:
        path = self._staged.path / name
        with disk_errors(self._target):
            if path.parent not in self._folders:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._folders.add(path.parent)
            with path.open("xb") as file:
                file.write(data)

    def commit(self) -> None:
        self._staged.commit()

    def discard(self) -> None:
        self._staged.discard()
        _remove_empty(self._made)


class _ZipPack:
    def __init__(self, target: Path, *, overwrite: bool, made: list[Path]) -> None:
        self._target, self._overwrite, self._made = target, overwrite, made
        self._check_target()
        with disk_errors(target):
            sweep(target.absolute().parent, now=True)
        self._staged = StagedFile(target)
        self._zip = zipfile.ZipFile(self._staged.file, "w")

    def _check_target(self) -> None:
        if self._target.is_dir():
            raise DatasetError("a folder is in the place of the archive", where=self._target)
        if os.path.lexists(self._target) and not self._overwrite:
            raise taken(self._target)

    def put(self, name: str, data: bytes) -> None:
        entry = zipfile.ZipInfo(name, _TIME)
        entry.external_attr = 0o100644 << 16
        stored = name.lower().endswith(_PACKED)
        entry.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
        with disk_errors(self._target):
            self._zip.writestr(entry, data)

    def commit(self) -> None:
        with only_writer(self._target):
            self._check_target()  # someone may have come first
            with disk_errors(self._target):
                self._zip.close()
            self._staged.commit()

    def discard(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._zip.close()  # writes the directory, which a full disk refuses again
        self._staged.discard()
        _remove_empty(self._made)

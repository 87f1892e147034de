"""Folders that appear whole or not at all: built beside their place, then exchanged with it."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import shutil
import sys
from typing import TYPE_CHECKING

from napari_segkit.data.atomic import (
    begin,
    disk_errors,
    finish,
    only_writer,
    sweep,
    sync_folder,
    temporary_beside,
)
from napari_segkit.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_MANY = 200  # files that are flushed one by one, at about 2 ms each
_JUNK = {".DS_Store", "Thumbs.db", "desktop.ini"}  # what file managers leave behind


class StagedFolder:
    """A folder being built beside its place.

    Parameters
    ----------
    target
        Where it goes. It must not exist or be empty, unless ``overwrite``.
    overwrite
        Replace what is there.
    replaceable
        Says whether a folder may be replaced; it guards against wiping a home folder.

    Attributes
    ----------
    path
        Where to write.

    Raises
    ------
    DatasetError
        Where the target is taken.
    WriteError
        Where the folder around it cannot be written.
    """

    def __init__(
        self, target: Path, *, overwrite: bool, replaceable: Callable[[Path], bool]
    ) -> None:
        self.target = target.resolve()
        self._overwrite, self._replaceable = overwrite, replaceable
        self.path = temporary_beside(self.target)
        with disk_errors(target):
            sweep(self.target.parent, now=True)
            self._check_target()
            begin(self.path)
            self.path.mkdir()

    def _check_target(self) -> None:
        if is_free(self.target):
            return
        if not self._overwrite:
            raise taken(self.target)
        if not self.target.is_dir():
            raise DatasetError("a file is in the place of the folder", where=self.target)
        if not self._replaceable(self.target):
            raise DatasetError(
                "folder holds other things than a dataset, so it is not replaced",
                where=self.target,
                remedy="choose a new folder, or clear this one yourself",
            )

    def commit(self) -> None:
        """Flush everything to the disk and put the folder in its place."""
        with only_writer(self.target), disk_errors(self.target):
            sync_tree(self.path)
            self._check_target()  # someone may have come first
            if not os.path.lexists(self.target):
                os.rename(self.path, self.target)
            else:
                replace_folder(self.path, self.target)
            sync_folder(self.target.parent)
        finish(self.path)

    def discard(self) -> None:
        """Remove what was written; the target is as it was."""
        shutil.rmtree(self.path, ignore_errors=True)
        finish(self.path)


@contextlib.contextmanager
def staged_folder(
    target: Path, *, overwrite: bool = False, replaceable: Callable[[Path], bool] = lambda _: False
) -> Iterator[Path]:
    """Build a folder that appears at ``target`` on a clean exit, or not at all.

    Parameters and errors as `StagedFolder`.

    Yields
    ------
    The folder to write into.
    """
    staged = StagedFolder(target, overwrite=overwrite, replaceable=replaceable)
    try:
        with disk_errors(target, inside=staged.path):
            yield staged.path
        staged.commit()
    except BaseException:
        staged.discard()
        raise


def is_free(target: Path) -> bool:
    """Whether nothing, or an empty folder, is at ``target``."""
    if not os.path.lexists(target):
        return True
    return target.is_dir() and not target.is_symlink() and holds_only(target, set())


def holds_only(folder: Path, names: set[str]) -> bool:
    """Whether a folder has no other entries than these and what file managers leave behind."""
    with os.scandir(folder) as entries:
        return all(entry.name in names or entry.name in _JUNK for entry in entries)


def taken(target: Path) -> DatasetError:
    """The refusal to write where something is."""
    return DatasetError(
        "there is something at the target already",
        where=target,
        remedy="choose another name, or say that it may be overwritten",
    )


def sync_tree(folder: Path) -> None:
    """Flush all files below a folder to the disk.

    One by one where they are few; else by the whole disk on Linux, which does not cost a wait for
    each of thousands.
    """
    files = [os.path.join(place, name) for place, _, names in os.walk(folder) for name in names]
    if len(files) > _MANY and _sync_disk(folder):
        return
    for file in files:
        handle = os.open(file, os.O_RDWR)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _sync_disk(folder: Path) -> bool:
    sync = getattr(ctypes.CDLL(None), "syncfs", None) if sys.platform == "linux" else None
    if sync is None:
        return False
    handle = os.open(folder, os.O_RDONLY)
    try:
        return bool(sync(handle) == 0)
    finally:
        os.close(handle)


def replace_folder(new: Path, target: Path) -> None:
    """Put a folder in the place of another, which is removed.

    Linux exchanges the two in one step. Elsewhere the old one is moved into a folder of its own
    first; when the program dies between the two moves, `sweep` puts it back.
    """
    if _exchange(new, target):
        shutil.rmtree(new, ignore_errors=True)  # the old one; what is left is swept later
        return
    aside = temporary_beside(target, "old")
    aside.mkdir()
    os.rename(target, aside / target.name)
    try:
        os.rename(new, target)
    except BaseException:
        os.rename(aside / target.name, target)
        aside.rmdir()
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two folders atomically; False where the system cannot."""
    if sys.platform != "linux":
        return False
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    names = os.fsencode(one), os.fsencode(other)
    if rename(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
        return False
    raise OSError(number, os.strerror(number), str(other))

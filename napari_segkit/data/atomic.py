"""Files that appear whole or not at all: written beside their place, then put into it.

::

    with atomic_write(path) as file:      # one file; another save of the same path waits
        file.write(...)

    staged = StagedFile(path)             # the same in steps, for writers that live longer
    staged.file.write(...)
    staged.commit()                       # or staged.discard()

Whole folders: `napari_segkit.data.staging`. A temporary is named ``.segkit-tmp-HOST-PID-N``; one
whose process is dead is removed by the next write into the same folder.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import itertools
import os
import platform
import re
import shutil
import threading
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from napari_segkit.errors import WriteError

if TYPE_CHECKING:
    from collections.abc import Iterator

_HOST = f"{zlib.crc32(platform.node().encode()):08x}"
_TEMPORARY = re.compile(r"\.segkit-(?:tmp|old)-([0-9a-f]{8})-(\d+)-\d+")
_counter = itertools.count()

_REASONS = {
    errno.ENOSPC: ("the disk is full", "free some space or choose another disk"),
    errno.EDQUOT: ("your disk quota is used up", "free some space or choose another disk"),
    errno.EFBIG: ("the file is larger than allowed here", "choose another disk"),
    errno.EROFS: ("the place is read-only", "choose another folder"),
    errno.EACCES: ("the place may not be written", "choose another folder or ask for the right"),
    errno.EPERM: ("the place may not be written", "choose another folder or ask for the right"),
    errno.ENOENT: ("the folder is not there", "make it, or choose another"),
    errno.ENOTDIR: ("a file is in the place of the folder", "choose another folder"),
    errno.EISDIR: ("a folder is in the place of the file", "choose another name"),
    errno.ENAMETOOLONG: ("the name is too long for this disk", "choose a shorter one"),
}


def write_error(error: OSError, target: Path) -> WriteError:
    """The disk's refusal in words a person can use."""
    reason, remedy = _REASONS.get(error.errno or 0, (error.strerror or str(error), None))
    advice = "what was there before is intact"
    return WriteError(
        f"could not write: {reason}",
        where=target,
        got=None if error.errno in _REASONS else type(error).__name__,
        remedy=f"{remedy}; {advice}" if remedy else advice,
    )


@contextlib.contextmanager
def disk_errors(target: Path, *, inside: Path | None = None) -> Iterator[None]:
    """Turn the disk's refusals into `WriteError`; other people's `OSError`s pass.

    Parameters
    ----------
    target
        What is being written, for the message.
    inside
        Where the code between writes. An error about a file elsewhere, such as one that is being
        copied from, passes, and one without a number (a decoder's) too.
    """
    try:
        yield
    except OSError as error:
        named = error.filename
        elsewhere = (
            inside is not None
            and isinstance(named, (str, bytes))
            and not _lies_in(Path(os.fsdecode(named)), inside)
        )
        if error.errno is None or elsewhere:
            raise
        raise write_error(error, target) from error


def _lies_in(path: Path, place: Path) -> bool:
    return path == place or place in path.parents


def temporary_beside(target: Path, kind: str = "tmp") -> Path:
    """A new name in the folder of ``target``; short, whatever the target's name is."""
    return target.parent / f".segkit-{kind}-{_HOST}-{os.getpid()}-{next(_counter)}"


_unfinished: dict[Path, int] = {}
"""Temporary files and folders, and the process that writes them."""


def begin(temporary: Path) -> None:
    """Enter a temporary before it is made: should Ctrl+C come just then, it goes at the exit."""
    _unfinished[temporary] = os.getpid()


def finish(temporary: Path) -> None:
    """A temporary is in its place, or gone."""
    _unfinished.pop(temporary, None)


@atexit.register
def _remove_unfinished() -> None:
    for temporary, process in _unfinished.items():
        if process == os.getpid() and os.path.lexists(temporary):
            with contextlib.suppress(OSError):
                _clear(temporary)


class StagedFile:
    """A file being written beside its place.

    Parameters
    ----------
    target
        Where it goes; a symbolic link is followed, so that the link stays.

    Raises
    ------
    WriteError
        Where the folder cannot be written.
    """

    def __init__(self, target: Path) -> None:
        self.target = Path(os.path.realpath(target))
        self._temporary = temporary_beside(self.target)
        with disk_errors(target):
            sweep(self.target.parent)
            if self.target.exists() and not os.access(self.target, os.W_OK):
                raise PermissionError(errno.EACCES, "write-protected", str(target))
            begin(self._temporary)
            self.file: BinaryIO = self._temporary.open("xb")

    def commit(self) -> None:
        """Flush to the disk and replace the target in one step."""
        with disk_errors(self.target):
            self.file.flush()
            os.fsync(self.file.fileno())
            self.file.close()
            if self.target.is_file():
                shutil.copymode(self.target, self._temporary)
            os.replace(self._temporary, self.target)
            sync_folder(self.target.parent)
        finish(self._temporary)

    def discard(self) -> None:
        """Remove what was written; the target is as it was."""
        with contextlib.suppress(OSError):
            self.file.close()  # flushes, which a full disk refuses again
        with contextlib.suppress(OSError):
            self._temporary.unlink()
        finish(self._temporary)


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """Write a file so that it is the old one or the new one, whatever happens.

    A second save of the same path in this process waits for the first.

    Yields
    ------
    The file, open for binary writing.

    Raises
    ------
    WriteError
        Where the disk refuses; the old file is intact.
    """
    path = Path(path)
    with only_writer(path):
        staged = StagedFile(path)
        try:
            with disk_errors(path, inside=staged.target.parent):
                yield staged.file
            staged.commit()
        except BaseException:
            staged.discard()
            raise


_locks: dict[str, tuple[threading.Lock, int]] = {}
_locks_guard = threading.Lock()


@contextlib.contextmanager
def only_writer(path: Path) -> Iterator[None]:
    """Wait until no one else in this process writes ``path``."""
    key = os.path.realpath(path)
    with _locks_guard:
        lock, users = _locks.get(key, (threading.Lock(), 0))
        _locks[key] = lock, users + 1
    try:
        with lock:
            yield
    finally:
        with _locks_guard:
            users = _locks.pop(key)[1] - 1
            if users:
                _locks[key] = lock, users


def sync_folder(folder: Path) -> None:
    """Make a renamed entry last; a file system that cannot is let be."""
    if os.name == "nt":
        return  # a folder cannot be opened there, and NTFS journals its renames
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


_swept: dict[Path, float] = {}
_SWEEP_EVERY_S = 60.0  # listing a folder of 10,000 files costs more than writing one of them


def sweep(folder: Path, *, now: bool = False) -> None:
    """Remove what killed processes left in a folder, and put back what they had moved away.

    Does nothing when the folder was swept within the last minute, unless ``now``.
    """
    clock = time.monotonic()
    if not now and clock - _swept.get(folder, -_SWEEP_EVERY_S) < _SWEEP_EVERY_S:
        return
    _swept[folder] = clock
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            if is_leftover(name):
                with contextlib.suppress(OSError):
                    _clear(folder / name)


def put_back(path: Path) -> None:
    """Where nothing is at ``path``: put back what a killed process had moved away from there."""
    if not os.path.lexists(path):
        sweep(path.absolute().parent, now=True)


def is_leftover(name: str) -> bool:
    """Whether a name is a temporary of a process on this machine that is dead."""
    match = _TEMPORARY.fullmatch(name)
    return match is not None and match[1] == _HOST and not _alive(int(match[2]))


def _clear(leftover: Path) -> None:
    if leftover.name.startswith(".segkit-old-"):
        for moved in leftover.iterdir():  # the one folder that was to be replaced
            if not (leftover.parent / moved.name).exists():
                moved.rename(leftover.parent / moved.name)
    if leftover.is_dir() and not leftover.is_symlink():
        shutil.rmtree(leftover)
    else:
        leftover.unlink()


def _alive(pid: int) -> bool:
    if os.name == "nt":
        import ctypes

        kernel = ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]
        handle = kernel.OpenProcess(0x1000, False, pid)  # PROCESS_QUERY_LIMITED_INFORMATION
        if handle:
            kernel.CloseHandle(handle)
        return bool(handle)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True

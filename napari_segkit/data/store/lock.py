"""One writer per store: a lock that the system lets go when its process dies, however it dies.

So nothing stale can be left, and a process number that is given again later means nothing. The
file's text only says to a person who holds it.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import platform
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_HELD = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
_UNKNOWN = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)
_BYTE = 1 << 30  # Windows keeps others from reading what is locked: that is behind the text


class FolderLock:
    """The right to write into a store.

    Attributes
    ----------
    held
        Whether it is ours.
    certain
        False where the disk has no locks, so that another program would not be seen.
    holder
        Who has it otherwise, for people.
    crashed
        Whether the last program that had it ended without letting it go.

    Raises
    ------
    OSError
        Where the file cannot be opened for writing.
    """

    def __init__(self, path: Path) -> None:
        self.held = self.certain = True
        self.crashed = False
        self.holder = ""
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(self._handle)
        except OSError as error:
            if error.errno in _HELD:
                self.held = False
                self.holder = _holder(self._handle)
            elif error.errno in _UNKNOWN:
                self.certain = False
            else:
                os.close(self._handle)
                raise
        if self.held:
            self._sign()
        else:
            os.close(self._handle)

    def release(self) -> None:
        """Let others write; does nothing the second time."""
        if self.held:
            self.held = False
            with contextlib.suppress(OSError):
                os.ftruncate(self._handle, 0)
            os.close(self._handle)

    def _sign(self) -> None:
        self.crashed = os.fstat(self._handle).st_size > 0
        text = json.dumps({"host": platform.node(), "process": os.getpid()}).encode()
        with contextlib.suppress(OSError):  # a full disk keeps no one from looking
            os.ftruncate(self._handle, 0)
            os.write(self._handle, text)


def _holder(handle: int) -> str:
    """Who holds a lock, as far as its text tells."""
    try:
        signed = json.loads(os.read(handle, 4096))
        return f"process {int(signed['process'])} on {signed['host']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another program"


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        os.lseek(handle, _BYTE, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

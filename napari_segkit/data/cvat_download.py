"""Fetches a file from a CVAT server, or from the storage that it points at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_segkit.data.atomic import disk_errors
from napari_segkit.data.cvat_connection import Call
from napari_segkit.data.cvat_wire import Reply, Trouble, read_stream
from napari_segkit.types import Progress

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from napari_segkit.data.cvat_connection import Connection
    from napari_segkit.types import Job

_PIECE = 1 << 20


def download(connection: Connection, url: str, target: Path, *, what: str) -> Job[int]:
    """Write a file's bytes to ``target``, again from the start where it breaks; returns how many.

    Parameters
    ----------
    url
        On the server or elsewhere; elsewhere it is asked for without credentials.
    what
        For messages, such as ``task 5``.

    Raises
    ------
    ServerError
        Where the server refuses, or the download breaks again and again.
    WriteError
        Where the disk refuses.
    """
    with disk_errors(target), target.open("wb") as file:
        failures = 0
        while True:
            got = yield from _once(connection, url, file, what=what)
            if isinstance(got, int):
                return got
            failures += 1
            pause = connection.pause_after(got, failures)
            if pause is None:
                raise connection.refusal(got, what)
            yield from connection.pause(pause, "the download is tried again")


def _once(
    connection: Connection, url: str, file: BinaryIO, *, what: str
) -> Job[int | Reply | Trouble]:
    """One try; returns the number of bytes, or why there are none."""
    call = Call("GET", url, elsewhere=True, what=what)
    reply = connection.attempt(call, stream=True)
    if isinstance(reply, Trouble) or reply.stream is None:
        return reply
    announced = reply.headers.get("content-length", "")
    total = int(announced) if announced.isdecimal() else None
    if file.tell():  # what came before it broke
        file.seek(0)
        file.truncate()
    size = 0
    with reply.stream:
        while piece := read_stream(reply.stream, _PIECE):
            if isinstance(piece, Trouble):
                return piece
            connection.left(what)
            file.write(piece)
            size += len(piece)
            yield Progress(size, total, "downloading")
    return size if total in (None, size) else Trouble("the download was cut off")

"""Sends a file to CVAT in pieces; a piece whose answer is lost is asked for, not sent blindly.

The protocol is `tus <https://tus.io/protocols/resumable-upload>`_ 1.0.0 between two requests of
CVAT's own, which are in `napari_segkit.data.cvat_server`.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_segkit.data.cvat_connection import MOST_FAILURES, Call
from napari_segkit.data.cvat_wire import Reply, Trouble
from napari_segkit.errors import ServerError
from napari_segkit.types import Progress

if TYPE_CHECKING:
    from typing import BinaryIO

    from napari_segkit.data.cvat_connection import Connection
    from napari_segkit.types import Job

PIECE = 4 << 20
"""Bytes sent at once: what is lost at worst, and how often progress is told."""
_TUS = {"Tus-Resumable": "1.0.0"}
_PASSING = (409, 423, 429, 460, 500, 502, 503, 504)
_FORGOTTEN = (404, 410)
_MOST_STARTS = 3


@dataclass(frozen=True)
class _Upload:
    """A file that the server waits for: where its pieces go, and its name there."""

    place: str
    name: str


def upload(
    connection: Connection, path: str, file: BinaryIO, *, size: int, name: str, what: str
) -> Job[str]:
    """Send a file; returns the name that the server gave it.

    Parameters
    ----------
    path
        Where uploads are made.
    size
        Bytes of the file.
    what
        For messages, such as ``task 5``.

    Raises
    ------
    ServerError
        Where the server refuses, or the connection breaks again and again.
    """
    for start in range(_MOST_STARTS):
        begun = yield from _begin(connection, path, size=size, name=name, what=what)
        done = yield from _send(connection, begun, file, size=size, what=what)
        if done:
            return begun.name
        yield from connection.pause(0.5 * (start + 1), "uploading again")
    raise ServerError(
        "the CVAT server loses the upload",
        where=connection.where(what),
        got=f"{_MOST_STARTS} uploads that it did not know afterwards",
        remedy="nothing was imported; try again later",
    )


def _begin(connection: Connection, path: str, *, size: int, name: str, what: str) -> Job[_Upload]:
    meta = f"filename {base64.b64encode(name.encode()).decode()}"
    headers = {**_TUS, "Upload-Length": str(size), "Upload-Metadata": meta}
    call = Call("POST", path, headers=headers, accept=(201,), what=what)
    reply = yield from connection.call(call)
    place = connection.own(reply.headers.get("location", ""))
    if place == "/":
        raise ServerError(
            "the CVAT server does not say where the upload goes", where=connection.where(what)
        )
    return _Upload(place, reply.headers.get("upload-filename", name))


def _send(
    connection: Connection, begun: _Upload, file: BinaryIO, *, size: int, what: str
) -> Job[bool]:
    """Send every piece; False where the server does not know the upload any more."""
    offset = failures = 0
    while offset < size:
        yield Progress(offset, size, "uploading")
        file.seek(offset)
        piece = file.read(PIECE)
        headers = {
            **_TUS,
            "Content-Type": "application/offset+octet-stream",
            "Upload-Offset": str(offset),
        }
        call = Call("PATCH", begun.place, headers=headers, body=piece, what=what)
        outcome = connection.attempt(call)
        if isinstance(outcome, Reply) and outcome.status in _FORGOTTEN:
            return False
        reached = _offset(outcome, 204)
        if reached is None:
            failures += 1
            yield from _recover(connection, outcome, failures, what)
            reached = yield from _ask(connection, begun, what)
            if reached is None:
                return False
        if not 0 <= reached <= size:
            raise ServerError(
                "the CVAT server counts the upload wrong",
                where=connection.where(what),
                expected=f"0 to {size}",
                got=reached,
            )
        failures = 0 if reached > offset else failures
        offset = reached
    yield Progress(size, size, "uploading")
    return True


def _recover(
    connection: Connection, outcome: Reply | Trouble, failures: int, what: str
) -> Job[None]:
    """Wait before the next piece, or give up."""
    passing = isinstance(outcome, Trouble) or outcome.status in (204, *_PASSING)
    if not passing or failures >= MOST_FAILURES:
        raise connection.refusal(outcome, what, unsure="nothing was imported")
    yield from connection.pause(
        connection.pause_after(outcome, failures) or 0.5, "the upload is taken up again"
    )


def _ask(connection: Connection, begun: _Upload, what: str) -> Job[int | None]:
    """How much the server has; ``None`` where it does not know the upload."""
    call = Call("HEAD", begun.place, headers=_TUS, accept=(200, 204, *_FORGOTTEN), what=what)
    reply = yield from connection.call(call)
    return _offset(reply, 200, 204)


def _offset(outcome: Reply | Trouble, *good: int) -> int | None:
    if isinstance(outcome, Trouble) or outcome.status not in good:
        return None
    text = outcome.headers.get("upload-offset", "")
    return int(text) if text.isdecimal() else None

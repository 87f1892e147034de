"""Fetch one large file from the web: size, progress, resume, checksum; whole or not at all.

What has come lies beside the target as ``NAME.part`` and is continued by the next try, today or
tomorrow. Only a file whose length and sha256 are right gets its name.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_segkit.data.atomic import disk_errors
from napari_segkit.errors import ServerError, WeightsError
from napari_segkit.types import Progress

if TYPE_CHECKING:
    from pathlib import Path

    from napari_segkit.types import Job

_PIECE = 1 << 20
_TRIES = 5
_TIMEOUT = 30.0
_TROUBLE = (OSError, http.client.HTTPException)  # URLError, timeouts and resets are OSErrors


@dataclass(frozen=True)
class RemoteFile:
    """A file on the web: its address, sha256 (hex) and size in bytes."""

    url: str
    sha256: str
    size: int

    @property
    def name(self) -> str:
        """The last part of its address."""
        return self.url.rsplit("/", 1)[-1]


def file_sha256(path: Path, *, message: str = "checking") -> Job[str]:
    """Hash of a file, hex; progress in bytes.

    Raises
    ------
    WeightsError
        Where it cannot be read.
    """
    digest, done = hashlib.sha256(), 0
    try:
        total = path.stat().st_size
        with path.open("rb") as file:
            while piece := file.read(8 * _PIECE):
                digest.update(piece)
                done += len(piece)
                yield Progress(done, total, message)
    except OSError as error:
        raise WeightsError("file cannot be read", where=path, got=error.strerror) from error
    return digest.hexdigest()


def fetch(remote: RemoteFile, folder: Path, *, pause: float = 1.0) -> Job[Path]:
    """Download a file into a folder, or find it there already.

    Parameters
    ----------
    pause
        Seconds before a broken download is continued; doubles each time.

    Raises
    ------
    ServerError
        Without a connection, or where the download breaks again and again; what has come stays.
    WeightsError
        Where the server's file is another one; nothing is kept.
    WriteError
        Where the disk refuses.
    """
    target = folder / remote.name
    if target.is_file() and (yield from file_sha256(target)) == remote.sha256:
        return target
    part = target.with_name(target.name + ".part")
    with disk_errors(part):
        folder.mkdir(parents=True, exist_ok=True)
        if part.is_file() and part.stat().st_size > remote.size:
            part.unlink()
    yield from _complete(remote, part, pause)
    if (yield from file_sha256(part)) != remote.sha256:
        part.unlink()
        raise WeightsError(
            "the downloaded file is not the official one",
            where=remote.url,
            expected=f"sha256 {remote.sha256[:12]}…",
            remedy="try again, or take the file from another place and name it",
        )
    with disk_errors(target):
        os.replace(part, target)
    return target


def _complete(remote: RemoteFile, part: Path, pause: float) -> Job[None]:
    """Bring the part to its full size, over as many connections as it takes."""
    failures = 0
    while (before := _size(part)) < remote.size:
        trouble = yield from _once(remote, part)
        if _size(part) > before:
            failures = 0
        if trouble is None:
            continue
        failures += 1
        if failures >= _TRIES or (failures > 1 and not _size(part)):
            raise _given_up(remote, part, trouble)
        yield Progress(_size(part), remote.size, f"interrupted ({trouble}), trying again")
        time.sleep(pause * 2 ** (failures - 1))


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _once(remote: RemoteFile, part: Path) -> Job[str | None]:
    """One connection; returns what ended it early, if anything did."""
    start = _size(part)
    headers = {"User-Agent": "napari-segkit", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    request = urllib.request.Request(remote.url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as reply:
            resumed = reply.status == 206 and _starts_at(reply.headers, start)
            mode, done = ("ab", start) if resumed else ("wb", 0)
            return (yield from _copy(reply, part, mode=mode, done=done, total=remote.size))
    except urllib.error.HTTPError as error:
        return f"the server answers {error.code}"
    except _TROUBLE as error:
        return str(getattr(error, "reason", None) or error or type(error).__name__)


def _starts_at(headers: http.client.HTTPMessage, start: int) -> bool:
    match = re.match(r"bytes (\d+)-", headers.get("Content-Range", ""))
    return match is not None and int(match.group(1)) == start


def _copy(
    reply: http.client.HTTPResponse, part: Path, *, mode: str, done: int, total: int
) -> Job[str | None]:
    with disk_errors(part):
        file = part.open(mode)
    with file:
        while done < total:
            piece, trouble = _read(reply, min(_PIECE, total - done))
            with disk_errors(part):
                file.write(piece)
                file.flush()
            done += len(piece)
            yield Progress(done, total, "downloading")
            if trouble is not None:
                return trouble
    return None


def _read(reply: http.client.HTTPResponse, size: int) -> tuple[bytes, str | None]:
    """The next bytes, and what ended the connection, if anything did."""
    try:
        piece = reply.read(size)
    except http.client.IncompleteRead as error:
        return error.partial, "the connection was cut"
    except _TROUBLE as error:
        return b"", str(error) or type(error).__name__
    return piece, None if piece else "the connection was cut"


def _given_up(remote: RemoteFile, part: Path, trouble: str) -> ServerError:
    kept = f"{_size(part) / 1e6:.0f} MB have come and are kept; " if _size(part) else ""
    return ServerError(
        "the file could not be downloaded",
        where=remote.url,
        got=trouble,
        remedy=f"{kept}try again later, or bring {remote.name} from another computer and name it",
    )

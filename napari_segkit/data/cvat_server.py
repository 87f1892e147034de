"""What we ask of a CVAT server: its version, a task, an import of masks, an export.

Every function is a job: it yields `Progress`, can be cancelled at each, and returns its result.
Checked against the client and schema that CVAT publishes for 2.31, 2.55, 2.64, 2.65 and 2.80.
"""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from napari_segkit.data.cvat_address import server_url
from napari_segkit.data.cvat_connection import Call, Connection
from napari_segkit.data.cvat_credentials import find_credentials
from napari_segkit.data.cvat_download import download
from napari_segkit.data.cvat_refusals import clean
from napari_segkit.data.cvat_task import Answer, Task, TaskLabel, parse_frames, parse_labels
from napari_segkit.data.cvat_upload import upload
from napari_segkit.errors import ServerError
from napari_segkit.types import Progress

if TYPE_CHECKING:
    from pathlib import Path

    from napari_segkit.data.cvat_connection import Clock
    from napari_segkit.data.cvat_wire import Reply
    from napari_segkit.types import Job

logger = logging.getLogger(__name__)

Mode = Literal["append", "replace"]
FORMAT = "Segmentation mask 1.1"
OLDEST = (2, 31)
"""Oldest version whose published interface has the requests that are made here."""
OLDEST_APPEND = (2, 65)
"""Older servers do not know ``import_mode``: they replace everything, whatever is asked for."""
_FIRST_POLL_S = 0.5
_LONGEST_POLL_S = 5.0
_ARCHIVE = "segkit-masks.zip"
_MOST_PAGES = 1000
_UNSURE = "the import may have begun all the same: look at the task before you push again"


def open_server(
    url: str, *, insecure: bool = False, timeout: float = 3600.0, clock: Clock | None = None
) -> CvatServer:
    """Prepare to talk to a server; nothing is sent yet.

    Parameters
    ----------
    url
        As a person types it.
    insecure
        Allow an address without encryption.
    timeout
        Seconds for the whole conversation.

    Raises
    ------
    InputError
        Where the address or the credentials cannot be used.
    """
    address = server_url(url, insecure=insecure)
    credentials = find_credentials(address)
    return CvatServer(Connection(address, credentials, timeout=timeout, clock=clock))


class CvatServer:
    """CVAT's interface, as far as masks need it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.version = ""

    def check(self, oldest: tuple[int, int] = OLDEST, *, reason: str = "") -> Job[str]:
        """Ask for the version, without credentials; returns it.

        Raises
        ------
        ServerError
            Where no CVAT answers, or one that is too old.
        """
        yield Progress(0, None, "looking for the server")
        call = Call("GET", "api/server/about", accept=(200, 401, 403))
        reply = yield from self.connection.call(call, anonymous=True)
        if reply.status != 200:  # some servers tell nothing to strangers
            reply = yield from self.connection.call(replace(call, accept=(200,)))
        version = Answer(reply.json(), self.connection.url).text("version")
        numbers = re.match(r"(\d{1,6})\.(\d{1,6})", version)
        if not numbers or (int(numbers[1]), int(numbers[2])) < oldest:
            wanted = ".".join(map(str, oldest))
            raise ServerError(
                f"the CVAT server is too old{reason}",
                where=self.connection.url,
                expected=f"version {wanted} or newer",
                got=clean(version),
                remedy="ask its administrator for an update, or upload the masks in the browser",
            )
        self.version = clean(version)
        return self.version

    def task(self, number: int) -> Job[Task]:
        """A task with its frames and labels.

        Raises
        ------
        ServerError
            Where it is not there, may not be seen, or holds no images.
        """
        what = f"task {number}"
        where = self.connection.where(what)
        yield Progress(0, None, f"asking for {what}")
        reply = yield from self.connection.call(Call("GET", f"api/tasks/{number}", what=what))
        about = Answer(reply.json(), where)
        if about.text("dimension", "2d") != "2d" or about.text("media_type", "image") == "audio":
            raise ServerError("the task holds no images, so it cannot have masks", where=where)
        organization = about.number("organization_id", about.number("organization", 0))
        task = Task(
            number,
            clean(about.text("name")),
            organization=organization or None,
            video=about.text("mode", "") == "interpolation",
        )
        reply = yield from self.connection.call(
            Call("GET", f"api/tasks/{number}/data/meta", what=what)
        )
        frames = parse_frames(Answer(reply.json(), where), video=task.video)
        labels = yield from self._labels(task)
        return replace(task, frames=frames, labels=labels)

    def _labels(self, task: Task) -> Job[tuple[TaskLabel, ...]]:
        what = f"task {task.number}"
        found: list[TaskLabel] = []
        query = {"task_id": str(task.number), "page_size": "100"}
        workspace = {"org_id": str(task.organization)} if task.organization else {"org": ""}
        query |= workspace
        for page in range(1, _MOST_PAGES + 1):
            call = Call("GET", "api/labels", {**query, "page": str(page)}, what=what)
            reply = yield from self.connection.call(call)
            answer = Answer(reply.json(), self.connection.where(what))
            found += parse_labels(answer.entries("results"))
            if not answer.has("next"):
                break
        return tuple(found)

    def import_masks(self, task: Task, archive: Path, *, mode: Mode) -> Job[None]:
        """Upload a dataset and have it imported; masks stay masks.

        Raises
        ------
        ServerError
            Where the server refuses the file or its contents.
        """
        what = f"task {task.number}"
        path = f"api/tasks/{task.number}/annotations/"
        query = {
            "format": FORMAT,
            "filename": _ARCHIVE,
            "conv_mask_to_poly": "false",
            "import_mode": mode,
        }
        begin = Call("POST", path, query, {"Upload-Start": ""}, accept=(202,), what=what)
        yield from self.connection.call(begin)
        with archive.open("rb") as file:
            size = archive.stat().st_size
            name = yield from upload(
                self.connection, path, file, size=size, name=_ARCHIVE, what=what
            )
        finish = Call(
            "POST",
            path,
            query | {"filename": name},
            {"Upload-Finish": ""},
            accept=(202,),
            repeatable=False,
            what=what,
        )
        try:
            reply = yield from self.connection.call(finish, unsure=_UNSURE)
            rq_id = Answer(reply.json(), self.connection.where(what)).text("rq_id")
            yield from self.wait(rq_id, what=what, doing="import")
        except (GeneratorExit, KeyboardInterrupt):
            logger.warning("cancelled after the upload of %s: %s", what, _UNSURE)
            raise

    def wait(self, rq_id: str, *, what: str, doing: str) -> Job[Answer]:
        """Wait until the server has done what it was asked to; returns what it says then.

        Raises
        ------
        ServerError
            Where it failed, with CVAT's own words, or takes too long.
        """
        pause = _FIRST_POLL_S
        path = f"api/requests/{quote(rq_id, safe='')}"
        where = self.connection.where(what)
        while True:
            call = Call("GET", path, accept=(200, 404), what=what)
            reply = yield from self.connection.call(call)
            if reply.status == 404:
                raise ServerError(
                    f"the CVAT server does not know the {doing} any more",
                    where=where,
                    remedy="look at the task before you try again",
                )
            answer = Answer(reply.json(), where)
            status, done = answer.text("status"), answer.share("progress")
            if status == "finished":
                return answer
            if status not in ("queued", "started"):
                said = self.connection.credentials.scrub(answer.text("message", ""))
                raise ServerError(
                    f"the CVAT server could not do the {doing}",
                    where=where,
                    got=clean(said) or clean(status),
                    remedy="look at the task before you try again",
                )
            share = round(100 * done) if done is not None else 0
            yield Progress(share, 100 if done else None, f"{doing}: {status} at the server")
            yield from self.connection.pause(pause, f"{doing}: {status} at the server")
            pause = min(pause * 1.5, _LONGEST_POLL_S)

    def export_masks(self, task: Task, target: Path, *, images: bool) -> Job[int]:
        """Have a task exported and download it; returns the number of bytes.

        Parameters
        ----------
        target
            File for the archive.
        images
            With the images.

        Raises
        ------
        ServerError
            Where the server refuses, or the download breaks again and again.
        WriteError
            Where the disk refuses.
        """
        what = f"task {task.number}"
        where = self.connection.where(what)
        query = {"format": FORMAT, "save_images": str(images).lower(), "location": "local"}
        call = Call("POST", f"api/tasks/{task.number}/dataset/export", query, what=what)
        reply = yield from self.connection.call(replace(call, accept=(202, 409)))
        if reply.status == 409 and not _running(reply):
            raise self.connection.refusal(reply, what)
        rq_id = Answer(reply.json(), where).text("rq_id")
        answer = yield from self.wait(rq_id, what=what, doing="export")
        url = answer.text("result_url")
        own = self.connection.own(url)
        if own.startswith("/api/"):
            url = own
        size = yield from download(self.connection, url, target, what=what)
        return size


def _running(reply: Reply) -> bool:
    """Whether a conflict names the export under way, so that it can be waited for."""
    content = reply.json()
    return isinstance(content, dict) and isinstance(content.get("rq_id"), str)

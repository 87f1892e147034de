"""Why a CVAT server did not do what was asked: one sentence for each refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_segkit.data.cvat_address import place
from napari_segkit.data.cvat_wire import Reply, Trouble
from napari_segkit.errors import ServerError

if TYPE_CHECKING:
    from napari_segkit.data.cvat_credentials import Credentials

_LONGEST_DETAIL = 300


_TOKEN_REMEDY = "make a new access token in CVAT (Profile > Security) and set CVAT_ACCESS_TOKEN"
_REFUSALS: dict[int, tuple[str, str]] = {
    400: ("the CVAT server does not understand the request", "see what it says"),
    401: ("the CVAT server does not accept the credentials", _TOKEN_REMEDY),
    403: (
        "the CVAT server does not allow this with these credentials",
        "ask the owner of the task for the right, or use a token that is not read-only",
    ),
    404: (
        "the CVAT server has no such task, or does not show it with these credentials",
        "check the number in the task's address, and who the credentials belong to",
    ),
    409: (
        "the CVAT server is busy with another import or export of this task",
        "wait until it is done (CVAT: Requests), then try again",
    ),
    413: (
        "the CVAT server takes no file of this size",
        "push fewer images at a time, or ask its administrator for a higher limit",
    ),
    429: ("the CVAT server was asked too often", "try again later"),
}
_FAILED = ("the CVAT server failed", "try again later; if it stays so, tell its administrator")
_UNKNOWN = ("the CVAT server answered something unexpected", "check the address")
_MOVED = (
    "the CVAT server sends us on to another address, which is not followed with credentials",
    "give that address instead, if you trust it",
)


def refusal(
    outcome: Reply | Trouble, where: str, credentials: Credentials | None, *, unsure: str = ""
) -> ServerError:
    """The error for an answer, or for none.

    Parameters
    ----------
    where
        Server and task.
    credentials
        Their secrets are taken out of what the server says.
    unsure
        What may have happened all the same.
    """
    if isinstance(outcome, Trouble):
        remedy = "check the address and the network, then try again"
        return ServerError(
            "no answer from the CVAT server",
            where=where,
            got=outcome.reason,
            remedy=f"{unsure}; {remedy}" if unsure else remedy,
        )
    if 300 <= outcome.status < 400:
        got: str | None = place(outcome.headers.get("location", "")) or None
        return ServerError(_MOVED[0], where=where, got=got, remedy=_MOVED[1])
    what, remedy = _REFUSALS.get(outcome.status, _FAILED if outcome.status >= 500 else _UNKNOWN)
    said = detail(outcome, credentials)
    got = f"{outcome.status}" + (f", {said}" if said else "")
    if outcome.status == 401 and credentials is not None:
        got += f" for what is in {credentials.source}"
    if outcome.status == 429 and "retry-after" in outcome.headers:
        got += f", to be asked again after {clean(outcome.headers['retry-after'])} s"
    return ServerError(
        what, where=where, got=got, remedy=f"{unsure}; {remedy}" if unsure else remedy
    )


def detail(reply: Reply, credentials: Credentials | None) -> str:
    """What the server says about its refusal, in one safe line."""
    said = _words(reply.json())
    if not said and "html" not in reply.headers.get("content-type", ""):
        said = reply.body[: 4 * _LONGEST_DETAIL].decode("utf-8", "replace")
    return clean(credentials.scrub(said) if credentials else said)


def clean(text: str, longest: int = _LONGEST_DETAIL) -> str:
    """A server's text in one line of bounded length, without control characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= longest else f"{line[:longest]} …"


def _words(content: Any) -> str:
    """The texts in a JSON answer: ``{"detail": "…"}``, ``["…"]``, ``{"field": ["…"]}``."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "; ".join(filter(None, (_words(part) for part in content[:5])))
    if isinstance(content, dict):
        if isinstance(content.get("detail"), str):
            return str(content["detail"])
        parts = ((str(key), _words(value)) for key, value in list(content.items())[:5])
        return "; ".join(f"{key}: {value}" for key, value in parts if value)
    return ""

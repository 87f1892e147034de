"""A conversation with one CVAT server: retries, redirects, patience, and where the token goes.

The credentials are sent to the server's own scheme, host and port and to nothing else, whatever
addresses it answers with.
"""

from __future__ import annotations

import email.utils
import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urljoin, urlsplit

from napari_segkit.data.cvat_address import origin, place
from napari_segkit.data.cvat_refusals import refusal
from napari_segkit.data.cvat_wire import Ask, Reply, Trouble, Wire
from napari_segkit.errors import ServerError
from napari_segkit.types import Progress

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_segkit.data.cvat_credentials import Credentials
    from napari_segkit.types import Job

logger = logging.getLogger(__name__)

MOST_FAILURES = 5
_SILENCE_S = 60.0  # of the network
_FIRST_SILENCE_S = 20.0  # before the server was ever heard
_MOST_KNOCKS = 2
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_NAP_S = 0.1  # between two chances to cancel
_MOST_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_PASSING = (429, 500, 502, 503, 504)
_NOT_DONE = (429, 503)  # the server says that it did nothing


class Clock:
    """Time, so that tests need not wait."""

    def now(self) -> float:
        """Seconds that only grow."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


@dataclass(frozen=True)
class Call:
    """A request of CVAT's interface.

    Attributes
    ----------
    path
        On the server, or a complete address.
    accept
        Answers that are good.
    repeatable
        Whether asking twice does no harm.
    elsewhere
        Whether a redirect to another server is followed, without credentials.
    what
        For progress and messages, such as ``task 5``.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    accept: tuple[int, ...] = (200,)
    repeatable: bool = True
    elsewhere: bool = False
    what: str = ""


class Connection:
    """Asks one server, again where that is of use.

    Parameters
    ----------
    url
        As `napari_segkit.data.cvat_address.server_url` gives it.
    timeout
        Seconds for the whole conversation.
    """

    def __init__(
        self,
        url: str,
        credentials: Credentials,
        *,
        timeout: float = 3600.0,
        clock: Clock | None = None,
    ) -> None:
        self.url, self.credentials = url, credentials
        self.clock = clock or Clock()
        self._timeout, self._end = timeout, self.clock.now() + timeout
        self._wire = Wire()
        self._reached = False

    def call(self, call: Call, *, anonymous: bool = False, unsure: str = "") -> Job[Reply]:
        """Ask until the answer is good.

        Parameters
        ----------
        anonymous
            Send no credentials.
        unsure
            What may have happened where the answer is lost; for messages.

        Raises
        ------
        ServerError
            Where it is refused, or does not come in time.
        """
        failures = 0
        while True:
            outcome = self.attempt(call, anonymous=anonymous)
            if isinstance(outcome, Reply) and outcome.status in call.accept:
                return outcome
            failures += 1
            lost = not call.repeatable and not _certainly_undone(outcome)
            seconds = None if lost else self.pause_after(outcome, failures)
            if seconds is None:
                raise self.refusal(outcome, call.what, unsure=unsure if lost else "")
            yield from self.pause(seconds, f"{call.what}: waiting for the server")

    def attempt(
        self, call: Call, *, anonymous: bool = False, stream: bool = False
    ) -> Reply | Trouble:
        """Ask once; follows the redirects that may be followed.

        Raises
        ------
        ServerError
            Where the time for the whole conversation is over.
        """
        url = urljoin(f"{self.url}/", call.path)
        if call.query:
            url += f"?{urlencode(call.query)}"
        headers = {"Accept": "application/vnd.cvat+json, */*", **call.headers}
        if call.method in ("POST", "PATCH"):
            headers = {"Origin": self.url, "Content-Type": "application/json"} | headers
        for _ in range(_MOST_REDIRECTS):
            silence = _SILENCE_S if self._reached else _FIRST_SILENCE_S
            timeout = min(silence, self.left(call.what))
            own = self.is_own(url)
            proof = self.credentials.header() if own and not anonymous else None
            ask = Ask(call.method, url, headers, call.body, timeout)
            outcome = self._wire.send(ask, proof, stream=stream)
            del proof
            self._reached |= isinstance(outcome, Reply)
            logger.debug("%s %s: %s", call.method, place(url), _brief(outcome))
            target = self._next(call, outcome)
            if target is None:
                return outcome
            url = target
        return Trouble("it sends us round in circles", final=True)

    def _next(self, call: Call, outcome: Reply | Trouble) -> str | None:
        """Where to go on; ``None`` where this is the answer."""
        if isinstance(outcome, Trouble) or outcome.status not in _REDIRECTS:
            return None
        try:
            target = urljoin(outcome.url, outcome.headers.get("location", ""))
            own, scheme, host = self.is_own(target), *origin(target)[:2]
        except ValueError:
            return None
        if own:
            keeps = call.method in ("GET", "HEAD") or outcome.status in (307, 308)
            return target if keeps else None
        safe = scheme == "https" or (scheme == "http" and self.url.startswith("http:"))
        return target if call.elsewhere and call.method == "GET" and host and safe else None

    def is_own(self, url: str) -> bool:
        """Whether an address is the server's, so that it may have the credentials."""
        return origin(url) == origin(self.url)

    def own(self, url: str) -> str:
        """An address that the server gave for itself, on the server as we know it.

        Behind a proxy CVAT may know its own name or scheme wrong; the credentials go to none but
        the one that the person named.
        """
        try:
            parts = urlsplit(url)
        except ValueError:
            parts = urlsplit("")
        path = "/" + parts.path.lstrip("/")  # "//host/…" would be another server
        return path + (f"?{parts.query}" if parts.query else "")

    def left(self, what: str = "") -> float:
        """Seconds until the end of the conversation.

        Raises
        ------
        ServerError
            Where it is over.
        """
        left = self._end - self.clock.now()
        if left <= 0:
            raise ServerError(
                "the CVAT server takes too long",
                where=self.where(what),
                expected=f"an end within {self._timeout:g} s",
                remedy="what it has begun goes on there (CVAT: Requests); look at the task before "
                "you try again, or give it more time (--timeout)",
            )
        return left

    def pause_after(self, outcome: Reply | Trouble, failures: int) -> float | None:
        """Seconds until it is of use to ask again, or ``None``."""
        if failures >= MOST_FAILURES:
            return None
        seconds = min(_FIRST_PAUSE_S * 2 ** (failures - 1), _LONGEST_PAUSE_S)
        if isinstance(outcome, Trouble):
            stranger = not self._reached and (outcome.unsent or failures >= _MOST_KNOCKS)
            hopeless = outcome.final or stranger
            return None if hopeless else seconds
        if outcome.status not in _PASSING:
            return None
        if outcome.status in _NOT_DONE:
            seconds = max(seconds, _retry_after(outcome.headers.get("retry-after", "")))
        return seconds if seconds < self.left() else None

    def pause(self, seconds: float, message: str) -> Job[None]:
        """Wait in naps; the job can be cancelled at each."""
        end = self.clock.now() + seconds
        while (left := end - self.clock.now()) > 0:
            yield Progress(0, None, message)
            self.clock.sleep(min(left, _NAP_S))

    def refusal(self, outcome: Reply | Trouble, what: str, *, unsure: str = "") -> ServerError:
        """The error for an answer that is not good."""
        return refusal(outcome, self.where(what), self.credentials, unsure=unsure)

    def where(self, what: str = "") -> str:
        """Server and task, for messages."""
        return f"{self.url}, {what}" if what else self.url


def _certainly_undone(outcome: Reply | Trouble) -> bool:
    """Whether the server has certainly done nothing, or has said why it does nothing."""
    if isinstance(outcome, Trouble):
        return outcome.unsent
    return outcome.status in _NOT_DONE or outcome.status not in _PASSING


def _retry_after(text: str) -> float:
    """Seconds of the header: a number or a date; 0 where it is neither."""
    text = text.strip()
    if text.isdecimal():
        return float(text[:9])
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError, OSError):
        return 0.0


def _brief(outcome: Reply | Trouble) -> str:
    return outcome.reason if isinstance(outcome, Trouble) else str(outcome.status)

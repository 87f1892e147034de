"""One exchange with a web server: what is asked, what comes back, what went wrong.

Nothing here knows CVAT. Redirects are not followed here, bodies have a limit, and an error keeps
neither the request nor the frames that hold its headers.
"""

from __future__ import annotations

import http.client
import json
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.error import URLError

from napari_segkit import __version__

if TYPE_CHECKING:
    import urllib.request
    from collections.abc import Mapping

LARGEST_ANSWER = 256 << 20
"""Bytes of an answer that is kept in memory; the frames of a million images fit."""


@dataclass(frozen=True)
class Ask:
    """A request, but for what proves who asks.

    Attributes
    ----------
    url
        Complete.
    timeout
        Seconds that the network may be silent.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    timeout: float = 60.0


@dataclass(frozen=True)
class Reply:
    """What a server answered.

    Attributes
    ----------
    url
        Where it came from.
    headers
        Names in lower case.
    stream
        The rest of the body, where it was asked for as a stream.
    """

    url: str
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)  # it may repeat what must not be shown
    stream: http.client.HTTPResponse | None = None

    def json(self) -> Any:
        """The body as JSON values, or ``None`` where it is not JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


@dataclass(frozen=True)
class Trouble:
    """Why there was no answer.

    Attributes
    ----------
    reason
        For a person.
    unsent
        Whether the request certainly did not reach the server.
    final
        Whether trying again is of no use.
    """

    reason: str
    unsent: bool = False
    final: bool = False


class Wire:
    """Sends requests, with the system's trusted certificates and its proxy for ``https``.

    Through a proxy ``https`` is a tunnel. It would read ``http``, and the token in it, so that
    goes straight to the server.
    """

    def __init__(self) -> None:
        import urllib.request

        opener = urllib.request.OpenerDirector()  # neither redirects nor errors are handled there
        opener.addheaders = [("User-Agent", f"napari-segkit/{__version__}")]
        proxies = {k: v for k, v in urllib.request.getproxies().items() if k == "https"}
        opener.add_handler(urllib.request.ProxyHandler(proxies))
        opener.add_handler(urllib.request.HTTPHandler())
        opener.add_handler(urllib.request.HTTPSHandler())
        self._opener = opener

    def send(self, ask: Ask, authorization: str | None, *, stream: bool = False) -> Reply | Trouble:
        """Make one exchange; never raises for what the network does.

        Parameters
        ----------
        authorization
            Value of the header, or ``None`` to send none.
        stream
            Leave the body of a good answer to be read.
        """
        import urllib.request

        try:
            request = urllib.request.Request(
                ask.url, ask.body, dict(ask.headers), method=ask.method
            )
            if authorization is not None:
                request.add_unredirected_header("Authorization", authorization)
            return self._answer(request, ask, stream=stream)
        except URLError as error:  # in connecting or sending
            return _trouble(error.reason if isinstance(error.reason, OSError) else error)
        except (OSError, http.client.HTTPException, ValueError) as error:
            return _trouble(error)

    def _answer(
        self, request: urllib.request.Request, ask: Ask, *, stream: bool
    ) -> Reply | Trouble:
        response: http.client.HTTPResponse = self._opener.open(request, timeout=ask.timeout)
        headers = {name.lower(): value for name, value in response.headers.items()}
        if stream and response.status == http.client.OK:
            return Reply(ask.url, response.status, headers, stream=response)
        with response:
            body = response.read(LARGEST_ANSWER + 1)
        if len(body) > LARGEST_ANSWER:
            return Trouble(f"its answer is larger than {LARGEST_ANSWER >> 20} MiB", final=True)
        announced = headers.get("content-length", "")
        if ask.method != "HEAD" and announced.isdigit() and len(body) != int(announced):
            return Trouble("its answer was cut off")
        return Reply(ask.url, response.status, headers, body)


def read_stream(stream: http.client.HTTPResponse, size: int) -> bytes | Trouble:
    """The next bytes of a body, at most ``size``; none at its end."""
    try:
        return stream.read(size)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return _trouble(error)


def _trouble(error: Exception) -> Trouble:
    """The reason in words; of the error only its kind and number are used."""
    import ssl

    broken = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
    if isinstance(error, ssl.SSLCertVerificationError):
        why = getattr(error, "verify_message", None) or "it cannot be checked"
        return Trouble(f"its certificate is not trusted: {why}", unsent=True, final=True)
    if isinstance(error, ssl.SSLError) and not isinstance(error, broken):
        why = getattr(error, "reason", None) or "no common language"
        return Trouble(f"no secure connection: {why}", final=True)
    if isinstance(error, socket.gaierror):
        return Trouble("its name is not known; is this machine offline?", unsent=True)
    if isinstance(error, ConnectionRefusedError):
        return Trouble("nothing answers there", unsent=True)
    if isinstance(error, TimeoutError):
        return Trouble("no answer in time")
    if isinstance(error, (ConnectionError, http.client.IncompleteRead, *broken)):
        return Trouble("the connection broke")
    if isinstance(error, OSError) and "unnel" in str(error):
        return Trouble("the proxy of this machine refuses the connection", unsent=True, final=True)
    if isinstance(error, OSError) and error.strerror:
        return Trouble(f"{error.strerror.lower()}; is this machine offline?")
    if isinstance(error, http.client.HTTPException):
        return Trouble("what answers there is no web server", final=True)
    return Trouble(f"the exchange failed ({type(error).__name__})", final=True)

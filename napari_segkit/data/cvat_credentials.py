"""Who we are to a CVAT server: from the environment or the keyring, never shown and never kept.

::

    CVAT_ACCESS_TOKEN or CVAT_TOKEN       an access token (CVAT: Profile > Security)
    CVAT_USERNAME and CVAT_PASSWORD       a person's login
    keyring set segkit:https://HOST token     where the package ``keyring`` is installed
"""

from __future__ import annotations

import base64
import importlib
import logging
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from napari_segkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

logger = logging.getLogger(__name__)

TOKENS = ("CVAT_ACCESS_TOKEN", "CVAT_TOKEN")
LOGIN = ("CVAT_USERNAME", "CVAT_PASSWORD")
_HIDDEN = "***"
_LEGACY_KEY = re.compile(r"[0-9a-f]{40}")  # CVAT's older API keys; access tokens look otherwise


class Secret:
    """A text that shows itself to nobody but who asks for it by name."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The text itself."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({_HIDDEN})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not stored")


@dataclass(frozen=True)
class Credentials:
    """What proves who we are.

    Attributes
    ----------
    scheme
        ``Bearer`` for access tokens, ``Token`` for CVAT's older API keys, ``Basic`` for a login.
    proof
        What follows the scheme in the header.
    source
        Where it was found, for messages.
    hidden
        Every text that must not be shown.
    """

    scheme: str
    proof: Secret
    source: str
    hidden: tuple[Secret, ...] = ()

    def header(self) -> str:
        """The value of the header ``Authorization``."""
        return f"{self.scheme} {self.proof.reveal()}"

    def scrub(self, text: str) -> str:
        """The text without any secret in it, for what a server answers."""
        secrets = {secret.reveal() for secret in (self.proof, *self.hidden)}
        for secret in sorted(secrets, key=len, reverse=True):
            text = text.replace(secret, _HIDDEN) if secret else text
        return text


def find_credentials(server: str, environ: Mapping[str, str] | None = None) -> Credentials:
    """The first that is there: access token, login, keyring.

    Parameters
    ----------
    server
        Such as ``https://app.cvat.ai``; names the entry of the keyring.
    environ
        The environment where it is not this process's.

    Raises
    ------
    InputError
        Where there is none, or it cannot be one.
    """
    known = os.environ if environ is None else environ
    for name in TOKENS:
        if known.get(name, "").strip():
            return _token(known[name], name)
    user, password = (known.get(name, "") for name in LOGIN)
    if user and password:
        return _login(user, password)
    if stored := _stored(server):
        return _token(stored, "the keyring")
    raise InputError(
        "no credentials for the CVAT server",
        where=server,
        expected=f"{' or '.join(TOKENS)}, or {' and '.join(LOGIN)}, in the environment",
        got=f"{LOGIN[0]} without {LOGIN[1]}" if user else None,
        remedy="make an access token in CVAT (Profile > Security) and put it there, or, with the "
        f"package keyring: keyring set segkit:{server} token",
    )


def _token(text: str, source: str) -> Credentials:
    token = text.strip()
    if not token.isascii() or not token.isprintable() or " " in token:
        raise InputError(
            "not an access token",
            where=source,
            expected="letters, digits and signs in one line",
            remedy="copy it again",
        )
    scheme = "Token" if _LEGACY_KEY.fullmatch(token) else "Bearer"
    return Credentials(scheme, Secret(token), source)


def _login(user: str, password: str) -> Credentials:
    if ":" in user or not (user + password).isprintable():
        raise InputError(
            "not a login",
            where=" and ".join(LOGIN),
            expected="a name without ':' and a password, in one line each",
        )
    proof = base64.b64encode(f"{user}:{password}".encode()).decode()
    return Credentials("Basic", Secret(proof), LOGIN[0], (Secret(password),))


def _stored(server: str) -> str | None:
    """The keyring's token for a server; a keyring that is missing or locked has none."""
    try:
        keyring = importlib.import_module("keyring")  # optional, and slow to load
    except ImportError:
        return None
    try:
        found = keyring.get_password(f"segkit:{server}", "token")
    except Exception as error:  # noqa: BLE001  every system's keyring raises its own
        logger.warning("the keyring cannot be asked (%s)", type(error).__name__)
        return None
    return found if isinstance(found, str) else None

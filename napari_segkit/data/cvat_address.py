"""Addresses of servers: what a person may type, and what belongs together."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from napari_segkit.errors import InputError


def server_url(text: str, *, insecure: bool = False) -> str:
    """Scheme, host and port of what a person typed; ``https`` where no scheme was.

    Raises
    ------
    InputError
        Where it is no address, holds a password, or would send credentials readable for all.
    """
    text = text.strip()
    full = text if "://" in text else f"https://{text}"
    try:
        parts = urlsplit(full)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if "@" in text.partition("://")[2] or ("@" in text and "://" not in text):
        raise InputError(
            "the address holds a login, which would show in lists of processes and histories",
            where="the address",
            remedy="give the address without it; credentials come from the environment",
        )
    if parts.scheme.lower() not in ("http", "https") or not host or not full.isprintable():
        raise InputError(
            "not the address of a server",
            where="the address",
            expected="such as https://app.cvat.ai",
        )
    if parts.scheme.lower() == "http" and not insecure and not _is_loopback(host):
        raise InputError(
            "the address is not encrypted, so others could read the credentials",
            where=place(full),
            expected="https://",
            remedy="use https, or allow http (--insecure) in a network that you trust",
        )
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme.lower()}://{shown}" + (f":{port}" if port else "")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port: what the token belongs to."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return scheme, parts.hostname or "", parts.port or (443 if scheme == "https" else 80)


def place(url: str) -> str:
    """Scheme and host for messages; a query may hold a signature."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}" + (f":{parts.port}" if parts.port else "")

"""How much a file from elsewhere may ask for, until a person says that it may ask for more.

Limits belong to a context, as `decimal`'s precision does: what runs inside of ``with raised(…)``
has the raised ones, other threads keep theirs.
"""

from __future__ import annotations

import contextlib
import re
from contextvars import ContextVar
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from napari_segkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_FACTORS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:B|PX)?", re.IGNORECASE)


@dataclass(frozen=True)
class Limits:
    """What is refused above.

    Attributes
    ----------
    pixels
        Of an image or a mask.
    files
        In a folder or an archive.
    file, total
        Bytes of one file of an archive, and of all, unpacked.
    ratio
        How many times a file may grow when unpacked, asked from 4 MB on; a blank mask packs well
        and is no bomb.
    text
        Bytes of a JSON, XML or text file, which takes many times as much memory.
    """

    pixels: int = 2 * 89_478_485  # where Pillow refuses
    files: int = 1_000_000
    file: int = 2 << 30
    total: int = 1 << 40
    ratio: int = 200
    text: int = 512 << 20


_current = ContextVar("limits", default=Limits())  # noqa: B039  frozen


def limits() -> Limits:
    """Those of this context."""
    return _current.get()


@contextlib.contextmanager
def raised(new: Limits) -> Iterator[None]:
    """Other limits for what runs inside."""
    token = _current.set(new)
    try:
        yield
    finally:
        _current.reset(token)


def raise_by(name: str) -> str:
    """The remedy of a refusal."""
    return f"if it is what it should be, raise the limit: segkit … --limit {name}=…"


def parse_limits(texts: Iterable[str]) -> Limits:
    """Limits of this context with changes such as ``total=20GB``, ``pixels=400M``.

    Raises
    ------
    InputError
        For an unknown name or what is no size.
    """
    result = limits()
    known = [one.name for one in fields(Limits)]
    for text in texts:
        name, _, size = text.partition("=")
        match = _SIZE.fullmatch(size.strip())
        if name.strip() not in known or match is None:
            raise InputError(
                "not a limit",
                where=f"--limit {text}",
                expected=f"NAME=SIZE such as total=20GB or pixels=400M, NAME one of "
                f"{', '.join(known)}",
            )
        value = int(float(match[1]) * _FACTORS[match[2].upper()])
        result = replace(result, **{name.strip(): value})
    return result

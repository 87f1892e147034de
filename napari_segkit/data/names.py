"""Names of images in a dataset, paths that every system can hold; which names are of one file."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[1-9]|lpt[1-9])(\..*)?")
_LONGEST = 255 - len(".png")  # what file systems allow, in bytes, less the extension


def path_fault(path: str) -> str | None:
    """Why a relative path is hostile or cannot be a file everywhere, or ``None``.

    Parameters
    ----------
    path
        As it stands in an archive or a list, '/' between folders.
    """
    if not path:
        return "is empty"
    if "\\" in path:
        return "has a backslash"
    if path.startswith("/") or re.match(r"[A-Za-z]:", path):
        return "is an absolute path"
    if any(unicodedata.category(sign) in ("Cc", "Cs") for sign in path):
        return "has a control character"
    parts = path.split("/")
    if ".." in parts or "." in parts:
        return "leaves its folder with '..' or '.'"
    if "" in parts:
        return "has an empty folder name"
    if any(_RESERVED.fullmatch(part) for part in parts):
        return "is a reserved name on Windows"
    return None


def name_fault(name: str) -> str | None:
    """Why an image may not be called so in a dataset that is written, or ``None``."""
    if fault := path_fault(name):
        return fault
    if name.startswith("#"):
        return "starts with '#', which makes it a comment in the list of images"
    if name != name.strip() or any(part != part.rstrip(" .") for part in name.split("/")):
        return "has a space or dot at an end"
    if any(len(part.encode()) > _LONGEST for part in name.split("/")):
        return "is too long for a file name"
    return None


def collision_key(name: str) -> str:
    """Equal for names that some file system takes for one: case and composed letters."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def file_id(path: Path) -> tuple[int, int] | None:
    """Of the file, whatever it is called: by links, or in another case; ``None`` without one."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino

"""Where the store of a folder lies: in it, or in the user's own data folder where that may not be.

A folder ``.segkit`` that is not ours is left alone.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_segkit.data.atomic import atomic_write, disk_errors, is_leftover, write_error
from napari_segkit.data.store.lock import FolderLock
from napari_segkit.errors import DatasetError, ImageError

if TYPE_CHECKING:
    from pathlib import Path

NAME = ".segkit"
FORMAT = 1
_OURS = {"store.json", "lock", "index.json", "index.journal", "images"}
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)


@dataclass(frozen=True)
class Place:
    """A store's folder, the lock on it, and what a person should know of both."""

    path: Path
    lock: FolderLock
    notes: tuple[str, ...] = ()


def open_place(folder: Path) -> Place:
    """Find or make the store of a folder of images, and lock it.

    Raises
    ------
    ImageError
        Where the folder is not there.
    DatasetError
        Where something else has the store's name, or a newer program made it.
    WriteError
        Where neither place can be written.
    """
    if not folder.is_dir():
        raise ImageError("no such folder", where=folder)
    inside, elsewhere = folder / NAME, user_place(folder)
    try:
        return _opened(inside, folder)
    except OSError as error:
        if error.errno not in _READ_ONLY:
            raise write_error(error, inside) from error
    with disk_errors(elsewhere):
        elsewhere.mkdir(parents=True, exist_ok=True)
        place = _opened(elsewhere, folder)
    note = f"{folder} cannot be written: masks in progress are kept in {elsewhere}"
    return Place(place.path, place.lock, (note, *place.notes))


def user_place(folder: Path) -> Path:
    """Where the store of a read-only folder lies: in the user's data folder, by the full path."""
    from platformdirs import user_data_path

    real = os.path.realpath(folder)
    digest = hashlib.sha256(os.fsencode(real)).hexdigest()[:16]
    return user_data_path("napari-segkit") / "stores" / digest


def _opened(place: Path, folder: Path) -> Place:
    _check_ours(place)
    place.mkdir(exist_ok=True)
    (place / "images").mkdir(exist_ok=True)
    lock = FolderLock(place / "lock")
    try:
        _check_format(place, folder, write=lock.held)
    except BaseException:
        lock.release()
        raise
    if not lock.held:
        note = f"{lock.holder} works on this folder: it is opened for looking only"
    elif not lock.certain:
        note = "this disk has no locks: open the folder in one program at a time"
    else:
        return Place(place, lock)
    return Place(place, lock, (note,))


def _check_ours(place: Path) -> None:
    if not os.path.lexists(place):
        return
    if not place.is_dir():
        raise DatasetError(
            "a file has the name of the working store",
            where=place,
            expected="a folder",
            remedy="rename it",
        )
    names = {name for name in os.listdir(place) if not is_leftover(name)}
    if names - {n for n in names if n in _OURS or n.startswith(".segkit-")} and (
        "store.json" not in names
    ):
        raise DatasetError(
            "the folder of the working store holds other things",
            where=place,
            got=", ".join(sorted(names)[:3]),
            remedy="rename that folder",
        )


def _check_format(place: Path, folder: Path, *, write: bool) -> None:
    path = place / "store.json"
    try:
        made = json.loads(path.read_bytes())["format"]
    except FileNotFoundError:
        made = None
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            "not the description of a working store",
            where=path,
            remedy="delete this one file if the folder is a store",
        ) from error
    if made is None:
        if write:
            with atomic_write(path) as file:
                text = json.dumps({"format": FORMAT, "folder": os.path.realpath(folder)})
                file.write(text.encode())
    elif made != FORMAT:
        raise DatasetError(
            "the working store was made by another version of this program",
            where=place,
            expected=f"format {FORMAT}",
            got=made,
            remedy="update this program",
        )

"""Whether results may be written where they would go: never over what they come from."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from napari_segkit.data.names import collision_key, file_id
from napari_segkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_ELSEWHERE = "choose another folder"


def check_free(places: Sequence[Path], sources: Sequence[Path], *, overwrite: bool) -> None:
    """Look at every place before anything is computed.

    Raises
    ------
    InputError
        Where a result would replace a source, another result of this run, a folder, or (without
        ``overwrite``) a file.
    """
    originals = {file_id(path) for path in sources} - {None}
    taken: set[str] = set()
    for place in places:
        key = collision_key(str(place))
        if key in taken:
            remedy = "rename one, or do them one after the other into two folders"
            raise InputError("two images would become one file", where=place, remedy=remedy)
        taken.add(key)
        if not os.path.lexists(place):
            continue
        if file_id(place) in originals:
            raise InputError("the result would replace its image", where=place, remedy=_ELSEWHERE)
        if place.is_dir():
            raise InputError("a folder is in the place of the file", where=place, remedy=_ELSEWHERE)
        if not overwrite:
            remedy = f"{_ELSEWHERE}, or allow replacing (--overwrite)"
            raise InputError("there is a file already", where=place, remedy=remedy)

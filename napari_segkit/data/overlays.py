"""Pictures of results beside a dataset: where they go, and what they must never replace."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image as PilImage

from napari_segkit.data.atomic import atomic_write, disk_errors
from napari_segkit.data.names import file_id
from napari_segkit.data.staging import taken
from napari_segkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_segkit.data.images import ImageSource
    from napari_segkit.types import Image, Segmentation

_MARK = b"napari-segkit overlay"  # the JPEG's comment: such a picture may be replaced


def overlay_path(folder: Path, source: ImageSource) -> Path:
    """Where the picture of an image goes."""
    return folder / f"{source.name}.jpg"


def check_overlays(
    folder: Path, sources: Sequence[ImageSource], target: Path, *, overwrite: bool
) -> None:
    """Refuse pictures in a place where they must not go, before the work is done.

    Raises
    ------
    InputError
        Where a picture would replace a photo or another file, or lie in the dataset itself.
    """
    remedy = "name another folder for the pictures"
    if os.path.lexists(folder) and not folder.is_dir():
        raise InputError("a file is in the place of the folder", where=folder, remedy=remedy)
    place, dataset = Path(os.path.realpath(folder)), Path(os.path.realpath(target))
    if place == dataset or dataset in place.parents:
        raise InputError("pictures cannot go into the dataset", where=folder, remedy=remedy)
    photos = {file_id(source.path) for source in sources} - {None}
    for source in sources:
        path = overlay_path(folder, source)
        if not os.path.lexists(path):
            continue
        if file_id(path) in photos:
            raise InputError("a picture would replace a photo", where=path, remedy=remedy)
        if not (overwrite or _is_overlay(path)):
            raise taken(path)


def _is_overlay(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return _MARK in file.read(300)
    except OSError:
        return False


def save_overlay(path: Path, image: Image, result: Segmentation) -> None:
    """Write the photo with outlines and numbers as JPEG, marked as ours.

    Raises
    ------
    WriteError
        Where the disk refuses.
    """
    from napari_segkit.ops.overlays import draw_overlay  # loads cv2

    picture = PilImage.fromarray(draw_overlay(image, result))
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as file:
        picture.save(file, format="JPEG", quality=92, comment=_MARK)

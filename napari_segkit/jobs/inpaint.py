"""Find dust in photos and fill it, or fill what masks mark; photos are never written over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_segkit.data.atomic import atomic_write, disk_errors
from napari_segkit.data.images import read_image
from napari_segkit.errors import InputError
from napari_segkit.jobs.predict import segment
from napari_segkit.types import Progress

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_segkit.data.images import ImageSource
    from napari_segkit.models.base import ModelParams, Segmenter
    from napari_segkit.ops.inpaint import InpaintMethod
    from napari_segkit.types import Job


@dataclass(frozen=True)
class Filled:
    """A photo that was cleaned: where it lies, how many objects and pixels were filled."""

    name: str
    path: Path
    objects: int
    pixels: int


def inpaint_files(
    model: Segmenter,
    sources: Sequence[ImageSource],
    target: Path,
    *,
    params: ModelParams,
    method: InpaintMethod = "telea",
    radius: int = 5,
    grow: int = 2,
    overwrite: bool = False,
) -> Job[list[Filled]]:
    """Write a cleaned PNG of every photo into a folder.

    Parameters
    ----------
    grow
        Pixels by which each object is widened before it is filled.

    Raises
    ------
    InputError
        Where a target exists already (without ``overwrite``) or is a photo itself.
    WriteError
        Where the disk refuses.
    """
    from napari_segkit.ops.inpaint import grown, inpaint

    places = [target / f"{source.name}.png" for source in sources]
    originals = {source.path.resolve() for source in sources}
    for place in places:
        if place.resolve() in originals or (place.exists() and not overwrite):
            remedy = "choose another folder" + (
                "" if overwrite else ", or allow replacing (--overwrite)"
            )
            raise InputError("there is a file already", where=place, remedy=remedy)
    done = []
    for number, (source, place) in enumerate(zip(sources, places, strict=True)):
        yield Progress(number, len(sources), source.name)
        image = read_image(source.path).pixels
        found = yield from segment(model, image, params=params)
        mask = grown(found.labels > 0, grow)
        clean = yield from inpaint(image, mask, method=method, radius=radius)
        _write_png(place, clean)
        done.append(Filled(source.name, place, len(found.instances), int(mask.sum())))
    return done


def _write_png(path: Path, pixels: object) -> None:
    from PIL import Image as PilImage

    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as file:
        PilImage.fromarray(pixels).save(file, "PNG")  # type: ignore[arg-type]

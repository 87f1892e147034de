"""Masks into a CVAT task as shapes, image by image, without a file in between."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from napari_segkit.data.cvat_shapes import create_shapes, shapes
from napari_segkit.errors import ServerError
from napari_segkit.types import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_segkit.data.cvat_compare import Comparison
    from napari_segkit.data.cvat_server import CvatServer
    from napari_segkit.data.dataset import Sample
    from napari_segkit.types import Job

logger = logging.getLogger(__name__)

_MOST_NUMBERS = 1_000_000
"""Numbers in one request: some megabytes, well below what servers take."""


def send_shapes(
    server: CvatServer,
    names: tuple[str, ...],
    read: Callable[[str], Sample],
    compared: Comparison,
) -> Job[int]:
    """Add the objects of images that were compared; returns how many.

    Raises
    ------
    ServerError
        Where the server refuses; it says which images have arrived.
    """
    arrived: list[str] = []
    try:
        objects = yield from _send(server, names, read, compared, arrived)
    except (GeneratorExit, KeyboardInterrupt):
        logger.warning("cancelled: %s", _told(arrived, names))
        raise
    except ServerError as error:
        told = _told(arrived, names)
        if not arrived or told in str(error):
            raise
        raise ServerError(
            error.what,
            where=error.where,
            expected=error.expected,
            got=error.got,
            remedy=f"{told}; {error.remedy}",
        ) from error
    return objects


def _send(
    server: CvatServer,
    names: tuple[str, ...],
    read: Callable[[str], Sample],
    compared: Comparison,
    arrived: list[str],
) -> Job[int]:
    """Send as many images at once as fit; the names of those that were taken go to ``arrived``."""
    task = compared.task
    labels = {label.name: label.id for label in task.labels}
    waiting: list[dict[str, Any]] = []
    numbers = objects = 0
    for done, name in enumerate(names, 1):
        yield Progress(done - 1, len(names), f"sending {name}")
        frame = compared.frame(name)
        if frame is not None:
            made = shapes(read(name).segmentation, frame, labels)
            numbers += sum(len(shape["points"]) for shape in made)
            waiting += made
        if waiting and (numbers >= _MOST_NUMBERS or done == len(names)):
            yield from create_shapes(
                server.connection, task.number, waiting, unsure=_told(arrived, names)
            )
            objects += len(waiting)
            arrived += names[len(arrived) : done]
            waiting, numbers = [], 0
    return objects


def _told(arrived: list[str], names: tuple[str, ...]) -> str:
    """How far it came."""
    upto = f", up to {arrived[-1]}" if arrived else ""
    return (
        f"{len(arrived)} of {len(names)} images have arrived{upto}, the next may have: look at the "
        "task before you push again"
    )

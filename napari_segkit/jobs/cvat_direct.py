"""Masks into a CVAT task as shapes, image by image, without a file in between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_segkit.data.cvat_shapes import create_shapes, shapes
from napari_segkit.types import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_segkit.data.cvat_compare import Comparison
    from napari_segkit.data.cvat_server import CvatServer
    from napari_segkit.data.dataset import Sample
    from napari_segkit.types import Job

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
    task = compared.task
    labels = {label.name: label.id for label in task.labels}
    waiting: list[dict[str, Any]] = []
    numbers = objects = arrived = 0
    for done, name in enumerate(names, 1):
        yield Progress(done - 1, len(names), f"sending {name}")
        frame = compared.frame(name)
        if frame is not None:
            made = shapes(read(name).segmentation, frame, labels)
            numbers += sum(len(shape["points"]) for shape in made)
            waiting += made
        if waiting and (numbers >= _MOST_NUMBERS or done == len(names)):
            unsure = f"{arrived} of {len(names)} images have arrived" + (
                f", up to {names[arrived - 1]}" if arrived else ""
            )
            yield from create_shapes(
                server.connection,
                task.number,
                waiting,
                unsure=f"{unsure}, the next may have: look at the task before you push again",
            )
            objects += len(waiting)
            waiting, numbers, arrived = [], 0, done
    return objects

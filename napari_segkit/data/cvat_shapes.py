"""Masks as CVAT's own shapes: without the limit of 255 objects that its mask format has."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segkit.data.cvat_connection import Call
from napari_segkit.ops.masks import lookup

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_segkit.data.cvat_connection import Connection
    from napari_segkit.data.cvat_task import Frame
    from napari_segkit.types import Job, Segmentation


def mask_points(mask: NDArray[np.bool_], *, left: int, top: int) -> list[int]:
    """CVAT's code of a mask: lengths of runs, then the corners of its box.

    Parameters
    ----------
    mask : (h, w) bool
        The part of the image inside the box.
    left, top
        Of the box, in pixels.

    Returns
    -------
    list of int
        Lengths of the runs row by row, beginning with one outside of the object (0 where the first
        pixel is inside), then left, top, right, bottom; right and bottom are inside.
    """
    height, width = mask.shape
    flat = mask.ravel()
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    starts = np.concatenate(([0], changes, [flat.size]))
    runs: list[int] = np.diff(starts).tolist()
    if flat[0]:
        runs.insert(0, 0)
    return [*runs, left, top, left + width - 1, top + height - 1]


def shapes(
    segmentation: Segmentation, frame: Frame, label_ids: Mapping[str, int]
) -> list[dict[str, Any]]:
    """A shape for each object of an image, in the order of the objects' ids.

    Parameters
    ----------
    label_ids
        Class name -> the task's label.
    """
    from scipy import ndimage  # heavy: not at the top

    ids = sorted(segmentation.instances)
    if not ids:
        return []
    numbered = lookup(segmentation.labels, {key: number for number, key in enumerate(ids, 1)})
    made = []
    for number, (key, box) in enumerate(zip(ids, ndimage.find_objects(numbered), strict=True), 1):
        rows, columns = box
        points = mask_points(numbered[box] == number, left=columns.start, top=rows.start)
        made.append(
            {
                "type": "mask",
                "frame": frame.number,
                "label_id": label_ids[segmentation.instances[key].class_name],
                "points": points,
                "source": "file",
                "occluded": False,
                "z_order": 0,
                "group": 0,
                "attributes": [],
            }
        )
    return made


def create_shapes(
    connection: Connection, task: int, made: list[dict[str, Any]], *, unsure: str
) -> Job[None]:
    """Add shapes to a task.

    Parameters
    ----------
    unsure
        What is so where the answer is lost.

    Raises
    ------
    ServerError
        Where the server refuses.
    """
    body = {"version": 0, "tags": [], "tracks": [], "shapes": made}
    call = Call(
        "PATCH",
        f"api/tasks/{task}/annotations/",
        {"action": "create"},
        body=json.dumps(body, separators=(",", ":")).encode(),
        repeatable=False,
        what=f"task {task}",
    )
    yield from connection.call(call, unsure=unsure)

"""Regions in which nobody knows the truth: what is found there counts neither way.

A JSON file names them by image; numbers are pixels, x before y::

    [{"file": "sky.jpg", "ignore": [{"points": [[10, 12], [20, 12], [15, 30]]},
                                    {"ellipse": {"cx": 5, "cy": 5, "a": 3, "b": 2, "angle": 0}}]}]
"""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import cv2
import numpy as np
from pydantic import BaseModel, TypeAdapter, ValidationError

from napari_segkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray


class Ellipse(BaseModel):
    """Centre, half axes, and the angle of the first in degrees, clockwise."""

    cx: float
    cy: float
    a: float
    b: float
    angle: float = 0.0


class Region(BaseModel):
    """A polygon or an ellipse."""

    points: list[tuple[float, float]] = []
    ellipse: Ellipse | None = None


class _Image(BaseModel):
    file: str
    ignore: list[Region] = []


def read_ignore(path: Path) -> dict[str, list[Region]]:
    """Regions by image name without extension.

    Raises
    ------
    InputError
        Where the file cannot be read or has another form.
    """
    try:
        images = TypeAdapter(list[_Image]).validate_python(json.loads(path.read_bytes()))
    except (OSError, ValueError, ValidationError) as error:
        raise InputError(
            "regions to ignore cannot be read",
            where=path,
            expected='[{"file": "a.jpg", "ignore": [{"points": [[x, y], …]}]}]',
            got=str(error).splitlines()[0],
        ) from error
    return {PurePosixPath(one.file).with_suffix("").as_posix(): one.ignore for one in images}


def ignored(
    regions: Mapping[str, Sequence[Region]], name: str, shape: tuple[int, int]
) -> NDArray[np.bool_]:
    """(H, W): which pixels of an image are to be ignored."""
    mask = np.zeros(shape, np.uint8)
    for region in regions.get(name, ()):
        if region.points:
            cv2.fillPoly(mask, [np.round(region.points).astype(np.int32)], 1)
        if region.ellipse is not None:
            one = region.ellipse
            box = (one.cx, one.cy), (2 * one.a, 2 * one.b), one.angle
            cv2.ellipse(mask, box, 1, -1)
    return mask.astype(bool)

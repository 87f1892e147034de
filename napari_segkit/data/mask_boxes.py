"""Boxes around masks, moved outward by chance as a person would draw them, and their files."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_segkit.data.atomic import atomic_write
from napari_segkit.data.dataset import PackedImage
from napari_segkit.data.staging import taken
from napari_segkit.errors import InputError, ParamsError
from napari_segkit.ops.masks import instance_boxes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_segkit.data.dataset import Sample
    from napari_segkit.types import Box, Labels

    Style = Literal["own", "rings"]

_MASK_FILES = {"cvat-mask": "SegmentationClass/{}.png"}  # formats with a mask file per image


def jittered(
    boxes: Sequence[Box], shape: tuple[int, int], *, jitter: int, rng: np.random.Generator
) -> list[list[int]]:
    """Move every side of every box outward by 0 to ``jitter`` px and clip at the image.

    Parameters
    ----------
    boxes
        x0 y0 x1 y1 in pixels.
    shape
        (H, W) of the image.
    """
    height, width = shape
    moved = []
    for x0, y0, x1, y1 in boxes:
        left, top, right, bottom = rng.integers(0, jitter, 4, endpoint=True).tolist()
        moved.append(
            [
                max(0, int(x0) - left),
                max(0, int(y0) - top),
                min(width, int(x1) + right),
                min(height, int(y1) + bottom),
            ]
        )
    return moved


def name_rng(seed: int, name: str) -> np.random.Generator:
    """Random numbers of one image: the same whatever other images there are."""
    digest = hashlib.sha256(name.encode()).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:8], "big")])


@dataclass
class BoxFile:
    """Collects boxes while a dataset is written, and writes them beside it.

    Attributes
    ----------
    path
        Where to; written by `write`.
    style
        ``own``: ``{image file: [[x0, y0, x1, y1] per object]}``, x1 and y1 exclusive. ``rings``:
        the ring project's ``annotations.json``, ``{subset: {image file: {mask_path, bbox}}}``
        with one box around all objects whose x1 and y1 are the last pixels, before the jitter.
    jitter
        Largest outward move of a side, in pixels; the ring project's is 19.
    seed
        Of the jitter.

    Raises
    ------
    ParamsError
        For a jitter or seed below 0.
    """

    path: Path
    style: Style = "own"
    jitter: int = 0
    seed: int = 0
    empty: list[str] = field(default_factory=list)
    """Images without objects; ``rings`` has no entry for them."""
    _own: dict[str, list[list[int]]] = field(default_factory=dict)
    _rings: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.jitter < 0 or self.seed < 0:
            got = f"jitter {self.jitter}, seed {self.seed}"
            raise ParamsError("jitter and seed of boxes", expected="0 or more", got=got)

    def check(
        self, target: Path, *, format_id: str, subsets: Sequence[str], overwrite: bool
    ) -> None:
        """Refuse before anything is written.

        Raises
        ------
        InputError
            Where the file exists, or the dataset has no mask file per image for ``rings``.
        """
        if os.path.lexists(self.path) and not overwrite:
            raise taken(self.path)
        if self.style == "own":
            return
        if format_id not in _MASK_FILES or target.suffix.lower() == ".zip":
            raise InputError(
                "the ring project's annotations name a mask file per image",
                expected=f"a folder of {' or '.join(_MASK_FILES)}",
                got=f"{format_id} at {target}",
            )
        if len(subsets) > 1 and not {"train", "test"} & set(subsets):
            raise InputError(
                "the ring project's annotations have subsets train and test",
                got=", ".join(subsets),
                remedy="name the subsets so",
            )

    def add(self, sample: Sample, *, subset: str, dataset: Path, format_id: str) -> None:
        """Take in one written sample.

        Parameters
        ----------
        subset
            Where it went; a dataset without split counts as ``train`` for ``rings``.
        dataset
            The folder that its mask is in, at its final place.
        """
        labels, file = sample.segmentation.labels, image_file(sample)
        shape = labels.shape[0], labels.shape[1]
        rng = name_rng(self.seed, sample.name)
        if not sample.segmentation.instances:
            self.empty.append(sample.name)
        if self.style == "own":
            boxes = list(instance_boxes(labels).values())
            self._own[file] = jittered(boxes, shape, jitter=self.jitter, rng=rng)
        elif sample.segmentation.instances:
            (box,) = jittered([_around_all(labels)], shape, jitter=self.jitter, rng=rng)
            mask = dataset / _MASK_FILES[format_id].format(sample.name)
            entry = {"mask_path": _relative(mask, self.path.parent), "bbox": box}
            self._rings.setdefault(subset, {})[file] = entry

    def write(self) -> None:
        """Write the file.

        Raises
        ------
        WriteError
            Where the disk refuses; an old file is intact.
        """
        content: Any = self._own
        if self.style == "rings":
            content = {"train": {}, "test": {}} | self._rings
        with atomic_write(self.path) as file:
            file.write(json.dumps(content, ensure_ascii=False, indent=1).encode() + b"\n")


def image_file(sample: Sample) -> str:
    """File name of a sample's image in a written dataset: the original's extension, or PNG."""
    image = sample.image
    named = {Path: str(image), PackedImage: getattr(image, "name", "")}
    suffix = next((PurePosixPath(n).suffix for k, n in named.items() if isinstance(image, k)), "")
    return f"{sample.name}{suffix or '.png'}"


def _around_all(labels: Labels) -> Box:
    """First and last row and column with an object: x1 and y1 are inside."""
    rows = np.flatnonzero((labels > 0).any(axis=1))
    columns = np.flatnonzero((labels > 0).any(axis=0))
    return float(columns[0]), float(rows[0]), float(columns[-1]), float(rows[-1])


def _relative(path: Path, start: Path) -> str:
    return Path(os.path.relpath(path.absolute(), start.absolute())).as_posix()

"""Images of a dataset, each decoded once, kept as plain arrays that crops are cut from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.data.pixels import sample_pixels
from napari_segkit.errors import DatasetError
from napari_segkit.training.losses import IGNORE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_segkit.data.dataset import Sample
    from napari_segkit.types import Image


IGNORED = "ignore"
"""Name of the class whose pixels count neither way."""


@dataclass(frozen=True)
class Item:
    """One image, ready to be cut.

    Attributes
    ----------
    name
        As in its dataset.
    image : (H, W, 3) uint8 RGB
    target : (H, W) uint8
        0 = background, then the classes in the task's order; 255 counts neither way.
    ids : (H, W) int32
        The objects, 0 = background; (0, 0) for images that are only learned from.
    centres : (N, 2) int32
        (row, column) of the middle of each object's box.
    """

    name: str
    image: Image
    target: NDArray[np.uint8]
    ids: NDArray[np.int32]
    centres: NDArray[np.int32]


def item_of(sample: Sample, classes: Sequence[str]) -> Item:
    """Decode one sample.

    Raises
    ------
    DatasetError
        Where it has no image, the sizes differ, or a class is none of ``classes``.
    """
    loaded = sample_pixels(sample)
    if loaded is None:
        raise DatasetError(
            "no image to train on",
            where=sample.name,
            remedy="write the dataset with its images (--images)",
        )
    segmentation = sample.segmentation
    table = np.zeros(max(segmentation.instances, default=0) + 1, np.uint8)
    only = len(classes) == 1 and len(segmentation.classes) == 1  # whatever it is called
    for key, one in segmentation.instances.items():
        if one.class_name == IGNORED:
            table[key] = IGNORE
            continue
        if only or not classes:
            table[key] = 1
            continue
        if one.class_name not in classes:
            raise DatasetError(
                "class is not one of the model's",
                where=sample.name,
                expected=", ".join(classes),
                got=one.class_name,
                remedy="rename it with `segkit export --rename OLD=NEW`; masks of values: "
                "`segkit convert --values` first",
            )
        table[key] = classes.index(one.class_name) + 1
    if loaded.pixels.shape[:2] != segmentation.labels.shape:
        raise DatasetError(
            "mask does not match its image",
            where=sample.name,
            expected=loaded.pixels.shape[:2],
            got=segmentation.labels.shape,
        )
    boxes = np.array([one.box for one in segmentation.instances.values()], float).reshape(-1, 4)
    centres = np.stack(((boxes[:, 1] + boxes[:, 3]) / 2, (boxes[:, 0] + boxes[:, 2]) / 2), 1)
    return Item(
        sample.name,
        np.require(loaded.pixels, requirements="W"),  # torch shares no read-only memory
        table[segmentation.labels],
        segmentation.labels,
        centres.astype(np.int32),
    )


def without_ids(item: Item) -> Item:
    """The image in less memory, as learning needs it."""
    return replace(item, ids=item.ids[:0, :0].copy())


def fingerprint(items: Sequence[Item]) -> str:
    """SHA-256 of pixels, targets and ids, in order."""
    digest = hashlib.sha256()
    for item in items:
        digest.update(item.image.data)
        digest.update(item.target.data)
        digest.update(item.ids.data)
    return digest.hexdigest()

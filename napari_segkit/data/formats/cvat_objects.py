"""Joins the two masks of CVAT's mask format: which objects there are, and of which class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.ops.masks import components, lookup
from napari_segkit.types import present_ids

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_segkit.types import Labels


@dataclass(frozen=True)
class Objects:
    """What two masks say together.

    Attributes
    ----------
    labels : (H, W) int32
        0 = background.
    class_of
        Object id -> class number.
    lost
        Pixels of objects that lie on background; they are left out.
    loose
        Class pixels without an object; every connected area of them became one.
    split
        Ids of objects that lie on several classes; each class's part became one.
    """

    labels: Labels
    class_of: dict[int, int]
    lost: int = 0
    loose: int = 0
    split: tuple[int, ...] = ()


def assemble(classes: NDArray[np.uint16], objects: Labels | None) -> Objects:
    """Join class and object masks.

    Parameters
    ----------
    classes : (H, W), below 2**15
        0 = background, k = class k.
    objects : (H, W) int32, below 2**16, or None
        0 = no object; ``None``: every connected area of a class is one.
    """
    if objects is None:
        return Objects(*components(classes))
    kinds = int(classes.max(initial=0)) + 1
    pairs = objects * np.int32(kinds)
    pairs += classes
    ids, of_class = np.divmod(present_ids(pairs), kinds)
    table, class_of, split = _named(ids.tolist(), of_class.tolist(), kinds)
    labels = lookup(pairs, table)
    lost = _pixels(pairs, ids[of_class == 0] * kinds)
    loose = _pixels(pairs, of_class[ids == 0])
    if loose:
        parts, part_class = components(np.where(objects == 0, classes, 0))
        spare = max(class_of, default=0)
        np.add(labels, parts + spare, out=labels, where=parts > 0)
        class_of |= {key + spare: kind for key, kind in part_class.items()}
    return Objects(labels, class_of, lost, loose, split)


def _named(
    ids: list[int], of_class: list[int], kinds: int
) -> tuple[dict[int, int], dict[int, int], tuple[int, ...]]:
    """Give every pair of object and class an id: its own, or a new one for a second class."""
    table: dict[int, int] = {}
    class_of: dict[int, int] = {}
    split: list[int] = []
    spare = max(ids, default=0)
    for key, kind in zip(ids, of_class, strict=True):
        if key == 0 or kind == 0:
            continue
        name = key
        if key in class_of:
            split.append(key)
            spare += 1
            name = spare
        table[key * kinds + kind] = name
        class_of[name] = kind
    return table, class_of, tuple(dict.fromkeys(split))


def _pixels(pairs: Labels, values: NDArray[np.int64]) -> int:
    return sum(int(np.count_nonzero(pairs == value)) for value in values)

"""Joins the two masks of CVAT's mask format: which objects there are, and of which class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.ops.masks import components
from napari_segkit.ops.runs import Runs, joined

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_segkit.types import Labels


@dataclass(frozen=True)
class Objects:
    """What two masks say together.

    Attributes
    ----------
    runs
        Ids (int32) of the objects that have their own, 0 = none.
    class_of
        Object id -> class number.
    lost
        Pixels of objects that lie on background; they are left out.
    loose
        Class pixels without an object; every connected area of them became one.
    split
        Ids of objects that lie on several classes; each class's part became one.
    areas : (H, W) int32, or None
        Ids of the connected areas that became objects, 0 = none.
    """

    runs: Runs
    class_of: dict[int, int]
    lost: int = 0
    loose: int = 0
    split: tuple[int, ...] = ()
    areas: Labels | None = None

    def labels(self) -> Labels:
        """Ids as pixels (H, W) int32, 0 = background."""
        labels: Labels = self.runs.pixels()
        return labels if self.areas is None else labels + self.areas


def no_objects(shape: tuple[int, int]) -> Objects:
    """Nothing but background."""
    return Objects(Runs(shape, np.zeros(1, np.int64), np.zeros(1, np.int32)), {})


def assemble(classes: Runs, objects: Runs | None) -> Objects:
    """Join class and object masks of one size.

    Parameters
    ----------
    classes
        0 = background, k = class k.
    objects
        0 = no object; ``None``: every connected area of a class is one.
    """
    if objects is None:
        whole, class_of = components(classes.pixels())
        return Objects(no_objects(classes.shape).runs, class_of, areas=whole)
    both, of_class = joined(objects, classes)
    kinds = int(classes.values.max()) + 1
    present, place = np.unique(both.values * np.int64(kinds) + of_class, return_inverse=True)
    table, class_of, split = _named(present, kinds)
    names = np.array([table.get(pair, 0) for pair in present.tolist()], np.int32)
    runs = Runs(both.shape, both.starts, names[place])
    lost = both.count((both.values > 0) & (of_class == 0))
    loose = both.count((both.values == 0) & (of_class > 0))
    areas: Labels | None = None
    if loose:
        rest = Runs(both.shape, both.starts, np.where(both.values == 0, of_class, 0))
        areas, area_class = components(rest.pixels())
        spare = max(class_of, default=0)
        areas[areas > 0] += spare
        class_of |= {key + spare: kind for key, kind in area_class.items()}
    return Objects(runs, class_of, lost, loose, split, areas)


def _named(
    pairs: NDArray[np.int64], kinds: int
) -> tuple[dict[int, int], dict[int, int], tuple[int, ...]]:
    """Give every pair of object and class an id: its own, or a new one for a second class."""
    table: dict[int, int] = {}
    class_of: dict[int, int] = {}
    split: list[int] = []
    spare = int(pairs.max()) // kinds
    for pair in pairs.tolist():
        key, kind = divmod(pair, kinds)
        if key == 0 or kind == 0:
            continue
        name = key
        if key in class_of:
            split.append(key)
            spare += 1
            name = spare
        table[pair] = name
        class_of[name] = kind
    return table, class_of, tuple(dict.fromkeys(split))

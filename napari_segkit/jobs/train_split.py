"""Which images are learned from and which are judged by: tiles of one photo stay together."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_segkit.training.store import Item

_TILE = re.compile(r"_(0|[1-9]\d*)_(0|[1-9]\d*)$")


def photo_of(item: Item) -> str:
    """The photo that an image is a tile of, by the names of `napari_segkit.data.prepare.tiles`."""
    return _TILE.sub("", item.name)


def photos_of(items: Sequence[Item]) -> list[str]:
    """The photos, each once, in their order."""
    return list(dict.fromkeys(map(photo_of, items)))


def split(items: Sequence[Item], share: float, seed: int) -> tuple[list[Item], list[Item]]:
    """Images to learn from and to judge by, by photos: from two on, at least one of each."""
    names = sorted(photos_of(items))
    order = np.random.default_rng([seed, 0]).permutation(len(names))
    count = min(max(1, round(share * len(names))), len(names) - 1)
    return without(items, {names[k] for k in order[:count]})


def without(items: Sequence[Item], photos: set[str]) -> tuple[list[Item], list[Item]]:
    """Images of all but these photos, and images of these."""
    rest = [item for item in items if photo_of(item) not in photos]
    return rest, [item for item in items if photo_of(item) in photos]

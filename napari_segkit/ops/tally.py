"""Count the pixels of ids, and of pairs of ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_segkit.types import Labels

_DENSE = 1 << 22  # up to here a table of all ids is faster than sorting them


def tally(labels: NDArray[np.integer[Any]]) -> dict[int, int]:
    """Id -> pixels, of the ids above 0 of an array of any shape."""
    labels = labels[labels > 0]
    if labels.size == 0:
        return {}
    if labels.max() <= _DENSE:
        counts = np.bincount(labels)
        ids = np.flatnonzero(counts)
        counts = counts[ids]
    else:
        ids, counts = np.unique(labels, return_counts=True)
    return dict(zip(ids.tolist(), counts.tolist(), strict=True))


def tally_pairs(one: Labels, other: Labels) -> dict[tuple[int, int], int]:
    """(id, id) -> pixels that have both, of two label images of one size."""
    both = (one > 0) & (other > 0)
    if not both.any():
        return {}
    width = int(other.max()) + 1
    counts = tally(one[both].astype(np.int64) * width + other[both])
    return {divmod(code, width): count for code, count in counts.items()}

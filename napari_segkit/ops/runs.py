"""Planes of pixels as runs of equal values: masks are flat, so runs are few."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Runs:
    """A plane in scan order; a run may go on over the end of a row.

    Attributes
    ----------
    shape
        (H, W).
    starts : (N,) int64, ascending, the first is 0
        Place of each run's first pixel.
    values : (N,) integers
        Neighbouring runs may have one value.
    """

    shape: tuple[int, int]
    starts: NDArray[np.int64]
    values: NDArray[Any]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Pixels of each run (N,)."""
        return np.diff(self.starts, append=self.shape[0] * self.shape[1])

    def pixels(self) -> NDArray[Any]:
        """The plane (H, W), of the values' type."""
        return np.repeat(self.values, self.lengths).reshape(self.shape)

    def count(self, chosen: NDArray[np.bool_]) -> int:
        """Pixels of the chosen runs."""
        return int(self.lengths[chosen].sum())


def runs_of_bands(shape: tuple[int, int], bands: Iterable[NDArray[Any]]) -> Runs:
    """Runs of a plane that comes in bands (rows, W) from the top."""
    starts, values, place = [], [], 0
    for band in bands:
        flat = band.ravel()
        first = first_of_runs(flat)
        starts.append(first + place)
        values.append(flat[first])
        place += len(flat)
    return Runs(shape, np.concatenate(starts), np.concatenate(values))


def first_of_runs(flat: NDArray[Any]) -> NDArray[np.int64]:
    """Place of the first pixel of every run of equal values; ``flat`` is not empty."""
    edges = np.empty(len(flat), bool)
    edges[0] = True
    np.not_equal(flat[1:], flat[:-1], out=edges[1:])
    return np.flatnonzero(edges)


def joined(one: Runs, other: Runs) -> tuple[Runs, NDArray[Any]]:
    """Two planes of one size by the runs in which neither changes: the first, the other's values.

    Returns
    -------
    one
        Cut where the other changes, too.
    values : (N,)
        Of the other.
    """
    starts = np.union1d(one.starts, other.starts)
    mine = one.values[np.searchsorted(one.starts, starts, side="right") - 1]
    theirs = other.values[np.searchsorted(other.starts, starts, side="right") - 1]
    return Runs(one.shape, starts, mine), theirs

"""What lies on a floor, seen from above: heights, colours, gloss and classes on one square grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.synth.noise import Field, Real, step

if TYPE_CHECKING:
    from numpy.typing import NDArray

BACKGROUND, EGG, PAN = 0, 1, 2
"""Class numbers; 1 and 2 are the positions of the model's classes from 1."""


@dataclass
class Plan:
    """A square map of the plane, x and y from -reach to reach; painted on in place.

    Attributes
    ----------
    height : (S, S)
        Above the vessel's own surface.
    albedo : (S, S, 3), rough : (S, S)
        As `rays.Material`.
    bare : (S, S)
        1 where the vessel itself shows, 0 under food.
    value : (S, S) uint8
        Class numbers.
    """

    reach: float
    height: Field
    albedo: Field
    bare: Field
    rough: Field
    value: NDArray[np.uint8]

    @classmethod
    def blank(cls, size: int, reach: float, value: int) -> Plan:
        """An empty plan of one class."""
        shape = (size, size)
        return cls(
            reach,
            np.zeros(shape, np.float32),
            np.zeros((*shape, 3), np.float32),
            np.ones(shape, np.float32),
            np.full(shape, 0.5, np.float32),
            np.full(shape, value, np.uint8),
        )

    @property
    def size(self) -> int:
        """Pixels of a side."""
        return len(self.height)

    @property
    def pixel(self) -> float:
        """Side of a pixel in units of the plane."""
        return 2 * self.reach / self.size

    def window(self, x: float, y: float, reach: float) -> tuple[slice, slice] | None:
        """Rows and columns around a place; ``None`` outside."""
        low = [int((part - reach + self.reach) / self.pixel) for part in (y, x)]
        high = [int((part + reach + self.reach) / self.pixel) + 2 for part in (y, x)]
        rows, columns = (
            slice(max(0, a), min(self.size, b)) for a, b in zip(low, high, strict=True)
        )
        if rows.stop - rows.start < 4 or columns.stop - columns.start < 4:
            return None
        return rows, columns

    def places(self, window: tuple[slice, slice]) -> tuple[Field, Field]:
        """X and y of a window's pixels."""
        rows, columns = window
        x = (np.arange(columns.start, columns.stop, dtype=np.float32) + 0.5) * self.pixel
        y = (np.arange(rows.start, rows.stop, dtype=np.float32) + 0.5) * self.pixel
        return np.meshgrid(x - np.float32(self.reach), y - np.float32(self.reach))

    def everywhere(self) -> tuple[slice, slice]:
        """The window of the whole plan."""
        return slice(0, self.size), slice(0, self.size)

    def lay(
        self,
        window: tuple[slice, slice],
        cover: Real,
        *,
        albedo: Real,
        rough: Real | float | None = None,
        height: Real | float = 0.0,
        value: int | None = None,
        solid: float = 0.5,
    ) -> None:
        """Put a layer over a window.

        Parameters
        ----------
        cover : (h, w) in [0, 1]
            How much of what lies below it hides.
        albedo : (h, w, 3) or (3,)
        height
            Added.
        value
            Class where ``cover`` is above ``solid``; ``None`` keeps what is there.
        """
        part = self.albedo[window]
        part += (albedo - part) * cover[..., None]
        self.bare[window] *= 1 - cover
        if rough is not None:
            self.rough[window] += (rough - self.rough[window]) * cover
        self.height[window] += np.asarray(height, np.float32) * step(cover, 0.4, 0.8)
        if value is not None:
            self.value[window][cover > solid] = value

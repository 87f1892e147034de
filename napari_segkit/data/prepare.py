"""Make samples ready for training: padded to a square, resized, cut into tiles.

Masks are always scaled by nearest pixel: bilinear masks have edges that match no class.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.errors import MaskError, ParamsError
from napari_segkit.ops.masks import lookup, segmentation_from_labels
from napari_segkit.ops.resizing import pad_square, resize_image, resize_labels
from napari_segkit.ops.tiling import cut, tile_grid
from napari_segkit.types import present_ids

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_segkit.data.dataset import Sample
    from napari_segkit.types import Labels, Segmentation

MOST_SIDE = 1 << 16
"""Longest side that is resized to, in pixels."""


@dataclass(frozen=True)
class Recipe:
    """What is done to each image, in this order.

    Attributes
    ----------
    pad_square
        Fill up with black on both sides of the shorter axis.
    resize
        Scale to this (H, W), whatever the proportions were.
    tile, overlap
        Cut into squares of this side that share ``overlap`` pixels; an image smaller than a tile
        is filled up with black at the right and bottom.

    Raises
    ------
    ParamsError
        For sizes that cannot be.
    """

    pad_square: bool = False
    resize: tuple[int, int] | None = None
    tile: int | None = None
    overlap: int = 0

    def __post_init__(self) -> None:
        sides = {"resize": self.resize or (), "tiles": () if self.tile is None else (self.tile,)}
        for name, given in sides.items():
            if any(not 1 <= side <= MOST_SIDE for side in given):
                got = "x".join(str(side) for side in reversed(given))
                raise ParamsError(
                    "size out of range", where=name, expected=f"1 to {MOST_SIDE} px", got=got
                )
        if not 0 <= self.overlap < (self.tile or 1):
            raise ParamsError(
                "overlap of tiles", expected="0 to below the tile's size", got=self.overlap
            )

    @property
    def changes(self) -> bool:
        """Whether anything is done at all; otherwise images keep their bytes."""
        return self.pad_square or self.resize is not None or self.tile is not None


def reshape(sample: Sample, recipe: Recipe) -> Sample:
    """Pad and resize one sample; ids stay.

    Parameters
    ----------
    sample
        Its image must be pixels (H, W, 3) uint8 or ``None``.

    Raises
    ------
    MaskError
        Where image and mask differ in size.
    """
    pixels, labels = sample.image, sample.segmentation.labels
    if isinstance(pixels, np.ndarray) and pixels.shape[:2] != labels.shape:
        raise MaskError(
            "mask has another size than its image",
            where=sample.name,
            expected=f"{pixels.shape[1]}x{pixels.shape[0]}",
            got=f"{labels.shape[1]}x{labels.shape[0]}",
            remedy="export it again",
        )
    if labels.size == 0:
        raise MaskError("mask has no pixels", where=sample.name, got=labels.shape)
    shape = _padded_shape(labels, recipe)
    if recipe.pad_square:
        labels = pad_square(labels)
        pixels = pad_square(pixels) if isinstance(pixels, np.ndarray) else None
    if recipe.resize is not None and recipe.resize != shape:
        labels = resize_labels(labels, recipe.resize)
        pixels = resize_image(pixels, recipe.resize) if isinstance(pixels, np.ndarray) else None
    if labels is sample.segmentation.labels:
        return sample
    return replace(sample, segmentation=_with_labels(sample.segmentation, labels), image=pixels)


def _padded_shape(labels: Labels, recipe: Recipe) -> tuple[int, ...]:
    return (max(labels.shape),) * 2 if recipe.pad_square else labels.shape


def tiles(sample: Sample, recipe: Recipe) -> Iterator[Sample]:
    """Cut one sample into tiles, named ``{name}_{row}_{column}`` from 0.

    The objects of a tile are numbered from 1; one that a border cuts is an object in each tile.
    Without ``recipe.tile`` the sample itself comes out. Parameters as `reshape`.
    """
    if recipe.tile is None:
        yield sample
        return
    labels, pixels = sample.segmentation.labels, sample.image
    for tile in tile_grid((labels.shape[0], labels.shape[1]), recipe.tile, overlap=recipe.overlap):
        yield replace(
            sample,
            name=f"{sample.name}_{tile.row}_{tile.column}",
            segmentation=_numbered(sample.segmentation, cut(labels, tile, size=recipe.tile)),
            image=(cut(pixels, tile, size=recipe.tile) if isinstance(pixels, np.ndarray) else None),
        )


def _numbered(old: Segmentation, labels: Labels) -> Segmentation:
    ids = present_ids(labels).tolist()
    numbers = {key: number for number, key in enumerate(ids, 1)}
    return segmentation_from_labels(
        lookup(labels, numbers),
        classes=old.classes,
        class_of={numbers[key]: old.instances[key].class_name for key in ids},
        scores={numbers[key]: old.instances[key].score for key in ids},
        provenance=old.provenance,
        notes=old.notes,
    )


def _with_labels(old: Segmentation, labels: Labels) -> Segmentation:
    return segmentation_from_labels(
        labels,
        classes=old.classes,
        class_of={key: one.class_name for key, one in old.instances.items()},
        scores={key: one.score for key, one in old.instances.items()},
        provenance=old.provenance,
        notes=old.notes,
    )

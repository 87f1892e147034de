"""Indexed masks: one value for each class, one file for each image.

::

    classes.json          names, colours and values of the classes: see `classes`
    masks/NAME.png        values, with the classes' colours as palette (gray, if values are chosen)
    images/NAME.EXT       where images are included

Objects are not told apart: every connected area (8 neighbours) of a class is one. Values are exact
in lossless files, and a value that no class has is a fault. Lossy files (JPEG) are quantised only
where ``classes.json`` gives thresholds, or where the ring project's ``annotations.json`` lies
there, whose masks are white above 127. Without ``classes.json`` the values that occur are the
classes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from napari_segkit.data.dataset import Sample
from napari_segkit.data.formats.base import Capabilities
from napari_segkit.data.formats.classes import (
    FILE,
    RINGS,
    ValueMap,
    color_or_next,
    sidecar_bytes,
    value_map,
    values_of,
)
from napari_segkit.data.formats.finding import ImageFinder, glimpse, mask_files, without_partner
from napari_segkit.data.formats.pixels import gray_png, palette_png, read_mask
from napari_segkit.data.formats.sheets import SheetWriter
from napari_segkit.data.formats.sources import (
    EntryDataset,
    check_picture,
    picture,
    read_json,
    understood,
)
from napari_segkit.data.formats.store_format import StoreFormat
from napari_segkit.data.formats.strange import StrangeError
from napari_segkit.errors import DatasetError, MaskError
from napari_segkit.ops.masks import components, lookup, segmentation_from_labels
from napari_segkit.types import ClassDef, present_ids

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_segkit.data.archive import Store
    from napari_segkit.data.dataset import Dataset, DatasetWriter
    from napari_segkit.data.formats.pixels import MaskPixels
    from napari_segkit.data.formats.strange import Meanings
    from napari_segkit.types import Segmentation

_SHOWN = 5  # unknown values that an error lists
_MOST_COUNTED = 32
_RING_LIST = "annotations.json"


class IndexedPng(StoreFormat):
    """Masks of class values, as a folder or a zip archive.

    Parameters
    ----------
    table
        Which value is which class, instead of what ``classes.json`` says.
    meanings
        What a person said of values that no class has.
    """

    id: ClassVar[str] = "indexed-png"
    title: ClassVar[str] = "indexed PNG masks"
    mark: ClassVar[str] = FILE
    capabilities: ClassVar[Capabilities] = Capabilities(
        parts="split", touching=False, classes=255, scores=False
    )

    def __init__(self, table: ValueMap | None = None, meanings: Meanings | None = None) -> None:
        self.table, self.meanings = table, meanings or {}

    def recognises(self, path: Path) -> bool:
        """Whether there are masks, or a ``classes.json``; never raises."""
        return any(mask_files(glimpse(path)).values())

    def opened(self, store: Store) -> Dataset:
        """Find the dataset; see `StoreFormat.opened`."""
        return _opened(store, self.table, self.meanings)

    def writer(self, target: Path, **parts: Any) -> DatasetWriter:
        """See `StoreFormat.writer`."""
        return IndexedPngWriter(target, table=self.table, **parts)


def _opened(store: Store, table: ValueMap | None, meanings: Meanings) -> IndexedPngDataset:
    masks = mask_files(store.sizes)
    if not masks:
        raise DatasetError(
            "no masks", where=store.path, expected="image files in a folder named masks"
        )
    notes = []
    sidecar = next((name for name in store.sizes if f"/{name}".endswith(f"/{FILE}")), None)
    if table is None and sidecar is not None:
        where = f"{store.path}: {sidecar}"
        with understood(where, expected="classes with name, color and value"):
            table = value_map(read_json(store, sidecar), where=where)
    elif table is None and _is_ring_project(store):
        table = RINGS
        notes.append("masks of the ring project: white above 127, specks under 64 pixels dropped")
    if table is None or not table.values:
        table = table_of_values(store, masks)
        notes.append(f"there is no {FILE}, so every value of the masks is a class")
    return IndexedPngDataset(store, masks, with_meanings(table, meanings), tuple(notes))


def with_meanings(table: ValueMap, meanings: Meanings) -> ValueMap:
    """The table with what a person said of other values; names of no class are background."""
    places = {one.name: place for place, one in enumerate(table.classes)}
    said = {int(v): places.get(name, -1) for v, name in meanings.items() if isinstance(v, int)}
    return replace(table, values={**table.values, **said})


def _is_ring_project(store: Store) -> bool:
    name = next((name for name in store.sizes if f"/{name}".endswith(f"/{_RING_LIST}")), None)
    if name is None:
        return False
    content = read_json(store, name)
    parts = content.values() if isinstance(content, dict) else ()
    rows = [row for part in parts if isinstance(part, dict) for row in part.values()]
    return bool(rows) and all(isinstance(row, dict) and "mask_path" in row for row in rows)


def table_of_values(store: Store, masks: Mapping[str, str]) -> ValueMap:
    """Every value that occurs in lossless masks as a class; one pass over all of them."""
    colors: dict[int, tuple[int, int, int] | None] = {}
    for name in masks.values():
        where = f"{store.path}: {name}"
        mask = read_mask(store.read(name), where)
        if mask.lossy:
            raise _lossy(mask, where)
        for value in present_ids(mask.values).tolist():
            colors[value] = mask.palette[value] if value < len(mask.palette) else None
        if len(colors) > 255:
            raise MaskError("mask has too many values for classes", where=where, got=len(colors))
    ordered = sorted(colors)
    classes = tuple(
        ClassDef(f"value {value}", color_or_next(colors[value], place))
        for place, value in enumerate(ordered)
    )
    # a dataset without objects still has a class to paint with
    return ValueMap(
        classes or (ClassDef("object", color_or_next(None, 0)),),
        {value: place for place, value in enumerate(ordered)} or {1: 0},
    )


def _lossy(mask: MaskPixels, where: str) -> MaskError:
    values, counts = np.unique(mask.values, return_counts=True)
    clear = int(counts[(values == 0) | (values == 255)].sum())
    return MaskError(
        "mask is a lossy file, whose values are smeared",
        where=where,
        got=f"{len(values)} values, {mask.values.size - clear} pixels neither 0 nor 255",
        remedy=f"say in {FILE} where to cut, such as thresholds [64, 192] for 0, 128, 255",
    )


class IndexedPngDataset(EntryDataset[str]):
    """A mask file for each name."""

    def __init__(
        self, store: Store, masks: Mapping[str, str], table: ValueMap, notes: tuple[str, ...]
    ) -> None:
        super().__init__(store, masks, table.classes, notes)
        self._table = table
        taken = set(masks.values())
        self._images = ImageFinder(name for name in store.sizes if name not in taken)
        paired = sum(self._images.find(name, "images/") is not None for name in masks)
        self.notes = (*notes, *without_partner(len(masks), self._images, paired))

    def _sample(self, name: str, entry: str, where: str) -> Sample:
        mask = read_mask(self.store.read(entry), where)
        image = self._images.find(name, "images/")
        notes = []
        if mask.lossy:
            numbers = _quantised(mask, self._table, where)
            notes.append(f"values cut at {', '.join(map(str, self._table.thresholds))}")
        else:
            numbers = _looked_up(mask.values, self._table, where)
        check_picture(self.store, image, numbers.shape, where)
        labels, class_of = components(numbers)
        if self._table.smallest:
            areas = np.bincount(labels.ravel())
            kept = [key for key in class_of if areas[key] >= self._table.smallest]
            if dropped := len(class_of) - len(kept):
                notes.append(f"specks dropped: {dropped}")
            labels = lookup(labels, {old: new for new, old in enumerate(kept, 1)})
            class_of = {new: class_of[old] for new, old in enumerate(kept, 1)}
        segmentation = segmentation_from_labels(
            labels,
            classes=self.classes,
            class_of={key: self.classes[number - 1].name for key, number in class_of.items()},
            notes=notes,
        )
        return Sample(name, segmentation, picture(self.store, image))


def _quantised(mask: MaskPixels, table: ValueMap, where: str) -> NDArray[np.int32]:
    """Class numbers (from 1) of a lossy mask, cut at the thresholds."""
    if not table.thresholds:
        raise _lossy(mask, where)
    levels = np.array([0, *(table.values[value] + 1 for value in sorted(table.values))], np.int32)
    return levels[np.searchsorted(np.array(table.thresholds), mask.values, side="left")]


def _looked_up(values: NDArray[Any], table: ValueMap, where: str) -> NDArray[np.int32]:
    """Class numbers (from 1) of a lossless mask."""
    present = present_ids(values)
    if unknown := [value for value in present.tolist() if value not in table.values]:
        counts = {n: int((values == n).sum()) for n in unknown[:_MOST_COUNTED]}
        listed = [f"{n} on {pixels} pixels" for n, pixels in list(counts.items())[:_SHOWN]]
        more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
        raise StrangeError(
            "mask has values that no class has",
            counts,
            where=where,
            expected=f"0, {', '.join(str(value) for value in sorted(table.values))}",
            got=", ".join(listed) + more,
            remedy=f"add them to {FILE}",
        )
    positions = {value: place + 1 for value, place in table.values.items()}
    return lookup(values.astype(np.int32), positions)


class IndexedPngWriter(SheetWriter):
    """A palette PNG for each sample."""

    def __init__(self, target: Path, *, table: ValueMap | None = None, **parts: Any) -> None:
        super().__init__(target, **parts)
        values = {place + 1: place for place in range(len(self.classes))}
        if self.options.values:
            try:
                values = values_of(self.classes, self.options.values)
            except DatasetError:
                self.discard()
                raise
        if table is not None:
            if [one.name for one in table.classes] != [one.name for one in self.classes]:
                self.discard()
                raise DatasetError("values are given for other classes", where=target)
            values = dict(table.values)
        self._table = replace(ValueMap(self.classes), values=values)
        self._value_of = {place: value for value, place in values.items()}

    def sample_files(
        self, name: str, segmentation: Segmentation, suffix: str
    ) -> Mapping[str, bytes]:
        """The mask."""
        table = {
            key: self._value_of[self.class_position(one.class_name)]
            for key, one in segmentation.instances.items()
        }
        colors = {self._value_of[place]: one.color for place, one in enumerate(self.classes)}
        values = lookup(segmentation.labels, table).astype(np.uint8)
        plain = bool(self.options.values)  # other programs turn palettes into shades of gray
        content = gray_png(values) if plain else palette_png(values, colors)
        return {f"masks/{name}.png": content}

    def closing_files(self) -> Mapping[str, bytes]:
        """The classes."""
        return {FILE: sidecar_bytes(self._table)}

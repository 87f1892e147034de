"""Images of a dataset as layers: shown, found again, and closed where nothing was changed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
from napari.layers import Image, Labels

from napari_segkit.types import ClassDef
from napari_segkit.widgets._identity import identity
from napari_segkit.widgets._layers import full_resolution, transform_of
from napari_segkit.widgets.masks._binding import bind, read_binding
from napari_segkit.widgets.masks._colors import Palette
from napari_segkit.widgets.masks._features import Row, rows_of, table
from napari_segkit.widgets.masks._picture import original_of, remember_original
from napari_segkit.widgets.masks._undo import state_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari.components import ViewerModel

    from napari_segkit.jobs.browse import Loaded

MODEL = "dataset"
"""Stands where other masks have the id of their model."""
_OBJECT = ClassDef("object", (0, 160, 255))


@dataclass(frozen=True)
class Shown:
    """What an image of a dataset became.

    Attributes
    ----------
    fresh
        Whether it was made just now; otherwise it had been open, and was left as it was.
    """

    mask: Labels
    image: Image | None
    fresh: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Origin:
    dataset: Path
    name: str
    rows: Mapping[int, Row]
    own_image: bool


_origins: WeakKeyDictionary[Labels, _Origin] = WeakKeyDictionary()


def find_shown(viewer: ViewerModel, dataset: Path, name: str) -> Labels | None:
    """The mask of an image of a dataset, where it is open."""
    for layer in viewer.layers:
        origin = _origins.get(layer) if isinstance(layer, Labels) else None
        if origin is not None and (origin.dataset, origin.name) == (dataset, name):
            return layer
    return None


def is_changed(mask: Labels) -> bool:
    """Whether the person, or a model, changed a mask since it was read."""
    origin = _origins.get(mask)
    if origin is None:
        return True
    return state_of(mask).revision > 0 or rows_of(mask) != origin.rows


def show(
    viewer: ViewerModel, loaded: Loaded, classes: Mapping[str, ClassDef] | None = None
) -> Shown:
    """Add an image of a dataset and its mask; what is open already is only selected.

    Parameters
    ----------
    classes
        Name in the dataset -> name and colour in the layer.
    """
    mask = find_shown(viewer, loaded.dataset, loaded.name)
    if mask is not None:
        viewer.layers.selection.active = mask
        return Shown(mask, image_below(viewer, mask), fresh=False)
    open_before = _open_image(viewer, loaded)
    image, notes = open_before, loaded.notes
    if image is None and loaded.pixels is not None:
        image = Image(loaded.pixels, name=loaded.name, rgb=True)
        viewer.add_layer(image)  # what it returns may be a proxy, which is gone at once
        if loaded.original is not None:
            remember_original(image, loaded.original)
    elif image is None:
        notes = (*notes, "the dataset does not have the image: open it to see it below the mask")
    mask = _add_mask(viewer, loaded, image, classes or {})
    _origins[mask] = replace(_origins[mask], own_image=open_before is None)
    return Shown(mask, image, fresh=True, notes=notes)


def image_below(viewer: ViewerModel, mask: Labels) -> Image | None:
    """The open image that a mask is bound to."""
    binding = read_binding(mask)
    images = (one for one in viewer.layers if isinstance(one, Image))
    return next((one for one in images if binding and identity(one) == binding.image), None)


def close_unchanged(viewer: ViewerModel, dataset: Path, *, keep: str) -> int:
    """Take away what was opened of a dataset and not changed; returns how many stay changed."""
    changed = 0
    for layer in [one for one in viewer.layers if isinstance(one, Labels)]:
        origin = _origins.get(layer)
        if origin is None or origin.dataset != dataset or origin.name == keep:
            continue
        image = image_below(viewer, layer)
        others = [
            one
            for one in viewer.layers
            if one is not layer and (found := read_binding(one)) and image is not None
            if found.image == identity(image)
        ]
        if is_changed(layer):
            changed += 1
            continue
        viewer.layers.remove(layer)
        if image is not None and origin.own_image and not others:
            viewer.layers.remove(image)
    return changed


def _open_image(viewer: ViewerModel, loaded: Loaded) -> Image | None:
    """An open layer of the same file, or, where the dataset has no image, of the same name."""
    for layer in viewer.layers:
        if not isinstance(layer, Image) or layer.ndim != 2:
            continue
        if tuple(full_resolution(layer).shape[:2]) != loaded.labels.shape:
            continue
        same = loaded.original is not None and original_of(layer) == loaded.original
        stem = loaded.name.rsplit("/", 1)[-1]
        if same or (loaded.pixels is None and layer.name in (loaded.name, stem)):
            return layer
    return None


def _add_mask(
    viewer: ViewerModel, loaded: Loaded, image: Image | None, changes: Mapping[str, ClassDef]
) -> Labels:
    found = loaded.segmentation
    new = {one.name: changes.get(one.name, one) for one in found.classes}
    unique: dict[str, ClassDef] = {}
    for one in new.values():
        unique.setdefault(one.name, one)
    classes = tuple(unique.values()) or (_OBJECT,)
    rows: list[Row] = [
        (key, new[one.class_name].name, round(one.score, 3), "imported")
        for key, one in found.instances.items()
    ]
    palette = Palette({row[0]: unique[row[1]].color for row in rows}, classes[0].color)
    mask = Labels(
        np.array(loaded.labels),
        name=f"{loaded.name} · {loaded.dataset.stem}",
        colormap=palette.colormap(),
        opacity=0.6,
        features=table(rows),
        **({} if image is None else transform_of(image)),
    )
    name = loaded.name if image is None else image.name
    bind(mask, image=image, image_name=name, model=MODEL, classes=classes, sample=loaded.name)
    state_of(mask).palette = palette
    _origins[mask] = _Origin(loaded.dataset, loaded.name, rows_of(mask), own_image=False)
    viewer.add_layer(mask)
    return mask

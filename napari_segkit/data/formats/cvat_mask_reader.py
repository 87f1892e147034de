"""Reads CVAT's "Segmentation mask 1.1", and what other programs make of it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.data.dataset import Dataset, PackedImage, Sample
from napari_segkit.data.formats.cvat_contents import open_contents
from napari_segkit.data.formats.cvat_decode import (
    ColorTable,
    Plane,
    class_numbers,
    object_numbers,
    read_plane,
)
from napari_segkit.data.formats.cvat_labelmap import BACKGROUND, voc_palette
from napari_segkit.data.formats.cvat_objects import Objects, assemble, no_objects
from napari_segkit.data.image_header import image_shape
from napari_segkit.errors import DatasetError, MaskError
from napari_segkit.ops.masks import segmentation_from_labels

if TYPE_CHECKING:
    from pathlib import Path

    from napari_segkit.data.formats.cvat_contents import Contents
    from napari_segkit.data.formats.strange import Meanings
    from napari_segkit.ops.runs import Runs
    from napari_segkit.types import Color

_EXAMPLES = 5  # names that a note gives


@cache
def _object_ids() -> ColorTable:
    return ColorTable({(r, g, b): k for k, (r, g, b) in enumerate(voc_palette().tolist())})


class Masks:
    """Decodes the masks of a dataset, one image at a time."""

    def __init__(self, contents: Contents, meanings: Meanings | None = None) -> None:
        self._contents = contents
        labelmap = contents.labelmap
        lines = labelmap.lines
        number = {one.name: k for k, one in enumerate(labelmap.classes, 1)}
        self._class_of_line = np.array([number.get(one.name, 0) for one in lines] + [0], np.uint16)
        colors: dict[Color, int] = {one.color: k for k, one in enumerate(lines)}
        colors.setdefault(labelmap.background, len(lines))
        places = {one.name: k for k, one in enumerate(lines)}
        for color, name in (meanings or {}).items():
            if not isinstance(color, int):
                colors.setdefault(color, places.get(name, len(lines)))
        self._colors = ColorTable(colors)
        has_background = any(one.name == BACKGROUND for one in lines)
        self._numbers = len(lines) if has_background else 0
        self._ids = _object_ids()

    def classes(self, name: str) -> tuple[Runs, Plane]:
        """Class number (uint16) of each pixel, 0 = background, and the file as it was."""
        file = self._contents.classes[name]
        plane = read_plane(self._contents.store.read(file), file)
        lines = class_numbers(plane, self._colors, self._numbers, file)
        return replace(lines, values=self._class_of_line[lines.values]), plane

    def objects(self, name: str) -> tuple[Runs, Plane]:
        """Object id (uint16) of each pixel, 0 = none, and the file as it was."""
        file = self._contents.objects[name]
        plane = read_plane(self._contents.store.read(file), file)
        return object_numbers(plane, self._ids, file), plane

    def read(self, name: str) -> Objects:
        """Objects of one image, by both of its masks.

        Raises
        ------
        DatasetError, MaskError
            Where a file is missing or damaged, or they disagree.
        """
        if name not in self._contents.classes:
            raise MaskError(
                "objects have no classes",
                where=name,
                expected=f"SegmentationClass/{name}.png beside SegmentationObject/{name}.png",
            )
        classes = self.classes(name)[0]
        if name not in self._contents.objects:
            return assemble(classes, None)
        objects = self.objects(name)[0]
        if objects.shape != classes.shape:
            raise MaskError(
                "class mask and object mask have different sizes",
                where=name,
                expected=_size(classes),
                got=_size(objects),
                remedy="export both again",
            )
        return assemble(classes, objects)


def _size(runs: Runs) -> str:
    return f"{runs.shape[1]}x{runs.shape[0]}"


class CvatMaskDataset(Dataset):
    """An opened folder or archive.

    Parameters
    ----------
    meanings
        What a person said of colours that the labelmap does not have.

    Attributes
    ----------
    subsets
        Name of each list -> its images.

    Raises
    ------
    DatasetError
        Where it is no such dataset, hostile, or its labelmap leaves the meaning of pixels open.
    """

    def __init__(self, path: Path, *, meanings: Meanings | None = None) -> None:
        self._contents = open_contents(path)
        labelmap = self._contents.labelmap
        if labelmap.fatal:
            self.close()
            raise DatasetError(
                "labelmap.txt cannot be understood",
                where=path,
                got="; ".join(labelmap.fatal[:_EXAMPLES]),
                remedy="correct it; nothing was read",
            )
        self._masks = Masks(self._contents, meanings)
        self.classes = labelmap.classes
        self.subsets = {k: tuple(v) for k, v in self._contents.lists.subsets.items()}
        listed = self._contents.lists.names()
        self.names = tuple(filter(self._contents.knows, listed))
        self.notes = tuple(self._notes([n for n in listed if not self._contents.knows(n)]))

    def close(self) -> None:
        """Let go of the archive."""
        self._contents.store.close()

    def _notes(self, missing: list[str]) -> list[str]:
        files = self._contents
        faults = (*files.labelmap.faults, *files.lists.faults)
        notes = [f"{f.file} {f'{f.where} ' if f.where else ''}{f.what}" for f in faults]
        if not files.has_labelmap:
            notes.append("there is no labelmap.txt, so Pascal VOC's 20 classes are assumed")
        if not files.has_lists:
            notes.append("there is no list of images, so every mask is one")
        if files.classes and not files.objects:
            notes.append("there are no object masks, so connected areas are objects")
        masks = {*files.classes, *files.objects}
        empty = [name for name in self.names if name not in masks]
        return notes + [
            f"{len(names)} {what}: {', '.join(names[:_EXAMPLES])}"
            + (" …" if names[_EXAMPLES:] else "")
            for names, what in (
                (missing, "listed images have neither mask nor image and were left out"),
                (empty, "listed images have no mask and count as empty"),
                (files.unlisted(), "masks stand in no list and were left out"),
            )
            if names
        ]

    def read(self, name: str) -> Sample:
        """One image's objects and where its picture is; see `Dataset.read`."""
        found = self._contents
        if not found.knows(name):
            raise DatasetError("there is no such image in the dataset", where=name)
        files = found.images.get(name, [])
        shape = image_shape(found.store, files[0]) if files else None
        if name in found.classes or name in found.objects:
            objects = self._masks.read(name)
        else:
            objects = no_objects(shape or (0, 0))
        if shape not in (None, objects.runs.shape):
            raise MaskError(
                "mask has another size than its image",
                where=name,
                expected=f"{shape[1]}x{shape[0]} as {files[0]}" if shape else None,
                got=_size(objects.runs),
                remedy="export it again; nothing is resized",
            )
        segmentation = segmentation_from_labels(
            objects.labels(),
            classes=self.classes,
            class_of={k: self.classes[c - 1].name for k, c in objects.class_of.items()},
            notes=_remarks(objects, files),
        )
        return Sample(name, segmentation, self._image(files[0]) if files else None)

    def _image(self, file: str) -> Path | PackedImage:
        store = self._contents.store
        if store.path.is_dir():
            return store.path / file
        return PackedImage(file, partial(store.read, file))


def _remarks(objects: Objects, images: list[str]) -> list[str]:
    notes = []
    if objects.lost:
        notes.append(f"{objects.lost} pixels of objects lie on background and were left out")
    if objects.loose:
        notes.append(f"{objects.loose} pixels of classes had no object; their areas became objects")
    if objects.split:
        ids = ", ".join(map(str, objects.split[:_EXAMPLES]))
        notes.append(f"objects over several classes were split by class: {ids}")
    if len(images) > 1:
        notes.append(f"there are several images of this name, {images[0]} was taken")
    return notes

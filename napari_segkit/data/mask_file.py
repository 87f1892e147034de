"""One mask file beside its image: read as a dataset of one image, and written.

::

    a.jpg                    the image: beside the mask, or in a folder images beside masks
    a_mask.png               8 bits, a value for each class; or 16 bits, an id for each object
    a_mask.png.segkit.json   what we know of classes and objects, where we wrote the mask

::

    {"classes": [{"name": "coin", "color": [255, 0, 0], "value": 1}],
     "objects": {"1": {"class": "coin", "score": 0.9}}}
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from napari_segkit.data.archive import reading
from napari_segkit.data.atomic import atomic_write, disk_errors
from napari_segkit.data.formats.base import Capabilities, Format
from napari_segkit.data.formats.checking import found_by_reading
from napari_segkit.data.formats.classes import FILE as CLASSES_FILE
from napari_segkit.data.formats.classes import class_list, class_rows, color_or_next, value_map
from napari_segkit.data.formats.finding import IMAGE_SUFFIXES
from napari_segkit.data.formats.indexed_png import (
    IndexedPngDataset,
    table_of_values,
    with_meanings,
)
from napari_segkit.data.formats.pixels import palette_png, read_mask
from napari_segkit.data.formats.sources import LoneFile, read_json, understood
from napari_segkit.data.formats.tiff16 import Tiff16Dataset, tiff_bytes
from napari_segkit.errors import DatasetError, MaskError
from napari_segkit.ops.masks import lookup
from napari_segkit.types import ClassDef, present_ids

if TYPE_CHECKING:
    from pathlib import Path

    from napari_segkit.data.archive import Store
    from napari_segkit.data.dataset import Dataset, DatasetWriter, Validation, WriteOptions
    from napari_segkit.data.formats.strange import Meanings
    from napari_segkit.types import Job, Segmentation

_ENDING = re.compile(r"[._ -](?:masks?|labels?)$", re.IGNORECASE)
_FOLDERS = ("images", "JPEGImages", "")
_SIDECAR = ".segkit.json"
MOST_VALUES = (1 << 8) - 1
MOST_IDS = (1 << 16) - 1


def is_mask_file(path: Path) -> bool:
    """Whether a path is one image file, so that only a mask can be meant."""
    return path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()


class MaskFile(Format):
    """One mask file; not in the list of formats, as it is no dataset to be written."""

    id: ClassVar[str] = "mask-file"
    title: ClassVar[str] = "one mask file"
    capabilities: ClassVar[Capabilities] = Capabilities(classes=MOST_VALUES)

    def __init__(self, meanings: Meanings | None = None) -> None:
        self.meanings = meanings or {}

    def recognises(self, path: Path) -> bool:
        """Whether it is an image file; never raises."""
        return is_mask_file(path)

    def open(self, path: Path) -> Dataset:
        """Open a mask file and, where it is found, its image; see `Format.open`."""
        store = _Beside(path)
        name, file = store.name, store.mask
        content: Any = {}
        sidecar = next(
            (one for one in (file + _SIDECAR, *store.tables) if one in store.sizes), None
        )
        where = f"{store.path}: {sidecar or file}"
        if sidecar is not None:
            content = read_json(store, sidecar)
        with understood(where, expected="classes"):
            if content.get("objects") is None and (content or not _holds_ids(store, file)):
                table = value_map(content, where=where) if content else None
                table = table or table_of_values(store, {name: file})
                table = with_meanings(table, self.meanings)
                return IndexedPngDataset(store, {name: file}, table, ())
            one = (ClassDef("object", color_or_next(None, 0)),)
            classes = class_list(content["classes"]) if content else one
            objects = {name: content.get("objects") or {}}
            return Tiff16Dataset(store, {name: file}, classes, objects, ())

    def open_writer(
        self, target: Path, *, classes: tuple[ClassDef, ...], options: WriteOptions
    ) -> DatasetWriter:
        """Refused: see `save_mask`."""
        raise DatasetError("a mask file is no dataset", where=target)

    def validate(self, path: Path) -> Job[Validation]:
        """Find every fault; see `Format.validate`."""
        return found_by_reading(self, path)


def _holds_ids(store: Store, file: str) -> bool:
    """Whether the file's pixels are too deep for classes."""
    return read_mask(store.read(file), f"{store.path}: {file}").values.dtype.itemsize > 1


class _Beside(LoneFile):
    """A mask file, its image and what is said of it, out of folders that may hold anything.

    Attributes
    ----------
    name
        Of the sample: that of the image, without extension.
    mask
        Path of the mask below ``path``.
    tables
        Where classes may stand.
    """

    def __init__(self, mask: Path) -> None:
        mask = mask.absolute()
        folder = mask.parent
        in_masks = re.fullmatch(r"(?i)masks?|labels?|SegmentationClass", folder.name)
        self.path = folder.parent if in_masks else folder
        self.faults = []
        self.mask = mask.relative_to(self.path).as_posix()
        self.name = _ENDING.sub("", mask.stem) or mask.stem
        self.tables = (CLASSES_FILE, f"{folder.name}/{CLASSES_FILE}")
        wanted = [mask, mask.with_name(mask.name + _SIDECAR), *map(self.path.joinpath, self.tables)]
        if (image := _image_of(self.name, self.path, mask)) is not None:
            wanted.append(image)
        with reading(mask):
            self.sizes = {
                one.relative_to(self.path).as_posix(): one.stat().st_size
                for one in wanted
                if one == mask or one.is_file()
            }


def _image_of(name: str, root: Path, mask: Path) -> Path | None:
    """The image that a mask belongs to: the first of its name that is no mask itself."""
    for folder in _FOLDERS:
        for suffix in IMAGE_SUFFIXES:
            for spelled in (suffix, suffix.upper()):
                found = root / folder / f"{name}{spelled}"
                if found != mask and found.is_file():
                    return found
    return None


def save_mask(path: Path, segmentation: Segmentation) -> None:
    """Write objects as one mask file, and what is known of them beside it.

    Parameters
    ----------
    path
        ``.png``: a palette file with one value for each class. ``.tif``: 16 bits, the objects' ids.

    Raises
    ------
    MaskError
        Where the file cannot hold that many classes or ids.
    WriteError
        Where the disk refuses; the old file is intact.
    """
    content: dict[str, Any]
    if path.suffix.lower() == ".png":
        data, content = _class_values(path, segmentation)
    else:
        data, content = _object_ids(path, segmentation)
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, data)
    text = json.dumps(content, ensure_ascii=False, indent=1)
    _write(path.with_name(path.name + _SIDECAR), text.encode())


def _write(path: Path, data: bytes) -> None:
    with atomic_write(path) as file:
        file.write(data)


def _class_values(path: Path, segmentation: Segmentation) -> tuple[bytes, dict[str, Any]]:
    classes = segmentation.classes
    if len(classes) > MOST_VALUES:
        raise _too_many("classes", len(classes), MOST_VALUES, path, "save as .tif")
    value = {one.name: number for number, one in enumerate(classes, 1)}
    table = {key: value[one.class_name] for key, one in segmentation.instances.items()}
    values = lookup(segmentation.labels, table).astype(np.uint8)
    colors = {number: one.color for number, one in enumerate(classes, 1)}
    rows = class_rows(classes, {number: number - 1 for number in value.values()})
    return palette_png(values, colors), {"classes": rows}


def _object_ids(path: Path, segmentation: Segmentation) -> tuple[bytes, dict[str, Any]]:
    labels, instances = segmentation.labels, segmentation.instances
    if len(instances) > MOST_IDS:
        raise _too_many("objects", len(instances), MOST_IDS, path, "write a COCO dataset instead")
    numbers = {key: key for key in instances}
    if max(instances, default=0) > MOST_IDS:
        numbers = {int(key): number for number, key in enumerate(present_ids(labels), 1)}
        labels = lookup(labels, numbers)
    objects = {
        str(numbers[key]): {"class": one.class_name, "score": one.score}
        for key, one in instances.items()
    }
    content = {"classes": class_rows(segmentation.classes), "objects": objects}
    return tiff_bytes(labels.astype(np.uint16)), content


def _too_many(what: str, got: int, most: int, path: Path, remedy: str) -> MaskError:
    return MaskError(
        f"mask file cannot hold so many {what}",
        where=path,
        expected=f"at most {most}",
        got=got,
        remedy=remedy,
    )

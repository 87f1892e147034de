"""16-bit TIFF files of object ids, as measuring programs read and write them.

::

    instances.json      classes, and class and score of each object
    masks/NAME.tif      (H, W) uint16, 0 = background
    images/NAME.EXT     where images are included

``instances.json``::

    {"classes": [{"name": "coin", "color": [255, 0, 0]}],
     "objects": {"NAME": {"1": {"class": "coin", "score": 0.9}}}}

Objects that it does not name belong to the first class; without it, to a class ``object``. Masks
in other lossless files with whole numbers are read, too.
"""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from napari_segkit.data.dataset import Sample
from napari_segkit.data.formats.base import Capabilities
from napari_segkit.data.formats.classes import FILE as VALUES_FILE
from napari_segkit.data.formats.classes import class_list, class_rows, color_or_next
from napari_segkit.data.formats.finding import ImageFinder, glimpse, mask_files, without_partner
from napari_segkit.data.formats.pixels import read_mask
from napari_segkit.data.formats.sheets import SheetWriter
from napari_segkit.data.formats.sources import (
    EntryDataset,
    check_picture,
    picture,
    read_json,
    understood,
)
from napari_segkit.data.formats.store_format import StoreFormat
from napari_segkit.errors import DatasetError, MaskError
from napari_segkit.ops.masks import as_label_array, lookup, segmentation_from_labels
from napari_segkit.types import ClassDef

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_segkit.data.archive import Store
    from napari_segkit.data.dataset import Dataset, DatasetWriter
    from napari_segkit.types import Segmentation

_FILE = "instances.json"
_MOST_IDS = (1 << 16) - 1


class Tiff16(StoreFormat):
    """TIFF files of object ids, as a folder or a zip archive."""

    id: ClassVar[str] = "tiff16"
    title: ClassVar[str] = "16-bit TIFF instances"
    mark: ClassVar[str] = _FILE
    capabilities: ClassVar[Capabilities] = Capabilities(max_instances=_MOST_IDS)

    def recognises(self, path: Path) -> bool:
        """Whether there are TIFF masks, or masks and ``instances.json``; never raises."""
        names = glimpse(path)
        masks = mask_files(names).values()
        if any(f"/{name}".endswith(f"/{_FILE}") for name in names):
            return bool(masks)
        if any(f"/{name}".endswith(f"/{VALUES_FILE}") for name in names):
            return False  # masks of values, in whatever files
        return any(name.lower().endswith((".tif", ".tiff")) for name in masks)

    def opened(self, store: Store) -> Dataset:
        """Find the dataset; see `StoreFormat.opened`."""
        return _opened(store)

    def writer(self, target: Path, **parts: Any) -> DatasetWriter:
        """See `StoreFormat.writer`."""
        return Tiff16Writer(target, **parts)


def _opened(store: Store) -> Tiff16Dataset:
    masks = mask_files(store.sizes)
    if not masks:
        raise DatasetError(
            "no masks", where=store.path, expected="TIFF files in a folder named masks"
        )
    sidecar = next((name for name in store.sizes if f"/{name}".endswith(f"/{_FILE}")), None)
    if sidecar is None:
        classes = (ClassDef("object", color_or_next(None, 0)),)
        note = f"there is no {_FILE}, so all objects are of one class"
        return Tiff16Dataset(store, masks, classes, {}, (note,))
    with understood(f"{store.path}: {sidecar}", expected="classes and objects"):
        content = read_json(store, sidecar)
        return Tiff16Dataset(
            store, masks, class_list(content["classes"]), dict(content.get("objects", {})), ()
        )


class Tiff16Dataset(EntryDataset[str]):
    """A mask file for each name, and what is said of its objects."""

    def __init__(
        self,
        store: Store,
        masks: Mapping[str, str],
        classes: tuple[ClassDef, ...],
        objects: Mapping[str, Any],
        notes: tuple[str, ...],
    ) -> None:
        super().__init__(store, masks, classes, notes)
        self._objects = objects
        taken = set(masks.values())
        self._images = ImageFinder(name for name in store.sizes if name not in taken)
        paired = sum(self._images.find(name, "images/") is not None for name in masks)
        self.notes = (*notes, *without_partner(len(masks), self._images, paired))

    def _sample(self, name: str, entry: str, where: str) -> Sample:
        mask = read_mask(self.store.read(entry), where)
        if mask.lossy:
            raise MaskError(
                "mask is a lossy file, whose ids are smeared",
                where=where,
                remedy="export it as TIFF or PNG",
            )
        labels = as_label_array(mask.values, where=where)
        image = self._images.find(name, "images/")
        check_picture(self.store, image, labels.shape, where)
        rows = {int(key): row for key, row in self._objects.get(name, {}).items()}
        segmentation = segmentation_from_labels(
            labels,
            classes=self.classes,
            class_of={key: row["class"] for key, row in rows.items()},
            scores={key: row.get("score", 1.0) for key, row in rows.items()},
        )
        missing = len(rows.keys() - segmentation.instances.keys())
        if missing:
            raise DatasetError(
                f"{_FILE} names objects that the mask does not have",
                where=where,
                got=f"{missing} of {len(rows)}",
                remedy="export both again",
            )
        return Sample(name, segmentation, picture(self.store, image))


class Tiff16Writer(SheetWriter):
    """A TIFF file for each sample; what is said of objects is written at the end."""

    def __init__(self, target: Path, **parts: Any) -> None:
        super().__init__(target, **parts)
        self._objects: list[str] = []

    def sample_files(
        self, name: str, segmentation: Segmentation, suffix: str
    ) -> Mapping[str, bytes]:
        """The mask."""
        ids = sorted(segmentation.instances)
        numbers = {key: key for key in ids}
        labels = segmentation.labels
        if ids and ids[-1] > _MOST_IDS:
            self.remark(f"object ids above {_MOST_IDS} were numbered anew from 1", name)
            numbers = {key: number for number, key in enumerate(ids, 1)}
            labels = lookup(labels, numbers)
        rows = {
            str(numbers[key]): {"class": one.class_name, "score": one.score}
            for key, one in segmentation.instances.items()
        }
        data = tiff_bytes(labels.astype(np.uint16))
        self._objects.append(
            f"{json.dumps(name, ensure_ascii=False)}: {json.dumps(rows, ensure_ascii=False)}"
        )
        return {f"masks/{name}.tif": data}

    def closing_files(self) -> Mapping[str, bytes]:
        """Classes and objects."""
        classes = json.dumps(class_rows(self.classes), ensure_ascii=False)
        objects = ",\n".join(self._objects)
        return {_FILE: f'{{"classes": {classes},\n"objects": {{\n{objects}\n}}}}\n'.encode()}


def tiff_bytes(values: NDArray[np.uint16]) -> bytes:
    """A compressed TIFF file of ids (H, W)."""
    import tifffile

    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, compression="zlib", photometric="minisblack")
    return buffer.getvalue()

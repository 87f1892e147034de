"""COCO instances.

::

    annotations/instances_SUBSET.json   images, categories, annotations
    images/NAME.EXT                     where images are included; file_name is NAME.EXT

Read: every ``.json`` file at the top or in ``annotations/`` that has images and annotations, or
one such file by itself; polygons (filled by pycocotools, several are one object), compressed and
uncompressed run lengths, boxes where there is nothing else. Crowd regions are objects that lie
under the others. Written: compressed run lengths. Beyond COCO's own keys there are ``score`` (as
in its result files) and ``color`` of a category (as in its panoptic files).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from napari_segkit.data.dataset import Sample
from napari_segkit.data.formats.base import Capabilities
from napari_segkit.data.formats.classes import color_or_next, text
from napari_segkit.data.formats.finding import ImageFinder, glimpse, head, is_object
from napari_segkit.data.formats.sheets import SheetWriter
from napari_segkit.data.formats.sources import (
    EntryDataset,
    add_entry,
    check_picture,
    image_name,
    picture,
    read_json,
    understood,
)
from napari_segkit.data.formats.store_format import StoreFormat
from napari_segkit.errors import DatasetError, MaskError
from napari_segkit.ops.canvas import Canvas
from napari_segkit.ops.polygons import box_ring, checked_ring
from napari_segkit.ops.rle import column_counts, counts_from_text, window_from_counts
from napari_segkit.types import ClassDef

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_segkit.data.archive import Store
    from napari_segkit.data.dataset import Dataset, DatasetWriter
    from napari_segkit.ops.polygons import Ring
    from napari_segkit.ops.rle import Counts
    from napari_segkit.types import Segmentation

_PLACE = re.compile(r"(?:.*/)?annotations/[^/]+\.json|(?:[^/]+/)?[^/]+\.json")
_LOOKED_AT = 5  # files


class Coco(StoreFormat):
    """COCO instances, as a folder, a zip archive or a JSON file."""

    id: ClassVar[str] = "coco"
    title: ClassVar[str] = "COCO instances"
    mark: ClassVar[str] = "annotations"
    lone: ClassVar[str] = ".json"
    capabilities: ClassVar[Capabilities] = Capabilities(overlap=True)

    def recognises(self, path: Path) -> bool:
        """Whether a JSON file there has COCO's keys; never raises."""
        names = [name for name in glimpse(path) if _PLACE.fullmatch(name)]
        heads = (head(path, name) for name in names[:_LOOKED_AT])
        return any(is_object(data) and b'"images"' in data for data in heads)

    def opened(self, store: Store) -> Dataset:
        """Find the dataset; see `StoreFormat.opened`."""
        return _opened(store)

    def writer(self, target: Path, **parts: Any) -> DatasetWriter:
        """See `StoreFormat.writer`."""
        return CocoWriter(target, **parts)


@dataclass
class _Image:
    shape: tuple[Any, Any]
    file: str | None
    categories: Mapping[Any, str]
    annotations: list[Any] = field(default_factory=list)


def _opened(store: Store) -> CocoDataset:
    entries: dict[str, _Image] = {}
    classes: dict[str, ClassDef] = {}
    files = ImageFinder(store.sizes)
    read = 0
    for name in store.sizes:
        content = read_json(store, name) if _PLACE.fullmatch(name) else None
        if isinstance(content, dict) and {"images", "annotations"} <= content.keys():
            read += 1
            where = f"{store.path}: {name}"
            with understood(where, expected="COCO's images, categories and annotations"):
                _take_categories(content, classes)
                _take_images(content, where, files, entries)
    if not read:
        raise DatasetError(
            "no COCO annotations", where=store.path, expected="JSON with images and annotations"
        )
    missing = sum(entry.file is None for entry in entries.values())
    note = f"{missing} of {len(entries)} images are not in the dataset, only what was marked"
    return CocoDataset(store, entries, tuple(classes.values()), (note,) if missing else ())


def _take_categories(content: Any, classes: dict[str, ClassDef]) -> None:
    for category in content.get("categories", []):
        name = text(category["name"])
        color = color_or_next(category.get("color"), len(classes))
        classes.setdefault(name, ClassDef(name, color))


def _take_images(content: Any, where: str, files: ImageFinder, entries: dict[str, _Image]) -> None:
    """Enter one file's images and give each its annotations."""
    known = {category["id"]: category["name"] for category in content.get("categories", [])}
    by_id: dict[Any, _Image] = {}
    for image in content["images"]:
        name = image_name(image["file_name"], where=where)
        shape = image["height"], image["width"]
        entry = _Image(shape, files.find(name, "images/"), known)
        add_entry(entries, name, entry, where=where)
        if by_id.setdefault(image["id"], entry) is not entry:
            raise DatasetError("two images have one id", where=where, got=image["id"])
    for annotation in content["annotations"]:
        by_id[annotation["image_id"]].annotations.append(annotation)


class CocoDataset(EntryDataset[_Image]):
    """COCO's index is in memory; masks are decoded sample by sample."""

    def _sample(self, name: str, entry: _Image, where: str) -> Sample:
        canvas = Canvas(entry.shape, where=where)
        crowds = [one for one in entry.annotations if one.get("iscrowd")]
        others = [one for one in entry.annotations if not one.get("iscrowd")]
        check_picture(self.store, entry.file, entry.shape, where)
        for one in (*crowds, *others):
            mask, top, left = _mask(one, entry.shape, where)
            score = one.get("score", 1.0)
            class_name = entry.categories[one["category_id"]]
            canvas.paint(mask, (top, left), class_name=class_name, score=float(score))
        note = f"{len(crowds)} of the objects are crowds, read as one object under the others"
        segmentation = canvas.segmentation(self.classes, notes=(note,) if crowds else ())
        return Sample(name, segmentation, picture(self.store, entry.file))


def _mask(
    annotation: Any, shape: tuple[int, int], where: str
) -> tuple[NDArray[np.bool_], int, int]:
    """Pixels of an annotation and their place."""
    shapes = annotation.get("segmentation") or []
    if isinstance(shapes, dict):
        if list(shapes["size"]) != list(shape):
            raise MaskError(
                "mask has another size than its image",
                where=where,
                expected=f"{shape[1]}x{shape[0]}",
                got=f"{shapes['size']!r:.60}",
            )
        counts = shapes["counts"]
        if isinstance(counts, (str, bytes)):
            counts = counts_from_text(counts, where=where)
        return window_from_counts(counts, shape, where=where)
    rings = [checked_ring(points, where=where) for points in shapes]
    if not shapes and "bbox" in annotation:
        x, y, width, height = annotation["bbox"]
        rings = [checked_ring(box_ring(x, y, x + width, y + height), where=where)]
    return _filled([ring for ring in rings if len(ring) > 2], shape, where)


def _filled(
    rings: list[Ring], shape: tuple[int, int], where: str
) -> tuple[NDArray[np.bool_], int, int]:
    """Polygons as pycocotools fills them."""
    from pycocotools import mask as coco_mask  # C code: what it gets was checked

    if not rings:
        return np.zeros((0, 0), bool), 0, 0
    codes = coco_mask.frPyObjects([ring.ravel().tolist() for ring in rings], *shape)
    return window_from_counts(
        counts_from_text(coco_mask.merge(codes)["counts"], where=where), shape, where=where
    )


class CocoWriter(SheetWriter):
    """Keeps every annotation as text until the end; images are written as they come."""

    def __init__(self, target: Path, **parts: Any) -> None:
        super().__init__(target, **parts)
        self._images: list[str] = []
        self._annotations: list[str] = []

    def sample_files(
        self, name: str, segmentation: Segmentation, suffix: str
    ) -> Mapping[str, bytes]:
        """Nothing yet: all annotations are one file."""
        height, width = segmentation.labels.shape
        number = len(self._images) + 1
        rows = [
            {
                "id": len(self._annotations) + place,
                "image_id": number,
                "category_id": self.class_position(segmentation.instances[key].class_name) + 1,
                **_shape(counts, (height, width)),
                "iscrowd": 0,
                "score": segmentation.instances[key].score,
            }
            for place, (key, counts) in enumerate(column_counts(segmentation.labels).items(), 1)
        ]
        image = {"id": number, "file_name": f"{name}{suffix}", "width": width, "height": height}
        self._images.append(json.dumps(image, ensure_ascii=False))
        self._annotations += [json.dumps(row) for row in rows]
        return {}

    def closing_files(self) -> Mapping[str, bytes]:
        """The annotations' file."""
        categories = [
            json.dumps(
                {"id": number, "name": one.name, "color": list(one.color)}, ensure_ascii=False
            )
            for number, one in enumerate(self.classes, 1)
        ]
        parts = (
            ("categories", categories),
            ("images", self._images),
            ("annotations", self._annotations),
        )
        body = ",\n".join(f'"{key}": [\n' + ",\n".join(rows) + "\n]" for key, rows in parts)
        return {f"annotations/instances_{self.options.subset}.json": f"{{{body}}}\n".encode()}


def _shape(counts: Counts, shape: tuple[int, int]) -> dict[str, Any]:
    """COCO's mask, area and box (x y w h) of one object."""
    from pycocotools import mask as coco_mask

    size = list(shape)
    code = coco_mask.frPyObjects({"size": size, "counts": counts.tolist()}, *shape)
    return {
        "segmentation": {"size": size, "counts": code["counts"].decode("ascii")},
        "area": int(coco_mask.area(code)),
        "bbox": coco_mask.toBbox(code).tolist(),
    }

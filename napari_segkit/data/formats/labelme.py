"""labelme: one JSON file beside each image.

::

    NAME.json           shapes, and the name of the image
    NAME.EXT            where images are included
    classes.json        names and colours of the classes in order, which labelme has no place for

Read: polygons, rectangles, turned rectangles, circles and masks; shapes of one group and label are
one object; other shapes have no area and are counted in a note. An image is looked for only inside
the dataset, whatever ``imagePath`` says; an embedded one is used where there is no file. Written:
masks, which labelme has had since 5.2; ``score`` is a key of our own.
"""

from __future__ import annotations

import base64
import json
import math
import posixpath
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from napari_segkit.data.dataset import PackedImage, Sample
from napari_segkit.data.formats.base import Capabilities
from napari_segkit.data.formats.classes import (
    FILE,
    ValueMap,
    class_list,
    color_or_next,
    sidecar_bytes,
    text,
)
from napari_segkit.data.formats.finding import ImageFinder, glimpse, head, is_object
from napari_segkit.data.formats.pixels import read_mask
from napari_segkit.data.formats.sheets import SheetWriter, encoded_png
from napari_segkit.data.formats.sources import (
    EntryDataset,
    check_picture,
    image_name,
    picture,
    read_json,
    understood,
)
from napari_segkit.data.formats.store_format import StoreFormat
from napari_segkit.data.image_header import encoded_shape, image_shape
from napari_segkit.errors import DatasetError, MaskError
from napari_segkit.ops.canvas import Canvas
from napari_segkit.ops.polygons import box_ring, checked_ring, ellipse_ring, fill_rings
from napari_segkit.types import ClassDef

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_segkit.data.archive import Store
    from napari_segkit.data.dataset import Dataset, DatasetWriter
    from napari_segkit.types import Segmentation

_RINGS = ("polygon", "oriented_rectangle")
_AREAS = (*_RINGS, "rectangle", "circle", "mask")
_LOOKED_AT = 5  # files
_VERSION = "5.5.0"  # of labelme, whose files these are


class Labelme(StoreFormat):
    """labelme's JSON files, as a folder, a zip archive or one file."""

    id: ClassVar[str] = "labelme"
    title: ClassVar[str] = "labelme JSON"
    mark: ClassVar[str] = FILE
    lone: ClassVar[str] = ".json"
    capabilities: ClassVar[Capabilities] = Capabilities(overlap=True)

    def recognises(self, path: Path) -> bool:
        """Whether a JSON file there has labelme's keys; never raises."""
        sheets = _sheets(glimpse(path))[:_LOOKED_AT]
        heads = (head(path, name) for name in sheets)
        return any(is_object(data) and b'"shapes"' in data for data in heads)

    def opened(self, store: Store) -> Dataset:
        """Find the dataset; see `StoreFormat.opened`."""
        return _opened(store)

    def writer(self, target: Path, **parts: Any) -> DatasetWriter:
        """See `StoreFormat.writer`."""
        return LabelmeWriter(target, **parts)


def _sheets(names: Any) -> list[str]:
    return [name for name in names if name.lower().endswith(".json") and name != FILE]


def _opened(store: Store) -> LabelmeDataset:
    sheets = {posixpath.splitext(name)[0]: name for name in _sheets(store.sizes)}
    if not sheets:
        raise DatasetError("no labelme annotations", where=store.path, expected="JSON files")
    if FILE in store.sizes:
        with understood(f"{store.path}: {FILE}", expected="classes"):
            return LabelmeDataset(store, sheets, class_list(read_json(store, FILE)["classes"]))
    names: dict[str, None] = {}
    entries = {}
    for stem, name in sheets.items():
        with understood(f"{store.path}: {name}", expected="labelme's shapes"):
            content = read_json(store, name)
            if "shapes" not in content:
                continue  # another program's file
            entries[stem] = name
            _image_place(name, content, where=f"{store.path}: {name}")
            names |= {text(row["label"]): None for row in content["shapes"]}
    if not entries:
        raise DatasetError("no labelme annotations", where=store.path, expected="shapes in JSON")
    classes = [ClassDef(name, color_or_next(None, k)) for k, name in enumerate(names or ["object"])]
    return LabelmeDataset(store, entries, tuple(classes))


def _image_place(sheet: str, content: Any, *, where: str) -> str | None:
    """Where in the dataset the image would be, without extension.

    Raises
    ------
    DatasetError
        For paths that lead out of it.
    """
    path = content.get("imagePath")
    if path is None:
        return None
    folder = posixpath.dirname(sheet)
    inside = posixpath.normpath(posixpath.join(folder, text(path)))
    return image_name(path if "\\" in path else inside, where=where)


class LabelmeDataset(EntryDataset[str]):
    """A JSON file for each name."""

    def __init__(
        self, store: Store, entries: Mapping[str, str], classes: tuple[ClassDef, ...]
    ) -> None:
        super().__init__(store, entries, classes)
        self._images = ImageFinder(store.sizes)

    def _sample(self, name: str, entry: str, where: str) -> Sample:
        content = read_json(self.store, entry)
        place = _image_place(entry, content, where=where)
        file = self._images.stems.get(place or name) or self._images.stems.get(name)
        canvas = Canvas(self._shape(content, file, where), where=where)
        check_picture(self.store, file, canvas.shape, where)
        groups: dict[tuple[str, Any], int] = {}
        others = 0
        for row in content["shapes"]:
            if row["shape_type"] not in _AREAS:
                others += 1
                continue
            mask, top, left = _pixels(row, canvas.shape, where)
            label, group = row["label"], row.get("group_id")
            same = groups.get((label, group)) if group is not None else None
            score = float(row.get("score", 1.0))
            key = canvas.paint(mask, (top, left), class_name=label, score=score, part_of=same)
            groups[label, group] = key
        note = f"{others} of the shapes have no area (points, lines …) and were left out"
        segmentation = canvas.segmentation(self.classes, notes=(note,) if others else ())
        image = picture(self.store, file)
        if image is None and content.get("imageData"):
            image = PackedImage(f"{name}{_suffix(content)}", partial(self._embedded, entry))
        return Sample(name, segmentation, image)

    def _shape(self, content: Any, file: str | None, where: str) -> tuple[int, int]:
        """(H, W) as the file says it, or as its image has it."""
        height, width = content.get("imageHeight"), content.get("imageWidth")
        if height is not None and width is not None:
            return height, width
        if file is not None:
            return image_shape(self.store, file)
        return encoded_shape(_decoded(content["imageData"]), where)

    def _embedded(self, entry: str) -> bytes:
        with understood(f"{self.store.path}: {entry}", expected="an image in base64"):
            return _decoded(read_json(self.store, entry)["imageData"])


def _suffix(content: Any) -> str:
    return posixpath.splitext(str(content.get("imagePath", "")))[1] or ".png"


def _decoded(value: Any) -> bytes:
    return base64.b64decode(text(value), validate=True)


def _pixels(row: Any, shape: tuple[int, int], where: str) -> tuple[NDArray[np.bool_], int, int]:
    """Pixels of a shape and their place."""
    points = checked_ring(row["points"], where=where)
    if row["shape_type"] == "mask":
        (left, top), (right, bottom) = points.astype(int).tolist()
        mask = read_mask(_decoded(row["mask"]), where, formats=("PNG",)).values > 0
        if mask.shape != (bottom - top + 1, right - left + 1):
            raise MaskError(
                "mask of a shape has another size than its box",
                where=where,
                expected=f"{right - left + 1}x{bottom - top + 1}",
                got=f"{mask.shape[1]}x{mask.shape[0]}",
            )
        return mask, top, left
    if row["shape_type"] == "rectangle":
        (x0, y0), (x1, y1) = points.tolist()
        points = box_ring(x0, y0, x1, y1)
    elif row["shape_type"] == "circle":
        (x, y), (edge_x, edge_y) = points.tolist()
        radius = math.hypot(edge_x - x, edge_y - y)
        points = checked_ring(ellipse_ring((x, y), (radius, radius)), where=where)
    return fill_rings([points], shape)


class LabelmeWriter(SheetWriter):
    """A JSON file for each sample."""

    image_dir = ""

    def sample_files(
        self, name: str, segmentation: Segmentation, suffix: str
    ) -> Mapping[str, bytes]:
        """The shapes of one image."""
        sheet = f"{name}.json"
        if sheet == FILE:
            raise DatasetError(
                "image has the name of the list of classes", where=name, remedy="rename the image"
            )
        height, width = segmentation.labels.shape
        content = {
            "version": _VERSION,
            "flags": {},
            "shapes": [_row(segmentation, key) for key in sorted(segmentation.instances)],
            "imagePath": posixpath.basename(name) + suffix,
            "imageData": None,
            "imageHeight": height,
            "imageWidth": width,
        }
        return {sheet: json.dumps(content, ensure_ascii=False, indent=1).encode()}

    def closing_files(self) -> Mapping[str, bytes]:
        """The classes."""
        return {FILE: sidecar_bytes(ValueMap(self.classes))}


def _row(segmentation: Segmentation, key: int) -> dict[str, Any]:
    """One object as labelme's mask: its box has inclusive corners."""
    one = segmentation.instances[key]
    x0, y0, x1, y1 = (int(value) for value in one.box)
    mask = segmentation.labels[y0:y1, x0:x1] == key
    return {
        "label": one.class_name,
        "points": [[x0, y0], [x1 - 1, y1 - 1]],
        "group_id": None,
        "description": "",
        "shape_type": "mask",
        "flags": {},
        "mask": base64.b64encode(encoded_png(mask.astype(np.uint8))).decode("ascii"),
        "score": one.score,
    }

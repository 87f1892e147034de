"""YOLO segmentation, as Ultralytics' programs read it.

::

    data.yaml                   names of the classes, folders of the subsets
    labels/SUBSET/NAME.txt      one object a line: class x y x y …, in parts of width and height
    images/SUBSET/NAME.EXT      where images are included

A polygon runs along the edges of the pixels, and x = 1 is the image's right edge. It cannot have
holes or parts: they are joined to the outline by cuts of no width, so that filling it gives the
same pixels again; programs that paint outlines paint the cuts, too. Lines of five numbers are boxes
(class, middle, size). The size in pixels stands nowhere but in the image, or in ``sizes`` of our
``data.yaml``; with neither a dataset cannot be read.
"""

from __future__ import annotations

import json
import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from napari_segkit.data.dataset import Sample
from napari_segkit.data.formats.base import Capabilities
from napari_segkit.data.formats.classes import MOST_CLASSES, color_or_next, text
from napari_segkit.data.formats.finding import ImageFinder, glimpse, without_partner
from napari_segkit.data.formats.sheets import SheetWriter
from napari_segkit.data.formats.sources import (
    EntryDataset,
    add_entry,
    check_picture,
    picture,
    read_text,
    understood,
)
from napari_segkit.data.formats.store_format import StoreFormat
from napari_segkit.data.image_header import image_shape
from napari_segkit.errors import DatasetError, MaskError
from napari_segkit.ops.canvas import Canvas
from napari_segkit.ops.polygons import box_ring, bridged, checked_ring, fill_rings, outlines
from napari_segkit.types import ClassDef

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from napari_segkit.data.archive import Store
    from napari_segkit.data.dataset import Dataset, DatasetWriter
    from napari_segkit.ops.polygons import Ring
    from napari_segkit.types import Segmentation

_LISTS = ("data.yaml", "dataset.yaml", "data.yml", "classes.txt", "obj.names")
_LARGEST_YAML = 16 << 20
_MARK = "data.yaml"


class YoloSeg(StoreFormat):
    """YOLO segmentation, as a folder or a zip archive."""

    id: ClassVar[str] = "yolo-seg"
    title: ClassVar[str] = "YOLO segmentation"
    mark: ClassVar[str] = _MARK
    capabilities: ClassVar[Capabilities] = Capabilities(
        overlap=True, holes="bridged", parts="bridged", scores=False
    )

    def recognises(self, path: Path) -> bool:
        """Whether there are text files in ``labels`` and names of classes; never raises."""
        names = glimpse(path)
        return bool(_label_files(names)) and _names_file(names) is not None

    def opened(self, store: Store) -> Dataset:
        """Find the dataset; see `StoreFormat.opened`."""
        return _opened(store)

    def writer(self, target: Path, **parts: Any) -> DatasetWriter:
        """See `StoreFormat.writer`."""
        return YoloSegWriter(target, **parts)


def _label_files(names: Iterable[str]) -> list[str]:
    return [
        name for name in names if name.lower().endswith(".txt") and "labels" in name.split("/")[:-1]
    ]


def _names_file(names: Iterable[str]) -> str | None:
    found = {posixpath.basename(name): name for name in names}
    return next((found[name] for name in _LISTS if name in found), None)


@dataclass(frozen=True)
class _Entry:
    labels: str
    file: str | None
    size: tuple[int, int] | None


def _opened(store: Store) -> YoloSegDataset:
    sheet = _names_file(store.sizes)
    labels = _label_files(store.sizes)
    if sheet is None or not labels:
        raise DatasetError(
            "no YOLO dataset", where=store.path, expected=f"{_MARK} and text files in labels"
        )
    with understood(f"{store.path}: {sheet}", expected="names of the classes"):
        content = _names(store, sheet)
        classes = _classes(content)
        sizes = dict(content.get("sizes") or {})
    files = ImageFinder(store.sizes)
    entries: dict[str, _Entry] = {}
    for name in labels:
        before, _, inside = name.removesuffix(name[-4:]).rpartition("labels/")
        file = files.find(inside, f"{before}images/")
        parts = inside.split("/", 1)
        short = parts[1] if len(parts) > 1 and parts[0] in _subsets(content) else inside
        size = sizes.get(short)
        with understood(f"{store.path}: {sheet}", expected="sizes as [height, width]"):
            shape = None if size is None else (int(size[0]), int(size[1]))
        add_entry(entries, short, _Entry(name, file, shape), where=f"{store.path}: {name}")
    paired = sum(entry.file is not None for entry in entries.values())
    return YoloSegDataset(store, entries, classes, without_partner(len(entries), files, paired))


def _subsets(content: Mapping[str, Any]) -> set[str]:
    """Names of the folders of images, such as ``train``."""
    places = [content.get(key) for key in ("train", "val", "test")]
    return {posixpath.basename(place.rstrip("/")) for place in places if isinstance(place, str)}


def _names(store: Store, sheet: str) -> dict[str, Any]:
    import yaml

    data = read_text(store, sheet).decode("utf-8-sig")
    if not sheet.lower().endswith((".yaml", ".yml")):
        return {"names": [line.strip() for line in data.splitlines() if line.strip()]}
    if len(data) > _LARGEST_YAML:
        raise ValueError(f"{len(data)} characters of YAML")
    try:
        content = yaml.load(data, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise DatasetError(
            "is not YAML", where=f"{store.path}: {sheet}", got=str(error)[:200]
        ) from error
    return dict(content)


def _classes(content: Mapping[str, Any]) -> tuple[ClassDef, ...]:
    """Classes by number; colours are a key of our own."""
    names = content["names"]
    if isinstance(names, dict):
        if sorted(names) != list(range(len(names))):
            raise ValueError("numbers of the classes have gaps")
        names = [names[number] for number in range(len(names))]
    colors = content.get("colors") or [None] * len(names)
    if not names or len(names) > MOST_CLASSES or len(colors) != len(names):
        raise ValueError(f"{len(names)} names and {len(colors)} colors")
    return tuple(
        ClassDef(_class_name(name), color_or_next(color, place))
        for place, (name, color) in enumerate(zip(names, colors, strict=True))
    )


def _class_name(value: Any) -> str:
    """A name in YAML, where ``no`` and ``7`` are no texts."""
    if not isinstance(value, (str, int, float)):
        raise ValueError("name of a class is no text")
    return text(str(value))


class YoloSegDataset(EntryDataset[_Entry]):
    """A text file for each name."""

    def _sample(self, name: str, entry: _Entry, where: str) -> Sample:
        if entry.size is None and entry.file is None:
            raise DatasetError(
                "size of the image is not known",
                where=where,
                expected="the image, as polygons are given in parts of its width and height",
                remedy="put the images into a folder images beside labels",
            )
        shape = entry.size or image_shape(self.store, str(entry.file))
        canvas = Canvas(shape, where=where)
        check_picture(self.store, entry.file, shape, where)
        lines = read_text(self.store, entry.labels).decode().splitlines()
        for number, line in enumerate(lines, 1):
            if line.strip():
                ring, kind = _ring(line, shape, f"{where} line {number}")
                mask, top, left = fill_rings([ring], shape)
                if not 0 <= kind < len(self.classes):
                    raise MaskError(
                        "class is not in the list",
                        where=f"{where} line {number}",
                        expected=f"0 to {len(self.classes) - 1}",
                        got=kind,
                    )
                canvas.paint(mask, (top, left), class_name=self.classes[kind].name)
        return Sample(name, canvas.segmentation(self.classes), picture(self.store, entry.file))


def _ring(line: str, shape: tuple[int, int], where: str) -> tuple[Ring, int]:
    """Polygon and class number of a line."""
    kind, *values = line.split()
    numbers = np.array([float(value) for value in values])
    if len(numbers) == 4:
        x, y, width, height = numbers.tolist()
        corners = box_ring(x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        numbers = corners.ravel()
    if len(numbers) < 6 or len(numbers) % 2:
        raise MaskError(
            "not an object of YOLO",
            where=where,
            expected="class and pairs x y, or class and x y width height",
            got=f"{len(values)} numbers",
        )
    points = checked_ring(numbers, where=where) * (shape[1], shape[0])
    return checked_ring(points, where=where), int(kind)


class YoloSegWriter(SheetWriter):
    """A text file for each sample."""

    def __init__(self, target: Path, **parts: Any) -> None:
        super().__init__(target, **parts)
        self.image_dir = f"images/{self.options.subset}/"
        self._sizes: list[str] = []

    def sample_files(
        self, name: str, segmentation: Segmentation, suffix: str
    ) -> Mapping[str, bytes]:
        """The objects of one image."""
        height, width = segmentation.labels.shape
        lines = []
        for key, one in sorted(segmentation.instances.items()):
            x0, y0, x1, y1 = (int(value) for value in one.box)
            outer, holes = outlines(segmentation.labels[y0:y1, x0:x1] == key)
            ring = np.add(bridged(outer, holes), (x0, y0)) / (width, height)
            points = " ".join(f"{value:.7g}" for value in ring.ravel().tolist())
            lines.append(f"{self.class_position(one.class_name)} {points}\n")
        self._sizes.append(f"  {json.dumps(name, ensure_ascii=False)}: [{height}, {width}]\n")
        return {f"labels/{self.options.subset}/{name}.txt": "".join(lines).encode()}

    def closing_files(self) -> Mapping[str, bytes]:
        """``data.yaml``; a text in JSON is one in YAML, too."""
        folder = json.dumps(f"images/{self.options.subset}", ensure_ascii=False)
        names = "".join(
            f"  {number}: {json.dumps(one.name, ensure_ascii=False)}\n"
            for number, one in enumerate(self.classes)
        )
        colors = json.dumps([list(one.color) for one in self.classes])
        head_lines = f"path: .\ntrain: {folder}\nval: {folder}\nnames:\n{names}colors: {colors}\n"
        return {_MARK: f"{head_lines}sizes:\n{''.join(self._sizes)}".encode()}

"""CVAT for images 1.1.

::

    annotations.xml     labels with colours in <meta>; an <image> with its shapes for each image
    images/NAME.EXT     where images are included

Read: masks, polygons, boxes and ellipses (turned ones, too); shapes are painted in their z order,
and those of one group and label are one object, as in CVAT's own masks. Other shapes have no area;
they are counted in a note. Written: masks.
"""

from __future__ import annotations

import io
import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar
from xml.etree.ElementTree import ParseError
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from napari_segkit.data.dataset import Sample
from napari_segkit.data.formats.base import Capabilities
from napari_segkit.data.formats.classes import color_or_next, text
from napari_segkit.data.formats.finding import ImageFinder, glimpse, head
from napari_segkit.data.formats.sheets import SheetWriter
from napari_segkit.data.formats.sources import (
    EntryDataset,
    add_entry,
    check_picture,
    image_name,
    picture,
    read_text,
    understood,
)
from napari_segkit.data.formats.store_format import StoreFormat
from napari_segkit.errors import DatasetError
from napari_segkit.limits import limits
from napari_segkit.ops.canvas import Canvas
from napari_segkit.ops.polygons import box_ring, checked_ring, ellipse_ring, fill_rings, turned
from napari_segkit.ops.rle import mask_from_counts, row_counts
from napari_segkit.types import ClassDef

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from xml.etree.ElementTree import Element

    from numpy.typing import NDArray

    from napari_segkit.data.archive import Store
    from napari_segkit.data.dataset import Dataset, DatasetWriter
    from napari_segkit.types import Color, Segmentation

_AREAS = ("mask", "polygon", "box", "ellipse")
_OTHERS = ("polyline", "points", "cuboid", "skeleton", "tag")


class CvatXml(StoreFormat):
    """CVAT for images 1.1, as a folder, a zip archive or an XML file."""

    id: ClassVar[str] = "cvat-xml"
    title: ClassVar[str] = "CVAT for images 1.1"
    mark: ClassVar[str] = "annotations.xml"
    lone: ClassVar[str] = ".xml"
    capabilities: ClassVar[Capabilities] = Capabilities(overlap=True, scores=False)

    def recognises(self, path: Path) -> bool:
        """Whether an XML file at the top says so; never raises."""
        return any(b"<annotations>" in head(path, name)[:4096] for name in _sheets(glimpse(path)))

    def opened(self, store: Store) -> Dataset:
        """Find the dataset; see `StoreFormat.opened`."""
        return _opened(store)

    def writer(self, target: Path, **parts: Any) -> DatasetWriter:
        """See `StoreFormat.writer`."""
        return CvatXmlWriter(target, **parts)


def _sheets(names: Any) -> list[str]:
    """XML files at the top, or in folders beside which there are no others."""
    found = [name for name in names if name.lower().endswith(".xml") and name.count("/") < 2]
    named = [name for name in found if posixpath.basename(name) == "annotations.xml"]
    return named or (found if len(found) == 1 else [])


@dataclass
class _Image:
    shape: tuple[int, int]
    file: str | None
    shapes: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    others: int = 0


def _opened(store: Store) -> CvatXmlDataset:
    sheets = _sheets(store.sizes)
    if not sheets:
        raise DatasetError(
            "no CVAT annotations", where=store.path, expected="annotations.xml, or one XML file"
        )
    index = _Index(ImageFinder(store.sizes))
    for name in sheets:
        where = f"{store.path}: {name}"
        data = read_text(store, name)
        with understood(where, expected="CVAT for images 1.1"):
            index.take(data, where)
    return CvatXmlDataset(store, index.entries, index.all_classes())


class _Index:
    """Labels and images of XML files, without decoding a shape."""

    def __init__(self, files: ImageFinder) -> None:
        self._files = files
        self.entries: dict[str, _Image] = {}
        self._classes: dict[str, ClassDef] = {}
        self._where = ""

    def take(self, data: bytes, where: str) -> None:
        """Enter one file; elements are let go of as soon as they are understood."""
        from defusedxml.ElementTree import iterparse

        self._where = where
        try:
            events = iterparse(io.BytesIO(data), ("start", "end"), forbid_dtd=True)
            _, root = next(events)
            if root.tag != "annotations":
                raise DatasetError("not CVAT's XML", where=where, got=f"<{root.tag[:40]}>")
            for event, element in events:
                if event == "end" and element.tag in ("meta", "image", "track"):
                    self._enter(element)
                    root.clear()
        except (ParseError, StopIteration) as error:
            raise DatasetError("is not XML", where=where, got=str(error)) from error

    def _enter(self, element: Element) -> None:
        if element.tag == "track":
            raise DatasetError(
                "is CVAT for video", where=self._where, remedy="export it as CVAT for images"
            )
        if element.tag == "meta":
            for label in element.iterfind(".//labels/label"):
                if label.find("parent") is None:
                    self._add_class(text(label.findtext("name")), label.findtext("color"))
            return
        name = image_name(element.get("name"), where=self._where)
        shape = int(element.attrib["height"]), int(element.attrib["width"])
        folders = "images/", f"images/{element.get('subset', 'default')}/"
        entry = _Image(shape, self._files.find(name, *folders))
        add_entry(self.entries, name, entry, where=self._where)
        for child in element:
            if child.tag in _AREAS:
                entry.shapes.append((child.tag, dict(child.attrib)))
                self._add_class(text(child.get("label")), None)
            entry.others += child.tag in _OTHERS

    def _add_class(self, name: str, color: str | None) -> None:
        if name not in self._classes:
            position = len(self._classes)
            given = _color(color) if color else color_or_next(None, position)
            self._classes[name] = ClassDef(name, given)

    def all_classes(self) -> tuple[ClassDef, ...]:
        """What is named anywhere; a dataset without labels still has a class to paint with."""
        if not self._classes:
            self._add_class("object", None)
        return tuple(self._classes.values())


def _color(value: str) -> Color:
    red, green, blue = bytes.fromhex(value.strip().removeprefix("#"))
    return red, green, blue


class CvatXmlDataset(EntryDataset[_Image]):
    """Shapes are kept as text and decoded sample by sample."""

    def _sample(self, name: str, entry: _Image, where: str) -> Sample:
        canvas = Canvas(entry.shape, where=where)
        check_picture(self.store, entry.file, entry.shape, where)
        groups: dict[tuple[str, str], int] = {}
        for kind, values in sorted(entry.shapes, key=lambda one: int(one[1].get("z_order", 0))):
            mask, top, left = _pixels(kind, values, entry.shape, where)
            label, group = values["label"], values.get("group_id", "0")
            same = groups.get((group, label)) if group != "0" else None
            key = canvas.paint(mask, (top, left), class_name=label, part_of=same)
            groups[group, label] = key
        note = f"{entry.others} of the shapes have no area (points, tags …) and were left out"
        segmentation = canvas.segmentation(self.classes, notes=(note,) if entry.others else ())
        return Sample(name, segmentation, picture(self.store, entry.file))


def _pixels(
    kind: str, values: Mapping[str, str], shape: tuple[int, int], where: str
) -> tuple[NDArray[np.bool_], int, int]:
    """Pixels of a shape and their place."""
    if kind == "mask":
        return _decoded(values, where)
    if kind == "polygon":
        pairs = [pair.split(",") for pair in values["points"].split(";")]
        ring = checked_ring([(float(x), float(y)) for x, y in pairs], where=where)
    elif kind == "box":
        x0, y0, x1, y1 = (float(values[key]) for key in ("xtl", "ytl", "xbr", "ybr"))
        ring = checked_ring(box_ring(x0, y0, x1, y1), where=where)
    else:
        x, y, rx, ry = (float(values[key]) for key in ("cx", "cy", "rx", "ry"))
        checked_ring([(x, y), (rx, ry)], where=where)  # before points are made of them
        ring = ellipse_ring((x, y), (rx, ry))
    degrees = float(values.get("rotation", 0))
    if degrees and kind != "polygon":
        ring = turned(ring, degrees)
    return fill_rings([checked_ring(ring, where=where)], shape)


def _decoded(values: Mapping[str, str], where: str) -> tuple[NDArray[np.bool_], int, int]:
    """CVAT's mask: runs row by row inside its box."""
    left, top, width, height = (int(values[key]) for key in ("left", "top", "width", "height"))
    if width < 1 or height < 1 or width * height > limits().pixels:
        raise ValueError(f"a mask of {width}x{height} pixels")
    counts = np.array([int(part) for part in values["rle"].split(",")], np.int64)
    mask = mask_from_counts(counts, width * height, where=where)
    return mask.reshape(height, width), top, left


class CvatXmlWriter(SheetWriter):
    """Keeps every image's shapes as text until the end."""

    def __init__(self, target: Path, **parts: Any) -> None:
        super().__init__(target, **parts)
        self._images: list[str] = []

    def sample_files(
        self, name: str, segmentation: Segmentation, suffix: str
    ) -> Mapping[str, bytes]:
        """Nothing yet: all annotations are one file."""
        height, width = segmentation.labels.shape
        subset = self.options.subset  # CVAT itself names none in what it writes of a task
        named = "" if subset == "default" else f"subset={quoteattr(subset)} "
        lines = [
            f'  <image id="{len(self._images)}" name={quoteattr(name + suffix)} {named}'
            f'width="{width}" height="{height}">'
        ]
        for key, one in sorted(segmentation.instances.items()):
            x0, y0, x1, y1 = (int(value) for value in one.box)
            counts = row_counts(segmentation.labels[y0:y1, x0:x1] == key).tolist()
            lines.append(
                f'    <mask label={quoteattr(one.class_name)} source="manual" occluded="0" '
                f'rle="{", ".join(map(str, counts))}" left="{x0}" top="{y0}" '
                f'width="{x1 - x0}" height="{y1 - y0}" z_order="0"></mask>'
            )
        self._images.append("\n".join([*lines, "  </image>\n"]))
        return {}

    def closing_files(self) -> Mapping[str, bytes]:
        """The XML file."""
        labels = "".join(
            f"<label><name>{escape(one.name)}</name><color>#{bytes(one.color).hex()}</color>"
            "<type>mask</type><attributes></attributes></label>\n"
            for one in self.classes
        )
        head_lines = (
            '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n'
            f"  <meta><task><size>{len(self._images)}</size><mode>annotation</mode>"
            f"<labels>\n{labels}</labels></task></meta>\n"
        )
        body = "".join(self._images)
        return {"annotations.xml": f"{head_lines}{body}</annotations>\n".encode()}

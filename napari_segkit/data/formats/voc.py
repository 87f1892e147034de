"""Pascal VOC, as in VOC2012.

::

    labelmap.txt                        names and colours of the classes; without it VOC's own
    ImageSets/Segmentation/SUBSET.txt   names of the images, without extension
    SegmentationClass/NAME.png          palette file, number and colour of the class
    SegmentationObject/NAME.png         palette file, number of the object in VOC's colours
    Annotations/NAME.xml                boxes of the objects; x and y begin at 1
    JPEGImages/NAME.EXT                 where images are included

Read as CVAT's mask format is, with two differences: void (the pale border that VOC draws around
objects, number 255 in palette files) is background, and where an image has boxes but no mask, the
boxes are its objects. No border is written.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar
from xml.etree.ElementTree import ParseError
from xml.sax.saxutils import escape

import numpy as np

from napari_segkit.data.formats.base import Capabilities, Format
from napari_segkit.data.formats.checking import found_by_reading
from napari_segkit.data.formats.cvat_decode import ColorTable
from napari_segkit.data.formats.cvat_labelmap import (
    FILE,
    check_classes,
    labelmap_bytes,
    voc_palette,
)
from napari_segkit.data.formats.cvat_layout import CLASS_DIR, IMAGE_DIR, LIST_DIR, OBJECT_DIR
from napari_segkit.data.formats.cvat_mask_reader import CvatMaskDataset, Masks
from napari_segkit.data.formats.finding import glimpse
from napari_segkit.data.formats.pixels import palette_png
from napari_segkit.data.formats.sheets import SheetWriter
from napari_segkit.data.formats.sources import read_text, understood
from napari_segkit.errors import DatasetError
from napari_segkit.ops.canvas import Canvas
from napari_segkit.ops.masks import lookup
from napari_segkit.ops.polygons import box_ring, checked_ring, fill_rings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from xml.etree.ElementTree import Element

    from napari_segkit.data.dataset import (
        Dataset,
        DatasetWriter,
        Sample,
        Validation,
        WriteOptions,
    )
    from napari_segkit.data.formats.cvat_contents import Contents
    from napari_segkit.data.formats.cvat_decode import Plane
    from napari_segkit.ops.runs import Runs
    from napari_segkit.types import ClassDef, Color, Job, Segmentation

_BOX_DIR = "Annotations"
_VOID: Color = (224, 224, 192)
_VOID_NUMBER = 255
_MOST = 254


class Voc(Format):
    """Pascal VOC, as a folder or a zip archive."""

    id: ClassVar[str] = "voc"
    title: ClassVar[str] = "Pascal VOC"
    capabilities: ClassVar[Capabilities] = Capabilities(
        max_instances=_MOST, classes=_MOST, scores=False
    )

    def recognises(self, path: Path) -> bool:
        """Whether there are masks and boxes in VOC's folders; never raises."""
        names = [f"/{name}" for name in glimpse(path)]
        return all(any(f"/{part}/" in name for name in names) for part in (_BOX_DIR, CLASS_DIR))

    def open(self, path: Path) -> Dataset:
        """Open a dataset; see `Format.open`."""
        return VocDataset(path)

    def open_writer(
        self, target: Path, *, classes: tuple[ClassDef, ...], options: WriteOptions
    ) -> DatasetWriter:
        """Start a dataset; see `Format.open_writer`."""
        check_classes(classes)
        if any(one.color == _VOID for one in classes):
            raise DatasetError("a class has the colour of void", got=_VOID, remedy="recolour it")
        return VocWriter(
            target, classes=classes, options=options, capabilities=self.capabilities, mark=FILE
        )

    def validate(self, path: Path) -> Job[Validation]:
        """Find every fault; see `Format.validate`."""
        return found_by_reading(self, path)


class _VocMasks(Masks):
    """Masks whose void is background."""

    def __init__(self, contents: Contents) -> None:
        super().__init__(contents)
        lines = contents.labelmap.lines
        colors = {one.color: number for number, one in enumerate(lines)}
        self._has_void = colors.setdefault(_VOID, len(lines)) == len(lines)
        colors.setdefault(contents.labelmap.background, len(lines))
        self._colors = ColorTable(colors)  # the number after the last line is background

    def objects(self, name: str) -> tuple[Runs, Plane]:
        """Object id of each pixel, 0 = none or void, and the file as it was."""
        ids, plane = super().objects(name)
        if self._has_void:
            ids = replace(ids, values=np.where(ids.values == _VOID_NUMBER, 0, ids.values))
        return ids, plane


class VocDataset(CvatMaskDataset):
    """An opened folder or archive of VOC's; see `CvatMaskDataset`."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._masks = _VocMasks(self._contents)

    def read(self, name: str) -> Sample:
        """One image's objects: masks, or boxes where there is no mask; see `Dataset.read`."""
        sample = super().read(name)
        root = "" if self._contents.store.path.is_dir() else self._contents.root
        sheet = f"{root}{_BOX_DIR}/{name}.xml"
        if name in self._contents.classes or sheet not in self._contents.store.sizes:
            return sample
        where = f"{self._contents.store.path}: {sheet}"
        with understood(where, expected="an annotation of Pascal VOC"):
            boxes = self._boxes(sheet, where)
        return replace(sample, segmentation=boxes)

    def _boxes(self, sheet: str, where: str) -> Segmentation:
        from defusedxml.ElementTree import fromstring

        try:
            root: Element = fromstring(read_text(self._contents.store, sheet), forbid_dtd=True)
        except ParseError as error:
            raise DatasetError("is not XML", where=where, got=str(error)) from error
        shape = _number(root, "size/height"), _number(root, "size/width")
        canvas = Canvas(shape, where=where)
        for one in root.iterfind("object"):
            x0, y0, x1, y1 = (
                float(one.findtext(f"bndbox/{key}", "")) for key in ("xmin", "ymin", "xmax", "ymax")
            )
            ring = checked_ring(box_ring(x0 - 1, y0 - 1, x1, y1), where=where)
            mask, top, left = fill_rings([ring], shape)
            canvas.paint(mask, (top, left), class_name=one.findtext("name", ""))
        return canvas.segmentation(self.classes, notes=("there is no mask, only boxes",))


def _number(root: Element, path: str) -> int:
    return int(root.findtext(path, ""))


class VocWriter(SheetWriter):
    """Two palette files and a list of boxes for each sample."""

    image_dir = f"{IMAGE_DIR}/"

    def __init__(self, target: Path, **parts: Any) -> None:
        super().__init__(target, **parts)
        palette: list[Any] = voc_palette().tolist()
        self._object_colors: dict[int, Color] = {
            k: (r, g, b) for k, (r, g, b) in enumerate(palette)
        }
        self._class_colors = {k: one.color for k, one in enumerate(self.classes, 1)}
        self._class_colors[_VOID_NUMBER] = _VOID

    def sample_files(
        self, name: str, segmentation: Segmentation, suffix: str
    ) -> Mapping[str, bytes]:
        """Masks and boxes of one image."""
        ids = sorted(segmentation.instances)
        numbers = {key: key for key in ids}
        if ids and ids[-1] > _MOST:
            numbers = {key: number for number, key in enumerate(ids, 1)}
            self.remark(f"object ids above {_MOST} were numbered anew from 1", name)
        kinds = {
            key: self.class_position(one.class_name) + 1
            for key, one in segmentation.instances.items()
        }
        masks = {
            f"{CLASS_DIR}/{name}.png": (kinds, self._class_colors),
            f"{OBJECT_DIR}/{name}.png": (numbers, self._object_colors),
        }
        files = {
            file: palette_png(lookup(segmentation.labels, table).astype(np.uint8), colors)
            for file, (table, colors) in masks.items()
        }
        lines = _annotation(f"{name}{suffix}", segmentation)
        files[f"{_BOX_DIR}/{name}.xml"] = "\n".join(lines).encode()
        return files

    def closing_files(self) -> Mapping[str, bytes]:
        """Classes and list."""
        lines = "".join(f"{name}\n" for name in self.names.values())
        return {
            FILE: labelmap_bytes(self.classes),
            f"{LIST_DIR}/{self.options.subset}.txt": lines.encode(),
        }


def _annotation(file: str, segmentation: Segmentation) -> Iterator[str]:
    """VOC's XML: boxes in pixels from 1, both corners inside."""
    height, width = segmentation.labels.shape
    yield f"<annotation>\n  <folder>{IMAGE_DIR}</folder>\n  <filename>{escape(file)}</filename>"
    yield f"  <size><width>{width}</width><height>{height}</height><depth>3</depth></size>"
    yield "  <segmented>1</segmented>"
    for _, one in sorted(segmentation.instances.items()):
        x0, y0, x1, y1 = (int(value) for value in one.box)
        yield (
            f"  <object><name>{escape(one.class_name)}</name><pose>Unspecified</pose>"
            "<truncated>0</truncated><difficult>0</difficult>"
            f"<bndbox><xmin>{x0 + 1}</xmin><ymin>{y0 + 1}</ymin>"
            f"<xmax>{x1}</xmax><ymax>{y1}</ymax></bndbox></object>"
        )
    yield "</annotation>\n"

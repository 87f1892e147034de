"""Writes CVAT's "Segmentation mask 1.1": see ``CvatMask`` for the layout."""

from __future__ import annotations

import io
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.data.dataset import DatasetWriter, WriteReport
from napari_segkit.data.formats.cvat_labelmap import (
    FILE,
    MOST_IDS,
    check_classes,
    labelmap_bytes,
    voc_palette,
)
from napari_segkit.data.formats.cvat_layout import (
    CLASS_DIR,
    IMAGE_DIR,
    LIST_DIR,
    OBJECT_DIR,
    is_dataset_only,
)
from napari_segkit.data.image_header import encoded_shape, header_shape
from napari_segkit.data.names import collision_key, name_fault
from napari_segkit.data.packing import open_pack
from napari_segkit.data.png import painted_png
from napari_segkit.errors import DatasetError, MaskError, WriteError
from napari_segkit.ops.masks import lookup, merge_by_class

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_segkit.data.dataset import PackedImage, Sample, WriteOptions
    from napari_segkit.types import ClassDef, Image, Labels, Segmentation

_EXAMPLES = 5  # names that a warning gives


class CvatMaskWriter(DatasetWriter):
    """Writes samples as they come; keeps their names, nothing else.

    Parameters
    ----------
    target, classes, options
        As `Format.open_writer`.

    Raises
    ------
    DatasetError
        Where classes, subset name or target do not fit.
    WriteError
        Where the place cannot be written.
    """

    def __init__(
        self, target: Path, *, classes: tuple[ClassDef, ...], options: WriteOptions
    ) -> None:
        check_classes(classes)
        _check_subset(options.subset)
        self._target, self._classes, self._options = target, classes, options
        self._colors = {one.name: one.color for one in classes}
        self._objects = voc_palette()
        self._names: dict[str, str] = {}  # collision key -> name, in order
        self._instances = 0
        self._remarks: dict[str, list[str]] = {}
        self._broken: WriteError | None = None
        self._pack = open_pack(target, overwrite=options.overwrite, replaceable=is_dataset_only)

    def add(self, sample: Sample) -> None:
        """Write one sample's masks, and its image where images are included.

        Raises
        ------
        DatasetError
            For a name that CVAT cannot hold or that is taken, an unknown class, or more than
            255 objects; the writer stays usable.
        MaskError
            Where the mask's size is not the image's.
        ImageError
            Where the image cannot be read.
        WriteError
            Where the disk refuses; then the writer is of no more use.
        """
        if self._broken:
            raise self._broken
        key = self._checked_name(sample.name)
        segmentation = sample.segmentation
        if self._options.instances == "merge":
            segmentation = merge_by_class(segmentation)
        self._check_segmentation(sample.name, segmentation)
        files = self._mask_files(sample.name, segmentation) | self._image_file(sample)
        self._put(files)
        self._names[key] = sample.name
        self._instances += len(segmentation.instances)

    def _checked_name(self, name: str) -> str:
        if fault := name_fault(name):
            raise DatasetError(
                f"image name {fault}", where=repr(name), remedy="rename the image, or leave it out"
            )
        key = collision_key(name)
        if key in self._names:
            raise DatasetError(
                "two images have one name without their extensions, so CVAT would mix them up",
                where=name,
                got=f"{self._names[key]} was written before",
                remedy="rename one of them, or put it into a folder of its own",
            )
        return key

    def _check_segmentation(self, name: str, segmentation: Segmentation) -> None:
        count = len(segmentation.instances)
        if count > MOST_IDS:
            raise DatasetError(
                "too many objects in one image for CVAT's mask format",
                where=name,
                expected=f"at most {MOST_IDS}",
                got=count,
                remedy="use --instances merge (one object per class), or write COCO or CVAT XML, "
                "which have no limit",
            )
        if segmentation.labels.size == 0:
            raise MaskError("mask has no pixels", where=name, got=segmentation.labels.shape)
        used = {one.class_name for one in segmentation.instances.values()}
        if unknown := sorted(used - self._colors.keys()):
            raise DatasetError(
                "objects have classes that the dataset does not have",
                where=name,
                expected=", ".join(self._colors),
                got=", ".join(unknown),
            )

    def _mask_files(self, name: str, segmentation: Segmentation) -> dict[str, bytes]:
        labels, numbers = self._numbered(name, segmentation)
        classes = np.zeros((MOST_IDS + 1, 3), np.uint8)
        for key, one in segmentation.instances.items():
            classes[numbers[key]] = self._colors[one.class_name]
        return {
            f"{CLASS_DIR}/{name}.png": painted_png(labels, classes),
            f"{OBJECT_DIR}/{name}.png": painted_png(labels, self._objects),
        }

    def _numbered(self, name: str, segmentation: Segmentation) -> tuple[Labels, Mapping[int, int]]:
        """Labels whose ids fit a byte: as they are, or numbered from 1 where they do not."""
        ids = sorted(segmentation.instances)
        if not ids or ids[-1] <= MOST_IDS:
            return segmentation.labels, {key: key for key in ids}
        numbers = {key: number for number, key in enumerate(ids, 1)}
        self._remark(f"object ids above {MOST_IDS} were numbered anew from 1", name)
        return lookup(segmentation.labels, numbers), numbers

    def _image_file(self, sample: Sample) -> dict[str, bytes]:
        image, include = sample.image, self._options.include_images
        if image is None:
            if include:
                self._remark("no image was given, so only its masks were written", sample.name)
            return {}
        name, shape = sample.name, sample.segmentation.labels.shape
        if isinstance(image, np.ndarray):
            _check_size(name, image.shape[:2], shape)
            return {f"{IMAGE_DIR}/{name}.png": _encoded(image)} if include else {}
        if not include:
            _check_header(name, image, shape)
            return {}
        data = _original(image)
        where = image if isinstance(image, Path) else image.name
        _check_size(name, encoded_shape(data, where), shape, where=where)
        return {f"{IMAGE_DIR}/{name}{PurePosixPath(where).suffix}": data}

    def _put(self, files: Mapping[str, bytes]) -> None:
        try:
            for name, data in files.items():
                self._pack.put(name, data)
        except WriteError as error:
            self._broken = error
            raise

    def _remark(self, what: str, name: str) -> None:
        self._remarks.setdefault(what, []).append(name)

    def commit(self) -> WriteReport:
        """Write labelmap and list, and put the dataset in its place.

        Raises
        ------
        DatasetError
            Where nothing was added, or the target is taken meanwhile.
        WriteError
            Where the disk refuses.
        """
        if self._broken:
            raise self._broken
        if not self._names:
            raise DatasetError("no image was added, so nothing is written", where=self._target)
        lines = "".join(f"{name}\n" for name in self._names.values())
        self._put(
            {
                FILE: labelmap_bytes(self._classes),
                f"{LIST_DIR}/{self._options.subset}.txt": lines.encode(),
            }
        )
        self._pack.commit()
        return WriteReport(self._target, len(self._names), self._instances, self._warnings())

    def _warnings(self) -> tuple[str, ...]:
        return tuple(
            f"{what}: {', '.join(names[:_EXAMPLES])}"
            + (f" and {len(names) - _EXAMPLES} more" if names[_EXAMPLES:] else "")
            for what, names in self._remarks.items()
        )

    def discard(self) -> None:
        """Remove the staging area; the target is as it was."""
        self._pack.discard()


def _check_subset(subset: str) -> None:
    fault = name_fault(subset)
    if "_" in subset:
        fault = "has a '_', so CVAT would not find the dataset"
    elif "/" in subset:
        fault = "has a '/'"
    if fault:
        raise DatasetError(
            f"subset name {fault}", got=repr(subset), remedy="use a name such as default or Train"
        )


def _check_size(
    name: str, image: tuple[int, ...], mask: tuple[int, ...], where: object = None
) -> None:
    """Compare (H, W) of an image and its mask."""
    if image != mask:
        raise MaskError(
            "mask has another size than its image",
            where=where or name,
            expected=f"{image[1]}x{image[0]}",
            got=f"{mask[1]}x{mask[0]}",
            remedy="segment the image again; nothing is resized",
        )


def _check_header(name: str, image: Path | PackedImage, mask: tuple[int, ...]) -> None:
    """Compare the sizes where the image need not be read for anything else."""
    if isinstance(image, Path) and image.is_file():
        with image.open("rb") as file:
            _check_size(name, header_shape(file, image), mask, where=image)


def _original(image: Path | PackedImage) -> bytes:
    if not isinstance(image, Path):
        return image.read()
    try:
        return image.read_bytes()
    except OSError as error:
        raise DatasetError(
            "image cannot be read", where=image, got=error.strerror or error
        ) from error


def _encoded(image: Image) -> bytes:
    from PIL import Image as PilImage

    buffer = io.BytesIO()
    PilImage.fromarray(np.ascontiguousarray(image)).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()

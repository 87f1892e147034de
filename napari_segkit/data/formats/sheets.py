"""What all writers of lists and sheets share: names, sizes, images, counted losses, staging."""

from __future__ import annotations

import io
import os
from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from napari_segkit.data.dataset import DatasetWriter, PackedImage, WriteReport
from napari_segkit.data.formats.finding import IMAGE_SUFFIXES
from napari_segkit.data.image_header import encoded_shape, header_shape
from napari_segkit.data.losses import LossCount
from napari_segkit.data.names import collision_key, name_fault
from napari_segkit.data.packing import open_pack
from napari_segkit.errors import DatasetError, MaskError, WriteError
from napari_segkit.ops.masks import merge_by_class

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_segkit.data.dataset import Sample, WriteOptions
    from napari_segkit.data.formats.base import Capabilities
    from napari_segkit.types import ClassDef, Image, Segmentation

_EXAMPLES = 5  # names that a warning gives


class SheetWriter(DatasetWriter):
    """Writes samples as they come; a format says what its files are.

    Parameters
    ----------
    target, classes, options
        As `Format.open_writer`.
    capabilities
        Of the format.
    mark
        A file or folder that every dataset of the format has at its top, by which one that may be
        overwritten is known.

    Raises
    ------
    DatasetError
        Where classes, subset name or target do not fit.
    WriteError
        Where the place cannot be written.
    """

    image_dir: str = "images/"
    """Where images go."""
    tells_losses: ClassVar[bool] = True
    """Whether the report counts what the format cannot hold."""

    def __init__(
        self,
        target: Path,
        *,
        classes: tuple[ClassDef, ...],
        options: WriteOptions,
        capabilities: Capabilities,
        mark: str,
    ) -> None:
        _check_classes(classes, capabilities)
        if fault := "has a '/'" if "/" in options.subset else name_fault(options.subset):
            raise DatasetError(f"subset name {fault}", got=repr(options.subset))
        self.target, self.classes, self.options = target, classes, options
        self.capabilities, self.mark = capabilities, mark
        self.names: dict[str, str] = {}  # collision key -> name, in order
        self._positions = {one.name: k for k, one in enumerate(classes)}
        self._instances, self._losses = 0, LossCount(capabilities)
        self._remarks: dict[str, list[str]] = {}
        self._broken: WriteError | None = None
        self._pack = open_pack(
            target,
            overwrite=options.overwrite,
            replaceable=self.may_replace,
        )

    def may_replace(self, folder: Path) -> bool:
        """Whether a folder is a dataset of this format and nothing else."""
        return is_made_of_known_files(folder, self.mark)

    @abstractmethod
    def sample_files(
        self, name: str, segmentation: Segmentation, suffix: str
    ) -> Mapping[str, bytes]:
        """Files of one sample, without its image, whose name ends in ``suffix``.

        What is kept for `closing_files` must be entered here and not raise afterwards.
        """

    @abstractmethod
    def closing_files(self) -> Mapping[str, bytes]:
        """Files about all samples."""

    def add(self, sample: Sample) -> None:
        """Write one sample; see `DatasetWriter.add`.

        Raises
        ------
        DatasetError
            For a name that files cannot have or that is taken, an unknown class, or too many
            objects; the writer stays usable.
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
        if self.options.instances == "merge":
            segmentation = merge_by_class(segmentation)
        self._check_segmentation(sample.name, segmentation)
        suffix, image = self._image(sample)
        files = dict(self.sample_files(sample.name, segmentation, suffix))
        if image is not None:
            files[f"{self.image_dir}{sample.name}{suffix}"] = image
        self._put(files)
        self.names[key] = sample.name
        self._instances += len(segmentation.instances)
        if self.tells_losses:
            self._losses.add(segmentation)

    def class_position(self, name: str) -> int:
        """Position of a class in the dataset's, from 0."""
        return self._positions[name]

    def remark(self, what: str, name: str) -> None:
        """Note something that a person should know about one image."""
        self._remarks.setdefault(what, []).append(name)

    def _checked_name(self, name: str) -> str:
        if fault := name_fault(name):
            raise DatasetError(
                f"image name {fault}", where=repr(name), remedy="rename the image, or leave it out"
            )
        key = collision_key(name)
        if key in self.names:
            raise DatasetError(
                "two images have one name without their extensions",
                where=name,
                got=f"{self.names[key]} was written before",
                remedy="rename one of them, or put it into a folder of its own",
            )
        return key

    def _check_segmentation(self, name: str, segmentation: Segmentation) -> None:
        count, most = len(segmentation.instances), self.capabilities.max_instances
        if most is not None and count > most:
            raise DatasetError(
                "too many objects in one image for this format",
                where=name,
                expected=f"at most {most}",
                got=count,
                remedy="choose one object per class (--instances merge), or write COCO or CVAT "
                "XML, which have no limit",
            )
        if segmentation.labels.size == 0:
            raise MaskError("mask has no pixels", where=name, got=segmentation.labels.shape)
        used = {one.class_name for one in segmentation.instances.values()}
        if unknown := sorted(used - self._positions.keys()):
            raise DatasetError(
                "objects have classes that the dataset does not have",
                where=name,
                expected=", ".join(self._positions),
                got=", ".join(unknown),
            )

    def _image(self, sample: Sample) -> tuple[str, bytes | None]:
        """Extension of the image, and its bytes where images are included."""
        image, included = sample.image, self.options.include_images
        shape = sample.segmentation.labels.shape
        if image is None:
            if included:
                self.remark("no image was given, so only its masks were written", sample.name)
            return ".png", None
        if isinstance(image, (Path, PackedImage)):
            suffix = os.path.splitext(image.name)[1]
            data = _bytes(image) if included else None
            if data is not None:
                _check_size(sample.name, encoded_shape(data, image.name), shape)
            elif isinstance(image, Path) and image.is_file():
                with image.open("rb") as file:
                    _check_size(sample.name, header_shape(file, image), shape)
            return suffix, data
        _check_size(sample.name, image.shape[:2], shape)
        return ".png", encoded_png(image) if included else None

    def _put(self, files: Mapping[str, bytes]) -> None:
        try:
            for name, data in files.items():
                self._pack.put(name, data)
        except WriteError as error:
            self._broken = error
            raise

    def commit(self) -> WriteReport:
        """Write what is about all samples, and put the dataset in its place.

        Raises
        ------
        DatasetError
            Where nothing was added, or the target is taken meanwhile.
        WriteError
            Where the disk refuses.
        """
        if self._broken:
            raise self._broken
        if not self.names:
            raise DatasetError("no image was added, so nothing is written", where=self.target)
        self._put(self.closing_files())
        self._pack.commit()
        return WriteReport(self.target, len(self.names), self._instances, self._warnings())

    def _warnings(self) -> tuple[str, ...]:
        remarks = (
            f"{what}: {', '.join(names[:_EXAMPLES])}"
            + (f" and {len(names) - _EXAMPLES} more" if names[_EXAMPLES:] else "")
            for what, names in self._remarks.items()
        )
        return (*self._losses.sentences(), *remarks)

    def discard(self) -> None:
        """Remove the staging area; the target is as it was."""
        self._pack.discard()


def _check_classes(classes: tuple[ClassDef, ...], capabilities: Capabilities) -> None:
    names = [one.name for one in classes]
    faults = [] if classes else ["there is no class"]
    faults += [
        f"class {name!r} is there twice" for name in sorted(set(names)) if names.count(name) > 1
    ]
    faults += [f"class {name!r} cannot be printed" for name in names if not name.isprintable()]
    faults += ["a class has no name"] if "" in names else []
    if capabilities.classes is not None and len(classes) > capabilities.classes:
        faults.append(f"there are {len(classes)} classes, the format holds {capabilities.classes}")
    if faults:
        raise DatasetError(
            "classes do not fit the format",
            got="; ".join(faults[:5]) + (f"; and {len(faults) - 5} more" if faults[5:] else ""),
            remedy="rename them",
        )


def _check_size(name: str, image: tuple[int, ...], mask: tuple[int, ...]) -> None:
    """Compare (H, W) of an image and its mask."""
    if tuple(image) != tuple(mask):
        raise MaskError(
            "mask has another size than its image",
            where=name,
            expected=f"{image[1]}x{image[0]}",
            got=f"{mask[1]}x{mask[0]}",
            remedy="segment the image again; nothing is resized",
        )


def _bytes(image: Path | PackedImage) -> bytes:
    if isinstance(image, PackedImage):
        return image.read()
    try:
        return image.read_bytes()
    except OSError as error:
        raise DatasetError(
            "image cannot be read", where=image, got=error.strerror or error
        ) from error


def encoded_png(image: Image) -> bytes:
    """A PNG of pixels, (H, W) or (H, W, 3) uint8."""
    from PIL import Image as PilImage

    buffer = io.BytesIO()
    PilImage.fromarray(np.ascontiguousarray(image)).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


_KNOWN = (*IMAGE_SUFFIXES, ".json", ".xml", ".txt", ".yaml", ".yml")


def is_made_of_known_files(folder: Path, mark: str) -> bool:
    """Whether a folder has ``mark`` and holds nothing but images and annotations."""
    try:
        if not (folder / mark).exists():
            return False
        for _, _, names in os.walk(folder):
            for name in names:
                if os.path.splitext(name)[1].lower() not in _KNOWN:
                    return False
    except OSError:
        return False
    return True

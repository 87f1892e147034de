"""CVAT's "Segmentation mask 1.1".

::

    labelmap.txt                        name:R,G,B:: one per line, background first
    ImageSets/Segmentation/SUBSET.txt   names of the images, without extension
    SegmentationClass/NAME.png          RGB8, the class's colour
    SegmentationObject/NAME.png         RGB8, Pascal VOC's colour of the object's id
    JPEGImages/NAME.EXT                 the original images, where they are included
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from napari_segkit.data.atomic import put_back
from napari_segkit.data.formats.base import Capabilities, Format
from napari_segkit.data.formats.cvat_labelmap import MOST_IDS
from napari_segkit.data.formats.cvat_layout import looks_like
from napari_segkit.data.formats.cvat_mask_check import check
from napari_segkit.data.formats.cvat_mask_reader import CvatMaskDataset
from napari_segkit.data.formats.cvat_mask_writer import CvatMaskWriter
from napari_segkit.errors import DatasetError

if TYPE_CHECKING:
    from pathlib import Path

    from napari_segkit.data.dataset import DatasetWriter, Validation, WriteOptions
    from napari_segkit.data.formats.strange import Meanings
    from napari_segkit.types import ClassDef, Job


class CvatMask(Format):
    """CVAT's "Segmentation mask 1.1", as a folder or a zip archive.

    Parameters
    ----------
    meanings
        What a person said of colours that the labelmap does not have.
    """

    id: ClassVar[str] = "cvat-mask"
    title: ClassVar[str] = "CVAT Segmentation mask 1.1"
    capabilities: ClassVar[Capabilities] = Capabilities(
        max_instances=MOST_IDS, classes=MOST_IDS, scores=False
    )

    def __init__(self, meanings: Meanings | None = None) -> None:
        self.meanings = meanings or {}

    def recognises(self, path: Path) -> bool:
        """Whether a folder or archive has this format's folders; never raises."""
        put_back(path)
        return looks_like(path)

    def open(self, path: Path) -> CvatMaskDataset:
        """Open a dataset; see `Format.open`."""
        put_back(path)
        return CvatMaskDataset(path, meanings=self.meanings)

    def open_writer(
        self, target: Path, *, classes: tuple[ClassDef, ...], options: WriteOptions
    ) -> DatasetWriter:
        """Start a dataset; see `Format.open_writer`."""
        return CvatMaskWriter(
            target, classes=classes, options=options, capabilities=self.capabilities
        )

    def validate(self, path: Path) -> Job[Validation]:
        """Find every fault, with what CVAT would make of it; see `Format.validate`."""
        put_back(path)
        if not path.exists():
            raise DatasetError("no such file or folder", where=path)
        return check(path, format_id=self.id)

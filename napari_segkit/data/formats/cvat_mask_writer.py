"""Writes CVAT's "Segmentation mask 1.1": see ``CvatMask`` for the layout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

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
from napari_segkit.data.formats.sheets import SheetWriter
from napari_segkit.data.png import painted_png
from napari_segkit.errors import DatasetError
from napari_segkit.ops.masks import lookup

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari_segkit.data.dataset import WriteOptions
    from napari_segkit.types import ClassDef, Labels, Segmentation


class CvatMaskWriter(SheetWriter):
    """Two painted files for each sample; keeps their names, nothing else."""

    image_dir = f"{IMAGE_DIR}/"
    tells_losses: ClassVar[bool] = False  # scores only, which no mask has

    def __init__(
        self, target: Path, *, classes: tuple[ClassDef, ...], options: WriteOptions, **parts: Any
    ) -> None:
        check_classes(classes)
        if "_" in options.subset:
            raise DatasetError(
                "subset name has a '_', so CVAT would not find the dataset",
                got=repr(options.subset),
                remedy="use a name such as default or Train",
            )
        super().__init__(target, classes=classes, options=options, mark=FILE, **parts)
        self._colors = {one.name: one.color for one in classes}
        self._objects = voc_palette()

    def may_replace(self, folder: Path) -> bool:
        """Whether a folder is such a dataset and nothing else."""
        return is_dataset_only(folder)

    def sample_files(
        self, name: str, segmentation: Segmentation, suffix: str
    ) -> Mapping[str, bytes]:
        """Class and object masks of one image."""
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
        self.remark(f"object ids above {MOST_IDS} were numbered anew from 1", name)
        return lookup(segmentation.labels, numbers), numbers

    def closing_files(self) -> Mapping[str, bytes]:
        """Classes and list."""
        lines = "".join(f"{name}\n" for name in self.names.values())
        return {
            FILE: labelmap_bytes(self.classes),
            f"{LIST_DIR}/{self.options.subset}.txt": lines.encode(),
        }

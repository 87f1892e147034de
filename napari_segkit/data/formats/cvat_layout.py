"""Where CVAT's mask format keeps its files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from napari_segkit.data.formats.cvat_labelmap import FILE
from napari_segkit.data.staging import holds_only

if TYPE_CHECKING:
    from pathlib import Path

CLASS_DIR = "SegmentationClass"
OBJECT_DIR = "SegmentationObject"
IMAGE_DIR = "JPEGImages"
LIST_DIR = "ImageSets/Segmentation"
_TOP = {FILE, CLASS_DIR, OBJECT_DIR, IMAGE_DIR, "ImageSets"}


def is_dataset_only(folder: Path) -> bool:
    """Whether a folder is such a dataset and nothing else, so that it may be replaced."""
    try:
        known = (folder / FILE).is_file() and os.path.isdir(folder / LIST_DIR)
        return known and holds_only(folder, _TOP)
    except OSError:
        return False

"""What push and pull share: a place for what is on its way, and images without annotations."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.data.atomic import disk_errors
from napari_segkit.data.dataset import Sample
from napari_segkit.types import Segmentation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_segkit.data.cvat_task import Frame
    from napari_segkit.data.dataset import Dataset


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder for what is on its way; it goes whatever happens."""
    with disk_errors(Path("the temporary folder")):
        folder = tempfile.TemporaryDirectory(prefix="segkit-", ignore_cleanup_errors=True)
    with folder as name:
        yield Path(name)


def read_or_empty(dataset: Dataset, name: str, frame: Frame | None) -> Sample:
    """A sample; one without mask and image is an empty one of its frame's size."""
    sample = dataset.read(name)
    if sample.segmentation.labels.size or frame is None:
        return sample
    return empty_sample(frame, dataset)


def empty_sample(frame: Frame, dataset: Dataset) -> Sample:
    """An image without objects, of a frame's name and size."""
    labels = np.zeros((frame.height, frame.width), np.int32)
    return Sample(frame.stem, Segmentation(labels, {}, dataset.classes))

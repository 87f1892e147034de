"""Look through a dataset: open it, count its objects, show one image, load one image."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.data.dataset import PackedImage, Sample
from napari_segkit.data.formats.cvat_mask import CvatMask
from napari_segkit.data.formats.indexed_png import IndexedPng
from napari_segkit.data.formats.registry import recognise
from napari_segkit.data.mask_file import MaskFile, is_mask_file
from napari_segkit.data.pixels import sample_pixels
from napari_segkit.errors import DatasetError, SegkitError
from napari_segkit.types import Progress

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_segkit.data.dataset import Dataset
    from napari_segkit.data.formats.base import Format
    from napari_segkit.data.formats.strange import Meanings
    from napari_segkit.types import Image, Job, Labels, Segmentation

_TINT = 0.45


@dataclass(frozen=True)
class Row:
    """What is known of one image: objects per class, or why it cannot be read."""

    counts: Mapping[str, int] = field(default_factory=dict)
    fault: str = ""

    @property
    def objects(self) -> int:
        """Of all classes."""
        return sum(self.counts.values())


class Browser:
    """An opened dataset; jobs in several threads may read it, one after the other.

    Attributes
    ----------
    rows
        Name -> what is known of it; filled by `count_objects` and by every sample that is read.
    """

    def __init__(self, path: Path, form: Format, dataset: Dataset) -> None:
        self.path, self.format = path, form
        self.names, self.classes, self.notes = dataset.names, dataset.classes, dataset.notes
        self.rows: dict[str, Row] = {}
        self._dataset, self._closing = dataset, False
        self._lock = threading.Lock()

    def read(self, name: str) -> Sample:
        """One sample.

        Raises
        ------
        DatasetError, MaskError
            As `Dataset.read`, and after `close`.
        """
        try:
            with self._lock:
                if self._closing:
                    raise DatasetError("the dataset was closed", where=self.path)
                sample = self._dataset.read(name)
        except SegkitError as error:
            self.rows[name] = Row(fault=str(error))
            raise
        finally:
            if self._closing:
                self.close()
        found = sample.segmentation.instances.values()
        self.rows[name] = Row(Counter(one.class_name for one in found))
        return sample

    def close(self) -> None:
        """Let go of the files, as soon as nothing is being read; does not wait for that."""
        self._closing = True
        if self._lock.acquire(blocking=False):
            try:
                self._dataset.close()
            finally:
                self._lock.release()


def open_browser(path: Path, form: Format | None = None) -> Job[Browser]:
    """Open a dataset, or one mask file; its index is read, not its images.

    Parameters
    ----------
    form
        How it is read; ``None`` asks every format.

    Raises
    ------
    DatasetError, MaskError
        Where it cannot be read.
    """
    yield Progress(0, None, f"opening {path.name}")
    if form is None:
        form = MaskFile() if is_mask_file(path) else recognise(path)
    return Browser(path, form, form.open(path))


def count_objects(browser: Browser) -> Job[int]:
    """Read every image that was not read yet; returns how many cannot be read."""
    for number, name in enumerate(browser.names):
        if name not in browser.rows:
            yield Progress(number, len(browser.names), f"counting {name}")
            try:
                browser.read(name)
            except SegkitError:
                continue  # stands in its row
    return sum(bool(row.fault) for row in browser.rows.values())


def with_meanings(form: Format, meanings: Meanings) -> Format:
    """The format, told what values or colours mean that no class has (F16)."""
    if isinstance(form, CvatMask | MaskFile):
        return type(form)(meanings)
    return IndexedPng(form.table, meanings) if isinstance(form, IndexedPng) else form


@dataclass(frozen=True)
class Preview:
    """A small picture of one image with its objects.

    Attributes
    ----------
    picture : (h, w, 3) uint8 RGB
    shape
        (H, W) of the image.
    """

    name: str
    picture: Image
    shape: tuple[int, int]
    notes: tuple[str, ...]


def preview(browser: Browser, name: str, *, side: int = 320) -> Job[Preview]:
    """A picture of at most ``side`` pixels of one image, its objects tinted and outlined.

    Raises
    ------
    DatasetError, MaskError, ImageError
        Where it cannot be read.
    """
    yield Progress(0, None, f"reading {name}")
    sample = browser.read(name)
    labels = sample.segmentation.labels
    if not labels.size:
        raise DatasetError("image has neither pixels nor mask", where=name)
    height, width = labels.shape
    step = max(1, -(-max(height, width) // side))
    small = labels[step // 2 :: step, step // 2 :: step] if step > 1 else labels
    ground = np.full((*small.shape, 3), 70, np.uint8)
    notes: tuple[str, ...] = ("the image itself is not in the dataset",)
    found = sample_pixels(sample)
    if found is not None:
        pixels, notes = found.pixels, found.notes
        if pixels.shape[:2] == labels.shape:
            ground = pixels[step // 2 :: step, step // 2 :: step] if step > 1 else pixels
    picture = _tinted(ground, small, sample.segmentation)
    return Preview(name, picture, (height, width), (*notes, *sample.segmentation.notes))


def _tinted(ground: Image, labels: Labels, segmentation: Segmentation) -> Image:
    colors = {one.name: one.color for one in segmentation.classes}
    table = np.zeros((max(segmentation.instances, default=0) + 1, 3), np.float32)
    for key, one in segmentation.instances.items():
        table[key] = colors[one.class_name]
    inside = labels > 0
    edge = inside & _borders(labels)
    picture = ground.astype(np.float32)
    color = table[labels]
    picture[inside] += _TINT * (color[inside] - picture[inside])
    picture[edge] = color[edge]
    return picture.astype(np.uint8)


def _borders(labels: Labels) -> NDArray[np.bool_]:
    """Pixels with another id above, below, left or right of them."""
    border = np.zeros(labels.shape, bool)
    rows, columns = labels[1:] != labels[:-1], labels[:, 1:] != labels[:, :-1]
    border[1:] |= rows
    border[:-1] |= rows
    border[:, 1:] |= columns
    border[:, :-1] |= columns
    return border


@dataclass(frozen=True)
class Loaded:
    """One image of a dataset, ready to be shown.

    Attributes
    ----------
    pixels : (H, W, 3) uint8 RGB or None
        ``None`` where the dataset does not have the image.
    labels : (H, W) uint16 or int32
        The segmentation's, as shallow as they can be.
    original
        The image's file, on disk or in its archive.
    """

    name: str
    dataset: Path
    pixels: Image | None
    labels: NDArray[np.integer]
    segmentation: Segmentation
    original: Path | PackedImage | None
    notes: tuple[str, ...]


def load_sample(browser: Browser, name: str) -> Job[Loaded]:
    """Read one image and its objects.

    Raises
    ------
    DatasetError, MaskError, ImageError
        Where they cannot be read, or do not fit each other (F15).
    """
    yield Progress(0, None, f"reading {name}")
    sample = browser.read(name)
    segmentation = sample.segmentation
    found = sample_pixels(sample)
    original = sample.image if isinstance(sample.image, Path | PackedImage) else None
    if isinstance(original, PackedImage):  # the archive may be closed when it is asked for
        again = partial(_read_again, browser.path, browser.format, name)
        original = PackedImage(original.name, again)
    if not segmentation.labels.size:
        raise DatasetError("image has neither pixels nor mask", where=name)
    small = max(segmentation.instances, default=0) < 1 << 16
    labels = segmentation.labels
    return Loaded(
        name,
        browser.path,
        None if found is None else found.pixels,
        labels.astype(np.uint16) if small else labels,
        segmentation,
        original,
        (*(() if found is None else found.notes), *segmentation.notes),
    )


def _read_again(path: Path, form: Format, name: str) -> bytes:
    with form.open(path) as dataset:
        image = dataset.read(name).image
        if not isinstance(image, PackedImage):
            raise DatasetError("the image is no longer in the archive", where=f"{path}: {name}")
        return image.read()

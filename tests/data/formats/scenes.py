"""Made-up samples that have what formats find hard: holes, parts, touching objects, odd sizes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from napari_segkit.data.dataset import Sample, WriteOptions
from napari_segkit.data.formats.base import Capabilities, Format
from napari_segkit.errors import SegkitError
from napari_segkit.ops.masks import components, segmentation_from_labels
from napari_segkit.types import ClassDef, Segmentation

CLASSES = (
    ClassDef("ring", (250, 170, 50)),
    ClassDef("Löffel groß", (10, 200, 30)),
    ClassDef("unused", (1, 2, 3)),
)


def hard(seed: int = 0, shape: tuple[int, int] = (40, 57)) -> Segmentation:
    """Objects 1 to 5: with a hole; in two parts; two of one class that touch; one of one pixel."""
    labels = np.zeros(shape, np.int32)
    labels[3:15, 4:18] = 1
    labels[6:10, 8:14] = 0
    labels[7, 9] = 1  # an island in the hole
    labels[20:30, 2:6] = 2
    labels[22:28, 10:15] = 2
    labels[5:12, 30:36] = 3
    labels[5:12, 36:40] = 4
    labels[shape[0] - 1, shape[1] - 1] = 5
    scores = np.random.default_rng(seed).random(6)
    return segmentation_from_labels(
        labels,
        classes=CLASSES,
        class_of={1: "ring", 2: "Löffel groß", 3: "ring", 4: "ring", 5: "Löffel groß"},
        scores={key: float(scores[key]) for key in range(1, 6)},
    )


def empty(shape: tuple[int, int] = (9, 7)) -> Segmentation:
    return segmentation_from_labels(np.zeros(shape, np.int32), classes=CLASSES)


def noise(seed: int, shape: tuple[int, int] = (23, 31), objects: int = 6) -> Segmentation:
    """Objects that are crumbs of all shapes."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, objects + 1, shape).astype(np.int32)
    labels[rng.random(shape) < 0.4] = 0
    _, labels = np.unique(np.append(labels.ravel(), 0), return_inverse=True)  # ids without gaps
    names = [one.name for one in CLASSES]
    return segmentation_from_labels(
        labels[:-1].reshape(shape).astype(np.int32),
        classes=CLASSES,
        class_of={key: names[int(rng.integers(2))] for key in range(1, objects + 1)},
    )


def photo(path: Path, shape: tuple[int, int], *, exif: int = 1) -> Path:
    """An image file of (H, W) after EXIF rotation."""
    height, width = shape if exif < 5 else shape[::-1]
    values = np.random.default_rng(1).integers(0, 255, (height, width, 3), np.uint8)
    tags = Image.Exif()
    tags[274] = exif
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path, exif=tags)
    return path


def samples(folder: Path) -> list[Sample]:
    """Five samples: sub-folder, spaces, dots, EXIF, pixels, no image, no object, one pixel."""
    one = segmentation_from_labels(np.ones((1, 1), np.int32), classes=CLASSES)
    return [
        Sample("a/hard one", hard(), photo(folder / "a/hard one.jpg", (40, 57), exif=6)),
        Sample("a/b.c", noise(3), photo(folder / "a/b.c.png", (23, 31))),
        Sample("leer", empty(), photo(folder / "leer.png", (9, 7))),
        Sample("größe", noise(4, (5, 90)), np.zeros((5, 90, 3), np.uint8)),
        Sample("pixel", one, np.full((1, 1, 3), 9, np.uint8)),
    ]


def expected(segmentation: Segmentation, can: Capabilities) -> Segmentation:
    """What a format that holds ``can`` gives back."""
    labels, instances = segmentation.labels, segmentation.instances
    class_of = {key: one.class_name for key, one in instances.items()}
    scores = {key: one.score for key, one in instances.items()} if can.scores else {}
    if can.parts == "split" or not can.touching:
        names = [one.name for one in segmentation.classes]
        numbers = np.zeros(max(class_of, default=0) + 1, np.int32)
        for key, name in class_of.items():
            numbers[key] = names.index(name) + 1
        labels, of_number = components(numbers[labels])
        class_of = {key: names[number - 1] for key, number in of_number.items()}
    return segmentation_from_labels(
        labels, classes=segmentation.classes, class_of=class_of, scores=scores
    )


def write(form: Format, target: Path, given: list[Sample], **options: object) -> None:
    with form.open_writer(target, classes=CLASSES, options=WriteOptions(**options)) as writer:
        for sample in given:
            writer.add(sample)


def read_all(form: Format, path: Path) -> int:
    """Number of samples that can be read; errors of single ones are passed over."""
    read = 0
    with form.open(path) as dataset:
        for name in dataset.names:
            try:
                dataset.read(name)
                read += 1
            except SegkitError:
                continue
    return read

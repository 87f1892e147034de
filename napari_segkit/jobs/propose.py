"""Masks for photos that have none: regions are proposed, a person names clusters of them.

::

    OUT/proposals/     dataset (indexed PNG) whose classes are clusters of alike regions
    OUT/clusters.jpg   examples of every cluster, a row for each
    OUT/names.toml     to be filled in: "cluster 01" = "pan"; empty = left out
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.data.atomic import atomic_write, disk_errors
from napari_segkit.data.dataset import Sample, WriteOptions
from napari_segkit.data.formats.classes import color_or_next
from napari_segkit.data.formats.registry import get_format, recognise
from napari_segkit.data.images import read_image
from napari_segkit.errors import DatasetError, ParamsError
from napari_segkit.ops.masks import components, lookup, segmentation_from_labels
from napari_segkit.types import ClassDef, Progress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_segkit.data.dataset import WriteReport
    from napari_segkit.data.images import ImageSource
    from napari_segkit.types import Image, Job, Labels

NAMES, PICTURE, DATASET = "names.toml", "clusters.jpg", "proposals"
_SIDE = 256
_EXAMPLES, _TILE = 10, 96


@dataclass(frozen=True)
class Proposing:
    """Settings.

    Attributes
    ----------
    clusters
        How many kinds of regions a person will name.
    parts
        Kinds of pixels within an image.
    least
        Smallest region as a share of its image.
    weights
        Of a trained network, whose features are then used beside colour and texture.
    """

    clusters: int = 12
    parts: int = 8
    least: float = 0.01
    weights: Path | None = None

    def __post_init__(self) -> None:
        if not 2 <= self.clusters <= 99 or not 2 <= self.parts <= 64:
            raise ParamsError(
                "numbers of clusters", expected="2 to 99 and 2 to 64",
                got=f"{self.clusters} and {self.parts}",
            )  # fmt: skip
        if not 0 < self.least < 1:
            raise ParamsError("smallest region", expected="a share below 1", got=self.least)


@dataclass(frozen=True)
class _Found:
    source: ImageSource
    shape: tuple[int, int]
    small: Image
    labels: Labels
    rows: NDArray[np.float32]


def propose(
    sources: Sequence[ImageSource], out: Path, *, settings: Proposing | None = None
) -> Job[WriteReport]:
    """Find regions in every image, cluster them over all, and write what a person names.

    Raises
    ------
    InputError
        Where a setting, an image, the weights or the target cannot be used.
    WriteError
        Where the disk refuses.
    """
    settings = settings or Proposing()
    measure = _Measure(settings.weights)
    found: list[_Found] = []
    for number, source in enumerate(sources):
        yield Progress(number, len(sources) + 1, source.name)
        found.append(_regions_of(source, settings, measure))
    kinds = _kinds([one.rows for one in found], settings.clusters)
    classes = tuple(
        ClassDef(f"cluster {k + 1:02d}", color_or_next(None, k)) for k in range(settings.clusters)
    )
    with disk_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    form, options = get_format("indexed-png"), WriteOptions(include_images=True)
    with form.open_writer(out / DATASET, classes=classes, options=options) as writer:
        for one, mine in zip(found, kinds, strict=True):
            writer.add(_sample(one, mine, classes))
    yield Progress(len(sources), len(sources) + 1, "pictures")
    _write(out / PICTURE, _examples(found, kinds, settings.clusters))
    lines = [f'"{one.name}" = ""' for one in classes]
    _write(out / NAMES, "\n".join(["# row in clusters.jpg = class; empty = left out", *lines, ""]))
    return writer.report


class _Measure:
    """Features of an image's pixels; with a network's where there are weights."""

    def __init__(self, weights: Path | None) -> None:
        self._deep = None
        if weights is not None:
            from napari_segkit.nets.features import DeepFeatures

            self._deep = DeepFeatures.of(weights)

    def __call__(self, image: Image) -> NDArray[np.float32]:
        from napari_segkit.ops.proposals import colour_texture

        plain = colour_texture(image)
        return plain if self._deep is None else np.concatenate([plain, self._deep(image)], axis=2)


def _regions_of(source: ImageSource, settings: Proposing, measure: _Measure) -> _Found:
    import cv2

    from napari_segkit.ops.proposals import descriptors, regions

    image = read_image(source.path).pixels
    height, width = image.shape[:2]
    scale = min(1.0, _SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    features = measure(small)
    labels = regions(features, parts=settings.parts, least=settings.least)
    return _Found(source, (height, width), small, labels, descriptors(small, features, labels))


def _kinds(rows: list[NDArray[np.float32]], count: int) -> list[NDArray[np.int32]]:
    """Cluster of each region, image by image."""
    from napari_segkit.ops.proposals import clustered

    every = np.concatenate(rows)
    if not len(every):
        raise DatasetError("no region was found", remedy="take a smaller least share")
    numbers = clustered(every, count)
    return np.split(numbers, np.cumsum([len(part) for part in rows])[:-1])


def _sample(one: _Found, kinds: NDArray[np.int32], classes: Sequence[ClassDef]) -> Sample:
    from napari_segkit.ops.resizing import resize_labels

    table = {number: int(kind) + 1 for number, kind in enumerate(kinds, 1)}
    class_map = resize_labels(lookup(one.labels, table), one.shape)
    labels, class_of = components(class_map)
    names = {key: classes[number - 1].name for key, number in class_of.items()}
    segmentation = segmentation_from_labels(labels, classes=classes, class_of=names)
    return Sample(one.source.name, segmentation, one.source.path)


def _examples(found: Sequence[_Found], kinds: Sequence[NDArray[np.int32]], count: int) -> bytes:
    """A JPEG with a row of regions for each cluster, the largest first, the rest darkened."""
    import cv2

    sheet = np.full((count * _TILE, (_EXAMPLES + 1) * _TILE, 3), 32, np.uint8)
    for kind in range(count):
        place = (6, kind * _TILE + _TILE // 2)
        cv2.putText(sheet, f"{kind + 1:02d}", place, cv2.FONT_HERSHEY_SIMPLEX, 1, (255,) * 3, 2)
        members = [
            (float((one.labels == number).mean()), k, number)
            for k, one in enumerate(found)
            for number in (np.flatnonzero(kinds[k] == kind) + 1).tolist()
        ]
        for column, (_, k, number) in enumerate(sorted(members, reverse=True)[:_EXAMPLES], 1):
            one = found[k]
            dim = np.where((one.labels == number)[..., None], one.small, one.small // 4)
            tile = cv2.resize(dim.astype(np.uint8), (_TILE, _TILE), interpolation=cv2.INTER_AREA)
            top, left = kind * _TILE, column * _TILE
            sheet[top : top + _TILE, left : left + _TILE] = tile
    return cv2.imencode(".jpg", sheet[..., ::-1])[1].tobytes()


def _write(path: Path, content: str | bytes) -> None:
    with atomic_write(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def read_names(path: Path) -> dict[str, str]:
    """Class of each cluster that was given one.

    Raises
    ------
    ParamsError
        Where the file cannot be read, or names nothing.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ParamsError("names cannot be read", where=path, got=error) from error
    names = {key: value for key, value in values.items() if isinstance(value, str) and value}
    if not names:
        raise ParamsError(
            "no cluster has a name", where=path, expected='lines like "cluster 01" = "pan"'
        )
    return names


def name_clusters(
    proposals: Path,
    target: Path,
    *,
    format_id: str = "cvat-mask",
    options: WriteOptions | None = None,
) -> Job[WriteReport]:
    """Write a dataset of what `propose` found and a person named in ``names.toml``.

    Raises
    ------
    InputError
        Where the names, the proposals or the target cannot be used.
    WriteError
        Where the disk refuses.
    """
    names = read_names(proposals / NAMES)
    wanted = list(dict.fromkeys(names.values()))
    classes = tuple(ClassDef(name, color_or_next(None, k)) for k, name in enumerate(wanted))
    options = options or WriteOptions(include_images=True)
    with recognise(proposals / DATASET).open(proposals / DATASET) as dataset:
        known = {one.name for one in dataset.classes}
        if unknown := sorted(set(names) - known):
            raise ParamsError(
                "no such cluster", where=proposals / NAMES, expected="those of the file as made",
                got=", ".join(unknown),
            )  # fmt: skip
        writer = get_format(format_id).open_writer(target, classes=classes, options=options)
        with writer:
            for number, sample in enumerate(dataset):
                yield Progress(number, len(dataset), sample.name)
                writer.add(_named(sample, names, wanted, classes))
    return writer.report


def _named(
    sample: Sample, names: Mapping[str, str], wanted: list[str], classes: tuple[ClassDef, ...]
) -> Sample:
    table = {
        key: wanted.index(names[one.class_name]) + 1
        for key, one in sample.segmentation.instances.items()
        if one.class_name in names
    }
    labels, class_of = components(lookup(sample.segmentation.labels, table))
    found = {key: wanted[number - 1] for key, number in class_of.items()}
    segmentation = segmentation_from_labels(labels, classes=classes, class_of=found)
    return Sample(sample.name, segmentation, sample.image)

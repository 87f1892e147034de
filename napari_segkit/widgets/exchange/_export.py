"""From mask layers to the samples of a dataset: what is taken down, and how it is told apart."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image

from napari_segkit.data.dataset import Sample
from napari_segkit.data.images import TURN
from napari_segkit.errors import MaskError
from napari_segkit.types import ClassDef, present_ids
from napari_segkit.widgets._identity import identity
from napari_segkit.widgets._layers import full_resolution
from napari_segkit.widgets.masks._binding import read_binding
from napari_segkit.widgets.masks._features import rows_of
from napari_segkit.widgets.masks._picture import Picture
from napari_segkit.widgets.masks._undo import state_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from napari.components import ViewerModel
    from napari.layers import Labels
    from numpy.typing import NDArray

    from napari_segkit.ops.instance_rows import Rows
    from napari_segkit.types import Provenance, Segmentation

OTHER = ClassDef("object", (0, 160, 255))
"""Class of masks that no model of ours made."""


@dataclass(frozen=True)
class MaskSource:
    """What an export needs of a mask layer; holds its array, not the layer.

    Attributes
    ----------
    name
        Of the sample: the image file's, else the image layer's, else the mask layer's.
    class_of, scores
        By id; ids that are not in ``class_of`` are of the first class.
    provenance
        By plane.
    rows
        What is known of each instance; none of masks that are not ours.
    picture
        The image below, where there is one.
    """

    layer_name: str
    name: str
    data: Any
    classes: tuple[ClassDef, ...]
    class_of: Mapping[int, str]
    scores: Mapping[int, float]
    provenance: Mapping[str, Provenance]
    rows: Rows
    picture: Picture | None


@dataclass(frozen=True)
class Recipe:
    """What the person chose.

    Attributes
    ----------
    classes
        Name in the layers -> name and colour in the dataset; two may become one.
    """

    classes: Mapping[str, ClassDef] = field(default_factory=dict)
    include_images: bool = False

    @property
    def class_defs(self) -> tuple[ClassDef, ...]:
        """Classes of the dataset: of those with the same name the first one's colour counts."""
        unique: dict[str, ClassDef] = {}
        for one in self.classes.values():
            unique.setdefault(one.name, one)
        return tuple(unique.values())


def classes_of(layers: Sequence[Labels]) -> dict[str, ClassDef]:
    """Every class of some mask layers, by name."""
    found: dict[str, ClassDef] = {}
    for layer in layers:
        binding = read_binding(layer)
        known = binding.class_defs if binding else ()
        for one in known or (OTHER,):
            found.setdefault(one.name, one)
    return found


def take_down(layer: Labels, viewer: ViewerModel) -> MaskSource:
    """Take down what an export needs of a mask layer; no pixel is copied yet."""
    binding = read_binding(layer)
    image = _image_of(layer, viewer)
    rows = rows_of(layer)
    classes = (binding.class_defs if binding else ()) or (OTHER,)
    known = {one.name for one in classes}
    picture = None if image is None else Picture.of(image)
    name = binding.image_name if binding and image is None else layer.name
    path = layer.source.path if picture is None else picture.path
    if picture is not None:
        name = picture.name
    known_as = binding.sample if binding else ""
    return MaskSource(
        layer_name=layer.name,
        name=known_as or _file_name(Path(path).stem if path else name),
        data=full_resolution(layer),
        classes=classes,
        class_of={key: row[1] for key, row in rows.items() if row[1] in known},
        scores={key: min(max(float(row[2]), 0.0), 1.0) for key, row in rows.items()},
        provenance={} if binding is None else binding.made(),
        rows={} if binding is None else state_of(layer).rows(layer),
        picture=picture,
    )


def _image_of(layer: Labels, viewer: ViewerModel) -> Image | None:
    """The image that a mask belongs to, else the only image that has its pixel grid."""
    images = [one for one in viewer.layers if isinstance(one, Image)]
    binding = read_binding(layer)
    if binding is not None:
        return next((one for one in images if identity(one) == binding.image), None)
    shape = tuple(full_resolution(layer).shape)
    fitting = [one for one in images if tuple(full_resolution(one).shape[: one.ndim]) == shape]
    return fitting[0] if len(fitting) == 1 else None


def _file_name(name: str) -> str:
    return name.replace("/", "_").replace("\\", "_").strip().lstrip("#.") or "mask"


def samples(sources: Sequence[MaskSource], recipe: Recipe) -> Iterator[Sample]:
    """Samples of a dataset, for the worker.

    All masks are copied before the first one is given, so that painting goes on undisturbed. Of a
    stack every plane with a mask is a sample.

    Raises
    ------
    MaskError
        Where two layers would become one sample.
    """
    copies = [replace(source, data=_copy(source.data)) for source in with_names_apart(sources)]
    for source in copies:
        for place, name, labels in _planes(source):
            yield _sample(source, place, name, labels, recipe)


def count_samples(sources: Sequence[MaskSource]) -> int | None:
    """How many samples there will be; ``None`` where a stack hides it."""
    return len(sources) if all(source.data.ndim == 2 for source in sources) else None


def _copy(data: Any) -> Any:
    return data.copy() if isinstance(data, np.ndarray) else data


def writable(sources: Sequence[MaskSource]) -> tuple[list[MaskSource], tuple[str, ...]]:
    """The masks that are pictures or stacks of pictures, and a note for each of the others.

    Raises
    ------
    MaskError
        Where there is none that is.
    """
    flat = [source for source in sources if source.data.ndim in (2, 3)]
    others = [source for source in sources if source.data.ndim not in (2, 3)]
    if others and not flat:
        raise _too_many_axes(others[0])
    return flat, tuple(f"left out: {_too_many_axes(source)}" for source in others)


def _too_many_axes(source: MaskSource) -> MaskError:
    return MaskError(
        "mask has too many axes",
        where=source.layer_name,
        expected="a picture or a stack of pictures",
        got="x".join(map(str, source.data.shape)),
        remedy="split the stack first (right click, Split Stack)",
    )


def with_names_apart(sources: Sequence[MaskSource]) -> list[MaskSource]:
    """Masks whose images lie in different folders under one name get the folders' names, too.

    Raises
    ------
    MaskError
        Where two are still of one name.
    """
    groups: dict[str, list[MaskSource]] = {}
    for source in sources:
        groups.setdefault(source.name.casefold(), []).append(source)
    names = {id(source): source.name for source in sources}
    for group in groups.values():
        folders = [_folders(source) for source in group]
        deepest = max(map(len, folders)) if len(group) > 1 else 0
        for depth in range(1, deepest + 1):
            ends = ["/".join(parts[-depth:]) for parts in folders]
            if len(set(ends)) == len(group) and all(ends):
                named = zip(group, ends, strict=True)
                names |= {id(source): f"{end}/{source.name}" for source, end in named}
                break
    apart = [replace(source, name=names[id(source)]) for source in sources]
    _check_names(apart)
    return apart


def _folders(source: MaskSource) -> tuple[str, ...]:
    """Folders of the image's file, the outermost first; none where it has no file."""
    path = None if source.picture is None else source.picture.path
    if path is None:
        return ()
    return tuple(_file_name(part) for part in path.absolute().parent.parts[1:])


def _check_names(sources: Sequence[MaskSource]) -> None:
    first: dict[str, str] = {}
    for source in sources:
        key = source.name.casefold()
        if key in first:
            raise MaskError(
                f'two masks would both be written as "{source.name}"',
                where=f"{first[key]}, {source.layer_name}",
                remedy="export them one at a time, or rename the image",
            )
        first[key] = source.layer_name


def _planes(source: MaskSource) -> Iterator[tuple[str, str, NDArray[Any]]]:
    """Place, sample name and labels of each plane."""
    if source.data.ndim == 2:
        yield "", source.name, np.asarray(source.data)
        return
    digits = len(str(source.data.shape[0] - 1))
    for index in range(source.data.shape[0]):
        labels = np.asarray(source.data[index])
        if labels.any():
            yield str(index), f"{source.name}_{index:0{digits}d}", labels


def _sample(
    source: MaskSource, place: str, name: str, labels: NDArray[Any], recipe: Recipe
) -> Sample:
    from napari_segkit.ops.masks import as_label_array, segmentation_from_labels

    known = recipe.classes
    first = known[source.classes[0].name].name
    checked = as_label_array(labels, where=source.layer_name)
    class_of = {key: known[old].name for key, old in source.class_of.items()}
    picture = source.picture
    turn = TURN[1] if picture is None or place else TURN[picture.orientation()]
    result: Segmentation = segmentation_from_labels(
        np.ascontiguousarray(turn(checked)),
        classes=recipe.class_defs,
        class_of={int(key): class_of.get(int(key), first) for key in present_ids(checked)},
        scores=source.scores,
        provenance=source.provenance.get(place),
    )
    image = None
    if recipe.include_images and picture is not None:
        image = picture.file_or_pixels(place, result.labels.shape)
    return Sample(name, result, image)

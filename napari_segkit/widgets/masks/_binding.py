"""What the program knows of a mask layer: its image and model, kept in the layer's metadata.

Written and read only here. A layer belongs to an image by identity: renaming either changes
nothing, and a copy that napari makes of the layer (with its metadata) is not taken for the layer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from napari_segkit.types import ClassDef, Provenance
from napari_segkit.widgets._identity import identity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from napari.layers import Image, Labels, Layer

_KEY = "napari_segkit"
_SCRATCH = "napari_segkit_scratch"


class MaskBinding(BaseModel):
    """What a mask layer is.

    Attributes
    ----------
    owner
        Identity of the mask layer itself.
    image
        Identity of its image layer; ``None`` where the image it was made from is gone.
    image_name
        Name of the image when the mask was made.
    model
        Id of the model.
    classes
        Classes in order.
    sample
        Name in the dataset that the mask was read from, with its folders; empty for others.
    provenance
        Plane (empty for a 2D image) -> what made the last result there.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    owner: str
    image: str | None
    image_name: str
    model: str
    classes: tuple[tuple[str, tuple[int, int, int]], ...]
    sample: str = ""
    provenance: dict[str, dict[str, Any]] = {}

    @property
    def class_defs(self) -> tuple[ClassDef, ...]:
        """The classes, as everywhere else in the program."""
        return tuple(ClassDef(name, color) for name, color in self.classes)

    def made(self) -> dict[str, Provenance]:
        """Plane -> what made the result there."""
        return {place: Provenance(**values) for place, values in self.provenance.items()}


def plain_classes(classes: Iterable[ClassDef]) -> tuple[tuple[str, tuple[int, int, int]], ...]:
    """Classes as the binding keeps them."""
    return tuple((one.name, one.color) for one in classes)


def read_binding(layer: Layer) -> MaskBinding | None:
    """The binding of a mask layer; ``None`` for any other layer, a copy, or damaged metadata."""
    binding = binding_in(layer.metadata)
    return binding if binding is not None and binding.owner == identity(layer) else None


def binding_in(metadata: Mapping[str, Any]) -> MaskBinding | None:
    """The binding in metadata of whatever layer; ``None`` where there is none, or it is damaged."""
    values = metadata.get(_KEY)
    if values is None:
        return None
    try:
        return MaskBinding.model_validate(values)
    except ValidationError:
        return None


def put_binding(metadata: dict[str, Any], binding: MaskBinding) -> None:
    """Keep a binding in metadata, as plain values."""
    metadata[_KEY] = binding.model_dump()


def write_binding(layer: Labels, binding: MaskBinding) -> None:
    """Keep a binding in its layer's metadata."""
    put_binding(layer.metadata, binding)


def classes_of(layer: Layer) -> tuple[ClassDef, ...]:
    """Classes of a mask layer of ours; none for any other."""
    binding = read_binding(layer)
    return () if binding is None else binding.class_defs


def write_classes(layer: Labels, classes: Iterable[ClassDef]) -> None:
    """Give a mask layer of ours other classes."""
    binding = read_binding(layer)
    if binding is not None:
        update = {"classes": plain_classes(classes)}
        write_binding(layer, binding.model_copy(update=update))


def mark_scratch(layer: Layer) -> None:
    """Say that a layer is only a help while something is done: no list of layers shows it."""
    layer.metadata[_SCRATCH] = True


def is_scratch(layer: Layer) -> bool:
    """Whether a layer is only a help."""
    return bool(layer.metadata.get(_SCRATCH))


def bind(
    layer: Labels,
    *,
    image: Image | None,
    image_name: str,
    model: str,
    classes: Iterable[ClassDef],
    sample: str = "",
) -> None:
    """Make ``layer`` the mask of an image and a model."""
    write_binding(
        layer,
        MaskBinding(
            owner=identity(layer),
            image=None if image is None else identity(image),
            image_name=image_name,
            model=model,
            classes=plain_classes(classes),
            sample=sample,
        ),
    )


def find_mask(layers: Iterable[Layer], image: Layer, model: str) -> Labels | None:
    """The layer that holds a model's results for an image."""
    wanted = identity(image), model
    for layer in layers:
        binding = read_binding(layer)
        if binding is not None and (binding.image, binding.model) == wanted:
            return layer
    return None


def unbind(layer: Labels) -> None:
    """Let a mask stand for itself: later results do not go there."""
    binding = read_binding(layer)
    if binding is not None:
        write_binding(layer, binding.model_copy(update={"image": None}))

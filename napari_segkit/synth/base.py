"""What every generator of labelled images is: a `Generator`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_segkit.types import ClassDef, Image, Labels


@dataclass(frozen=True)
class LabelledImage:
    """A generated image and its truth.

    Attributes
    ----------
    image : (H, W, 3) uint8 RGB
    labels : (H, W) int32
        0 = background, instance ids from 1 without gaps.
    class_of
        Instance id -> class name.
    """

    image: Image
    labels: Labels
    class_of: Mapping[int, str]


class SynthOptions(BaseModel):
    """Base of every generator's options: immutable, and an unknown name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    size: int | None = Field(
        None,
        ge=16,
        le=8192,
        title="Size",
        description="Longer side in pixels; by default what suits the kind.",
    )


class Generator(ABC):
    """Makes labelled images, each from its own seed.

    Attributes
    ----------
    id
        Name on the command line.
    title
        Name for people.
    classes
        Of its objects, in order.
    format_id
        How its datasets are written unless told otherwise: a format that holds its objects.
    Options
        What can be set.
    """

    id: ClassVar[str]
    title: ClassVar[str]
    classes: ClassVar[tuple[ClassDef, ...]]
    format_id: ClassVar[str]
    Options: ClassVar[type[SynthOptions]] = SynthOptions

    @abstractmethod
    def generate(self, seed: int, options: Any) -> LabelledImage:
        """Make one image: the same seed and options give the same pixels."""

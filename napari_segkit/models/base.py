"""What every model is: a `Segmenter`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from napari_segkit.errors import ParamsError, WeightsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pydantic_core import ErrorDetails

    from napari_segkit.types import ClassDef, Image, Job, Prompts, Segmentation

P = TypeVar("P", bound=BaseModel)


class PromptKind(Enum):
    """What a model can be told besides the image."""

    BOXES = "boxes"
    POINTS = "points"
    MASK = "mask"
    TEXT = "text"


class ModelParams(BaseModel):
    """Base of every model's parameters: immutable, and an unknown name is an error.

    Each field has a title, a description and bounds: form, command line and provenance are made
    from them. ``json_schema_extra={"group": "…"}`` folds a field away under that heading.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Segmenter(ABC):
    """A model that turns one image and its prompts into a `Segmentation`.

    Importing a model's module loads no heavy library: that happens in `load` or later.

    Attributes
    ----------
    id
        Name on the command line and in files.
    title
        Name for people.
    classes
        Classes it can find, in order.
    prompts
        Kinds of prompts that it understands; none is required where ``needs_prompts`` is false.
    Params
        Its parameters.
    presets
        Named parameter sets; the first one is the default.
    """

    id: ClassVar[str]
    title: ClassVar[str]
    classes: ClassVar[tuple[ClassDef, ...]]
    prompts: ClassVar[frozenset[PromptKind]] = frozenset()
    needs_prompts: ClassVar[bool] = False
    Params: ClassVar[type[ModelParams]]
    presets: ClassVar[Mapping[str, ModelParams]]

    def load(
        self, weights: Path | None = None, *, device: str = "auto", backend: str = "auto"
    ) -> None:
        """Get ready to predict; models without weights refuse a weights file.

        Raises
        ------
        WeightsError
            Where the file cannot be used; the state before stays.
        """
        if weights is not None:
            raise WeightsError(
                f"model {self.id} has no weights", where=weights, remedy="leave the weights out"
            )

    @classmethod
    def weights_state(cls) -> str | None:
        """Which weights would be used, for people; None where the model needs none."""
        return None

    @abstractmethod
    def predict(self, image: Image, prompts: Prompts, params: Any) -> Job[Segmentation]:
        """Segment one image.

        Parameters
        ----------
        image : (H, W, 3) uint8 RGB
            Never written to.
        prompts
            Already clipped to the image.
        params : Params
            One of ``self.Params``.

        Yields
        ------
        Progress
            At least once before each long step: closing the generator there cancels.

        Returns
        -------
        Segmentation
            Of the image's height and width.
        """


def make_params(
    model: type[Segmenter], preset: str | None = None, changes: Mapping[str, Any] | None = None
) -> ModelParams:
    """Parameters of a preset (the first one if ``None``) with some fields changed.

    Raises
    ------
    ParamsError
        For an unknown preset or field, or a value out of its bounds.
    """
    name = next(iter(model.presets)) if preset is None else preset
    if name not in model.presets:
        raise ParamsError(
            "unknown preset", where=model.id, expected=", ".join(model.presets), got=name
        )
    values = model.presets[name].model_dump() | dict(changes or {})
    return checked(model.Params, values, where=model.id)


def checked(form: type[P], values: Mapping[str, Any], *, where: str) -> P:
    """Parameters of the values that a person typed.

    Raises
    ------
    ParamsError
        For an unknown field, or a value out of its bounds.
    """
    try:
        return form.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise ParamsError(
                "unknown parameter",
                where=where,
                expected=", ".join(form.model_fields),
                got=field,
            ) from error
        raise ParamsError(
            f"parameter {field} of {where}", expected=_expected(first), got=repr(first["input"])
        ) from error


_BOUNDS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}


def _expected(error: ErrorDetails) -> str:
    """What a value should have been, in our words where pydantic's are about its own types."""
    context = error.get("ctx", {})
    for name, words in _BOUNDS.items():
        if name in context:
            return f"{words} {context[name]:g}"
    if error["type"].startswith("int"):
        return "a whole number"
    if error["type"].startswith(("float", "finite")):
        return "a number"
    if error["type"].startswith("bool"):
        return "true or false"
    return str(context.get("expected") or context.get("error") or error["msg"])

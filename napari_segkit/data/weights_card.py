"""The card that lies as JSON beside every weights file and says what the numbers are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from napari_segkit.errors import WeightsError

if TYPE_CHECKING:
    from pathlib import Path

MAX_CARD_BYTES = 1 << 20
LICENCE = "BSD-3-Clause"


def _positive(values: tuple[float, float, float]) -> tuple[float, float, float]:
    if min(values) <= 0:
        raise ValueError("numbers above 0")
    return values


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Normalisation(_Part):
    """(pixel / 255 - mean) / std, for R, G and B."""

    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: Annotated[tuple[float, float, float], AfterValidator(_positive)] = (1.0, 1.0, 1.0)


IMAGENET = Normalisation(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
"""Of networks that begin with weights of ImageNet."""


class TrainingFacts(_Part):
    """Where the numbers come from.

    Attributes
    ----------
    data, data_sha256
        The training data in words, and the hash of its files.
    recipe
        Commands that make the weights again.
    start
        Hash of the weights file that the training began with; empty = with none.
    """

    data: str = ""
    data_sha256: str = ""
    seed: int = 0
    steps: int = 0
    seconds: float = 0.0
    recipe: str = ""
    start: str = ""


class WeightsCard(_Part):
    """What must be known to use a weights file, and what a person wants to know about it.

    Attributes
    ----------
    name
        Of these weights, such as ``dust``.
    model
        Id of the model that they are for.
    arch, arch_config
        As in `napari_segkit.nets.registry`.
    classes
        Names of the classes, without the background.
    input_size
        Pixels: of a tile, or of the longer side that a whole image is scaled to.
    threshold
        Probability from which a pixel belongs to the class, where there is one.
    versions
        Package -> version that they were made with.
    sha256
        Of the weights file.
    """

    name: str = Field(min_length=1)
    model: str = Field(min_length=1)
    arch: str = Field(min_length=1)
    arch_config: dict[str, Any] = Field(default_factory=dict)
    classes: tuple[str, ...] = Field(min_length=1)
    normalisation: Normalisation = Normalisation()
    input_size: int = Field(ge=1, le=1 << 16)
    threshold: float = Field(0.5, gt=0, lt=1)
    training: TrainingFacts = TrainingFacts()
    metrics: dict[str, float] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)
    licence: str = LICENCE
    made_by: str = ""
    sha256: str = Field("", pattern=r"^([0-9a-f]{64})?$")


def card_path(weights: Path) -> Path:
    """Where the card of a weights file lies."""
    return weights.with_suffix(".json")


def read_card(weights: Path) -> WeightsCard:
    """The card of a weights file.

    Raises
    ------
    WeightsError
        Where it is missing or not a card.
    """
    path = card_path(weights)
    if not path.is_file():
        raise WeightsError(
            "weights have no card",
            where=weights,
            expected=f"{path.name} beside the file",
            remedy="copy both files",
        )
    try:
        if path.stat().st_size > MAX_CARD_BYTES:
            raise WeightsError("card is too large", where=path, expected="at most 1 MB")
        return WeightsCard.model_validate_json(path.read_bytes())
    except OSError as error:
        raise WeightsError("card cannot be read", where=path, got=error.strerror) from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "JSON"
        raise WeightsError(
            "card cannot be used", where=path, expected=f"{field}: {first['msg']}"
        ) from error

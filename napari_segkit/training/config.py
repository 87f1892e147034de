"""How a training goes: one pydantic model, which is also the TOML file and the command's flags."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from napari_segkit.errors import ParamsError
from napari_segkit.models.base import checked

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LossName = Literal["bce", "dice", "dice-ce", "focal", "lovasz"]


class TrainConfig(BaseModel):
    """What can be set. The same values, data and thread count give the same weights on a CPU."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    seed: int = Field(0, ge=0, description="Of weights, split, crops and augmentation.")
    epochs: int = Field(20, ge=1, description="Validation and checkpoint follow each epoch.")
    steps: int | None = Field(None, ge=1, description="Optimizer steps in all, instead of epochs.")
    epoch_steps: int | None = Field(
        None,
        ge=1,
        description="Steps of an epoch; by default each image is seen once (rings: 10 or more).",
    )
    minutes: float | None = Field(None, gt=0, description="Stop after the epoch that exceeds it.")
    batch: int = Field(8, ge=1, le=4096, description="Crops at a time.")
    accumulate: int = Field(1, ge=1, le=1024, description="Batches for each optimizer step.")
    size: int | None = Field(None, ge=32, le=4096, description="Side of a crop in pixels.")
    loss: LossName | None = Field(None, description="By default the model's own.")
    class_weights: tuple[float, ...] = Field((), description="For each channel; empty = equal.")
    optimizer: Literal["adamw", "adamax"] = Field("adamw", description="Method of descent.")
    lr: float = Field(2e-3, gt=0, le=1, description="Highest learning rate.")
    encoder_rate: float = Field(
        1.0,
        ge=0,
        le=1,
        description="Of an encoder, as a share of lr; below 1 its norms stay.",
    )
    weight_decay: float = Field(1e-2, ge=0, le=1, description="Of weights, not of biases.")
    schedule: Literal["cosine", "plateau", "constant"] = Field("cosine", description="Of the rate.")
    warmup: int = Field(50, ge=0, description="Steps over which the rate rises from 0.")
    clip: float = Field(1.0, ge=0, description="Largest norm of the gradient; 0 = no limit.")
    ema: float = Field(0.998, ge=0, lt=1, description="Decay of the averaged weights; 0 = none.")
    valid_share: float = Field(0.1, gt=0, lt=1, description="Of the images, without a dataset.")
    valid_images: int | None = Field(
        None, ge=1, description="At most so many each time, evenly over all."
    )
    keep: Literal["best", "last"] = Field(
        "best", description="Weights to keep: of the best validation, or of the last epoch."
    )
    patience: int = Field(0, ge=0, description="Epochs without a better score to stop; 0 = never.")
    threads: int = Field(0, ge=0, le=256, description="CPU threads; 0 = as torch chooses.")
    workers: int = Field(0, ge=0, le=64, description="Processes that make crops ahead.")
    precision: Literal["no", "bf16", "fp16"] = Field("no", description="Mixed precision.")
    device: Literal["auto", "cpu"] = Field("auto", description="cpu leaves a GPU alone.")
    arch: str | None = Field(None, description="Architecture; by default the model's own.")
    arch_config: dict[str, Any] = Field(default_factory=dict, description="Of the architecture.")
    tensorboard: bool = Field(False, description="Write TensorBoard events, too.")
    prompts: int = Field(2, ge=1, le=64, description="Objects asked for in a crop (SAM).")
    aim: Literal["candidates", "single", "finish"] = Field(
        "candidates",
        description="Small base; single: the one mask; finish: only the last step learns.",
    )
    frozen_norm: bool = Field(False, description="Small base: statistics of batches stay.")
    evidence: bool = Field(
        False, description="Prompts come with the evidence of their colours (small base)."
    )
    base: str = Field("auto", description="Base of an adapter: a name or a file (rings).")
    rank: int = Field(8, ge=1, le=512, description="Of an adapter (rings).")
    alpha: float | None = Field(None, gt=0, description="Scales an adapter by alpha / rank.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Of an adapter's inputs.")
    targets: tuple[Literal["q", "k", "v", "proj"], ...] = Field(
        ("q", "v"), min_length=1, description="What an adapter lies on."
    )
    tune: tuple[Literal["decoder", "neck"], ...] = Field(
        (), description="Parts of the base that an adapter holds whole: decoder, neck (rings)."
    )
    folds: int | None = Field(
        None, ge=0, le=100, description="Cross-validation; by default of fewer than ten photos."
    )
    origin: bool = Field(False, description="The ring project's protocol, exactly.")
    checkpointing: bool = Field(False, description="Less memory for more time (large bases).")
    augment: bool = Field(True, description="Flips, rotation, scale, colour, blur, noise, JPEG.")


def read_config(
    path: Path | None, changes: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
) -> TrainConfig:
    """Values of a TOML file with some changed, above the task's defaults.

    Raises
    ------
    ParamsError
        Where the file cannot be read, or a value is unknown or out of bounds.
    """
    values: dict[str, Any] = {}
    if path is not None:
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ParamsError("configuration cannot be read", where=path, got=error) from error
    values = dict(defaults or {}) | values | dict(changes)
    return checked(TrainConfig, values, where=str(path or "training"))

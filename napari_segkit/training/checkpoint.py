"""Everything a training needs to go on, in one safetensors file that appears whole or not at all.

Tensors are named ``net/…``, ``ema/…`` and ``optimizer/INDEX/NAME``; what is no tensor lies as JSON
in the file's metadata. Nothing is pickled.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import safetensors
from safetensors.torch import load_file, save

from napari_segkit.data.atomic import atomic_write
from napari_segkit.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor, nn
    from torch.optim import Optimizer


@dataclass
class State:
    """Where a training stands.

    Attributes
    ----------
    epoch, step
        Epochs and optimizer steps that are done.
    best, best_epoch, best_step
        Best score of a validation, its epoch and step; -1 = none yet.
    factor
        Of the learning rate, as the plateau schedule lowered it.
    parts
        Into how many parts a batch is cut, so that it fits into memory.
    seconds
        Spent so far.
    metrics
        Of the best epoch.
    fingerprint
        Hash of the images that are learned from.
    row
        Of the last epoch, as the log has it.
    scaler
        Of the loss, where the precision needs one (fp16).
    """

    epoch: int = 0
    step: int = 0
    best: float = -1.0
    best_epoch: int = -1
    best_step: int = -1
    factor: float = 1.0
    parts: int = 1
    seconds: float = 0.0
    metrics: dict[str, float] = field(default_factory=dict)
    fingerprint: str = ""
    row: dict[str, float] = field(default_factory=dict)
    scaler: dict[str, float] = field(default_factory=dict)


def write_checkpoint(
    path: Path, state: State, net: nn.Module, ema: nn.Module, optimizer: Optimizer
) -> None:
    """Write it.

    Raises
    ------
    WriteError
        Where the disk refuses; the checkpoint before is intact.
    """
    tensors = _named("net", net.state_dict()) | _named("ema", ema.state_dict())
    saved = optimizer.state_dict()["state"]
    plain: dict[str, dict[str, Any]] = {}
    for index, entries in saved.items():
        for key, value in entries.items():
            if hasattr(value, "detach"):
                tensors[f"optimizer/{index}/{key}"] = value.detach().contiguous()
            else:
                plain.setdefault(str(index), {})[key] = value
    meta = {"state": json.dumps(asdict(state)), "optimizer": json.dumps(plain)}
    with atomic_write(path) as file:
        file.write(save(tensors, metadata=meta))


def _named(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        f"{prefix}/{key}": value.detach().clone().contiguous() for key, value in tensors.items()
    }


def read_checkpoint(path: Path, net: nn.Module, ema: nn.Module, optimizer: Optimizer) -> State:
    """Put a checkpoint's tensors into their places.

    Raises
    ------
    WeightsError
        Where the file is damaged or of another network.
    """
    try:
        with safetensors.safe_open(str(path), "pt") as file:
            meta = file.metadata()
        tensors = load_file(path)
        net.load_state_dict(_under("net", tensors))
        ema.load_state_dict(_under("ema", tensors))
        inner = optimizer.state_dict()
        inner["state"] = _optimizer_state(tensors, json.loads(meta["optimizer"]))
        optimizer.load_state_dict(inner)
        return State(**json.loads(meta["state"]))
    except (safetensors.SafetensorError, OSError, RuntimeError, KeyError, ValueError) as error:
        raise WeightsError(
            "checkpoint cannot be used",
            where=path,
            got=str(error).splitlines()[0],
            remedy="train into another folder, or anew (without --resume)",
        ) from error


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        key.removeprefix(f"{prefix}/"): value
        for key, value in tensors.items()
        if key.startswith(f"{prefix}/")
    }


def _optimizer_state(
    tensors: dict[str, Tensor], plain: dict[str, dict[str, Any]]
) -> dict[int, dict[str, Any]]:
    state: dict[int, dict[str, Any]] = {int(index): dict(more) for index, more in plain.items()}
    for key, value in _under("optimizer", tensors).items():
        index, name = key.split("/", 1)
        state.setdefault(int(index), {})[name] = value
    return state


def read_state(path: Path) -> State:
    """Where the training of a checkpoint stands, without its tensors.

    Raises
    ------
    WeightsError
        Where the file is damaged.
    """
    try:
        with safetensors.safe_open(str(path), "pt") as file:
            return State(**json.loads(file.metadata()["state"]))
    except (safetensors.SafetensorError, OSError, TypeError, KeyError, ValueError) as error:
        raise WeightsError("checkpoint cannot be read", where=path, got=error) from error


def start_from(net: nn.Module, init: Mapping[str, Tensor]) -> str:
    """Take over the tensors that fit; how many is told."""
    own = net.state_dict()
    fits = {key: value for key, value in init.items() if _fits(own.get(key), value)}
    net.load_state_dict(fits, strict=False)
    return f"{len(fits)} of {len(own)} tensors start from the given weights"


def _fits(own: Tensor | None, given: Tensor) -> bool:
    return own is not None and own.shape == given.shape

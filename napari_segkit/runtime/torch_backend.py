"""Networks on torch: CUDA, MPS, or the CPU with channels last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from napari_segkit.errors import ParamsError, WeightsError
from napari_segkit.nets.registry import build

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from napari_segkit.data.weights_card import WeightsCard
    from napari_segkit.runtime.base import Batch, Chances

DEVICES = ("auto", "cpu", "cuda", "mps")


def pick_device(device: str) -> str:
    """``auto`` becomes the best there is.

    Raises
    ------
    ParamsError
        For a device that is unknown or not here.
    """
    has = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if device == "auto":
        return next(name for name in ("cuda", "mps", "cpu") if has[name])
    if not has.get(device, False):
        here = ", ".join(["auto", *(name for name in has if has[name])])
        raise ParamsError("device is not here", expected=here, got=device)
    return device


class Served(nn.Module):
    """uint8 pixels in, probabilities out: what is exported, quantised and run."""

    mean: Tensor
    scale: Tensor

    def __init__(self, net: nn.Module, card: WeightsCard) -> None:
        super().__init__()
        self.net = net
        self.several = len(card.classes) > 1
        shape = (1, 3, 1, 1)
        mean, std = card.normalisation.mean, card.normalisation.std
        self.register_buffer("mean", torch.tensor(mean).view(shape) * 255)
        self.register_buffer("scale", 1 / (torch.tensor(std).view(shape) * 255))

    def forward(self, batch: Tensor) -> Tensor:
        """(N, H, W, 3) uint8 -> (N, C, H, W) float32 in 0-1."""
        pixels = batch.permute(0, 3, 1, 2).to(self.mean.dtype)
        logits: Tensor = self.net((pixels - self.mean) * self.scale)
        return logits.softmax(1) if self.several else logits.sigmoid()


def channels_of(card: WeightsCard) -> int:
    """Logits of a network: one for one class, else one more than classes for the background."""
    return 1 if len(card.classes) == 1 else len(card.classes) + 1


def make_served(
    card: WeightsCard, tensors: Mapping[str, NDArray[Any]] | None, *, where: Path | None = None
) -> Served:
    """The network of a card with its weights (or untrained ones), ready to predict.

    Raises
    ------
    WeightsError
        Where the tensors are not those of the card's architecture.
    """
    net = build(card.arch, classes=channels_of(card), config=card.arch_config)
    if tensors is not None:
        fill(net, tensors, where=where)
    return Served(net, card).eval().requires_grad_(False)


def fill(net: nn.Module, tensors: Mapping[str, NDArray[Any]], *, where: Path | None) -> None:
    """Put tensors into a network, all of them or none.

    Raises
    ------
    WeightsError
        With a short list of what is missing, unknown or of another shape.
    """
    own = {name: tuple(one.shape) for name, one in net.state_dict().items()}
    given = {name: tuple(one.shape) for name, one in tensors.items()}
    missing, unknown = sorted(own.keys() - given), sorted(given.keys() - own)
    other = [name for name in own.keys() & given if own[name] != given[name]]
    facts = [f"{len(missing)} of {len(own)} tensors missing ({missing[0]} …)"] if missing else []
    facts += [f"{len(unknown)} unknown ({unknown[0]} …)"] if unknown else []
    if other:
        first = min(other)
        facts.append(f"{len(other)} of another shape ({first} {given[first]}, not {own[first]})")
    if facts:
        raise WeightsError(
            "weights are of another network",
            where=where,
            expected=type(net).__name__,
            got="; ".join(facts),
            remedy="choose the model that they were trained for",
        )
    net.load_state_dict({name: torch.from_numpy(one.copy()) for name, one in tensors.items()})


class TorchBackend:
    """See `napari_segkit.runtime.base.Backend`.

    Parameters
    ----------
    served
        As `make_served` makes it; moved to the device.
    device
        ``cpu``, ``cuda`` or ``mps``.
    """

    def __init__(self, served: Served, device: str) -> None:
        self.device = device
        self.name = f"torch, {device}"
        self.stride = int(served.net.stride)  # type: ignore[arg-type]
        self._served = served.to(device).to(memory_format=torch.channels_last)

    def run(self, batch: Batch) -> Chances:
        """Probabilities of a batch."""
        with torch.inference_mode():
            own = batch if batch.flags.writeable else batch.copy()  # torch warns otherwise
            result = self._served(torch.from_numpy(own).to(self.device))
            chances: Chances = result.float().cpu().numpy()
        return chances

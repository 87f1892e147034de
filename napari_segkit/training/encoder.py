"""The part of a network that may begin with other people's weights, and learns at its own rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_segkit.errors import ParamsError

if TYPE_CHECKING:
    from torch import nn

NAME = "encoder"
"""Of the module, wherever it lies in a network."""


def in_encoder(parameter: str) -> bool:
    """Whether a parameter belongs to the encoder, by its full name."""
    return NAME in parameter.split(".")


def hold_encoder(net: nn.Module, rate: float, *, where: str) -> None:
    """With a rate of 0, let the encoder learn nothing.

    Raises
    ------
    ParamsError
        Where a rate below 1 is given for a network without one.
    """
    if rate >= 1:
        return
    held = [p for name, p in net.named_parameters() if in_encoder(name)]
    if not held:
        raise ParamsError(
            "encoder_rate needs a network with an encoder", where=where, expected="1", got=rate
        )
    for parameter in held:
        parameter.requires_grad_(rate > 0)


def still_norms(net: nn.Module, rate: float) -> None:
    """With a rate below 1, keep the encoder's statistics of batches as they are."""
    for name, module in net.named_modules():
        if rate < 1 and name.split(".")[-1] == NAME:
            module.eval()

"""A part of a larger torch network, on OpenVINO."""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING

import openvino as ov
import torch
from torch import nn

from napari_segkit.runtime.openvino_backend import TROUBLE, kept_graph

if TYPE_CHECKING:
    from typing import Any

    from torch import Tensor

    from napari_segkit.runtime.openvino_graph import Graph

logger = logging.getLogger(__name__)


class OpenVinoPart(nn.Module):
    """(N, C, H, W) on the CPU -> the part's outputs, a list; where OpenVINO fails, torch goes on.

    Parameters
    ----------
    net
        The part, in evaluation mode.
    example : (1, C, H, W)
        N stays free.
    name
        Of the converted file in the cache, with a hash of the weights in it; "" keeps none.
    """

    def __init__(self, net: nn.Module, example: Tensor, name: str) -> None:
        super().__init__()
        self.net = net
        self._example, self._name = example, name
        self._graph: Graph | None = None
        self._failed = False

    def forward(self, x: Tensor) -> list[Tensor]:
        """See the class."""
        if not self._failed:
            try:
                self._graph = self._graph or kept_graph(self._name, self._convert)
                return [torch.from_numpy(one) for one in self._graph(x.numpy())]
            except TROUBLE as error:
                logger.warning("OpenVINO failed, torch is used: %s", error)
                self._failed = True
        found: list[Tensor] = self.net(x)
        return found

    def _convert(self) -> Any:
        with warnings.catch_warnings(), torch.inference_mode():
            warnings.simplefilter("ignore")  # the old tracer says so
            model = ov.convert_model(self.net, example_input=self._example)
        model.reshape(ov.PartialShape([-1, *self._example.shape[1:]]))
        return model

"""The layers of `lora`: form of an adapter, a low-rank pair, a linear layer with pairs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from napari_segkit.errors import ParamsError

if TYPE_CHECKING:
    from torch import Tensor

HIGHEST_RANK = 512
PARTS = {"q": ("qkv", 0), "k": ("qkv", 1), "v": ("qkv", 2), "proj": ("proj", 0)}
"""Target -> its linear layer in the attention, and which third of the outputs."""


@dataclass(frozen=True)
class LoraConfig:
    """Form of an adapter.

    Attributes
    ----------
    rank
        1 to 512.
    alpha
        The update is scaled by alpha / rank; None leaves it as it is.
    dropout
        Share of the update's inputs that training drops.
    targets
        Of q, k, v and proj (the attention's last linear layer).

    Raises
    ------
    ParamsError
        For values out of range.
    """

    rank: int
    alpha: float | None = None
    dropout: float = 0.0
    targets: tuple[str, ...] = ("q", "v")

    def __post_init__(self) -> None:
        if not 1 <= self.rank <= HIGHEST_RANK:
            raise ParamsError("rank of an adapter", expected=f"1 to {HIGHEST_RANK}", got=self.rank)
        if self.alpha is not None and not 0 < self.alpha < math.inf:
            raise ParamsError("alpha of an adapter", expected="more than 0", got=self.alpha)
        if not 0 <= self.dropout < 1:
            raise ParamsError("dropout of an adapter", expected="0 to below 1", got=self.dropout)
        odd = sorted(set(self.targets) - set(PARTS))
        if odd or not self.targets:
            raise ParamsError("targets of an adapter", expected=", ".join(PARTS), got=self.targets)

    @property
    def scale(self) -> float:
        """Factor of the update."""
        return 1.0 if self.alpha is None else self.alpha / self.rank


class LowRank(nn.Module):
    """x -> scale * B A x; ``A`` (rank, inputs), ``B`` (outputs, rank)."""

    def __init__(self, inputs: int, outputs: int, config: LoraConfig) -> None:
        super().__init__()
        self.A = nn.Parameter(torch.empty(config.rank, inputs))
        self.B = nn.Parameter(torch.zeros(outputs, config.rank))
        nn.init.kaiming_uniform_(self.A, a=math.sqrt(5))
        self.scale, self.dropout = config.scale, config.dropout

    def forward(self, x: Tensor) -> Tensor:
        """(…, inputs) -> (…, outputs)."""
        if self.dropout:
            x = functional.dropout(x, self.dropout, self.training)
        return functional.linear(functional.linear(x, self.A), self.B) * self.scale

    def product(self) -> Tensor:
        """Scale times B A, (outputs, inputs)."""
        return self.B @ self.A * self.scale


class LoraLinear(nn.Linear):
    """A linear layer with adapters beside it; its outputs are ``parts`` equal parts.

    ``adapters[name][part]`` is a `LowRank`; ``active`` is the name of the one in use, or None.
    """

    def __init__(self, base: nn.Linear, parts: int) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features = base.in_features, base.out_features
        self.weight, self.bias = base.weight, base.bias
        self.parts = parts
        self.adapters = nn.ModuleDict()
        self.active: str | None = None
        self._unmerged: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        """(…, inputs) -> (…, outputs)."""
        y = super().forward(x)
        if self.active is None or self._unmerged is not None:
            return y
        width = self.out_features // self.parts
        empty = y.new_zeros(()).expand(*y.shape[:-1], width)
        pairs = [self.pair(self.active, part) for part in range(self.parts)]
        return y + torch.cat([empty if pair is None else pair(x) for pair in pairs], dim=-1)

    def pair(self, name: str, part: int) -> LowRank | None:
        """One adapter's pair for one part of the outputs."""
        pairs = self.adapters[name]
        found = (
            pairs[str(part)] if isinstance(pairs, nn.ModuleDict) and str(part) in pairs else None
        )
        return found if isinstance(found, LowRank) else None

    def merge(self) -> None:
        """Add the active adapter to the weight; the weight before is kept aside."""
        if self.active is None or self._unmerged is not None:
            return
        width = self.out_features // self.parts
        merged = self.weight.detach().clone()
        for part in range(self.parts):
            pair = self.pair(self.active, part)
            if pair is not None:
                rows = slice(part * width, (part + 1) * width)
                merged[rows] += pair.product().detach().to(merged.dtype)
        self._unmerged, self.weight.data = self.weight.data, merged

    def unmerge(self) -> None:
        """Put back the very weight that there was."""
        if self._unmerged is not None:
            self.weight.data, self._unmerged = self._unmerged, None

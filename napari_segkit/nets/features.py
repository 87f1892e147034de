"""What a trained network's encoder makes of an image, pixel by pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import torch
import torch.nn.functional as F

from napari_segkit.data.weights import load_weights
from napari_segkit.errors import WeightsError
from napari_segkit.nets.registry import build
from napari_segkit.nets.unet_lite import UNetLite

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from napari_segkit.data.weights_card import WeightsCard
    from napari_segkit.types import Image

_LEVEL, _KEPT = 2, 8


@dataclass(frozen=True)
class DeepFeatures:
    """An encoder's features at 1/8 of the image, their 8 principal components in each image."""

    net: nn.Module
    card: WeightsCard

    @classmethod
    def of(cls, weights: Path) -> Self:
        """Load weights.

        Raises
        ------
        WeightsError
            Where they cannot be used, or the network has no levels.
        """
        tensors, card = load_weights(weights)
        net = build(card.arch, classes=len(card.classes) + 1, config=card.arch_config)
        levels = getattr(net, "levels", None)
        if not isinstance(net, UNetLite) and not isinstance(levels, torch.nn.ModuleList):
            raise WeightsError(
                "network gives no features", where=weights, expected="unet-light or unet-lite0"
            )
        if isinstance(levels, torch.nn.ModuleList) and len(levels) <= _LEVEL:
            raise WeightsError("network has too few levels", where=weights, got=len(levels))
        net.load_state_dict({key: torch.from_numpy(value) for key, value in tensors.items()})
        return cls(net.eval(), card)

    def __call__(self, image: Image) -> NDArray[np.float32]:
        """Features of an image (H, W, 3): (H, W, 8) float32, the first of variance 1."""
        height, width = image.shape[:2]
        mean, std = (np.array(part, np.float32) for part in vars(self.card.normalisation).values())
        x = torch.from_numpy((image.astype(np.float32) / 255 - mean) / std).permute(2, 0, 1)[None]
        stride = int(self.net.stride)  # type: ignore[arg-type]
        x = F.pad(x, (0, -width % stride, 0, -height % stride))
        with torch.inference_mode():
            x = self._level(x)
            rows = x[0].flatten(1).T
            rows = rows - rows.mean(dim=0)
            _, _, axes = torch.linalg.svd(rows, full_matrices=False)
            kept = rows @ axes[:_KEPT].T
            kept = kept / kept[:, 0].std().clamp(min=1e-6)
            maps = kept.T.reshape(1, -1, *x.shape[2:])
            scale = (height - height % -stride, width - width % -stride)
            maps = F.interpolate(maps, size=scale, mode="bilinear", align_corners=False)
        found: NDArray[np.float32] = maps[0, :, :height, :width].permute(1, 2, 0).numpy()
        return np.ascontiguousarray(found)

    def _level(self, x: Tensor) -> Tensor:
        if isinstance(self.net, UNetLite):
            found: Tensor = self.net.encoder(x)[_LEVEL]
            return found
        x = self.net.stem(x)  # type: ignore[operator]
        for level in list(self.net.levels)[: _LEVEL + 1]:  # type: ignore[arg-type]
            x = level(x)
        return x

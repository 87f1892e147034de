"""Class maps of whole images, for validation: the plain way, in one piece."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from napari_segkit.data.weights_card import IMAGENET
from napari_segkit.training.losses import probabilities

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from napari_segkit.training.dense_tasks import DenseTask
    from napari_segkit.types import Image


MEAN, STD = IMAGENET.mean, IMAGENET.std


def normalised(images: Tensor) -> Tensor:
    """(N, 3, H, W) uint8 as the network wants them: float32, channels last."""
    mean = torch.tensor(MEAN, device=images.device).view(3, 1, 1)
    std = torch.tensor(STD, device=images.device).view(3, 1, 1)
    return (images.float().div_(255) - mean).div_(std).contiguous(memory_format=torch.channels_last)


@torch.inference_mode()
def predict_map(net: nn.Module, task: DenseTask, image: Image) -> NDArray[np.uint8]:
    """(H, W) class map of an image (H, W, 3), mirrored up to the network's stride."""
    device = next(net.parameters()).device
    height, width = image.shape[:2]
    stride = int(getattr(net, "stride", 32))
    batch = torch.from_numpy(image).permute(2, 0, 1)[None].to(device)
    padding = (0, -width % stride, 0, -height % stride)
    padded = functional.pad(normalised(batch), padding, mode="reflect")
    logits = net(padded.contiguous(memory_format=torch.channels_last)).float()
    chances: NDArray[np.float32] = probabilities(logits)[0, :, :height, :width].cpu().numpy()
    return task.decide(chances)

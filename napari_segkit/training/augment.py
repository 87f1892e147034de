"""Training crops, and changes of them that stay true: place, colour, sharpness, noise, JPEG.

Masks are only ever moved by nearest neighbour. The numbers of the changes come from torch's
generator, which `samples` seeds for each crop.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch
from torchvision import tv_tensors
from torchvision.transforms import InterpolationMode, v2

from napari_segkit.training.losses import IGNORE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from napari_segkit.types import Image


class Jpeg(v2.Transform):  # type: ignore[misc]
    """Losses of a JPEG file, by OpenCV: torchvision's own encoder is deprecated."""

    _transformed_types = (tv_tensors.Image,)

    def __init__(self, quality: tuple[int, int]) -> None:
        super().__init__()
        self.quality = quality

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw a quality."""
        low, high = self.quality
        return {"quality": int(torch.randint(low, high + 1, ()))}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """(3, H, W) uint8 there and back."""
        settings = [cv2.IMWRITE_JPEG_QUALITY, params["quality"]]
        pixels = inpt.permute(1, 2, 0).contiguous().numpy()
        data = cv2.imencode(".jpg", pixels, settings)[1]  # BGR or RGB: only the weights of
        back = torch.from_numpy(cv2.imdecode(data, cv2.IMREAD_COLOR))  # brightness differ
        return tv_tensors.wrap(back.permute(2, 0, 1).contiguous(), like=inpt)


class Light(v2.Transform):  # type: ignore[misc]
    """Another exposure, another white balance, light that falls off to one side."""

    _transformed_types = (tv_tensors.Image,)

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw gamma, the channels' gains and the light's slope across and along."""
        del flat_inputs
        return {
            "gamma": math.exp(0.3 * float(torch.randn(()))),
            "gains": torch.exp(0.09 * torch.randn(3)).numpy(),
            "slope": (0.35 * torch.randn(2)).clamp(-0.8, 0.8).numpy(),
        }

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """(3, H, W) uint8 to the same."""
        tones = np.linspace(0, 1, 256, dtype=np.float32) ** np.float32(params["gamma"])
        table = np.clip(255 * tones[:, None] * params["gains"], 0, 255)
        pixels = inpt.permute(1, 2, 0).contiguous().numpy()
        height, width = pixels.shape[:2]
        across, along = (
            np.linspace(-float(slope), float(slope), count, dtype=np.float32)
            for slope, count in zip(params["slope"], (width, height), strict=True)
        )
        light = np.clip(1 + across[None, :] + along[:, None], 0.15, 2)
        lit = cv2.LUT(pixels, table.astype(np.float32).reshape(1, 256, 3)) * light[..., None]
        back = torch.from_numpy(np.clip(lit, 0, 255).astype(np.uint8))
        return tv_tensors.wrap(back.permute(2, 0, 1).contiguous(), like=inpt)


LOOK = v2.Compose(
    [
        v2.RandomApply([Light()], 0.6),
        v2.RandomApply([v2.ColorJitter(0.3, 0.35, 0.45)], 0.6),
        v2.RandomApply([v2.ColorJitter(hue=0.05)], 0.15),  # costs more than the rest together
        v2.RandomGrayscale(0.08),
        v2.RandomApply([v2.GaussianBlur(5, (0.3, 1.4))], 0.15),
        v2.RandomApply([v2.GaussianNoise(sigma=0.03)], 0.2),
        v2.RandomApply([Jpeg((30, 95))], 0.35),
    ]
)
"""Changes of colour, sharpness, noise and compression of a uint8 image."""

TONE = v2.Compose(
    [
        v2.RandomApply([v2.ColorJitter(0.25, 0.25, 0.3)], 0.5),
        v2.RandomGrayscale(0.1),
        v2.RandomApply([Jpeg((70, 95))], 0.15),
    ]
)
"""Changes of colour that leave things of two faint pixels there."""

TURNS = v2.Compose(
    [
        v2.RandomHorizontalFlip(),
        v2.RandomVerticalFlip(),
        v2.RandomApply([v2.RandomRotation((90, 90))], 0.5),
    ]
)
"""Flips and quarter turns: nothing is resampled."""

VIEWS = v2.Compose(
    [
        v2.RandomHorizontalFlip(),
        v2.RandomApply([v2.RandomRotation((90, 90))], 0.15),
        v2.RandomApply(
            [
                v2.RandomAffine(
                    25,
                    translate=(0.15, 0.15),
                    scale=(0.7, 1.9),
                    shear=5,
                    interpolation=InterpolationMode.BILINEAR,
                    fill={tv_tensors.Image: 0, tv_tensors.Mask: 0},
                )
            ],
            0.8,
        ),
    ]
)
"""Flip, rotation, shift and scale, as of another photo from the hand, up to close-ups."""


def changed(
    image: Image, target: NDArray[np.uint8], steps: Sequence[v2.Compose]
) -> tuple[Tensor, Tensor]:
    """(3, S, S) and (S, S) uint8 after the changes."""
    picture: Tensor = tv_tensors.Image(torch.from_numpy(image).permute(2, 0, 1).contiguous())
    mask: Tensor = tv_tensors.Mask(torch.from_numpy(target))
    for step in steps:
        picture, mask = step(picture, mask)
    return picture.as_subclass(torch.Tensor), mask.as_subclass(torch.Tensor)


def window(
    image: Image, target: NDArray[np.uint8], *, centre: tuple[int, int], side: int, size: int
) -> tuple[Image, NDArray[np.uint8]]:
    """A square of an image, scaled; mirrored beyond the edge, where the target is `IGNORE`.

    Parameters
    ----------
    image : (H, W, 3) uint8
    target : (H, W) uint8
    centre
        (row, column); the square is moved into the image where it can be.
    side, size
        Pixels of the square's side in the image and in the result.
    """
    top, left = (
        min(max(middle - side // 2, 0), max(0, length - side))
        for middle, length in zip(centre, image.shape[:2], strict=True)
    )
    part = image[top : top + side, left : left + side]
    mask = target[top : top + side, left : left + side]
    low, right = side - part.shape[0], side - part.shape[1]
    if low or right:
        part = cv2.copyMakeBorder(part, 0, low, 0, right, cv2.BORDER_REFLECT)
        mask = cv2.copyMakeBorder(mask, 0, low, 0, right, cv2.BORDER_CONSTANT, value=IGNORE)
    if side != size:
        how = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
        part = cv2.resize(part, (size, size), interpolation=how)
        mask = cv2.resize(mask, (size, size), interpolation=cv2.INTER_NEAREST_EXACT)
    return part, mask

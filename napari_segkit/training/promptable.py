"""One step of a promptable network: lessons in, loss out.

The loss of a prompt is soft Dice plus cross entropy at the decoder's resolution, of its single mask
and of the best of its three candidates, as in "Segment Anything" (arXiv:2304.02643, appendix A),
plus the error of the IoU that it expects.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from napari_segkit.nets.sam_small import finished
from napari_segkit.training.promptable_clicks import asked_again

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segment_anything.modeling import Sam
    from torch import Tensor

    from napari_segkit.training.promptable_samples import Lesson

_CANDIDATES = 0.5
_EXPECTED = 0.1


Aim = Literal["finish", "candidates", "single", "origin"]
"""finish: the last step alone, from what a prompt starts with; candidates: all four masks, at the
decoder's resolution, to learn a base from nothing; single: the one mask, at the input's; origin:
soft Dice of the one mask at the image's own, as the ring project has it."""


class Promptable(nn.Module):
    """A SAM whose forward pass is the loss of lessons, so that `accelerate` can wrap it."""

    def __init__(self, sam: Sam, aim: Aim = "candidates") -> None:
        super().__init__()
        self.sam, self.aim = sam, aim

    def forward(self, lessons: Sequence[Lesson]) -> Tensor:
        """Mean loss of the lessons' prompts."""
        if self.aim == "candidates":
            return step(self.sam, lessons).loss
        if self.aim == "finish":
            return finish_loss(self.sam, lessons)
        one = origin_loss if self.aim == "origin" else single_loss
        pixels = normal_pixels(self.sam, lessons)
        losses = []
        for embedding, image, lesson in zip(
            self.sam.image_encoder(pixels), pixels, lessons, strict=True
        ):
            last = corrected(self.sam, embedding[None], lesson, image[None])
            logits = decoded(self.sam, embedding[None], last, image[None])[0][:, :1]
            losses.append(one(logits, last))
        return torch.cat(losses).mean()


@dataclass(frozen=True)
class StepResult:
    """Loss to descend; mean hard IoU of the single masks, at the decoder's resolution."""

    loss: Tensor
    iou: float


def step(sam: Sam, lessons: Sequence[Lesson]) -> StepResult:
    """Loss of some lessons, whose images are encoded together.

    Parameters
    ----------
    sam
        In training mode; with an input size of the lessons' S.
    """
    pixels = normal_pixels(sam, lessons)
    place = pixels.device
    losses, ious = [], []
    for embedding, image, lesson in zip(sam.image_encoder(pixels), pixels, lessons, strict=True):
        lesson = corrected(sam, embedding[None], lesson, image[None])
        logits, expected = decoded(sam, embedding[None], lesson, image[None])
        target = torch.from_numpy(lesson.targets).to(place).float()[:, None]
        target = functional.interpolate(target, logits.shape[-2:], mode="area")
        loss, iou = prompt_loss(logits, expected, target)
        losses.append(loss)
        ious.append(iou)
    return StepResult(torch.cat(losses).mean(), float(torch.cat(ious).mean()))


def normal_pixels(sam: Sam, lessons: Sequence[Lesson]) -> Tensor:
    """The lessons' images as the encoder wants them, (N, 3, S, S), channels last."""
    place = sam.pixel_mean.device
    pixels = torch.from_numpy(np.stack([lesson.image for lesson in lessons])).to(place)
    normal = (pixels.permute(0, 3, 1, 2).float() - sam.pixel_mean) / sam.pixel_std
    for k, lesson in enumerate(lessons):  # beyond the crop: 0 after normalising, as SAM pads
        normal[k, :, lesson.shape[0] :] = 0
        normal[k, :, :, lesson.shape[1] :] = 0
    ready: Tensor = normal.contiguous(memory_format=torch.channels_last)
    return ready


@torch.no_grad()
def corrected(sam: Sam, embedding: Tensor, lesson: Lesson, image: Tensor) -> Lesson:
    """A lesson after its rounds: the network's answers, each with clicks on what it has wrong."""
    rng = np.random.default_rng(lesson.seed)
    size = len(lesson.image)
    for left in reversed(range(lesson.rounds)):
        logits = decoded(sam, embedding, lesson, image)[0][:, :1]
        fine = functional.interpolate(logits, (size, size), mode="bilinear", align_corners=False)
        lesson = asked_again(lesson, fine[:, 0].cpu().numpy() > 0, rng, last=not left)
    return lesson


def decoded(sam: Sam, embedding: Tensor, lesson: Lesson, image: Tensor) -> tuple[Tensor, Tensor]:
    """All four masks of each prompt, the single one first: (P, 4, M, M), and expected IoU.

    Only the single one is finished.
    """
    place = embedding.device
    points = None
    if lesson.points is not None and lesson.labels is not None:
        points = (
            torch.from_numpy(lesson.points).to(place),
            torch.from_numpy(lesson.labels).to(place),
        )
    boxes = None if lesson.boxes is None else torch.from_numpy(lesson.boxes).to(place)
    masks = None if lesson.masks is None else torch.from_numpy(lesson.masks).to(place)[:, None]
    sparse, dense = sam.prompt_encoder(points=points, boxes=boxes, masks=masks)
    logits, expected = sam.mask_decoder.predict_masks(
        image_embeddings=embedding,
        image_pe=sam.prompt_encoder.get_dense_pe(),
        sparse_prompt_embeddings=sparse,
        dense_prompt_embeddings=dense,
    )
    many = image.expand(len(logits), -1, -1, -1)
    return torch.cat((finished(sam, many, logits[:, :1], masks), logits[:, 1:]), 1), expected


def finish_loss(sam: Sam, lessons: Sequence[Lesson]) -> Tensor:
    """Mean loss of the last step alone: it corrects what the prompts start with."""
    pixels = normal_pixels(sam, lessons)
    counts = torch.tensor([len(lesson.targets) for lesson in lessons])
    sides = pixels.shape[-1] // 2
    starts = [
        lesson.masks
        if lesson.masks is not None
        else np.zeros((len(lesson.targets), sides, sides), np.float32)
        for lesson in lessons
    ]
    start = torch.from_numpy(np.concatenate(starts)).to(pixels.device)[:, None]
    many = pixels.repeat_interleave(counts.to(pixels.device), dim=0)
    logits = finished(sam, many, None, start)
    truth = torch.from_numpy(np.concatenate([lesson.targets for lesson in lessons]))
    target = functional.interpolate(
        truth.to(pixels.device).float()[:, None], logits.shape[-2:], mode="area"
    )
    return mask_loss(logits, target).mean()


def mask_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Soft Dice plus cross entropy (P,) of masks (P, 1, H, W)."""
    chance = logits.sigmoid()
    shared, both = (chance * target).sum((1, 2, 3)), (chance + target).sum((1, 2, 3))
    entropy = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return 1 - (2 * shared + 1) / (both + 1) + entropy.mean((1, 2, 3))


def prompt_loss(logits: Tensor, expected: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Loss (P,) of four masks of each prompt, and the single mask's hard IoU (P,).

    Parameters
    ----------
    logits : (P, 4, M, M), expected : (P, 4)
    target : (P, 1, M, M) in [0, 1]
    """
    chance = logits.sigmoid()
    shared, both = (chance * target).sum((2, 3)), (chance + target).sum((2, 3))
    dice = 1 - (2 * shared + 1) / (both + 1)
    wide = target.expand_as(logits)
    entropy = functional.binary_cross_entropy_with_logits(logits, wide, reduction="none")
    each = dice + entropy.mean((2, 3))
    with torch.no_grad():
        hard, truth = logits > 0, wide > 0.5
        union = (hard | truth).sum((2, 3)).clamp(min=1)
        iou = (hard & truth).sum((2, 3)) / union
    loss = each[:, 0] + _CANDIDATES * each[:, 1:].min(dim=1).values
    return loss + _EXPECTED * (expected - iou).pow(2).mean(dim=1), iou[:, 0]


def single_loss(logits: Tensor, lesson: Lesson) -> Tensor:
    """Soft Dice plus cross entropy (P,) of single masks (P, 1, M, M) at the input's resolution."""
    target = torch.from_numpy(lesson.targets).to(logits.device).float()[:, None]
    fine = functional.interpolate(logits, target.shape[-2:], mode="bilinear", align_corners=False)
    height, width = lesson.shape
    fine, target = fine[..., :height, :width], target[..., :height, :width]
    return mask_loss(fine, target)


def origin_loss(logits: Tensor, lesson: Lesson) -> Tensor:
    """Soft Dice (P,) with squares below, at the image's own resolution, as MONAI 1.2 has it."""
    target = torch.from_numpy(lesson.targets).to(logits.device).float()[:, None]
    size = len(lesson.image)
    square = functional.interpolate(logits, (size, size), mode="bilinear", align_corners=False)
    window = square[..., : lesson.shape[0], : lesson.shape[1]]
    fine = functional.interpolate(window, target.shape[-2:], mode="bilinear", align_corners=False)
    chance = fine.sigmoid()
    shared = (chance * target).sum((1, 2, 3))
    both = chance.pow(2).sum((1, 2, 3)) + target.pow(2).sum((1, 2, 3))
    return 1 - (2 * shared + 1e-5) / (both + 1e-5)

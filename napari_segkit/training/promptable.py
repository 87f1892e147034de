"""One step of a promptable network: lessons in, loss out.

The loss of a prompt is soft Dice plus cross entropy at the decoder's resolution, of its single mask
and of the best of its three candidates, as in "Segment Anything" (arXiv:2304.02643, appendix A),
plus the error of the IoU that it expects.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segment_anything.modeling import Sam
    from torch import Tensor

    from napari_segkit.training.promptable_samples import Lesson

_CANDIDATES = 0.5
_EXPECTED = 0.1


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
    place = sam.pixel_mean.device
    pixels = torch.from_numpy(np.stack([lesson.image for lesson in lessons])).to(place)
    normal = (pixels.permute(0, 3, 1, 2).float() - sam.pixel_mean) / sam.pixel_std
    for k, lesson in enumerate(lessons):  # beyond the crop: 0 after normalising, as SAM pads
        normal[k, :, lesson.shape[0] :] = 0
        normal[k, :, :, lesson.shape[1] :] = 0
    embeddings = sam.image_encoder(normal)
    losses, ious = [], []
    for embedding, lesson in zip(embeddings, lessons, strict=True):
        logits, expected = decoded(sam, embedding[None], lesson)
        target = torch.from_numpy(lesson.targets).to(place).float()[:, None]
        target = functional.interpolate(target, logits.shape[-2:], mode="area")
        loss, iou = prompt_loss(logits, expected, target)
        losses.append(loss)
        ious.append(iou)
    return StepResult(torch.cat(losses).mean(), float(torch.cat(ious).mean()))


def decoded(sam: Sam, embedding: Tensor, lesson: Lesson) -> tuple[Tensor, Tensor]:
    """All four masks of each prompt, the single one first: (P, 4, M, M), and expected IoU."""
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
    return logits, expected


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

"""How a promptable network is judged while it trains: boxes of objects it never saw."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from napari_segkit.nets.sam_small import finished
from napari_segkit.training.metrics import worst_decile
from napari_segkit.training.promptable import decoded, normal_pixels
from napari_segkit.training.promptable_samples import draw_lesson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_segkit.training.promptable import Promptable
    from napari_segkit.training.scores import Row
    from napari_segkit.training.store import Item

    Floats = NDArray[np.float64]

_BOXES = 3


class PromptScores:
    """IoU and Dice of boxes; every box counts the same."""

    def row(self, item: Item, found: Floats) -> Row:
        """Measures of one image; ``found`` holds the IoU of each of its boxes."""
        return {"name": item.name, "ious": [float(iou) for iou in found]}

    def summary(self, rows: Sequence[Row]) -> dict[str, float]:
        """Means over boxes, and of the worst tenth."""
        ious = np.array([iou for row in rows for iou in row["ious"]])
        if not len(ious):
            return {"score": 0.0}
        mean, dice = float(ious.mean()), float((2 * ious / (1 + ious)).mean())
        return {"score": mean, "iou": mean, "dice": dice, "worst_decile": worst_decile(ious)}


@torch.inference_mode()
def judge(net: Promptable, item: Item, *, size: int, evidence: bool) -> Floats:
    """IoU of at most `_BOXES` boxes in one crop, the same ones each time.

    Parameters
    ----------
    net
        In evaluation mode.
    size
        Of the crop.
    evidence
        Whether boxes come with the evidence of their colours.
    """
    rng = np.random.default_rng(zlib.crc32(item.name.encode()))
    lesson = None
    for _ in range(30):
        lesson = lesson or draw_lesson(
            item.image,
            item.ids,
            rng,
            size=size,
            prompts=_BOXES,
            mode="box",
            evidence=evidence,
            augment=False,
        )
    if lesson is None:
        return np.zeros(0)
    pixels = normal_pixels(net.sam, [lesson])
    if net.aim == "finish":
        many = pixels.expand(len(lesson.targets), -1, -1, -1)
        start = None if lesson.masks is None else torch.from_numpy(lesson.masks)[:, None]
        logits = finished(net.sam, many, None, start)
    else:
        logits = decoded(net.sam, net.sam.image_encoder(pixels), lesson, pixels)[0][:, :1]
    fine = functional.interpolate(logits, (size, size), mode="bilinear", align_corners=False)
    hard, truth = fine[:, 0].cpu().numpy() > 0, lesson.targets
    shared, union = (hard & truth).sum((1, 2)), (hard | truth).sum((1, 2))
    return np.asarray(shared / np.maximum(union, 1))

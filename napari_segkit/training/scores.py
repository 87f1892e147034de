"""Measures of predicted images, collected image by image: what training is judged by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from napari_segkit.ops.masks import components
from napari_segkit.training.losses import IGNORE
from napari_segkit.training.metrics import mask_iou, match_instances, worst_decile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_segkit.training.store import Item

Row = dict[str, Any]
TOUCH = 0.3
"""IoU from which a found speck is a true one."""


class Scores(Protocol):
    """Measures each image by itself, then sums up rows."""

    def row(self, item: Item, found: Any) -> Row:
        """Measures of one image; ``found`` is what the task found in it."""

    def summary(self, rows: Sequence[Row]) -> dict[str, float]:
        """Means over images; ``score`` is what the best weights are chosen by."""


class ObjectScores:
    """Object precision, recall, F1 from an IoU of 0.3; Dice where there are objects."""

    def row(self, item: Item, found: NDArray[np.uint8]) -> Row:
        """Measures of one image."""
        known = item.target != IGNORE
        truth, mask = item.target == 1, (found == 1)
        true_ids = np.where(truth, item.ids, 0)
        found_ids, _ = components(mask)
        pairs = match_instances(true_ids, found_ids, threshold=TOUCH)
        extra = [k for k in pairs.extra if not _mostly_ignored(found_ids == k, known)]
        both = int((truth & known).sum() + (mask & known).sum())
        return {
            "name": item.name,
            "true": len(pairs.pairs) + len(pairs.missed),
            "hit": len(pairs.pairs),
            "false": len(extra),
            "dice": 2 * int((truth & mask & known).sum()) / both if truth.any() else None,
        }

    def summary(self, rows: Sequence[Row]) -> dict[str, float]:
        """Objects of all images together; Dice is the mean of images."""
        hit, true = (sum(row[key] for row in rows) for key in ("hit", "true"))
        false = sum(row["false"] for row in rows)
        clean = [row["false"] for row in rows if not row["true"]]
        dices = [row["dice"] for row in rows if row["dice"] is not None]
        f1 = 2 * hit / max(2 * hit + false + true - hit, 1)
        dice = float(np.mean(dices)) if dices else 0.0
        return {
            "score": (f1 + dice) / 2,
            "object_f1": f1,
            "precision": hit / max(hit + false, 1),
            "recall": hit / max(true, 1),
            "dice": dice,
            "dice_worst_decile": worst_decile(dices),
            "false_per_clean_image": float(np.mean(clean)) if clean else 0.0,
        }


def _mostly_ignored(mask: NDArray[np.bool_], known: NDArray[np.bool_]) -> bool:
    return bool((mask & known).sum() * 2 < mask.sum())


@dataclass(frozen=True)
class ClassScores:
    """IoU and Dice of each class, of images in which the class is or was found."""

    classes: tuple[str, ...]

    def row(self, item: Item, found: NDArray[np.uint8]) -> Row:
        """Measures of one image."""
        known = item.target != IGNORE
        row: Row = {"name": item.name}
        for number, name in enumerate(self.classes, 1):
            truth, mask = (item.target == number) & known, (found == number) & known
            row[name] = mask_iou(truth, mask) if truth.any() or mask.any() else None
        return row

    def summary(self, rows: Sequence[Row]) -> dict[str, float]:
        """Means over the images, and of the classes' means."""
        result = {}
        for name in self.classes:
            ious = np.array([row[name] for row in rows if row[name] is not None])
            result[f"iou_{name}"] = float(ious.mean()) if len(ious) else 0.0
            result[f"dice_{name}"] = float((2 * ious / (1 + ious)).mean()) if len(ious) else 0.0
            result[f"iou_{name}_worst_decile"] = worst_decile(ious)
        means = {
            f"mean_{measure}": float(np.mean([result[f"{measure}_{n}"] for n in self.classes]))
            for measure in ("iou", "dice")
        }
        return {"score": means["mean_iou"], **means, **result}

"""Which images a person should look at first: one number for each prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.training.metrics import mask_iou, worst_decile

if TYPE_CHECKING:
    from napari_segkit.types import Segmentation

_TOP = 0.01  # of the pixels: outlines are always uncertain, so the worst are looked at


def uncertainty_of(result: Segmentation, other: Segmentation | None = None) -> float | None:
    """How unsure a model was of an image, 0 to 1; ``None`` where nothing tells.

    The mean of what there is: its most uncertain pixels, its least certain objects, the share of
    objects that the border cuts off, how much the answer of other weights differs.
    """
    parts = [] if other is None else [disagreement(result, other)]
    if result.uncertainty is not None and result.uncertainty.size:
        values = np.sort(result.uncertainty.ravel())
        parts.append(float(values[-max(1, round(_TOP * values.size)) :].mean(dtype=np.float64)))
    if result.instances:
        scores = [one.score for one in result.instances.values()]
        parts.append(1 - worst_decile(scores))
        parts.append(_cut_off(result))
    return min(1.0, sum(parts) / len(parts)) if parts else None


def _cut_off(result: Segmentation) -> float:
    height, width = result.labels.shape
    cut = [
        x0 <= 0 or y0 <= 0 or x1 >= width or y1 >= height
        for x0, y0, x1, y1 in (one.box for one in result.instances.values())
    ]
    return float(sum(cut) / len(cut))


def disagreement(one: Segmentation, other: Segmentation) -> float:
    """How much two weights differ on an image: 1 - IoU of what they find, class by class.

    Raises
    ------
    ValueError
        Where the results are of different sizes.
    """
    names = {c.name for c in (*one.classes, *other.classes)}
    ious = [mask_iou(_of_class(one, name), _of_class(other, name)) for name in sorted(names)]
    return 1 - float(np.mean(ious))


def _of_class(result: Segmentation, name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    keys = [key for key, instance in result.instances.items() if instance.class_name == name]
    return np.isin(result.labels, keys)

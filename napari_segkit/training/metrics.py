"""How well found instances agree with true ones: IoU, one-to-one matching, object F1.

Matching is optimal (Hungarian, Kuhn 1955, doi:10.1002/nav.3800020109), not greedy, so that the
order of ids never matters; a pair counts as found from an IoU of 0.5, as in PASCAL VOC
(doi:10.1007/s11263-009-0275-4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Matching:
    """Which found instance is which true one.

    Attributes
    ----------
    pairs : (true id, found id, IoU) of each pair at or above the threshold.
    missed : true ids without a partner.
    extra : found ids without a partner.
    """

    pairs: tuple[tuple[int, int, float], ...]
    missed: tuple[int, ...]
    extra: tuple[int, ...]

    @property
    def f1(self) -> float:
        """Object F1 in [0, 1]; 1 where nothing was to be found and nothing was."""
        wrong = len(self.missed) + len(self.extra)
        return 2 * len(self.pairs) / (2 * len(self.pairs) + wrong) if self.pairs or wrong else 1.0

    @property
    def ious(self) -> tuple[float, ...]:
        """IoU of every true instance, 0 for the missed ones."""
        return (*(iou for _, _, iou in self.pairs), *(0.0 for _ in self.missed))


def mask_iou(truth: NDArray[np.generic], found: NDArray[np.generic]) -> float:
    """IoU of everything that is not 0, instances merged; 1 where both are empty.

    Parameters
    ----------
    truth, found : (H, W), any number type, 0 = background.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    _same_shape(truth, found)
    a, b = truth != 0, found != 0
    union = int(np.count_nonzero(a | b))
    return float(np.count_nonzero(a & b) / union) if union else 1.0


def mask_dice(truth: NDArray[np.generic], found: NDArray[np.generic]) -> float:
    """Dice of everything that is not 0; 1 where both are empty.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    iou = mask_iou(truth, found)
    return 2 * iou / (1 + iou)


def boundary_iou(truth: NDArray[np.generic], found: NDArray[np.generic]) -> float:
    """IoU of the two masks' inner rims (Cheng et al. 2021, doi:10.1109/CVPR46437.2021.01508).

    A rim is 2 % of the image's diagonal wide, as there; beyond the image's edge is background.

    Parameters
    ----------
    truth, found : (H, W), any number type, 0 = background.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    _same_shape(truth, found)
    width = max(1, round(0.02 * float(np.hypot(*truth.shape))))
    return mask_iou(_rim(truth != 0, width), _rim(found != 0, width))


def _rim(mask: NDArray[np.bool_], width: int) -> NDArray[np.bool_]:
    import cv2

    steps = cv2.erode(np.pad(mask, 1).view(np.uint8), np.ones((3, 3), np.uint8), iterations=width)
    return np.asarray(mask & (steps[1:-1, 1:-1] == 0))


def instance_ious(
    truth: NDArray[np.integer], found: NDArray[np.integer]
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """IoU of every true instance with every found one.

    Parameters
    ----------
    truth, found : (H, W) integer, 0 = background, ids need not be contiguous.

    Returns
    -------
    (T, F) float64 table, and the ids of its T rows and F columns.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    _same_shape(truth, found)
    either = (truth != 0) | (found != 0)  # the background is most of an image
    rows, row_of = np.unique(truth[either], return_inverse=True)
    cols, col_of = np.unique(found[either], return_inverse=True)
    joint = row_of.ravel().astype(np.int64) * len(cols) + col_of.ravel()
    overlap = np.bincount(joint, minlength=len(rows) * len(cols)).reshape(len(rows), len(cols))
    union = overlap.sum(axis=1, keepdims=True) + overlap.sum(axis=0, keepdims=True) - overlap
    table = overlap / union  # never 0 / 0: every id has a pixel
    return table[rows != 0][:, cols != 0], rows[rows != 0], cols[cols != 0]


def match_instances(
    truth: NDArray[np.integer], found: NDArray[np.integer], *, threshold: float = 0.5
) -> Matching:
    """Pair instances one to one for the largest sum of IoU among pairs of at least `threshold`.

    Parameters
    ----------
    truth, found : (H, W) integer, 0 = background.
    """
    table, true_ids, found_ids = instance_ious(truth, found)
    worth = np.where(table >= threshold, table, 0.0)
    pairs = tuple(
        (int(true_ids[i]), int(found_ids[j]), float(table[i, j]))
        for i, j in zip(*linear_sum_assignment(worth, maximize=True), strict=True)
        if worth[i, j] > 0
    )
    taken_true, taken_found = {p[0] for p in pairs}, {p[1] for p in pairs}
    return Matching(
        pairs,
        tuple(int(i) for i in true_ids if i not in taken_true),
        tuple(int(j) for j in found_ids if j not in taken_found),
    )


def worst_decile(values: NDArray[np.floating] | list[float]) -> float:
    """Mean of the worst tenth of values (at least one); not-a-number where there are none."""
    ordered = np.sort(np.asarray(values, np.float64))
    if not len(ordered):
        return float("nan")
    return float(ordered[: max(1, round(len(ordered) / 10))].mean())


def _same_shape(truth: NDArray[np.generic], found: NDArray[np.generic]) -> None:
    if truth.shape != found.shape:
        raise ValueError(
            f"masks of one image must agree: expected {truth.shape}, got {found.shape}"
        )

"""Between a mask in an image and the small grid of logits of a promptable network.

The network sees a window scaled so that its longer side is ``input_size``, at the top left of a
square; its logits are a grid over that square. Both ways follow `segment_anything`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]
    Logits = NDArray[np.float32]

_SURE = 8.0
"""Logit of what an existing mask says."""


def scaled_shape(shape: tuple[int, int], input_size: int) -> tuple[int, int]:
    """(height, width) of a window in the network's input."""
    scale = input_size / max(shape)
    return int(shape[0] * scale + 0.5), int(shape[1] * scale + 0.5)


def mask_from_logits(
    logits: Logits,
    shape: tuple[int, int],
    input_size: int,
    roi: tuple[int, int, int, int],
) -> Mask:
    """A part of a mask at the window's resolution: logits above 0.

    Parameters
    ----------
    logits : (M, M)
    shape
        (H, W) of the window.
    roi
        x0 y0 x1 y1 of the part, in pixels of the window.

    Returns
    -------
    (y1 - y0, x1 - x0) bool
        The same as of enlarging the whole mask twice, as `Sam.postprocess_masks` does.
    """
    height, width = scaled_shape(shape, input_size)
    square = cv2.resize(logits, (input_size, input_size), interpolation=cv2.INTER_LINEAR)
    x = (np.arange(roi[0], roi[2], dtype=np.float32) + 0.5) * np.float32(width / shape[1]) - 0.5
    y = (np.arange(roi[1], roi[3], dtype=np.float32) + 0.5) * np.float32(height / shape[0]) - 0.5
    columns, rows = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
    part = np.ascontiguousarray(square[:height, :width])
    fine = cv2.remap(part, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(fine > 0)


def logits_from_mask(mask: Mask, input_size: int, side: int) -> Logits:
    """Logits that say what a mask says, softly at its edge; outside of the window: no.

    A mask's bare 0 and 1 hardly move the network; it was trained on its own logits.

    Parameters
    ----------
    mask : (H, W) bool
        Of the window.
    side
        M, of the grid.

    Returns
    -------
    (M, M) float32
    """
    return logits_of_share(share_of_mask(mask, input_size, side))


def logits_of_share(share: Logits) -> Logits:
    """Logits of cells that a mask covers by 0 to 1."""
    return (share * 2 - 1) * np.float32(_SURE)


def share_of_mask(mask: Mask, input_size: int, side: int) -> Logits:
    """How much of each cell of a grid (M, M) a mask covers, 0 to 1; see `logits_from_mask`."""
    height, width = scaled_shape(mask.shape, input_size)
    share = side / input_size
    size = max(1, round(width * share)), max(1, round(height * share))
    small = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    grid = np.zeros((side, side), np.float32)
    grid[: size[1], : size[0]] = small[:side, :side]
    return np.asarray(cv2.GaussianBlur(grid, (0, 0), 0.8), np.float32)


def share_of_logits(logits: Logits) -> Logits:
    """The other way round from `logits_of_share`."""
    return logits / np.float32(2 * _SURE) + np.float32(0.5)


def without_specks(mask: Mask, smallest: int) -> Mask:
    """A mask without parts and holes of fewer pixels; its largest part always stays."""
    if smallest <= 1 or not mask.any():
        return mask
    for inside in (False, True):
        parts = (mask == inside).astype(np.uint8)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(parts, connectivity=8)
        areas = stats[:, cv2.CC_STAT_AREA].copy()
        areas[0] = smallest
        if inside and count > 1:
            areas[1 + int(np.argmax(areas[1:]))] = smallest
        mask = mask ^ (areas < smallest)[labels]
    return np.asarray(mask)

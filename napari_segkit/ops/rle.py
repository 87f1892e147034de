"""Run lengths of masks, as COCO (column by column) and CVAT (row by row) count them.

Counts alternate between pixels outside and inside, beginning with those outside (perhaps 0).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segkit.errors import MaskError
from napari_segkit.types import present_ids

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_segkit.types import Labels

    Counts = NDArray[np.int64]

_LONGEST = 7  # characters of one number of COCO's text: 35 bits


def column_counts(labels: Labels) -> dict[int, Counts]:
    """COCO's counts of every instance, in one pass over the pixels.

    Parameters
    ----------
    labels : (H, W) int32, 0 = background

    Returns
    -------
    Id -> counts over all H x W pixels, column by column; ascending ids.
    """
    flat = labels.T.ravel()
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
    ends = np.append(starts[1:], flat.size)
    values = flat[starts]
    order = np.argsort(values, kind="stable")
    starts, ends, values = starts[order], ends[order], values[order]
    ids = present_ids(labels)
    first = np.searchsorted(values, ids)
    last = np.searchsorted(values, ids, side="right")
    return {
        int(key): _counts(starts[a:b], ends[a:b], flat.size)
        for key, a, b in zip(ids, first, last, strict=True)
    }


def row_counts(mask: NDArray[np.bool_]) -> Counts:
    """CVAT's counts of a mask (H, W) bool, row by row; the last run is there, too."""
    flat = np.concatenate([[False], mask.ravel(), [False]])
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    return _counts(edges[::2], edges[1::2], mask.size)


def _counts(starts: Counts, ends: Counts, size: int) -> Counts:
    """Counts of runs [start, end), ascending; a last run outside only where there is one."""
    edges = np.empty(2 * len(starts) + 2, np.int64)
    edges[0], edges[-1] = 0, size
    edges[1:-1:2], edges[2:-1:2] = starts, ends
    counts = np.diff(edges)
    return counts if counts[-1] else counts[:-1]


def mask_from_counts(
    counts: Sequence[int] | Counts, size: int, *, where: object = None
) -> NDArray[np.bool_]:
    """The pixels of counts, in their order.

    Parameters
    ----------
    size
        How many pixels there are.

    Raises
    ------
    MaskError
        For negative counts, or where they are not ``size`` pixels together.
    """
    runs = _checked(counts, size, where)
    inside = np.zeros(len(runs), bool)
    inside[1::2] = True
    return np.repeat(inside, runs)


def window_from_counts(
    counts: Sequence[int] | Counts, shape: tuple[int, int], *, where: object = None
) -> tuple[NDArray[np.bool_], int, int]:
    """The part of an image that COCO's counts are about.

    Parameters
    ----------
    shape
        (H, W) of the image.

    Returns
    -------
    mask : (h, w) bool
        Empty where no pixel is inside.
    top, left
        Its place in pixels.

    Raises
    ------
    MaskError
        As `mask_from_counts`.
    """
    height = shape[0]
    runs = _checked(counts, height * shape[1], where)
    ends = np.cumsum(runs)
    full = np.flatnonzero(runs[1::2]) * 2 + 1
    if not len(full):
        return np.zeros((0, 0), bool), 0, 0
    left = int(ends[full[0]] - runs[full[0]]) // height
    right = -(-int(ends[full[-1]]) // height)
    inside = runs[: full[-1] + 1].copy()
    inside[0] -= left * height
    if inside[0] < 0:  # empty runs before the first pixel
        inside = np.concatenate([[inside[: full[0]].sum()], inside[full[0] :]])
    rest = (right - left) * height - int(inside.sum())
    columns = mask_from_counts(np.append(inside, rest), (right - left) * height, where=where)
    mask = columns.reshape(right - left, height).T
    rows = np.flatnonzero(mask.any(axis=1))
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    return mask[top:bottom], top, left


def _checked(counts: Sequence[int] | Counts, size: int, where: object) -> Counts:
    try:
        runs: Counts = np.asarray(counts).astype(np.int64, casting="same_kind", copy=False)
    except (TypeError, ValueError, OverflowError) as error:
        raise MaskError("run lengths are no whole numbers", where=where) from error
    if runs.ndim != 1 or len(runs) > size + 2 * size + 2:
        raise MaskError("run lengths are no list that fits the mask", where=where)
    if (
        len(runs) == 0
        or runs.min() < 0
        or runs.max() > size
        or int(runs.sum(dtype=np.float64)) != size
    ):
        raise MaskError(
            "run lengths do not fit the mask",
            where=where,
            expected=f"{size} pixels, no negative run",
            got=f"{int(runs.sum(dtype=np.float64))} pixels" if len(runs) else "no runs",
            remedy="export it again",
        )
    return runs


def counts_from_text(text: str | bytes, *, where: object = None) -> Counts:
    """Decode COCO's compressed counts.

    pycocotools reads past the end of a text that is cut off, so this is done here; the form is
    that of ``rleFrString`` in its maskApi.c: 5 bits a character, the sixth says that more follow,
    the sign is that of the last, and from the fourth number on it is a difference to the last but
    one.

    Raises
    ------
    MaskError
        For characters that it does not have, numbers that are too long or cut off.
    """
    try:
        data = text.encode("ascii") if isinstance(text, str) else bytes(text)
    except UnicodeEncodeError as error:
        raise MaskError("compressed run lengths are damaged", where=where) from error
    signs = np.frombuffer(data, np.uint8).astype(np.int64) - 48
    last = np.flatnonzero((signs & 0x20) == 0)
    lengths = np.diff(last, prepend=-1)
    broken = len(signs) == 0 or signs.min() < 0 or signs.max() > 63
    if broken or len(last) == 0 or last[-1] != len(signs) - 1 or lengths.max() > _LONGEST:
        raise MaskError(
            "compressed run lengths are damaged",
            where=where,
            got=f"{len(data)} characters",
            remedy="export it again",
        )
    place = np.arange(len(signs)) - np.repeat(last - lengths + 1, lengths)
    parts = (signs & 0x1F) << (5 * place)
    numbers = np.add.reduceat(parts, last - lengths + 1)
    negative = (signs[last] & 0x10) != 0
    numbers[negative] -= np.int64(1) << (5 * lengths[negative])
    return _summed(numbers)


def _summed(numbers: NDArray[Any]) -> Counts:
    """Undo the differences to the last but one."""
    counts = numbers.astype(np.int64)
    counts[1::2] = np.cumsum(numbers[1::2])
    counts[2::2] = np.cumsum(numbers[2::2])
    return counts

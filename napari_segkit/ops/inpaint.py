"""Fill marked pixels from their surroundings, piece by piece; every other pixel stays as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from napari_segkit.errors import MaskError, ParamsError
from napari_segkit.ops.masks import components, instance_boxes
from napari_segkit.types import Progress

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from napari_segkit.types import Job

InpaintMethod = Literal["telea", "ns"]
_GROUP = 64  # marks in one cell of this size are filled together


def inpaint(
    image: NDArray[Any],
    mask: NDArray[np.bool_],
    *,
    method: InpaintMethod = "telea",
    radius: int = 5,
) -> Job[NDArray[Any]]:
    """Fill what is marked.

    Parameters
    ----------
    image : (H, W) or (H, W, channels), of any depth
    mask : (H, W) bool
        What is to be replaced. Widen it by a pixel or two (`grown`) where a shadow of the speck
        is left at its rim.
    method
        ``telea``: Telea 2004, https://doi.org/10.1080/10867651.2004.10487596; ``ns``: Bertalmio et
        al. 2001, https://doi.org/10.1109/CVPR.2001.990497.
    radius : 1 to 100
        Pixels around the mark that are looked at.

    Yields
    ------
    Progress
        For every piece.

    Returns
    -------
    As ``image``
        A copy; pixels that are not marked are the same.

    Raises
    ------
    MaskError
        Where the mask has another size.
    ParamsError
        For an unknown method or a radius out of bounds.
    """
    way = _way(method, radius)
    if mask.shape != image.shape[:2]:
        raise MaskError("mask does not match its image", expected=image.shape[:2], got=mask.shape)
    result = image.copy()
    pieces = _pieces(mask)
    margin = 2 * radius + 2
    for done, (y0, x0, y1, x1) in enumerate(pieces):
        yield Progress(done, len(pieces), "filling")
        top, left = max(y0 - margin, 0), max(x0 - margin, 0)
        window = slice(top, y1 + margin), slice(left, x1 + margin)
        marked = mask[window]
        if marked.all():
            continue  # nothing around to fill it from
        filled = _fill(image[window], marked.astype(np.uint8), radius, way)
        inside = slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)
        own = marked[inside]
        result[y0:y1, x0:x1][own] = filled[inside][own]
    return result


def _way(method: str, radius: int) -> int:
    """OpenCV's number of a method."""
    import cv2

    ways = {"telea": cv2.INPAINT_TELEA, "ns": cv2.INPAINT_NS}
    if method not in ways or not 1 <= radius <= 100:
        got = f"{method}, radius {radius}"
        raise ParamsError("cannot fill so", expected="telea or ns, radius 1 to 100", got=got)
    return ways[method]


def _fill(piece: NDArray[Any], marked: NDArray[np.uint8], radius: int, way: int) -> NDArray[Any]:
    """OpenCV fills 8-bit colours and single channels of 16 bits (Telea's floats go wrong there).

    Other numbers are spread over 16 bits between the smallest and the largest around the mark.
    """
    import cv2

    if piece.dtype == np.uint8 and piece.ndim == 3 and piece.shape[2] == 3:
        return np.asarray(cv2.inpaint(np.ascontiguousarray(piece), marked, radius, way))
    filled = np.nan_to_num(piece.astype(np.float64))
    channels = filled[..., None] if piece.ndim == 2 else filled
    for number in range(channels.shape[2]):
        known = channels[..., number]
        low, high = known[marked == 0].min(), known[marked == 0].max()
        step = (high - low) / 65535 or 1.0
        spread = np.rint((known.clip(low, high) - low) / step).astype(np.uint16)
        channels[..., number] = cv2.inpaint(spread, marked, radius, way) * step + low
    return (filled if piece.dtype.kind == "f" else np.rint(filled)).astype(piece.dtype)


def _pieces(mask: NDArray[np.bool_]) -> list[tuple[int, int, int, int]]:
    """Boxes y0 x0 y1 x1 that together hold every mark; neighbours share one."""
    rows, columns = -(-mask.shape[0] // _GROUP), -(-mask.shape[1] // _GROUP)
    cells = np.zeros((rows, columns), bool)
    for row in range(rows):
        band = mask[row * _GROUP : (row + 1) * _GROUP].any(0)
        cells[row] = np.logical_or.reduceat(band, np.arange(0, mask.shape[1], _GROUP))
    labels, _ = components(cells)
    return [
        (
            int(y0) * _GROUP,
            int(x0) * _GROUP,
            min(int(y1) * _GROUP, mask.shape[0]),
            min(int(x1) * _GROUP, mask.shape[1]),
        )
        for x0, y0, x1, y1 in instance_boxes(labels).values()
    ]


def grown(mask: NDArray[np.bool_], pixels: int) -> NDArray[np.bool_]:
    """The mask and what lies within ``pixels`` of it."""
    import cv2

    if pixels < 1:
        return mask
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * pixels + 1, 2 * pixels + 1))
    wider: NDArray[np.uint8] = cv2.dilate(mask.astype(np.uint8), disc)
    return wider.astype(bool)

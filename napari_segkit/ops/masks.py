"""Label images: from any mask array to a checked `Segmentation`; instances to classes and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segkit.errors import MaskError, SegkitError
from napari_segkit.types import Instance, Segmentation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_segkit.types import Box, ClassDef, Labels, Provenance

INT32_MAX = int(np.iinfo(np.int32).max)
"""The largest instance id there can be."""
_BAND_PIXELS = 1 << 20


def as_label_array(array: NDArray[Any], *, where: object = None) -> Labels:
    """Turn a mask of any dtype into a label image, or say why it is none.

    Parameters
    ----------
    array : (H, W) bool, integer of any width and byte order, or float that holds integers
        0 = background.
    where
        File or layer, for the error.

    Returns
    -------
    (H, W) int32
        The same memory where it already was such an array.

    Raises
    ------
    MaskError
        For pictures (three dimensions), empty arrays, fractions, NaN, negative numbers and
        numbers beyond 2147483647.
    """
    array = np.asarray(array)
    _check_shape(array, where)
    if array.dtype.kind == "b":
        return array.astype(np.int32)
    if array.dtype.kind == "f":
        _check_whole_numbers(array, where)
    elif array.dtype.kind not in "iu":
        raise MaskError(
            "mask has a type that cannot hold ids",
            where=where,
            expected="integers",
            got=array.dtype,
        )
    _check_range(array, where)
    return np.ascontiguousarray(array, dtype=np.int32)


def _check_shape(array: NDArray[Any], where: object) -> None:
    if array.ndim == 3 and array.shape[-1] in (3, 4):
        raise MaskError(
            "mask is a colour picture, not a label image",
            where=where,
            expected="(H, W) with one whole number per object",
            got=array.shape,
            remedy="map its colours to classes first, or choose the Labels layer",
        )
    if array.ndim != 2 or array.size == 0:
        raise MaskError(
            "mask is not a plane of pixels",
            where=where,
            expected="(H, W), not empty",
            got=array.shape,
            remedy="choose one plane of the stack" if array.ndim > 2 else None,
        )


def _check_whole_numbers(array: NDArray[Any], where: object) -> None:
    if not np.isfinite(array).all():
        raise MaskError(
            "mask has NaN or infinite values", where=where, expected="whole numbers, 0 = background"
        )
    odd = array[array != np.rint(array)]
    if odd.size:
        raise MaskError(
            "mask has fractions",
            where=where,
            expected="whole numbers, 0 = background",
            got=f"{odd.size} pixels such as {float(odd[0]):g}",
            remedy="threshold it, for example at 0.5, if it is a probability map",
        )


def _check_range(array: NDArray[Any], where: object) -> None:
    low, high = array.min().item(), array.max().item()
    if low < 0 or high > INT32_MAX:
        raise MaskError(
            "mask has ids out of range",
            where=where,
            expected=f"0 to {INT32_MAX}",
            got=f"{low} to {high}",
            remedy="renumber its objects from 1",
        )


def instance_boxes(labels: Labels) -> dict[int, Box]:
    """Bounding box of every id, whatever the ids are.

    Parameters
    ----------
    labels : (H, W) int32, 0 = background

    Returns
    -------
    id -> (x0, y0, x1, y1) in pixels, x1 and y1 exclusive; ascending ids.
    """
    height, width = labels.shape
    rows = max(1, _BAND_PIXELS // max(width, 1))
    found = [_band_boxes(labels[top : top + rows], top) for top in range(0, height, rows)]
    if not found:
        return {}
    ids, boxes = _merged(*(np.concatenate(parts) for parts in zip(*found, strict=True)))
    corners = boxes.astype(float).tolist()
    return {key: tuple(box) for key, box in zip(ids.tolist(), corners, strict=True)}


def _band_boxes(band: Labels, top: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Ids (N,) and boxes (N, 4) of the objects in some rows, by their runs."""
    width = band.shape[1]
    edges = np.ones(band.shape, bool)
    np.not_equal(band[:, 1:], band[:, :-1], out=edges[:, 1:])
    starts = np.flatnonzero(edges)
    ids = band.ravel()[starts]
    lengths = np.diff(starts, append=band.size)
    inside = ids > 0
    y, x = np.divmod(starts[inside], width)
    boxes = np.stack((x, y + top, x + lengths[inside], y + top + 1), axis=1)
    return _merged(ids[inside], boxes)


def _merged(
    ids: NDArray[np.int32], boxes: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """One box for each id, ascending."""
    keys, first, place = np.unique(ids, return_index=True, return_inverse=True)
    merged = boxes[first]
    np.minimum.at(merged[:, :2], place, boxes[:, :2])
    np.maximum.at(merged[:, 2:], place, boxes[:, 2:])
    return keys, merged


def segmentation_from_labels(
    labels: Labels,
    *,
    classes: Sequence[ClassDef],
    class_of: Mapping[int, str] | None = None,
    scores: Mapping[int, float] | None = None,
    provenance: Provenance | None = None,
    notes: Sequence[str] = (),
    uncertainty: NDArray[np.float16] | None = None,
) -> Segmentation:
    """Make a `Segmentation` whose instance list fits its label image.

    Parameters
    ----------
    labels : (H, W) int32, 0 = background
    classes
        The classes in order, at least one.
    class_of
        Id -> class name; an id that is not in it belongs to the first class.
    scores
        Id -> score in [0, 1]; an id that is not in it has score 1.
    provenance, notes, uncertainty
        As in `Segmentation`.

    Raises
    ------
    MaskError
        Without classes, for an unknown class name or a score out of range.
    """
    if not classes:
        raise MaskError("no class is given", expected="at least one", remedy="name a class")
    class_of, scores = class_of or {}, scores or {}
    first = classes[0].name
    instances = {
        key: Instance(class_of.get(key, first), float(scores.get(key, 1.0)), box)
        for key, box in instance_boxes(labels).items()
    }
    try:
        return Segmentation(
            labels=labels,
            instances=instances,
            classes=tuple(classes),
            uncertainty=uncertainty,
            provenance=provenance,
            notes=tuple(notes),
        )
    except SegkitError as error:
        raise MaskError(error.what, expected=error.expected, got=error.got) from error


def lookup(labels: Labels, table: Mapping[int, int]) -> Labels:
    """Replace every id by what ``table`` says; ids that are not in it become 0.

    Parameters
    ----------
    labels : (H, W) int32, >= 0
    table
        Old id -> new id, both below 2**31.

    Returns
    -------
    (H, W) int32
    """
    keys = np.array(sorted(table), np.int64)
    if not len(keys):
        return np.zeros_like(labels)
    values = np.array([table[int(key)] for key in keys], np.int32)
    largest = int(labels.max(initial=0))
    if max(largest, int(keys[-1])) <= max(labels.size, 1 << 16):
        lut = np.zeros(max(largest, int(keys[-1])) + 1, np.int32)
        lut[keys] = values
        return lut[labels]
    found = np.minimum(np.searchsorted(keys, labels), len(keys) - 1)
    return np.where(keys[found] == labels, values[found], 0).astype(np.int32)


def merge_by_class(segmentation: Segmentation) -> Segmentation:
    """One instance per class: its id is the class's position from 1, its score the mean.

    What a semantic format can hold. Uncertainty and provenance stay, a note says what was merged.
    """
    position = {c.name: k for k, c in enumerate(segmentation.classes, 1)}
    table = {key: position[one.class_name] for key, one in segmentation.instances.items()}
    scores: dict[int, list[float]] = {}
    for key, one in segmentation.instances.items():
        scores.setdefault(table[key], []).append(one.score)
    before, after = len(table), len(scores)
    note = f"{before} objects merged into {after}, one per class"
    return segmentation_from_labels(
        lookup(segmentation.labels, table),
        classes=segmentation.classes,
        class_of={position[name]: name for name in position},
        scores={key: float(np.mean(values)) for key, values in scores.items()},
        provenance=segmentation.provenance,
        notes=(*segmentation.notes, note) if after < before else segmentation.notes,
        uncertainty=segmentation.uncertainty,
    )


def components(class_map: NDArray[Any], *, connectivity: int = 8) -> tuple[Labels, dict[int, int]]:
    """Connected components of every class as instances.

    Parameters
    ----------
    class_map : (H, W) bool or integer
        0 = background, k = class k (True = class 1).
    connectivity
        8: pixels that touch at a corner belong together; 4: only at an edge.

    Returns
    -------
    labels : (H, W) int32
        Instance ids from 1: class by class, within a class in scan order.
    class_of
        Instance id -> class number.

    Raises
    ------
    MaskError
        Where ``class_map`` is no label image.
    """
    import cv2

    classes = as_label_array(class_map)
    labels = np.zeros(classes.shape, np.int32)
    class_of: dict[int, int] = {}
    for number, (x0, y0, x1, y1) in instance_boxes(classes).items():
        window = slice(int(y0), int(y1)), slice(int(x0), int(x1))
        inside = np.ascontiguousarray(classes[window] == number).view(np.uint8)
        count, parts = cv2.connectedComponents(inside, connectivity=connectivity, ltype=cv2.CV_32S)
        start = len(class_of)
        np.add(labels[window], parts + start, out=labels[window], where=parts > 0)
        class_of.update(dict.fromkeys(range(start + 1, start + count), number))
    return labels, class_of

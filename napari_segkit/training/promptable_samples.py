"""What a promptable network trains on: a crop, some objects in it, and prompts as people give them.

A crop is what the network will be shown: the whole image, or a window around an object. Boxes are
drawn anew each time, each side moved by up to a tenth of the box or `SHIFT` pixels; clicks lie in
the object or near its border outside; now and then two neighbours are asked for as one.
What no mask comes with gets the evidence of its colours in the mask's place (`colour_evidence`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

from napari_segkit.ops.colour_evidence import evidence_grid
from napari_segkit.ops.mask_logits import logits_from_mask
from napari_segkit.ops.masks import instance_boxes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_segkit.types import Image, Labels

Mode = Literal["box", "clicks", "box and clicks", "mask"]
MODES: dict[Mode, float] = {"box": 0.7, "clicks": 0.12, "box and clicks": 0.06, "mask": 0.12}
SHIFT = 4.0
CLICKS = 3
_AROUND = 0.9
"""Share of the crops that are windows around an object."""
_BARE = 0.1
"""Share of the lessons without the evidence of colours, which they might come with."""
_CAMOUFLAGED = 0.25
"""Share of the lessons whose objects take on their ground's colours."""
_SMALLEST = 60
"""Pixels of an object in the crop, below which it is not asked for."""


@dataclass(frozen=True)
class Lesson:
    """A crop and P prompts of one mode.

    Attributes
    ----------
    image : (S, S, 3) uint8 RGB
        The crop at the top left, black beyond it.
    shape
        (height, width) of the crop in it.
    targets : (P, S, S) bool
        Of `origin_lesson`: (P, H, W), of the image.
    boxes : (P, 4) float32 or None
    points : (P, K, 2) float32, labels : (P, K) int32, or None
    masks : (P, S // 2, S // 2) float32 logits, or None
        The mask to start from, or the evidence of the colours.
    """

    image: NDArray[np.uint8]
    shape: tuple[int, int]
    targets: NDArray[np.bool_]
    boxes: NDArray[np.float32] | None
    points: NDArray[np.float32] | None
    labels: NDArray[np.int32] | None
    masks: NDArray[np.float32] | None


def draw_lesson(
    image: Image,
    labels: Labels,
    rng: np.random.Generator,
    *,
    size: int,
    prompts: int = 4,
    mode: Mode | None = None,
    evidence: bool = True,
    augment: bool = True,
) -> Lesson | None:
    """A crop of a labelled image with prompts; None where it has no object.

    Parameters
    ----------
    size
        S, the side of the network's input.
    prompts
        At most so many objects are asked for.
    mode
        One of `MODES`; by default drawn by their shares.
    evidence
        Whether prompts without a mask come with the evidence of their colours, most times.
    augment
        Turns, mirrors, other exposures.
    """
    image, labels, shape = _crop(image, labels, rng, size, augment=augment)
    targets = _targets(labels, rng, prompts)
    if not len(targets):
        return None
    mode = mode or list(MODES)[int(rng.choice(len(MODES), p=list(MODES.values())))]
    boxes = points = marks = masks = None
    if mode != "clicks":
        boxes = np.stack([jittered(target, rng, shape) for target in targets])
    starts = list(targets)
    if mode == "mask":
        starts = [_worsened(target[: shape[0], : shape[1]], rng) for target in targets]
        masks = np.stack([logits_from_mask(one, size, size // 2) for one in starts])
    if mode != "box":
        drawn = [
            _corrections(target[: shape[0], : shape[1]], start, rng)
            if mode == "mask"
            else _clicks(target, rng, first=mode == "clicks")
            for target, start in zip(targets, starts, strict=True)
        ]
        points = np.stack([at for at, _ in drawn])
        marks = np.stack([label for _, label in drawn])
    if evidence and mode != "mask" and rng.random() >= _BARE:
        masks = evidence_grid(image, shape, boxes, points, marks)
    return Lesson(image, shape, targets, boxes, points, marks, masks)


def origin_lesson(
    image: Image, labels: Labels, rng: np.random.Generator, *, size: int, evidence: bool
) -> Lesson:
    """The whole image and the boxes of all objects, as the ring project draws them.

    Each side of a box is moved outwards by 0 to 19 pixels of the image; targets keep its size.
    """
    from segment_anything.utils.transforms import ResizeLongestSide

    height, width = labels.shape
    boxes = np.array(list(instance_boxes(labels.astype(np.int32)).values()), np.float32)
    moved = boxes + rng.integers(0, 20, boxes.shape) * np.array([-1, -1, 1, 1])
    moved = np.clip(moved, 0, [width, height, width, height])
    resize = ResizeLongestSide(size)
    small = resize.apply_image(np.ascontiguousarray(image))
    shape = small.shape[:2]
    square = np.zeros((size, size, 3), np.uint8)
    square[: shape[0], : shape[1]] = small
    at = resize.apply_boxes(moved, (height, width)).astype(np.float32)
    targets = np.stack([labels == key for key in instance_boxes(labels.astype(np.int32))])
    masks = evidence_grid(square, shape, at, None, None) if evidence else None
    return Lesson(square, shape, targets, at, None, None, masks)


def _crop(
    image: Image, labels: Labels, rng: np.random.Generator, size: int, *, augment: bool
) -> tuple[Image, Labels, tuple[int, int]]:
    """Whole or around one object, turned and mirrored, scaled to `size`, padded to a square."""
    places = instance_boxes(labels)
    if places and rng.random() < _AROUND:
        box = np.array(places[int(rng.choice(list(places)))])
        middle, side = (box[:2] + box[2:]) / 2, float((box[2:] - box[:2]).max())
        side *= float(np.exp(rng.uniform(0.1, 1.0)))
        middle += rng.uniform(-0.15, 0.15, 2) * side
        x0, y0 = np.maximum(middle - side / 2, 0).astype(int)
        x1, y1 = np.ceil(middle + side / 2).astype(int)
        image, labels = image[y0:y1, x0:x1], labels[y0:y1, x0:x1]
    turns, mirror = int(rng.integers(4)) * augment, augment and rng.random() < 0.5
    image, labels = np.rot90(image, turns), np.rot90(labels, turns)
    if mirror:
        image, labels = image[:, ::-1], labels[:, ::-1]
    scale = size / max(labels.shape)
    height, width = (max(1, round(side * scale)) for side in labels.shape)
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(np.ascontiguousarray(image), (width, height), interpolation=way)
    ids = cv2.resize(
        np.ascontiguousarray(labels), (width, height), interpolation=cv2.INTER_NEAREST_EXACT
    )
    square, square_ids = np.zeros((size, size, 3), np.uint8), np.zeros((size, size), np.int32)
    square[:height, :width] = _toned(_camouflaged(small, ids, rng), rng) if augment else small
    square_ids[:height, :width] = ids
    return square, square_ids, (height, width)


def _camouflaged(
    image: NDArray[np.uint8], labels: Labels, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Objects with more or less of their ground's colours, so that colour alone does not tell.

    Generated things stand out more than real ones do: white rings on white, bread on bread.
    """
    ground = labels == 0
    if rng.random() >= _CAMOUFLAGED or not ground.any() or ground.all():
        return image
    changed = image.astype(np.float32)
    behind = changed[ground].mean(axis=0)
    for key in np.unique(labels[~ground]):
        mask = labels == key
        mean = changed[mask].mean(axis=0)
        shift = (behind - mean) * rng.uniform(0, 1)
        changed[mask] = (changed[mask] - mean) * rng.uniform(0.6, 1) + mean + shift
    return np.asarray(np.clip(changed, 0, 255), np.uint8)


def _toned(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Another exposure, contrast and cast; sometimes gray."""
    gain = np.exp(rng.normal(0, 0.15)) * (1 + rng.normal(0, 0.05, 3))
    changed = (image.astype(np.float32) - 128) * gain + 128 + rng.normal(0, 14)
    if rng.random() < 0.1:
        changed = np.repeat(changed.mean(axis=2, keepdims=True), 3, axis=2)
    return np.asarray(np.clip(changed, 0, 255), np.uint8)


def _targets(labels: Labels, rng: np.random.Generator, most: int) -> NDArray[np.bool_]:
    counts = np.bincount(labels.ravel())
    ids = [int(key) for key in np.flatnonzero(counts >= _SMALLEST) if key > 0]
    chosen = [labels == key for key in rng.permutation(ids)[:most]]
    if len(chosen) > 1 and rng.random() < 0.15:
        chosen[0] = chosen[0] | chosen[1]
    return np.stack(chosen) if chosen else np.zeros((0, *labels.shape), bool)


def jittered(
    mask: NDArray[np.bool_], rng: np.random.Generator, shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Box of a mask with its sides moved, mostly outwards; x0 y0 x1 y1 inside of the crop."""
    ys, xs = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = np.array([xs[0], ys[0], xs[-1] + 1, ys[-1] + 1], np.float32)
    reach = np.maximum(SHIFT, 0.1 * np.tile(box[2:] - box[:2], 2))
    outwards = rng.uniform(-0.25, 1, 4) * reach * (-1, -1, 1, 1)
    height, width = shape
    return np.clip(box + outwards, 0, (width, height, width, height)).astype(np.float32)


def _clicks(
    mask: NDArray[np.bool_], rng: np.random.Generator, *, first: bool
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """`CLICKS` clicks; with `first` one of them lies well inside. -1 = no click."""
    inner = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    near = cv2.dilate(mask.astype(np.uint8), np.ones((25, 25), np.uint8)) > 0
    at = np.zeros((CLICKS, 2), np.float32)
    marks = np.full(CLICKS, -1, np.int32)
    for k in range(CLICKS):
        inside = (first and k == 0) or rng.random() < 0.5
        if not (first and k == 0) and rng.random() < 0.4:
            continue
        where = inner >= 0.6 * inner.max() if inside else near & ~mask
        ys, xs = np.nonzero(where)
        if len(ys):
            pick = int(rng.integers(len(ys)))
            at[k], marks[k] = (xs[pick], ys[pick]), int(inside)
    return at, marks


def _worsened(mask: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.bool_]:
    """A mask as it might be before it is corrected: shifted, swollen, bitten, holes closed."""
    rough = mask.astype(np.uint8)
    size = int(rng.integers(1, max(3, min(mask.shape) // 16)))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * size + 1, 2 * size + 1))
    ways = (cv2.MORPH_DILATE, cv2.MORPH_ERODE, cv2.MORPH_CLOSE, cv2.MORPH_OPEN)
    rough = cv2.morphologyEx(rough, ways[int(rng.integers(4))], disc)
    for _ in range(int(rng.integers(0, 3))):
        centre = rng.uniform(0, 1, 2) * mask.shape[::-1]
        radius = int(rng.uniform(0.03, 0.2) * min(mask.shape)) + 1
        cv2.circle(rough, centre.astype(int).tolist(), radius, int(rng.integers(2)), -1)
    return np.asarray(np.roll(rough, rng.integers(-4, 5, 2), (0, 1)), bool)


def _corrections(
    mask: NDArray[np.bool_], start: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """`CLICKS` clicks into what a start has wrong, or none."""
    at, marks = np.zeros((CLICKS, 2), np.float32), np.full(CLICKS, -1, np.int32)
    wrong = mask ^ start
    for k in range(int(rng.integers(CLICKS + 1))):
        core = cv2.erode(wrong.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        ys, xs = np.nonzero(core if core.any() else wrong)
        if len(ys):
            pick = int(rng.integers(len(ys)))
            at[k], marks[k] = (xs[pick], ys[pick]), int(mask[ys[pick], xs[pick]])
    return at, marks

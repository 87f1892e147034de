"""What a promptable network trains on: a crop, some objects in it, and prompts as people give them.

A crop is what the network will be shown: the whole image, or a window around an object. Boxes are
drawn anew each time, each side moved by up to a tenth of the box or `SHIFT` pixels; clicks lie in
the object or near its border outside; now and then two neighbours are asked for as one.
Prompts get the evidence of their colours in the mask's place, or with it (`colour_evidence`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import cv2
import numpy as np

from napari_segkit.ops.colour_evidence import evidence_grid
from napari_segkit.ops.mask_logits import logits_of_share, share_of_mask
from napari_segkit.ops.masks import instance_boxes
from napari_segkit.training.promptable_clicks import (
    ROUNDS,
    box_around,
    clicks,
    corrections,
    worsened,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_segkit.types import Image, Labels

Mode = Literal["box", "clicks", "box and clicks", "mask"]
MODES: dict[Mode, float] = {"box": 0.5, "clicks": 0.25, "box and clicks": 0.1, "mask": 0.15}
SHIFT = 4.0
_AROUND = 0.9
"""Share of the crops that are windows around an object."""
_WIDEST = 1.0, 1.7
"""Sides of such a window in sides of its object, as a logarithm: for boxes, for clicks alone."""
_AGAIN = 0.6
"""Share of the lessons with clicks that are asked again before they count."""
_DRAWN = 0.5
"""Share of the lessons with a mask to which a person drew the box, too."""
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
        The mask to start from, or the evidence of the colours, or both in one.
    boxed
        Whether a person drew the boxes; else they lie around what there is already.
    rounds
        Answers of the network that get another click before the lesson counts
        (`promptable_clicks.asked_again`), drawn from `seed`.
    """

    image: NDArray[np.uint8]
    shape: tuple[int, int]
    targets: NDArray[np.bool_]
    boxes: NDArray[np.float32] | None
    points: NDArray[np.float32] | None
    labels: NDArray[np.int32] | None
    masks: NDArray[np.float32] | None
    boxed: bool = True
    rounds: int = 0
    seed: int = 0


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
    mode = mode or list(MODES)[int(rng.choice(len(MODES), p=list(MODES.values())))]
    widest = _WIDEST[mode == "clicks"]
    image, labels, shape = _crop(image, labels, rng, size, widest=widest, augment=augment)
    targets = _targets(labels, rng, prompts)
    if not len(targets):
        return None
    asked = _asked(mode, targets, rng, shape, size)
    masks = None
    if evidence and (asked.shares is not None or rng.random() >= _BARE):
        masks = evidence_grid(image, shape, *asked[:4])
    elif asked.shares is not None:
        masks = logits_of_share(asked.shares)
    again = evidence and mode != "box" and rng.random() < _AGAIN
    return Lesson(
        image,
        shape,
        targets,
        asked.boxes,
        asked.points,
        asked.labels,
        masks,
        boxed=asked.boxed,
        rounds=int(rng.integers(1, ROUNDS + 1)) if again else 0,
        seed=int(rng.integers(2**31)),
    )


class _Asked(NamedTuple):
    """Prompts for P targets; see `Lesson`. Shares: how much of each cell the start covers."""

    boxes: NDArray[np.float32] | None
    points: NDArray[np.float32] | None = None
    labels: NDArray[np.int32] | None = None
    shares: NDArray[np.float32] | None = None
    boxed: bool = True


def _asked(
    mode: Mode,
    targets: NDArray[np.bool_],
    rng: np.random.Generator,
    shape: tuple[int, int],
    size: int,
) -> _Asked:
    boxes = None
    if mode != "clicks":
        boxes = np.stack([jittered(target, rng, shape) for target in targets])
    if mode == "box":
        return _Asked(boxes)
    if mode != "mask":
        drawn = [clicks(target, rng, first=mode == "clicks") for target in targets]
        at, marks = (np.stack(part) for part in zip(*drawn, strict=True))
        return _Asked(boxes, at, marks, boxed=boxes is not None)
    insides = [target[: shape[0], : shape[1]] for target in targets]
    starts = [worsened(inside, rng) for inside in insides]
    shares = np.stack([share_of_mask(start, size, size // 2) for start in starts])
    drawn = [corrections(*each, rng) for each in zip(insides, starts, strict=True)]
    boxed = rng.random() < _DRAWN
    if not boxed:
        each = zip(starts, drawn, strict=True)
        boxes = np.array([box_around(start, *one) for start, one in each], np.float32)
    at, marks = (np.stack(part) for part in zip(*drawn, strict=True))
    return _Asked(boxes, at, marks, shares, boxed)


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
    image: Image,
    labels: Labels,
    rng: np.random.Generator,
    size: int,
    *,
    widest: float,
    augment: bool,
) -> tuple[Image, Labels, tuple[int, int]]:
    """Whole or around one object, turned and mirrored, scaled to `size`, padded to a square."""
    places = instance_boxes(labels)
    if places and rng.random() < _AROUND:
        box = np.array(places[int(rng.choice(list(places)))])
        middle, side = (box[:2] + box[2:]) / 2, float((box[2:] - box[:2]).max())
        side *= float(np.exp(rng.uniform(0.1, widest)))
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

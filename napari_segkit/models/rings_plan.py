"""Which prompts belong to which object, and in which part of the image it is looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_segkit.errors import PromptError
from napari_segkit.ops.masks import instance_boxes
from napari_segkit.ops.prompt_windows import window_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from napari_segkit.ops.prompt_windows import Look, Window
    from napari_segkit.types import Box, Image, Labels, Prompts

    Mask = NDArray[np.bool_]
    Roi = tuple[int, int, int, int]

CHUNK = 16
"""Objects that are decoded at once."""


@dataclass(frozen=True)
class Ask:
    """One object to find; coordinates in pixels of the image.

    Attributes
    ----------
    number
        Its id in the result.
    window
        x0 y0 x1 y1 of the part of the image that is looked at.
    box
        Or None, where only points tell of it.
    points : (K, 2) float32, labels : (K,) int32
        x y; 1 = object, 0 = not.
    start : id of the instance of the prompts' mask that it starts from, or 0.
    held
        Whether the mask stays near the box; it may leave that of a first answer.
    """

    number: int
    window: Window
    box: Box | None
    points: NDArray[np.float32] = field(repr=False)
    labels: NDArray[np.int32] = field(repr=False)
    start: int = 0
    held: bool = True

    @property
    def kind(self) -> tuple[object, ...]:
        """Objects of one kind are decoded together."""
        return self.window, self.box is None, len(self.points), self.start > 0


class Found(NamedTuple):
    """What was found of one object.

    Attributes
    ----------
    roi
        x0 y0 x1 y1 of the part of the image that its mask is for.
    mask : (y1 - y0, x1 - x0) bool
    score
        IoU that the network expects, 0 to 1.
    """

    roi: Roi
    mask: Mask
    score: float


def asks(
    prompts: Prompts,
    shape: tuple[int, int],
    input_size: int,
    *,
    look: Look = "window",
) -> list[Ask]:
    """The objects that prompts ask for, numbered from 1.

    First the boxes in their order, then the instances of the mask that no box lies on, then one
    object of the positive points that lie in no box. Points in a box belong to its object, and
    so does the instance of the mask that fills most of the box.

    Parameters
    ----------
    shape
        (H, W) of the image.
    input_size
        Side of the network's input in pixels.
    look
        In which part of the image a box is looked at; see `ops.prompt_windows`.

    Raises
    ------
    PromptError
        Where nothing is asked for.
    """
    within = [inside(prompts.points, box) for box in prompts.boxes]
    found: list[tuple[Box | None, NDArray[np.bool_], int]] = []
    taken: set[int] = set()
    for box, mine in zip(prompts.boxes, within, strict=True):
        start = 0 if prompts.mask is None else _main_instance(prompts.mask, box)
        taken.add(start)
        found.append((_tuple(box), mine, start))
    if prompts.mask is not None:
        for key, box in instance_boxes(prompts.mask).items():
            if key not in taken:
                found.append((box, inside(prompts.points, np.asarray(box)), key))
    covered = np.any([mine for _, mine, _ in found], axis=0) if found else False
    free = ~np.broadcast_to(covered, prompts.point_labels.shape)
    if (free & (prompts.point_labels == 1)).any():
        found.append((None, free, 0))
    if not found:
        raise PromptError(
            "nothing is asked for",
            expected="a box, a point on the object, or a mask with an object in it",
            remedy="draw a box around the ring",
        )
    return [
        Ask(
            number,
            window_of(_around(box), shape, input_size, look=look),
            box,
            prompts.points[mine],
            prompts.point_labels[mine],
            start,
        )
        for number, (box, mine, start) in enumerate(found, 1)
    ]


def inside(points: NDArray[np.float32], box: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Which points (M, 2) lie in a box."""
    x, y = points.reshape(-1, 2).T
    return np.asarray((x >= box[0]) & (x < box[2]) & (y >= box[1]) & (y < box[3]))


def _main_instance(mask: Labels, box: NDArray[np.float32]) -> int:
    """The instance with most pixels in a box, 0 where there is none."""
    x0, y0, x1, y1 = np.rint(box).astype(int)
    counts = np.unique(mask[y0:y1, x0:x1], return_counts=True)
    best = sorted((int(n), int(key)) for key, n in zip(*counts, strict=True) if key > 0)
    return best[-1][1] if best else 0


def _tuple(box: NDArray[np.float32]) -> Box:
    x0, y0, x1, y1 = (float(value) for value in box)
    return x0, y0, x1, y1


def _around(box: Box | None) -> Box:
    """What must be in the window. A point alone tells no size: the whole image is looked at."""
    if box is None:
        return 0.0, 0.0, float("inf"), float("inf")
    return box


def is_unclear(ask: Ask) -> bool:
    """A single point: it may mean a part or the whole."""
    return ask.box is None and ask.start == 0 and len(ask.points) == 1


def chosen(scores: NDArray[np.float32], candidate: str) -> NDArray[np.intp]:
    """Which candidate (N,) of expected IoU (N, K) is meant; see `RingParams.candidate`."""
    if candidate.isdigit():
        return np.full(len(scores), int(candidate) - 1)
    return np.asarray(scores.argmax(axis=1))


def batches(wanted: list[Ask]) -> Iterator[tuple[int, list[Ask]]]:
    """Objects of one kind and window together, a few at a time; how many were before."""
    done = 0
    ordered = sorted(wanted, key=lambda ask: repr(ask.kind))
    for _, group in groupby(ordered, key=lambda ask: ask.kind):
        alike = list(group)
        for first in range(0, len(alike), CHUNK):
            part = alike[first : first + CHUNK]
            yield done, part
            done += len(part)


class DecoderPrompts(NamedTuple):
    """Prompts of N objects, in pixels of their window; what is None is not given.

    Attributes
    ----------
    boxes : (N, 4), points : (N, K, 2), point_labels : (N, K), masks : (N, M, M) logits
    """

    boxes: NDArray[np.float32] | None
    points: NDArray[np.float32] | None
    point_labels: NDArray[np.int32] | None
    masks: NDArray[np.float32] | None


def decoder_prompts(
    part: list[Ask], start: Labels | None, *, input_size: int, mask_size: int
) -> DecoderPrompts:
    """Prompts of objects of one kind; masks from those of the image, made anew each time."""
    from napari_segkit.ops.mask_logits import logits_from_mask

    x0, y0, x1, y1 = part[0].window
    boxes = points = labels = masks = None
    if part[0].box is not None:
        corner = np.array([x0, y0, x0, y0], np.float32)
        boxes = np.array([ask.box for ask in part], np.float32) - corner
    if len(part[0].points):
        points = np.stack([ask.points for ask in part]) - np.array([x0, y0], np.float32)
        labels = np.stack([ask.labels for ask in part])
    if part[0].start and start is not None:
        view = start[y0:y1, x0:x1]
        masks = np.stack(
            [logits_from_mask(view == ask.start, input_size, mask_size) for ask in part]
        )
    return DecoderPrompts(boxes, points, labels, masks)


class Closeup(NamedTuple):
    """A window as the network sees it: (S, S, 3) uint8 RGB, its place (height, width) in it."""

    pixels: NDArray[np.uint8]
    shape: tuple[int, int]


def closeup(view: Image, input_size: int) -> Closeup:
    """A window (H, W, 3) uint8 RGB scaled to the network's input."""
    import cv2

    from napari_segkit.ops.mask_logits import scaled_shape

    height, width = scaled_shape(view.shape[:2], input_size)
    way = cv2.INTER_AREA if height < view.shape[0] else cv2.INTER_LINEAR
    square = np.zeros((input_size, input_size, 3), np.uint8)
    square[:height, :width] = cv2.resize(view, (width, height), interpolation=way)
    return Closeup(square, (height, width))


def evidence(seen: Closeup, view: Image, given: DecoderPrompts) -> NDArray[np.float32]:
    """Evidence of colours (N, M, M), with the masks that prompts have in it."""
    from napari_segkit.ops.colour_evidence import evidence_grid
    from napari_segkit.ops.mask_logits import share_of_logits

    scale = np.array(seen.shape[::-1], np.float32) / view.shape[1::-1]
    return evidence_grid(
        seen.pixels,
        seen.shape,
        None if given.boxes is None else given.boxes * np.tile(scale, 2),
        None if given.points is None else given.points * scale,
        given.point_labels,
        None if given.masks is None else share_of_logits(given.masks),
    )


def roi_of(ask: Ask, margin: float) -> Roi:
    """Where an object's mask may be: a box that holds it and a margin, or its window."""
    if ask.box is None or not ask.held:
        return ask.window
    x0, y0, x1, y1 = ask.box
    dx, dy = margin * (x1 - x0), margin * (y1 - y0)
    low = np.floor([x0 - dx, y0 - dy]).astype(int)
    high = np.ceil([x1 + dx, y1 + dy]).astype(int)
    left, top, right, bottom = ask.window
    return max(low[0], left), max(low[1], top), min(high[0], right), min(high[1], bottom)


def painted(found: Mapping[int, Found], shape: tuple[int, ...]) -> tuple[Labels, dict[int, float]]:
    """Objects laid on each other in the order in which they were asked for; scores by id."""
    labels = np.zeros(shape, np.int32)
    for number in sorted(found):
        (x0, y0, x1, y1), mask, _ = found[number]
        labels[y0:y1, x0:x1][mask] = number
    left = np.flatnonzero(np.bincount(labels.ravel(), minlength=1)[1:]) + 1
    return labels, {int(number): found[int(number)][2] for number in left}

"""What a person has drawn on a plane of an image: taken down, frozen, compared with the last."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segkit.errors import PromptError
from napari_segkit.ops.prompt_objects import Asked, objects_of
from napari_segkit.ops.prompts import usable_boxes
from napari_segkit.widgets._layers import points_on_plane, shapes_on_plane
from napari_segkit.widgets.parts._words import counted
from napari_segkit.widgets.rings._prompt_layers import find_boxes, find_points, is_drawing, signs_of

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Points

    from napari_segkit.ops.prompt_objects import Click, Start
    from napari_segkit.widgets._layers import Plane


@dataclass(frozen=True)
class Scene:
    """Objects that are asked for, and where their prompts lie in the layers.

    Attributes
    ----------
    objects
        In the order in which they lie on each other.
    boxes
        Positions of the boxes in their layer, in the order of the objects that have one.
    clicks
        Every click on the plane, and its position in its layer.
    notes
        What was dropped, skipped, clipped.
    elsewhere
        How many boxes and clicks lie on other planes.
    """

    objects: tuple[Asked, ...] = ()
    boxes: tuple[int, ...] = ()
    clicks: tuple[tuple[Click, int], ...] = ()
    notes: tuple[str, ...] = ()
    elsewhere: int = 0

    def part(self, known: Container[Asked]) -> Scene:
        """With only those objects, and their boxes."""
        kept = [n for n, one in enumerate(self.objects) if one in known]
        boxes = tuple(self.boxes[n] for n in kept if n < len(self.boxes))
        return replace(self, objects=tuple(self.objects[n] for n in kept), boxes=boxes)

    def nothing_ready(self) -> PromptError:
        """Why nothing can be accepted."""
        if self.objects:
            return PromptError("the masks are not there yet", remedy="wait for the image")
        if self.notes:
            return PromptError("no usable prompt", got=" and ".join(self.notes))
        if self.elsewhere:
            return PromptError(
                "nothing is asked for on this plane",
                got=f"{counted(self.elsewhere, 'prompt')} elsewhere",
                remedy="move the slider, or draw here",
            )
        return PromptError(
            "nothing to accept", remedy="draw a box around an object, or click on it"
        )


@dataclass(frozen=True)
class Drawn:
    """Everything on the prompt layers, and the object that is corrected (0: none)."""

    outlines: tuple[Any, ...] = ()
    points: Any = field(default_factory=lambda: np.zeros((0, 2)))
    signs: Any = field(default_factory=lambda: np.zeros(0, bool))
    start: int = 0

    def same(self, other: Drawn) -> bool:
        """Whether another one holds the same."""
        return (
            len(self.outlines) == len(other.outlines)
            and all(map(_same, self.outlines, other.outlines))
            and np.array_equal(self.points, other.points)
            and np.array_equal(self.signs, other.signs)
            and self.start == other.start
        )


def _same(one: Any, other: Any) -> bool:
    return one is other or np.array_equal(one, other)


def take_down(
    viewer: ViewerModel,
    image: Image,
    plane: Plane,
    *,
    start: Start | None,
    candidates: Mapping[object, str],
) -> Scene:
    """What is asked for on a plane; a box that is being drawn is none yet.

    Parameters
    ----------
    start
        The object that is corrected.
    candidates
        `Asked.place` -> the candidate that was chosen.
    """
    shapes, points = find_boxes(viewer.layers, image), find_points(viewer.layers, image)
    at, boxes, total = np.zeros(0, np.intp), np.zeros((0, 4), np.float32), 0
    notes: tuple[str, ...] = ()
    if shapes is not None:
        at, boxes = shapes_on_plane(shapes, image, plane)
        total += len(shapes.data) - len(at)
        if is_drawing(shapes):
            done = at < len(shapes.data) - 1
            at, boxes = at[done], boxes[done]
        kept, boxes, notes = usable_boxes(boxes, plane.shape)
        at, boxes = at[kept], boxes[kept]
    clicks: tuple[tuple[Click, int], ...] = ()
    if points is not None:
        clicks = _clicks(points, image, plane)
        total += len(points.data) - len(clicks)
    objects = objects_of(boxes, [click for click, _ in clicks], start)
    chosen = tuple(
        Asked(one.box, one.clicks, one.start, candidates.get(one.place, "auto")) for one in objects
    )
    return Scene(chosen, tuple(int(one) for one in at), clicks, notes, total)


def _clicks(points: Points, image: Image, plane: Plane) -> tuple[tuple[Click, int], ...]:
    at, places = points_on_plane(points, image, plane)
    signs = signs_of(points)[at]
    height, width = plane.shape
    return tuple(
        ((float(x), float(y), int(on)), int(number))
        for number, (x, y), on in zip(at, places, signs, strict=True)
        if 0 <= x < width and 0 <= y < height
    )


def drawn(viewer: ViewerModel, image: Image, start: int) -> Drawn:
    """What lies on the prompt layers of an image, on whatever plane."""
    shapes, points = find_boxes(viewer.layers, image), find_points(viewer.layers, image)
    outlines: tuple[Any, ...] = ()
    if shapes is not None:
        outlines = tuple(shapes.data)[: -1 if is_drawing(shapes) else None]
    if points is not None:
        return Drawn(outlines, points.data.copy(), signs_of(points), start)
    return Drawn(outlines, start=start)


def label_under(mask: Labels, plane: Plane, clicks: tuple[tuple[Click, int], ...]) -> int:
    """The object of a mask that the first click hits, 0 where none does."""
    data = np.asarray(mask.data)[plane.key]
    for (x, y, _), _ in clicks:
        label = int(data[int(y), int(x)])
        if label:
            return label
    return 0

"""The tools by name: what a person points at goes in, an `Edit` comes out.

The tools themselves are in `edit`, `edit_many` and `edges`; here each gets the same form, so that
a dock, a test or a script can use any of them. A tool about one instance takes several in turn.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.errors import MaskError, ParamsError
from napari_segkit.ops import edges, edit, edit_many
from napari_segkit.ops.edits import Edit, edit_of
from napari_segkit.ops.regions import instance_region, polygon_region

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from napari_segkit.ops.delta import Delta, Rect
    from napari_segkit.types import Image, Labels

    OneTool = Callable[["Aim"], Delta]


@dataclass(frozen=True)
class Aim:
    """What a tool is pointed at.

    Attributes
    ----------
    labels : (H, W) int32 or uint16
        Never written to.
    keys
        Instances; of tools about two, the first is the one that changes.
    boxes
        Id -> box, of every instance in ``keys``.
    new_id
        First id that is free.
    value
        The tool's parameter.
    image : (H, W, 3) uint8 RGB
        For tools that look at it.
    points : (N, 2) x y in pixels
        Of a drawn line or polygon.
    other : (H, W) int32
        Another image's mask.
    """

    labels: Labels
    keys: tuple[int, ...]
    boxes: Mapping[int, Rect]
    new_id: int = 1
    value: float = 0.0
    image: Image | None = None
    points: NDArray[np.float64] | None = None
    other: Labels | None = None

    @property
    def key(self) -> int:
        """The first instance."""
        return self.keys[0]

    @property
    def box(self) -> Rect:
        """Its box."""
        return self.boxes[self.key]


def _each(aim: Aim, tool: OneTool) -> Edit:
    """A tool on each instance in turn, each seeing what the one before did."""
    if not aim.keys:
        raise MaskError("no object is selected", remedy="click one in the table")
    work = aim.labels if len(aim.keys) == 1 else aim.labels.astype(np.int32)
    deltas: list[Delta] = []
    parents: dict[int, int] = {}
    for key in aim.keys:
        new_id = max((aim.new_id, *(born + 1 for born in parents)))
        delta = tool(replace(aim, labels=work, keys=(key,), new_id=new_id))
        if delta and len(aim.keys) > 1:
            delta.apply(work)
        parents |= dict.fromkeys(delta.ids()[1] - {key}, key) if delta else {}
        deltas.append(delta)
    return edit_of(deltas, parents=parents)


def _fill_holes(aim: Aim) -> Delta:
    largest = round(aim.value) or None
    return edit.fill_holes(aim.labels, aim.key, largest=largest, box=aim.box)


def _remove_specks(aim: Aim) -> Delta:
    return edit.remove_specks(aim.labels, aim.key, smallest=round(aim.value), box=aim.box)


def _keep_largest(aim: Aim) -> Delta:
    return edit.keep_largest(aim.labels, aim.key, box=aim.box)


def _smooth(aim: Aim) -> Delta:
    return edit.smooth(aim.labels, aim.key, radius=aim.value, box=aim.box)


def _grow(aim: Aim) -> Delta:
    return edit.grow(aim.labels, aim.key, pixels=aim.value, box=aim.box)


def _hull(aim: Aim) -> Delta:
    return edit.convex_hull(aim.labels, aim.key, box=aim.box)


def _ellipse(aim: Aim) -> Delta:
    return edit.fit_ellipse(aim.labels, aim.key, box=aim.box)


def _snap(aim: Aim) -> Delta:
    if aim.image is None:
        raise ParamsError("there is no image to look at", remedy="choose the mask's image")
    return edges.snap_to_edges(aim.labels, aim.image, aim.key, reach=round(aim.value), box=aim.box)


def _split(aim: Aim) -> Delta:
    return edit_many.split_touching(
        aim.labels, aim.key, depth=aim.value, new_id=aim.new_id, box=aim.box
    )


def _split_line(aim: Aim) -> Delta:
    return edit_many.split_along(aim.labels, aim.key, aim.points, new_id=aim.new_id, box=aim.box)


def _merge(aim: Aim) -> Edit:
    _several(aim)
    return edit_of([edit_many.merge(aim.labels, aim.keys, into=aim.key, box=_box(aim))])


def _delete(aim: Aim) -> Edit:
    if not aim.keys:
        raise MaskError("no object is selected", remedy="click one in the table")
    return edit_of([edit_many.delete(aim.labels, aim.keys, box=_box(aim))])


def _cut_out(aim: Aim) -> Edit:
    height, width = aim.labels.shape
    region = polygon_region(aim.points, (height, width))
    return edit_of([edit_many.cut_out(aim.labels, region, keys=aim.keys or None)])


def _subtract(aim: Aim) -> Edit:
    return _with_hulls(aim, keep=False)


def _intersect(aim: Aim) -> Edit:
    return _with_hulls(aim, keep=True)


def _with_hulls(aim: Aim, *, keep: bool) -> Edit:
    """The first instance without, or only with, what lies in the hulls of the others."""
    _several(aim)
    first, *others = aim.keys
    work = aim.labels.astype(np.int32)
    deltas = []
    for key in others:
        region = instance_region(work, key, extent="hull", box=aim.boxes[key])
        if keep:
            deltas.append(edit_many.intersect(work, first, region, box=aim.boxes[first]))
        else:
            deltas.append(edit_many.cut_out(work, region, keys=[first]))
        deltas[-1].apply(work)
    return edit_of(deltas)


def _copy(aim: Aim) -> Edit:
    from napari_segkit.types import present_ids

    if aim.other is None:
        raise MaskError("there is no other mask", remedy="open another one of the same size")
    keys = present_ids(aim.other).tolist()
    if not keys:
        raise MaskError("the other mask is empty")
    delta, origin = edit_many.copy_from(aim.labels, aim.other, keys, new_id=aim.new_id)
    return edit_of([delta], parents=origin)


def _several(aim: Aim) -> None:
    if len(aim.keys) < 2:
        raise MaskError(
            "this needs two objects or more",
            got=f"{len(aim.keys)} selected",
            remedy="click one in the table, then others with Ctrl",
        )


def _box(aim: Aim) -> Rect:
    x0, y0, x1, y1 = zip(*(aim.boxes[key] for key in aim.keys), strict=True)
    return min(x0), min(y0), max(x1), max(y1)


_ONE: dict[str, OneTool] = {
    "fill holes": _fill_holes,
    "remove specks": _remove_specks,
    "largest part": _keep_largest,
    "smooth": _smooth,
    "grow": _grow,
    "convex hull": _hull,
    "ellipse": _ellipse,
    "snap to edges": _snap,
    "split": _split,
    "split along a line": _split_line,
}
_MANY: dict[str, Callable[[Aim], Edit]] = {
    "merge": _merge,
    "delete": _delete,
    "cut out": _cut_out,
    "subtract": _subtract,
    "intersect": _intersect,
    "copy": _copy,
}
NAMES = (*_ONE, *_MANY)
"""Every tool."""


def use(name: str, aim: Aim) -> Edit:
    """What a tool changes; false where nothing would.

    Raises
    ------
    SegkitError
        As the tool; and where it is pointed at too little.
    """
    return _each(aim, _ONE[name]) if name in _ONE else _MANY[name](aim)

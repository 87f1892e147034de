"""A person's edits of a mask, each one undo step: pixels of a tool, rows, classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segkit.ops.instance_rows import (
    InstanceRow,
    class_renamed,
    rows_after,
    rows_in_class,
    rows_merged,
)
from napari_segkit.types import ClassDef
from napari_segkit.widgets.masks._binding import bind, classes_of, read_binding, write_classes
from napari_segkit.widgets.masks._colors import Palette
from napari_segkit.widgets.masks._pixels import PixelWriter
from napari_segkit.widgets.masks._steps import Step
from napari_segkit.widgets.masks._undo import NOWHERE, MaskChange, state_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from contextlib import AbstractContextManager

    from napari.layers import Labels

    from napari_segkit.ops.edits import Edit
    from napari_segkit.ops.instance_rows import Rows
    from napari_segkit.widgets._layers import Plane
    from napari_segkit.widgets.masks._steps import Classes

OTHER = ClassDef("object", (0, 160, 255))
"""Class of what has none: of a mask that no model of ours made."""


def adopt(layer: Labels, ids: Collection[int]) -> None:
    """Make a Labels layer a mask of ours: classes and rows, taken from its features if it can.

    Its pixels and colours stay. A mask of ours only gets rows for ids that have none.
    """
    state = state_of(layer)
    rows = state.rows(layer)
    if read_binding(layer) is None:
        names = dict.fromkeys(row.class_name for row in rows.values())
        first = {row.class_name: key for key, row in reversed(rows.items())}
        classes = [ClassDef(name, _rgb(layer.get_color(first[name]))) for name in names]
        bind(layer, image=None, image_name=layer.name, model="", classes=classes or [OTHER])
    name = classes_of(layer)[0].name
    absent = {key: InstanceRow(name) for key in ids if key not in rows}
    gone = set() if layer.ndim > 2 else rows.keys() - set(ids)
    if absent or gone:
        state.set_rows(layer, {k: row for k, row in (rows | absent).items() if k not in gone})
        state.changed.emit(MaskChange(NOWHERE, frozenset(absent) | gone))


def _rgb(color: Any) -> tuple[int, int, int]:
    red, green, blue = (round(255 * float(part)) for part in color[:3])
    return red, green, blue


class EditWriter(PixelWriter):
    """Writes what a tool changes, then rows and colours.

    Parameters
    ----------
    tool
        Its name, for the instances' list of edits.
    into
        Where instances become one: its id.
    parents, classes
        Rows and classes that new ids take over, of those that are copied from another mask.
    """

    _whole = False

    def __init__(
        self,
        layer: Labels,
        plane: Plane,
        edit: Edit,
        *,
        tool: str,
        into: int | None = None,
        parents: Rows | None = None,
        classes: Sequence[ClassDef] = (),
    ) -> None:
        self.edit = edit
        self.tool = tool
        self._into = into
        self._parents = parents
        self._classes = classes
        super().__init__(layer, plane, edit, most=int(edit.new.max(initial=0)))

    def _marked(self) -> AbstractContextManager[None]:
        return state_of(self._layer).doing(self.tool)

    def _finish(self) -> None:
        layer, state = self._layer, state_of(self._layer)
        change = self.edit.change()
        kept, gone = state.follow(self._plane.place, change)
        gone = gone if layer.ndim == 2 or self.tool in ("delete", "merge") else set()
        rows = self._rows_after(state.rows(layer), kept, gone)
        step = Step(
            self._plane.place, changes={self._plane.place: change}, classes=self._add_classes(rows)
        )
        state.record(layer, step, rows)

    def _add_classes(self, rows: Rows) -> tuple[Classes, Classes] | None:
        """Have the classes of copied objects, too."""
        before = classes_of(self._layer)
        known = {one.name for one in before}
        used = {row.class_name for row in rows.values()} - known
        new = tuple(one for one in self._classes if one.name in used)
        if not new:
            return None
        write_classes(self._layer, (*before, *new))
        return before, (*before, *new)

    def _rows_after(self, rows: Rows, kept: set[int], gone: set[int]) -> dict[int, InstanceRow]:
        layer = self._layer
        name = state_of(layer).draw_class or classes_of(layer)[0].name
        if self._into is not None:
            merged = [key for key in {*gone, self._into} if key in rows]
            if self._into in rows:
                return rows_merged(rows, merged, into=self._into, tool=self.tool)
        if self._parents is not None:
            rows = dict(rows) | {
                new: self._parents[old]
                for new, old in self.edit.parents.items()
                if old in self._parents
            }
            return rows_after(rows, tool=self.tool, touched=kept, gone=gone, new_class=name)
        return rows_after(
            rows,
            tool=self.tool,
            touched=kept,
            gone=gone,
            parents=self.edit.parents,
            new_class=name,
        )


def set_class(layer: Labels, plane: Plane, keys: Collection[int], name: str) -> None:
    """Give instances another class, which may be a new one."""
    classes, rows = classes_of(layer), state_of(layer).rows(layer)
    others = [key for key in keys if key in rows and rows[key].class_name != name]
    rows = rows_in_class(rows, others, name)
    if name not in {one.name for one in classes}:
        classes = (*classes, ClassDef(name, new_color(classes)))
    _write_table(layer, plane, rows, classes)


def change_classes(layer: Labels, plane: Plane, changes: Mapping[str, ClassDef]) -> None:
    """Rename and recolour classes; two of the same name become one.

    Parameters
    ----------
    changes
        Old name -> name and colour; classes that are not named stay.
    """
    rows: Rows = state_of(layer).rows(layer)
    renamed = {old: new.name for old, new in changes.items() if old != new.name}
    for number, old in enumerate(renamed):  # by names that no class has: two may swap theirs
        rows = class_renamed(rows, old, f"\0{number}")
    for number, new in enumerate(renamed.values()):
        rows = class_renamed(rows, f"\0{number}", new)
    classes: dict[str, ClassDef] = {}
    for one in classes_of(layer):
        changed = changes.get(one.name, one)
        classes.setdefault(changed.name, changed)
    _write_table(layer, plane, dict(rows), tuple(classes.values()))


def add_class(layer: Labels, plane: Plane, name: str) -> None:
    """Have one more class, without instances yet."""
    classes = classes_of(layer)
    if name not in {one.name for one in classes}:
        rows = state_of(layer).rows(layer)
        _write_table(layer, plane, rows, (*classes, ClassDef(name, new_color(classes))))


def _write_table(layer: Labels, plane: Plane, rows: Rows, classes: tuple[ClassDef, ...]) -> None:
    state, before = state_of(layer), classes_of(layer)
    if rows == state.rows(layer) and classes == before:
        return
    _null_stroke(layer)
    write_classes(layer, classes)
    if classes != before and state.palette is None:
        state.palette = Palette({}, (0, 0, 0))
    changed = (before, classes) if classes != before else None
    step = Step(plane.place, classes=changed, changes=_nothing(layer))
    state.record(layer, step, rows)


def _nothing(layer: Labels) -> dict[str, None]:
    tracked = state_of(layer).tracked
    return {} if tracked is None else {tracked[0].place: None}


def _null_stroke(layer: Labels) -> None:
    """An item in napari's undo history that changes no pixel: one to another value, and back."""
    index = tuple(np.zeros(1, np.int64) for _ in range(layer.ndim))
    value = int(layer.data[index][0])
    with state_of(layer).doing("class"), layer.block_history():
        layer.data_setitem(index, value ^ 1, refresh=False)
        layer.data_setitem(index, value, refresh=False)


_COLORS = (
    (255, 196, 0),
    (0, 160, 255),
    (240, 90, 70),
    (60, 200, 110),
    (190, 110, 255),
    (255, 140, 210),
    (120, 230, 230),
    (170, 130, 80),
)


def new_color(classes: Sequence[ClassDef]) -> tuple[int, int, int]:
    """A colour that no class has yet."""
    taken = {one.color for one in classes}
    return next((one for one in _COLORS if one not in taken), _COLORS[len(classes) % len(_COLORS)])

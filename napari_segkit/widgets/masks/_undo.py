"""What happened to a mask layer since it was made: runs, tools, strokes, undo and redo.

napari's own undo history holds the pixels; here is what belongs to them: which rows and classes
changed, and what it means for the areas. Ctrl+Z takes both back.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary, ref

from psygnal import Signal

from napari_segkit.ops.instance_rows import rows_after
from napari_segkit.widgets.masks._bands import Before
from napari_segkit.widgets.masks._binding import classes_of, write_classes
from napari_segkit.widgets.masks._colors import Palette
from napari_segkit.widgets.masks._features import ids_of, rows_from, seen_rows, show_rows
from napari_segkit.widgets.masks._steps import Past, Step, Steps, differing
from napari_segkit.widgets.masks._strokes import array_of, change_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari.layers import Labels
    from napari.utils.events import Event

    from napari_segkit.ops.delta import Change, Rect
    from napari_segkit.ops.instance_index import InstanceIndex
    from napari_segkit.ops.instance_rows import InstanceRow, Rows
    from napari_segkit.widgets._layers import Plane
    from napari_segkit.widgets.masks._bands import Written

BRUSH = "brush"
NOWHERE = (0, 0, 0, 0)
"""Box of what changes no pixel."""


class MaskChange(NamedTuple):
    """What listeners are told.

    Attributes
    ----------
    box
        In the tracked plane; ``None``: anywhere, and the areas must be counted anew.
    ids
        Whose pixels or rows changed.
    """

    box: Rect | None
    ids: frozenset[int]


class MaskState:
    """What must be known of a mask layer while it lives, besides its metadata.

    Attributes
    ----------
    revision
        Counts strokes, runs, tools, undo, redo and replaced data.
    palette
        The colours that were given to the layer last; ``None``: its own ones stay.
    tool
        What a tool is doing now; empty for strokes and runs.
    draw_class
        Class of what the person draws next; ``None``: the first one.
    tracked
        The plane whose areas are kept up to date.
    run
        Place in the image's list of runs that the next run's rows get.
    """

    changed = Signal(MaskChange)
    exchanged = Signal()
    """The layer shows another image's mask: nothing that was known of it holds."""

    def __init__(self, layer: Labels) -> None:
        self.revision = 0
        self.palette: Palette | None = None
        self.tool = ""
        self.draw_class: str | None = None
        self.tracked: tuple[Plane, InstanceIndex] | None = None
        self.run: int | None = None
        self._writing = False
        self._steps = Steps()
        self._item: ref[Any] | None = None
        self._rows: dict[int, InstanceRow] = {}
        self._features: Any = None
        layer.events.paint.connect(self._on_paint)
        layer.events.set_data.connect(self._on_set_data)
        layer.events.data.connect(self._on_data)

    def take_out(self, layer: Labels) -> Past:
        """What belongs to the mask that the layer shows, before it shows another one."""
        self._follow_history(layer)
        return Past(self.rows(layer), self._steps, self.palette, self.run, self.tracked)

    def put_in(self, layer: Labels, past: Past) -> None:
        """Go on with another mask, whose pixels and features the layer has already."""
        self._rows, self._steps, self.palette = dict(past.rows), past.steps, past.palette
        self.run, self.tracked = past.run, past.tracked
        self._features, self._item = layer.features, None
        if self.draw_class not in {one.name for one in classes_of(layer)}:
            self.draw_class = None
        self.revision += 1

    def before(self, layer: Labels, plane: Plane) -> Before:
        """The plane as the next result will find it."""
        self._follow_history(layer)
        return Before(
            data=layer.data,
            key=plane.key,
            written=self.written(plane.place),
            names=frozenset(ids_of(layer)),
            revision=self.revision,
        )

    @property
    def by_model(self) -> bool:
        """Whether a run writes now."""
        return self._writing

    def written(self, place: str = "") -> Written | None:
        """What the last run that stands wrote into a plane."""
        return self._steps.last_written(place)

    def rows(self, layer: Labels) -> dict[int, InstanceRow]:
        """Id -> row, as the layer's features tell; with the edits of each."""
        if layer.features is not self._features:
            self._rows = rows_from(layer, self._rows)
            self._features = layer.features
        return self._rows

    def set_rows(self, layer: Labels, rows: Rows) -> None:
        """Put rows into the layer's features, and give the objects their classes' colours."""
        shown, self._rows = self.rows(layer), dict(rows)
        if seen_rows(shown) != seen_rows(rows):
            show_rows(layer, rows)
            self._features = layer.features
        self.color(layer)

    def color(self, layer: Labels) -> None:
        """Show every object in its class's colour; a new colormap costs a redraw: if needed."""
        classes = classes_of(layer)
        if self.palette is None or not classes:
            return
        colors = {one.name: one.color for one in classes}
        default = colors.get(self.draw_class or "", classes[0].color)
        wanted = {key: colors.get(row.class_name, default) for key, row in self._rows.items()}
        if not self.palette.shows(wanted, default):
            self.palette = Palette(wanted, default)
            layer.colormap = self.palette.colormap()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Mark what happens inside as done by a run, not by the person."""
        self._writing = True
        try:
            yield
        finally:
            self._writing = False

    @contextmanager
    def doing(self, tool: str) -> Iterator[None]:
        """Mark what happens inside as done by a tool."""
        self.tool = tool
        try:
            yield
        finally:
            self.tool = ""

    def track(self, plane: Plane, index: InstanceIndex, *, revision: int) -> bool:
        """Keep an index up to date from now on; False where it is of an older state."""
        if revision != self.revision:
            return False
        self.tracked = plane, index
        return True

    def index_of(self, plane: Plane) -> InstanceIndex | None:
        """Areas and boxes of a plane, where they are known."""
        if self.tracked is None or self.tracked[0] != plane:
            return None
        return self.tracked[1]

    def follow(self, place: str, change: Change | None) -> tuple[set[int], set[int]]:
        """Take a change over; ids that still have pixels, and those that have none any more."""
        if change is None:
            return set(), set()
        if self.tracked is None or self.tracked[0].place != place:
            return change.ids, set()
        return self.tracked[1].follow(change)

    def record(self, layer: Labels, step: Step, rows: Rows) -> None:
        """Remember what was written just now, and bring features and colours along.

        Parameters
        ----------
        step
            Its rows and its mark are filled in here. Without ``changes``, areas are not known
            any more.
        rows
            All rows after it.
        """
        step.rows = differing(self.rows(layer), rows)
        step.mark, self._item = self._item, None
        self._steps.push(step)
        self.revision += 1
        self.set_rows(layer, rows)
        self._tell([step])

    def _tell(self, steps: list[Step]) -> None:
        """Say what steps changed; areas that cannot be followed are forgotten."""
        place = "" if self.tracked is None else self.tracked[0].place
        if not all(place in step.changes for step in steps):
            self.tracked = None
        changes = [step.changes.get(place) for step in steps]
        ids = {key for step in steps for key in step.rows}.union(*(c.ids for c in changes if c))
        boxes = [change.box for change in changes if change]
        if self.tracked is None:
            box = None
        elif boxes:
            x0, y0, x1, y1 = zip(*boxes, strict=True)
            box = min(x0), min(y0), max(x1), max(y1)
        else:
            box = NOWHERE
        self.changed.emit(MaskChange(box, frozenset(ids)))

    def _on_paint(self, event: Event) -> None:
        self.revision += 1
        item: list[Any] = event.value
        self._item = ref(array_of(item[0])) if item else None
        if not self._writing and not self.tool:
            self._on_stroke(event.source, item)

    def _on_stroke(self, layer: Labels, item: list[Any]) -> None:
        """Rows agree with the pixels after each stroke of the person."""
        whole = change_of(item)
        if whole is None:
            return
        changes: dict[str, Change | None] = {}
        gone: set[int] = set()
        if self.tracked is not None:
            plane = self.tracked[0]
            changes[plane.place] = change_of(item, plane.key)
            _, gone = self.follow(plane.place, changes[plane.place])
        if layer.ndim > 2:  # an id may be in other planes, too
            gone = set()
        rows, classes = self.rows(layer), classes_of(layer)
        if classes:
            touched = {key for key in whole.ids - gone if key in whole.gained or key in rows}
            name = self.draw_class or classes[0].name
            rows = rows_after(rows, tool=BRUSH, touched=touched, gone=gone, new_class=name)
        self.record(layer, Step("", changes=changes), rows)

    def _on_data(self, event: Event) -> None:
        if not self._writing and not self.tool:  # someone put other data there: all of it is theirs
            self._steps.clear()
            self.tracked = None
            self.revision += 1
            self.changed.emit(MaskChange(None, frozenset()))

    def _on_set_data(self, event: Event) -> None:
        if not self._writing and not self.tool:
            self._follow_history(event.source)

    def _follow_history(self, layer: Labels) -> None:
        """See what Ctrl+Z took back or brought again, and bring rows and classes along."""
        undone, redone = self._steps.turned(layer)
        if not undone and not redone:
            return
        self.revision += 1
        rows, classes = self.rows(layer), None
        for step in undone:
            rows = step.take_back(rows)
            classes = step.classes[0] if step.classes else classes
        for step in redone:
            rows = step.repeat(rows)
            classes = step.classes[1] if step.classes else classes
        for step in (*undone, *redone):
            for place, change in step.changes.items():
                self.follow(place, change.reverted() if change and step.undone else change)
        if classes is not None:
            write_classes(layer, classes)
        self.set_rows(layer, rows)
        self._tell([*undone, *redone])


_states: WeakKeyDictionary[Labels, MaskState] = WeakKeyDictionary()


def state_of(layer: Labels) -> MaskState:
    """The state of a mask layer of ours."""
    if layer not in _states:
        _states[layer] = MaskState(layer)
    return _states[layer]

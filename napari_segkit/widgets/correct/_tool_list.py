"""The tools as buttons: text, key, tooltip, parameter."""

from __future__ import annotations

from dataclasses import dataclass

from napari_segkit.widgets.correct._drawing import LINE, POLYGON


@dataclass(frozen=True)
class Param:
    """A tool's parameter.

    Attributes
    ----------
    step
        Of the buttons; whole numbers for a whole step.
    off
        What the lowest value is called, where it means something else.
    """

    label: str
    low: float
    high: float
    start: float
    step: float = 1
    unit: str = " px"
    off: str = ""


@dataclass(frozen=True)
class ToolSpec:
    """A button.

    Attributes
    ----------
    name
        In `napari_segkit.ops.tools`.
    key
        Shortcut in the whole window.
    draws
        What the person draws first.
    several
        Whether it is about two instances or more.
    looks
        Whether it looks at the image.
    """

    name: str
    text: str
    key: str
    tip: str
    param: Param | None = None
    draws: str = ""
    several: bool = False
    looks: bool = False

    @property
    def tooltip(self) -> str:
        """What it does, and its key."""
        return f"{self.tip} ({self.key})"


TOOLS = (
    ToolSpec(
        "fill holes",
        "Fill holes",
        "Shift+H",
        "Fill background that the object encloses; other objects in it stay",
        Param("up to", 0, 10_000_000, 0, off="any size"),
    ),
    ToolSpec(
        "remove specks",
        "Specks",
        "Shift+S",
        "Remove parts below a size; the largest part always stays",
        Param("below", 1, 10_000_000, 20),
    ),
    ToolSpec("largest part", "Largest part", "Shift+K", "Keep only the largest part"),
    ToolSpec(
        "smooth",
        "Smooth",
        "Shift+O",
        "Round the outline off; straight edges stay where they are",
        Param("radius", 0.5, 500, 2, 0.5),
    ),
    ToolSpec(
        "grow",
        "Grow / shrink",
        "Shift+G",
        "Move the outline out, or in where negative; never over other objects",
        Param("by", -500, 500, 1, 0.5),
    ),
    ToolSpec("convex hull", "Convex hull", "Shift+X", "The shape of a rubber band around it"),
    ToolSpec(
        "ellipse",
        "Ellipse",
        "Shift+I",
        "The ellipse that fits best, without bites and burrs: for coins",
    ),
    ToolSpec(
        "snap to edges",
        "Snap to edges",
        "Shift+E",
        "Move the outline to the strongest edge of the image nearby",
        Param("within", 1, 100, 5),
        looks=True,
    ),
    ToolSpec(
        "split",
        "Split",
        "Shift+T",
        "Split touching objects at their necks, those that are thinner by this share",
        Param("depth", 0.01, 0.99, 0.2, 0.05, ""),
    ),
    ToolSpec(
        "split along a line",
        "Split by line",
        "Shift+D",
        "Draw a line across the object: it becomes two, and no pixel is lost",
        draws=LINE,
    ),
    ToolSpec(
        "cut out",
        "Cut out",
        "Shift+C",
        "Draw around an area: it is taken off the selected objects, or off all if none is",
        draws=POLYGON,
    ),
    ToolSpec(
        "merge",
        "Merge",
        "Shift+M",
        "Make the selected objects one, of the class of the last one clicked",
        several=True,
    ),
    ToolSpec(
        "subtract",
        "Subtract",
        "Shift+U",
        "Take what lies in the hull of the other selected objects off the last one clicked",
        several=True,
    ),
    ToolSpec(
        "intersect",
        "Intersect",
        "Shift+N",
        "Keep of the object clicked last what lies in the hulls of the other selected ones",
        several=True,
    ),
    ToolSpec("delete", "Delete", "Shift+Del", "Remove the selected objects"),
)
COPY = ToolSpec(
    "copy",
    "Copy from",
    "Shift+Y",
    "Copy the objects of the previous image, or of another mask, where nothing is yet",
)

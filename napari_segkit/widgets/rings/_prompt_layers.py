"""The layers that a person draws prompts on: made on demand, found again by identity.

::

    <image> · boxes     Shapes, a box for each object: drag, or two clicks
    <image> · points    Points: a click on the object, with Ctrl (or after Alt+X) beside it
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from napari.layers import Points, Shapes

from napari_segkit.widgets._identity import identity
from napari_segkit.widgets._layers import current_plane, shapes_on_plane, transform_of
from napari_segkit.widgets.masks._binding import mark_scratch
from napari_segkit.widgets.rings._two_clicks import TwoClicks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari.components import LayerList, ViewerModel
    from napari.layers import Image, Labels, Layer
    from numpy.typing import NDArray

    from napari_segkit.widgets._layers import Plane
    from napari_segkit.widgets.rings._prompt_scene import Drawn, Scene


_KEY = "napari_segkit_prompts"
_ON, _OFF = "#2bd94f", "#ff4050"
_SYMBOLS = {True: "disc", False: "x"}
_usual: WeakKeyDictionary[Points, bool] = WeakKeyDictionary()
"""What clicks say without Ctrl."""


def make_tool(layer: Layer, image: Layer, kind: str) -> None:
    """Make a layer the tool of an image: ``boxes``, ``points`` or ``pending``."""
    mark_scratch(layer)
    layer.metadata[_KEY] = identity(image), kind


def find_tool(layers: Iterable[Layer], image: Layer, kind: str) -> Layer | None:
    """The tool layer of an image: ``boxes``, ``points`` or ``pending``."""
    wanted = identity(image), kind
    return next((one for one in layers if tuple(one.metadata.get(_KEY, ())) == wanted), None)


def find_boxes(layers: Iterable[Layer], image: Layer) -> Shapes | None:
    """The layer for boxes, where there is one."""
    found = find_tool(layers, image, "boxes")
    return found if isinstance(found, Shapes) else None


def find_points(layers: Iterable[Layer], image: Layer) -> Points | None:
    """The layer for clicks, where there is one."""
    found = find_tool(layers, image, "points")
    return found if isinstance(found, Points) else None


def _belongs_to(layer: Layer, image: Layer) -> bool:
    """Whether a layer is a tool of an image."""
    return tuple(layer.metadata.get(_KEY, ()))[:1] == (identity(image),)


def kind_of(layer: Layer | None, image: Layer) -> str:
    """``boxes`` or ``points`` where a layer is one for prompts of an image, else nothing."""
    found = () if layer is None else tuple(layer.metadata.get(_KEY, ()))
    return found[1] if found in ((identity(image), "boxes"), (identity(image), "points")) else ""


def add_boxes(viewer: ViewerModel, image: Image) -> Shapes:
    """The layer for boxes, with those of another Shapes layer if one is selected."""
    active = viewer.layers.selection.active
    layer = find_boxes(viewer.layers, image) or _new_boxes(viewer, image)
    TwoClicks.of(layer)
    if isinstance(active, Shapes) and active is not layer:
        _copy_boxes(active, layer, image, current_plane(image, viewer))
    return layer


def _new_boxes(viewer: ViewerModel, image: Image) -> Shapes:
    layer = Shapes(
        ndim=image.ndim,
        name=f"{image.name} · boxes",
        edge_color="cyan",
        face_color="transparent",
        edge_width=max(1.0, max(_extent(image)) / 400),
        **transform_of(image),
    )
    make_tool(layer, image, "boxes")
    viewer.add_layer(layer)
    return layer


def _copy_boxes(source: Shapes, layer: Shapes, image: Image, plane: Plane) -> None:
    """Add the boxes around another layer's shapes on a plane, whatever the place of that layer."""
    _, boxes = shapes_on_plane(source, image, plane)
    row, column = (axis for axis, part in enumerate(plane.key) if isinstance(part, slice))
    corners = np.zeros((len(boxes), 4, len(plane.key)))
    for axis, part in enumerate(plane.key):
        corners[:, :, axis] = 0 if isinstance(part, slice) else part
    corners[:, :, row] = boxes[:, [1, 1, 3, 3]] - 0.5
    corners[:, :, column] = boxes[:, [0, 2, 2, 0]] - 0.5
    if len(corners):
        layer.add_rectangles(corners)


def take_up(viewer: ViewerModel, layer: Layer, mode: str) -> None:
    """Put a tool into the person's hand."""
    layer.visible = True
    viewer.layers.selection.active = layer
    layer.mode = mode


def add_points(viewer: ViewerModel, image: Image) -> Points:
    """The layer for clicks; a new one where there is none."""
    found = find_points(viewer.layers, image)
    if found is not None:
        return found
    layer = Points(
        ndim=image.ndim,
        name=f"{image.name} · points",
        features={"on": np.zeros(0, bool)},
        feature_defaults={"on": True},
        size=max(2.0, max(_extent(image)) / 60),
        canvas_size_limits=(9, 16),
        border_width=0,
        **transform_of(image),
    )
    make_tool(layer, image, "points")
    choose_sign(layer, on=True)
    layer.mouse_drag_callbacks.append(_on_press)
    viewer.add_layer(layer)
    return layer


def _extent(image: Image) -> tuple[int, ...]:
    shape = image.data[0].shape if image.multiscale else image.data.shape
    return tuple(int(side) for side in (shape[:-1] if image.rgb else shape)[-2:])


def choose_sign(layer: Points, *, on: bool) -> None:
    """What the next clicks say; those that are there stay as they are."""
    _usual[layer] = on
    _say(layer, on=on)


def _say(layer: Points, *, on: bool) -> None:
    layer.selected_data = set()  # or they would be changed, too
    layer.feature_defaults = {"on": on}
    layer.current_face_color = _ON if on else _OFF
    layer.current_symbol = _SYMBOLS[on]


def _on_press(layer: Points, event: Any) -> None:
    """With Ctrl a click says the opposite."""
    if str(layer.mode) == "add":
        _say(layer, on=_usual.get(layer, True) != ("Control" in event.modifiers))


def deselect_clicks(layers: Iterable[Layer], image: Layer) -> None:
    """Napari selects a click that was just made, and its mark covers the sign."""
    points = find_points(layers, image)
    if points is not None and str(points.mode) == "add" and points.selected_data:
        points.selected_data = set()


def is_drawing(layer: Shapes) -> bool:
    """Whether a box is being drawn, as far as this napari tells."""
    return bool(getattr(layer, "_is_creating", False)) or TwoClicks.of(layer).begun


def signs_of(layer: Points) -> NDArray[np.bool_]:
    """Which clicks are on the object."""
    if "on" not in layer.features:
        return np.ones(len(layer.data), bool)
    return np.array([bool(one) for one in layer.features["on"]], bool)


def _put_boxes(layer: Shapes, outlines: list[Any]) -> None:
    """Replace all boxes."""
    layer.selected_data = set()
    layer.data = []
    if outlines:
        layer.add_rectangles(outlines)


def _put_clicks(layer: Points, data: Any, signs: Any) -> None:
    """Replace all clicks."""
    signs = np.asarray(signs, bool)
    with layer.events.data.blocker():
        layer.selected_data = set(range(len(layer.data)))
        layer.remove_selected()
        for on in (True, False):
            _say(layer, on=on)
            if (signs == on).any():
                layer.add(np.asarray(data)[signs == on])
        _say(layer, on=_usual.get(layer, True))
    layer.events.data(value=layer.data)


def put_back(layers: Iterable[Layer], image: Layer, prompts: Drawn) -> None:
    """Make the prompts what they were."""
    shapes, points = find_boxes(layers, image), find_points(layers, image)
    if shapes is not None:
        _put_boxes(shapes, list(prompts.outlines))
    if points is not None:
        _put_clicks(points, prompts.points, prompts.signs)


def remove_prompts(layers: Iterable[Layer], image: Layer, scene: Scene) -> None:
    """Take the prompts of a scene's objects off their layers."""
    shapes, points = find_boxes(layers, image), find_points(layers, image)
    if shapes is not None and scene.boxes:
        gone = set(scene.boxes)
        _put_boxes(shapes, [one for n, one in enumerate(shapes.data) if n not in gone])
    clicks = {click for one in scene.objects for click in one.clicks}
    if points is not None and clicks:
        gone = {number for click, number in scene.clicks if click in clicks}
        rest = [n for n in range(len(points.data)) if n not in gone]
        _put_clicks(points, points.data[rest], signs_of(points)[rest])


def put_below(layers: LayerList, image: Layer, mask: Labels | None) -> None:
    """Put a mask that was made just now under the tools of its image."""
    tools = [one for one in layers if _belongs_to(one, image)]
    lowest = min((layers.index(one) for one in tools), default=len(layers))
    if mask is not None and layers.index(mask) > lowest:
        layers.move(layers.index(mask), lowest)

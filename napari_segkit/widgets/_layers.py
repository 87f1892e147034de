"""From a napari layer to a model's image and prompts: the one place where rows become y.

napari's coordinates are (…, row, column), with the centre of a pixel at whole numbers. Models get
(x, y) in pixels whose upper left corner is at whole numbers: x = column + 0.5, y = row + 0.5.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segkit.errors import ImageError, PromptError
from napari_segkit.ops.images import to_rgb8
from napari_segkit.widgets._identity import identity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.components import ViewerModel
    from napari.layers import Image, Layer, Points, Shapes
    from numpy.typing import NDArray

    from napari_segkit.types import Image as RgbImage

PlaneKey = tuple[int | slice, ...]
"""Index of a plane in a layer's data: a number for an axis with a slider, else slice(None)."""


@dataclass(frozen=True)
class Plane:
    """Which plane of a layer is meant.

    Attributes
    ----------
    key
        Index into the layer's data, without the channel axis.
    shape
        (H, W) of the plane.
    """

    key: PlaneKey
    shape: tuple[int, int]

    @property
    def place(self) -> str:
        """Stable name of the plane: empty for a 2D layer, ``3`` or ``1/3`` in a stack."""
        return "/".join(str(part) for part in self.key if not isinstance(part, slice))


@dataclass(frozen=True)
class ImageSource:
    """What a run needs of an image layer; holds its data, not the layer.

    Attributes
    ----------
    data
        Array-like of the full resolution: numpy, dask, zarr.
    grid
        Shape of the layer's pixel grid, without channels.
    transform
        Keyword arguments that give another layer the same place in the world.
    """

    layer_id: str
    name: str
    data: Any
    rgb: bool
    plane: Plane
    grid: tuple[int, ...]
    transform: Mapping[str, Any]


def camera_of(viewer: ViewerModel) -> Any:
    """The camera, which newer napari keeps elsewhere."""
    return getattr(viewer, "scene", viewer).camera


def full_resolution(layer: Layer) -> Any:
    """The layer's data; of a multiscale layer, level 0 (F10)."""
    return layer.data[0] if layer.multiscale else layer.data


def current_plane(layer: Layer, viewer: ViewerModel) -> Plane:
    """The plane of a layer that the viewer shows (F9).

    Raises
    ------
    ImageError
        In 3D display, or where the sliders stand outside of the layer.
    """
    if layer.ndim < 2:
        raise ImageError("layer is not a picture", where=layer.name, got=f"{layer.ndim} axis")
    grid = _grid(layer)
    if layer.ndim == 2:
        return Plane((slice(None), slice(None)), (grid[0], grid[1]))
    if viewer.dims.ndisplay == 3:
        raise ImageError(
            "the viewer shows a volume", where=layer.name, remedy="switch to 2D to choose a plane"
        )
    extra = viewer.dims.ndim - layer.ndim
    shown = sorted(axis - extra for axis in viewer.dims.displayed if axis >= extra)
    if len(shown) != 2:
        raise ImageError(
            "the viewer does not show a plane of the layer",
            where=layer.name,
            remedy="turn its axes back to the usual order",
        )
    return _plane_at(layer, grid, shown, layer.world_to_data(viewer.dims.point))


def _plane_at(
    layer: Layer, grid: tuple[int, ...], shown: list[int], point: NDArray[np.float64]
) -> Plane:
    key: list[int | slice] = []
    for axis, size in enumerate(grid):
        index = round(float(point[axis]))
        if axis not in shown and not 0 <= index < size:
            raise ImageError(
                "the slider stands outside of the layer",
                where=layer.name,
                expected=f"plane 0 to {size - 1}",
                got=index,
            )
        key.append(slice(None) if axis in shown else index)
    return Plane(tuple(key), (grid[shown[0]], grid[shown[1]]))


def _grid(layer: Layer) -> tuple[int, ...]:
    shape = tuple(int(n) for n in full_resolution(layer).shape)
    return shape[: layer.ndim]


def image_source(layer: Image, viewer: ViewerModel) -> ImageSource:
    """Take down what a run needs; no pixel is read or computed.

    Raises
    ------
    ImageError
        As `current_plane`, and for a layer without pixels (F8).
    """
    grid = _grid(layer)
    if 0 in grid:
        raise ImageError(
            "empty image", where=layer.name, expected="at least 1x1", got="x".join(map(str, grid))
        )
    return ImageSource(
        layer_id=identity(layer),
        name=layer.name,
        data=full_resolution(layer),
        rgb=layer.rgb,
        plane=current_plane(layer, viewer),
        grid=grid,
        transform=transform_of(layer),
    )


def next_plane(source: ImageSource) -> ImageSource | None:
    """The plane after a source's in its stack, along the last axis with a slider."""
    numbers = [(axis, part) for axis, part in enumerate(source.plane.key) if isinstance(part, int)]
    if not numbers or numbers[-1][1] + 1 >= source.grid[numbers[-1][0]]:
        return None
    axis, number = numbers[-1]
    key = (*source.plane.key[:axis], number + 1, *source.plane.key[axis + 1 :])
    return replace(source, plane=Plane(key, source.plane.shape))


def transform_of(layer: Layer) -> dict[str, Any]:
    """Keyword arguments that put a new layer onto the pixel grid of ``layer`` (F12)."""
    return {
        "scale": np.array(layer.scale),
        "translate": np.array(layer.translate),
        "rotate": np.array(layer.rotate),
        "shear": np.array(layer.shear),
        "affine": np.array(layer.affine.affine_matrix),
        "units": layer.units,
        "axis_labels": layer.axis_labels,
    }


def read_rgb(source: ImageSource) -> tuple[RgbImage, tuple[str, ...]]:
    """The plane as every model gets it; for the worker, since it may compute a dask graph (F11).

    Returns
    -------
    image : (H, W, 3) uint8 RGB
    notes
        What was converted, and which plane it is.

    Raises
    ------
    ImageError
        Where the layer's values are no picture.
    """
    key = (*source.plane.key, slice(None)) if source.rgb else source.plane.key
    image, notes = to_rgb8(np.asarray(source.data[key]), where=source.name)
    if source.plane.place:
        notes = (f"plane {source.plane.place} of the stack", *notes)
    return image, notes


def boxes_on_plane(shapes: Shapes, image: Image, plane: Plane) -> NDArray[np.float32]:
    """Bounding boxes, in an image's pixels, of the shapes that lie on a plane of it.

    Returns
    -------
    boxes : (N, 4) float32
        x0 y0 x1 y1; not clipped.

    Raises
    ------
    PromptError
        Where the layer has no shapes, or none on this plane (F39).
    """
    if not len(shapes.data):
        raise PromptError(
            "no boxes are drawn", where=shapes.name, remedy='draw some, or choose "Whole image"'
        )
    at, boxes = shapes_on_plane(shapes, image, plane)
    if not len(at):
        raise PromptError(
            "no box lies on this plane",
            where=shapes.name,
            got=f"{len(shapes.data)} elsewhere",
            remedy="move the slider, or draw boxes here",
        )
    return boxes


def shapes_on_plane(
    shapes: Shapes, image: Image, plane: Plane
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Which shapes lie on a plane of an image, and their bounding boxes in its pixels.

    Goes through world coordinates, so both layers may be scaled, rotated and moved.

    Returns
    -------
    at : (N,)
        Positions in the layer.
    boxes : (N, 4) float32
        x0 y0 x1 y1; not clipped.
    """
    outlines = [np.asarray(outline, float) for outline in shapes.data]
    if not outlines:
        return np.zeros(0, np.intp), np.zeros((0, 4), np.float32)
    matrix, offset = _affine(shapes, image)
    points = np.concatenate(outlines) @ matrix.T + offset
    starts = np.cumsum([0, *(len(outline) for outline in outlines[:-1])])
    low, high = np.minimum.reduceat(points, starts), np.maximum.reduceat(points, starts)
    here = _on_plane(low, high, plane, shapes.ndim)
    row, column = (axis for axis, part in enumerate(plane.key) if isinstance(part, slice))
    boxes = np.stack([low[:, column], low[:, row], high[:, column], high[:, row]], axis=1)
    return np.flatnonzero(here), boxes[here].astype(np.float32) + np.float32(0.5)


def points_on_plane(
    points: Points, image: Image, plane: Plane
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Which points lie on a plane of an image, and where in its pixels.

    Returns
    -------
    at : (N,)
        Positions in the layer.
    xy : (N, 2)
        x y.
    """
    if not len(points.data):
        return np.zeros(0, np.intp), np.zeros((0, 2))
    matrix, offset = _affine(points, image)
    places = np.asarray(points.data, float) @ matrix.T + offset
    here = _on_plane(places, places, plane, points.ndim)
    row, column = (axis for axis, part in enumerate(plane.key) if isinstance(part, slice))
    return np.flatnonzero(here), places[here][:, [column, row]] + 0.5


def _on_plane(
    low: NDArray[np.float64], high: NDArray[np.float64], plane: Plane, shapes_ndim: int
) -> NDArray[np.bool_]:
    missing = len(plane.key) - shapes_ndim  # a 2D shape over a stack is on every plane
    here = np.ones(len(low), bool)
    for axis, part in enumerate(plane.key):
        if not isinstance(part, slice) and axis >= missing:
            here &= (low[:, axis] >= part - 0.5) & (high[:, axis] <= part + 0.5)
    return here


def _affine(source: Layer, target: Layer) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Map data coordinates of one layer to those of another: points @ matrix.T + offset.

    Found from the images of the origin and of the unit vectors: calling napari's transforms for
    each of 5,000 boxes would take a second.
    """

    def convert(point: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(target.world_to_data(source.data_to_world(point)), float)

    offset = convert(np.zeros(source.ndim))
    columns = [convert(unit) - offset for unit in np.eye(source.ndim)]
    return np.stack(columns, axis=1), offset

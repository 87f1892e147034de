"""From layers to a model's image and boxes, without a window."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Shapes

from napari_segkit.errors import ImageError, PromptError
from napari_segkit.widgets._layers import boxes_on_plane, current_plane, image_source, read_rgb


def rgb_of(viewer: ViewerModel, data: Any, **options: Any) -> tuple[np.ndarray, tuple[str, ...]]:
    layer = viewer.add_layer(Image(data, name="photo", **options))
    return read_rgb(image_source(layer, viewer))


@pytest.mark.parametrize(
    ("data", "options", "note"),
    [
        (np.full((4, 6), 7, np.uint8), {}, None),
        (np.full((4, 6, 3), 7, np.uint8), {"rgb": True}, None),
        (np.full((4, 6, 4), 7, np.uint8), {"rgb": True}, "the alpha channel was dropped"),
        (np.full((4, 6), 7 * 257, np.uint16), {}, "uint16 values were scaled as 12-bit"),
        (np.full((4, 6), 0.5, np.float32), {}, None),
        (np.full((4, 6), True), {}, None),
        (np.full((4, 6), 300, ">u2"), {}, "uint16 values were scaled as 10-bit"),
    ],
    ids=["gray", "rgb", "F4-rgba", "F5-uint16", "F5-float", "F5-bool", "F5-big-endian"],
)
def test_every_kind_of_image_layer_becomes_rgb(
    data: np.ndarray, options: dict[str, bool], note: str | None
) -> None:
    image, notes = rgb_of(ViewerModel(), data, **options)
    assert image.shape == (4, 6, 3)
    assert image.dtype == np.uint8
    assert notes == ((note,) if note else ())


def test_f6_nan_is_filled_and_said() -> None:
    data = np.array([[0.0, np.nan], [1.0, 0.5]])
    image, notes = rgb_of(ViewerModel(), data, contrast_limits=(0, 1))
    assert image[0, 1, 0] == 0
    assert notes == ("1 NaN or infinite values were filled",)


def test_f7_a_constant_image_divides_nothing_by_zero() -> None:
    image, _ = rgb_of(ViewerModel(), np.full((3, 3), 5.0))
    assert np.unique(image).size == 1


@pytest.mark.filterwarnings("ignore:invalid value encountered in divide")
def test_f8_an_empty_layer_is_refused() -> None:
    viewer = ViewerModel()
    # napari itself cannot show a plane without pixels, a stack without planes it can
    layer = viewer.add_layer(Image(np.zeros((0, 4, 5)), name="nothing", contrast_limits=(0, 1)))
    with pytest.raises(ImageError, match=r"empty image \(nothing\): expected at least 1x1"):
        image_source(layer, viewer)


def test_f9_of_a_stack_the_plane_on_show_is_taken_and_named() -> None:
    stack = np.arange(5, dtype=np.uint8)[:, None, None] * np.ones((1, 4, 6), np.uint8)
    viewer = ViewerModel()
    layer = viewer.add_layer(Image(stack, name="stack", scale=(2, 1, 1)))
    viewer.dims.set_point(0, 3 * 2)
    image, notes = read_rgb(image_source(layer, viewer))
    assert (image == 3).all()
    assert notes == ("plane 3 of the stack",)
    viewer.dims.ndisplay = 3
    with pytest.raises(ImageError, match="switch to 2D"):
        image_source(layer, viewer)


def test_f9_a_four_dimensional_rgb_stack_gives_its_plane() -> None:
    stack = np.zeros((2, 3, 4, 6, 3), np.uint8)
    stack[1, 2] = 9
    viewer = ViewerModel()
    layer = viewer.add_layer(Image(stack, rgb=True))
    viewer.dims.set_point((0, 1), (1, 2))
    source = image_source(layer, viewer)
    assert source.plane.place == "1/2"
    assert (read_rgb(source)[0] == 9).all()


def test_f9_a_rolled_stack_gives_the_plane_that_is_shown() -> None:
    stack = np.zeros((5, 4, 6), np.uint8)
    stack[:, 2, :] = 8
    viewer = ViewerModel()
    layer = viewer.add_layer(Image(stack))
    viewer.dims.order = (1, 0, 2)
    viewer.dims.set_point(1, 2)
    image, _ = read_rgb(image_source(layer, viewer))
    assert image.shape == (5, 6, 3)
    assert (image == 8).all()


def test_a_slider_outside_of_a_shorter_stack_is_said() -> None:
    viewer = ViewerModel()
    layer = viewer.add_layer(Image(np.zeros((2, 4, 6)), name="short"))
    viewer.add_layer(Image(np.zeros((9, 4, 6))))
    viewer.dims.set_point(0, 7)
    with pytest.raises(ImageError, match=r"outside of the layer \(short\): expected plane 0 to 1"):
        current_plane(layer, viewer)


def test_f10_multiscale_gives_its_full_resolution() -> None:
    levels = [np.zeros((40, 60), np.uint8), np.zeros((20, 30), np.uint8)]
    image, _ = rgb_of(ViewerModel(), levels, multiscale=True)
    assert image.shape == (40, 60, 3)


def test_f11_of_a_dask_stack_only_the_plane_is_computed_and_only_by_the_worker() -> None:
    computed: list[int] = []

    def load(block: np.ndarray, block_info: Any = None) -> np.ndarray:
        if block_info:
            computed.append(block_info[0]["chunk-location"][0])
        return block

    lazy = da.zeros((4, 5, 6), chunks=(1, 5, 6), dtype=np.uint8).map_blocks(load, dtype=np.uint8)
    viewer = ViewerModel()
    layer = viewer.add_layer(Image(lazy, contrast_limits=(0, 255)))
    viewer.dims.set_point(0, 2)
    computed.clear()
    source = image_source(layer, viewer)
    assert computed == []
    read_rgb(source)
    assert computed == [2]


def test_f12_boxes_go_through_world_coordinates() -> None:
    viewer = ViewerModel()
    image = viewer.add_layer(Image(np.zeros((40, 60)), scale=(0.5, 0.5), translate=(10, 20)))
    world = np.array([[10 + 2, 20 + 5], [10 + 2, 20 + 15], [10 + 8, 20 + 15], [10 + 8, 20 + 5]])
    shapes = viewer.add_layer(Shapes([world / 4], scale=(4, 4)))
    boxes = boxes_on_plane(shapes, image, current_plane(image, viewer))
    np.testing.assert_allclose(boxes, [[10.5, 4.5, 30.5, 16.5]])
    assert boxes.dtype == np.float32


def test_f12_a_rotated_image_gets_the_box_around_the_turned_one() -> None:
    viewer = ViewerModel()
    image = viewer.add_layer(Image(np.zeros((40, 60)), rotate=90))
    corners = np.array([[5, 10], [5, 30], [20, 30], [20, 10]], float)
    world = np.array([image.data_to_world(corner) for corner in corners])
    shapes = viewer.add_layer(Shapes([world], shape_type="polygon"))
    boxes = boxes_on_plane(shapes, image, current_plane(image, viewer))
    np.testing.assert_allclose(boxes, [[10.5, 5.5, 30.5, 20.5]], atol=1e-4)


def test_a_box_around_all_pixels_is_the_whole_image() -> None:
    viewer = ViewerModel()
    image = viewer.add_layer(Image(np.zeros((40, 60))))
    shapes = viewer.add_layer(Shapes([[[-0.5, -0.5], [39.5, 59.5]]]))
    assert boxes_on_plane(shapes, image, current_plane(image, viewer)).tolist() == [[0, 0, 60, 40]]


def test_f39_no_boxes_is_said() -> None:
    viewer = ViewerModel()
    image = viewer.add_layer(Image(np.zeros((40, 60))))
    shapes = viewer.add_layer(Shapes(name="boxes"))
    with pytest.raises(PromptError, match=r"no boxes are drawn \(boxes\)"):
        boxes_on_plane(shapes, image, current_plane(image, viewer))


def test_f39_boxes_on_another_plane_are_said() -> None:
    viewer = ViewerModel()
    image = viewer.add_layer(Image(np.zeros((5, 40, 60))))
    corners = [[3, 1, 1], [3, 1, 9], [3, 9, 9], [3, 9, 1]]
    shapes = viewer.add_layer(Shapes([corners], name="boxes", ndim=3))
    viewer.dims.set_point(0, 3)
    assert len(boxes_on_plane(shapes, image, current_plane(image, viewer))) == 1
    viewer.dims.set_point(0, 1)
    with pytest.raises(PromptError, match=r"no box lies on this plane \(boxes\): got 1 elsewhere"):
        boxes_on_plane(shapes, image, current_plane(image, viewer))


def test_flat_boxes_over_a_stack_are_on_every_plane() -> None:
    viewer = ViewerModel()
    image = viewer.add_layer(Image(np.zeros((5, 40, 60))))
    shapes = viewer.add_layer(Shapes([[[1, 1], [9, 9]]]))
    viewer.dims.set_point(0, 2)
    assert len(boxes_on_plane(shapes, image, current_plane(image, viewer))) == 1

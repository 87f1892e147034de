from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_segkit.errors import ImageError
from napari_segkit.ops.images import to_rgb8


def test_rgb8_is_passed_through_without_a_copy() -> None:
    image = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    rgb, notes = to_rgb8(image)
    assert np.shares_memory(rgb, image)
    assert notes == ()


@pytest.mark.parametrize("channels", [2, 4])
def test_F4_alpha_is_dropped_and_said_so(channels: int) -> None:
    image = np.full((3, 3, channels), 7, np.uint8)
    image[..., -1] = 0
    rgb, notes = to_rgb8(image)
    assert (rgb == 7).all()
    assert notes == ("the alpha channel was dropped",)


@pytest.mark.parametrize("order", ["<", ">"])
def test_F5_uint16_is_scaled_by_its_bit_depth(order: str) -> None:
    full = np.array([[0, 65535, 32768]], f"{order}u2")
    assert to_rgb8(full)[0][0, :, 0].tolist() == [0, 255, 128]
    twelve = np.array([[0, 4095, 2048]], f"{order}u2")
    rgb, notes = to_rgb8(twelve)
    assert rgb[0, :, 0].tolist() == [0, 255, 128]
    assert notes == ("uint16 values were scaled as 12-bit",)


def test_F5_float_bool_and_signed() -> None:
    assert to_rgb8(np.array([[0.0, 0.5, 1.0]]))[0][0, :, 0].tolist() == [0, 128, 255]
    assert to_rgb8(np.array([[-10.0, 0.0, 10.0]]))[0][0, :, 0].tolist() == [0, 128, 255]
    assert to_rgb8(np.array([[True, False]]))[0][0, :, 0].tolist() == [255, 0]
    assert to_rgb8(np.array([[-4, 0, 4]], np.int16))[0][0, :, 0].tolist() == [0, 128, 255]


def test_planes_of_a_stack_are_scaled_alike() -> None:
    plane = np.array([[0.0, 5.0]])
    assert to_rgb8(plane, value_range=(0, 10))[0][0, :, 0].tolist() == [0, 128]


def test_F6_nan_and_infinity_are_filled_and_said() -> None:
    image = np.array([[np.nan, 0.25, np.inf, 1.0, -np.inf]], np.float32)
    rgb, notes = to_rgb8(image)
    assert rgb[0, :, 0].tolist() == [64, 64, 64, 255, 64]
    assert notes[0] == "3 NaN or infinite values were filled"
    assert not to_rgb8(np.full((2, 2), np.nan))[0].any()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32, np.bool_])
def test_F7_constant_image(dtype: type) -> None:
    assert to_rgb8(np.ones((4, 4), dtype))[0].shape == (4, 4, 3)


@pytest.mark.parametrize("shape", [(0, 0), (0, 5, 3), (5, 0)])
def test_F8_empty_image_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ImageError, match="empty image"):
        to_rgb8(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("shape", [(5,), (2, 3, 4, 5), (5, 5, 7)])
def test_F9_more_than_one_picture_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ImageError, match="not one picture"):
        to_rgb8(np.zeros(shape, np.uint8), where="stack.tif")


@pytest.mark.parametrize("dtype", [np.complex64, object])
def test_what_is_not_numbers_is_refused(dtype: type) -> None:
    with pytest.raises(ImageError, match="not numbers"):
        to_rgb8(np.zeros((2, 2), dtype))


@given(
    hnp.arrays(
        st.sampled_from(
            [np.uint8, np.uint16, np.int16, np.int64, np.uint64, np.float32, np.float64]
        ),
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=5),
    )
)
@example(np.array([[-2.2250738585072014e-308, 0.0]]))
@example(np.array([[0.0, -5e-324]]))
@example(np.array([[-1e-307, 2e-307]]))
def test_any_numbers_become_rgb8_in_the_same_order(array: np.ndarray) -> None:
    rgb, _ = to_rgb8(array)
    assert rgb.dtype == np.uint8
    assert rgb.shape == (*array.shape, 3)
    finite = np.isfinite(array)
    order = np.argsort(array[finite], kind="stable")
    assert (np.diff(rgb[..., 0][finite][order].astype(int)) >= 0).all()

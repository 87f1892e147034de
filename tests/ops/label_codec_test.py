from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from napari_segkit.errors import SegkitError
from napari_segkit.ops.label_codec import pack_labels, unpack_labels
from napari_segkit.ops.masks import INT32_MAX

masks = arrays(
    np.int32,
    array_shapes(min_dims=2, max_dims=2, max_side=40),
    elements=st.sampled_from([0, 0, 1, 2, 65535, 65536, INT32_MAX]),
)


@given(masks)
def test_every_mask_comes_back(labels: np.ndarray) -> None:
    back = unpack_labels(pack_labels(labels))
    assert back.dtype == np.int32
    assert np.array_equal(back, labels)


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (5, 0), (1, 1), (1, 70_000), (70_000, 1)])
def test_odd_sizes_come_back(shape: tuple[int, int]) -> None:
    labels = np.zeros(shape, np.int32)
    assert np.array_equal(unpack_labels(pack_labels(labels)), labels)


def test_views_of_larger_masks_and_rows_backwards() -> None:
    labels = np.arange(100, dtype=np.int32).reshape(10, 10)
    for view in (labels[2:5, 3:9], labels[::-1], labels.T):
        assert np.array_equal(unpack_labels(pack_labels(view)), view)


def test_ids_up_to_65535_take_two_bytes() -> None:
    noise = np.random.default_rng(0).integers(0, 65536, (100, 100)).astype(np.int32)
    small, large = len(pack_labels(noise)), len(pack_labels(noise + 70_000))
    assert small < 0.8 * large


@settings(max_examples=300)
@given(masks, st.data())
def test_F20_damage_is_an_error_never_another_mask_of_another_size(
    labels: np.ndarray, data: st.DataObject
) -> None:
    packed = bytearray(pack_labels(labels))
    for _ in range(data.draw(st.integers(1, 3))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(packed)))
    for damaged in (bytes(packed), bytes(packed[:cut])):
        with contextlib.suppress(SegkitError):
            assert unpack_labels(damaged).dtype == np.int32


def test_a_header_that_lies_about_its_size_takes_no_memory() -> None:
    bomb = b"\xff\xff\xff\x7f\x02\x00\x00\x00\x02\x02" + pack_labels(np.ones((3, 3), np.int32))[10:]
    with pytest.raises(SegkitError, match="damaged"):
        unpack_labels(bomb)

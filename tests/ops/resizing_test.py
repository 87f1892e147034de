"""Masks keep their ids at any size; images are averaged; squares are centred."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_segkit.ops.resizing import pad_square, resize_image, resize_labels

SIDE = st.integers(1, 40)


@settings(deadline=None, max_examples=60)
@given(SIDE, SIDE, SIDE, SIDE)
def test_no_id_is_invented_and_the_size_is_met(h: int, w: int, new_h: int, new_w: int) -> None:
    labels = np.random.default_rng(h * w).integers(0, 5, (h, w)).astype(np.int32) * 1000
    scaled = resize_labels(labels, (new_h, new_w))
    assert scaled.shape == (new_h, new_w)
    assert scaled.dtype == np.int32
    assert set(np.unique(scaled)) <= set(np.unique(labels))


def test_labels_stay_where_the_image_is() -> None:
    """A nearest rule that takes corners instead of centres would shift masks by half a pixel."""
    labels = np.zeros((90, 90), np.int32)
    labels[30:60, 30:60] = 7
    image = np.repeat((labels > 0)[..., None].astype(np.uint8) * 255, 3, axis=2)
    small, picture = resize_labels(labels, (30, 30)), resize_image(image, (30, 30))
    assert np.array_equal(small > 0, picture[..., 0] > 127)
    assert np.argwhere(small > 0).mean() == pytest.approx(14.5)
    assert np.array_equal(resize_labels(small, (90, 90)), labels)


def test_images_are_averaged_when_they_shrink_and_smooth_when_they_grow() -> None:
    stripes = np.zeros((40, 40, 3), np.uint8)
    stripes[:, ::2] = 200
    assert np.ptp(resize_image(stripes, (20, 20))) == 0
    assert resize_image(stripes, (20, 20)).mean() == 100
    edge = np.zeros((4, 4, 3), np.uint8)
    edge[:, 2:] = 200
    assert len(np.unique(resize_image(edge, (16, 16)))) > 2
    assert resize_image(edge, (2, 9)).shape == (2, 9, 3)


@pytest.mark.parametrize("shape", [(4, 9), (9, 4), (5, 5, 3), (3, 8, 3)])
def test_a_padded_plane_is_square_and_centred(shape: tuple[int, ...]) -> None:
    square = pad_square(np.ones(shape, np.uint8))
    side = max(shape[:2])
    assert square.shape == (side, side, *shape[2:])
    rows, columns = np.nonzero(square.reshape(side, side, -1).any(axis=2))
    assert square.sum() == np.prod(shape)
    for places in (rows, columns):
        before, after = places.min(), side - 1 - places.max()
        assert after - before in (0, 1)

"""Windows hold their object, lie in the image, keep its resolution, and are shared."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_segkit.ops.mask_logits import (
    logits_from_mask,
    mask_from_logits,
    scaled_shape,
    without_specks,
)
from napari_segkit.ops.prompt_windows import window_of


@given(
    st.integers(1, 6000), st.integers(1, 6000), st.tuples(*[st.floats(0, 1)] * 4),
    st.sampled_from([64, 384, 1024]),
)  # fmt: skip
def test_a_window_lies_in_the_image_and_holds_the_box(
    height: int, width: int, part: tuple[float, float, float, float], input_size: int
) -> None:
    x0, x1 = sorted((part[0] * width, part[2] * width))
    y0, y1 = sorted((part[1] * height, part[3] * height))
    left, top, right, bottom = window_of((x0, y0, x1, y1), (height, width), input_size)
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height
    assert left <= np.ceil(x0)
    assert top <= np.ceil(y0)
    assert right >= np.floor(x1)
    assert bottom >= np.floor(y1)


def test_a_small_object_is_seen_at_full_resolution_and_a_large_one_whole() -> None:
    shape = (4000, 6000)
    left, top, right, bottom = window_of((3000, 2000, 3300, 2300), shape, 1024)
    assert (right - left, bottom - top) == (1024, 1024)
    assert left < 2900
    assert right > 3400
    assert window_of((500, 500, 5500, 3500), shape, 1024) == (0, 0, 6000, 4000)
    assert window_of((5, 5, 20, 20), (600, 800), 1024) == (0, 0, 800, 600)


def test_neighbours_share_windows() -> None:
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 3900, (5000, 2))
    sides = rng.uniform(20, 80, 5000)
    boxes = [(x, y, x + side, y + side) for (x, y), side in zip(corners, sides, strict=True)]
    windows = {window_of(box, (4000, 4000), 384) for box in boxes}
    assert len(windows) < 500


@pytest.mark.parametrize("shape", [(97, 131), (300, 200), (1, 40)])
def test_a_mask_goes_to_logits_and_back(shape: tuple[int, int]) -> None:
    y, x = np.mgrid[: shape[0], : shape[1]]
    mask = (np.hypot(y - shape[0] / 2, (x - shape[1] / 2) / 1.5) < max(shape[0] / 3, 1)) | (
        x < shape[1] / 5
    )
    logits = logits_from_mask(mask, 256, 128)
    assert logits.shape == (128, 128)
    height, width = scaled_shape(shape, 256)
    assert (logits[height // 2 + 3 :] < 0).all()
    assert (logits[:, width // 2 + 3 :] < 0).all()
    back = mask_from_logits(logits, shape, 256, (0, 0, shape[1], shape[0]))
    assert (back == mask).mean() > 0.95
    part = mask_from_logits(logits, shape, 256, (0, 0, shape[1] // 2 + 1, 1))
    assert np.array_equal(part, back[:1, : shape[1] // 2 + 1])


def test_specks_and_pinholes_go_and_the_hole_of_a_ring_stays() -> None:
    y, x = np.mgrid[:80, :80]
    far = np.hypot(y - 40, x - 40)
    ring = (far < 30) & (far > 18)
    dirty = ring.copy()
    dirty[2:4, 2:4] = True
    dirty[15, 40] = False
    assert np.array_equal(without_specks(dirty, 9), ring)
    assert np.array_equal(without_specks(dirty, 1), dirty)
    lone = np.zeros((9, 9), bool)
    lone[4, 4] = True
    assert np.array_equal(without_specks(lone, 50), lone), "its largest part always stays"

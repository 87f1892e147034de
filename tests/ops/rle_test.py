"""Run lengths agree with pycocotools, and damaged ones are refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from napari_segkit.errors import MaskError
from napari_segkit.ops.rle import (
    column_counts,
    counts_from_text,
    mask_from_counts,
    row_counts,
    window_from_counts,
)


def crumbs(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    height, width = rng.integers(1, 40, 2)
    labels = rng.integers(0, 4, (height, width)).astype(np.int32)
    labels[rng.random((height, width)) < rng.random()] = 0
    return labels


@pytest.mark.parametrize("seed", range(60))
def test_counts_are_those_of_pycocotools(seed: int) -> None:
    labels = crumbs(seed)
    for key, counts in column_counts(labels).items():
        theirs = coco_mask.encode(np.asfortranarray((labels == key).astype(np.uint8)))
        np.testing.assert_array_equal(counts_from_text(theirs["counts"]), counts)
        size = [int(n) for n in labels.shape]
        assert coco_mask.frPyObjects({"size": size, "counts": counts.tolist()}, *size) == theirs


@pytest.mark.parametrize("seed", range(60))
def test_windows_and_rows_give_the_mask_again(seed: int) -> None:
    labels = crumbs(seed)
    height, width = labels.shape
    for key, counts in column_counts(labels).items():
        mask, top, left = window_from_counts(counts, (height, width))
        whole = np.zeros((height, width), bool)
        whole[top : top + mask.shape[0], left : left + mask.shape[1]] = mask
        np.testing.assert_array_equal(whole, labels == key)
        rows = mask_from_counts(row_counts(labels == key), labels.size)
        np.testing.assert_array_equal(rows.reshape(labels.shape), labels == key)


def test_empty_runs_before_the_first_pixel_are_understood() -> None:
    mask, top, left = window_from_counts([2, 0, 5, 3, 2], (4, 3))
    assert (top, left) == (0, 1)
    assert mask.tolist() == [[False, True], [False, True], [False, False], [True, False]]


@pytest.mark.parametrize(
    "counts",
    [[], [5], [3, -1, 2], [1 << 62, 1 << 62], [0.5, 3.5], "abc", [[1, 3]], None, [4, float("nan")]],
)
def test_counts_that_are_not_the_mask_are_refused(counts: object) -> None:
    with pytest.raises(MaskError):
        mask_from_counts(counts, 4)


@pytest.mark.parametrize("text", ["", "o", "oooooooo0", "P", "~", "ä", b"\xff", "\x00"])
def test_text_that_is_cut_off_or_foreign_is_refused(text: str | bytes) -> None:
    def read() -> None:
        window_from_counts(counts_from_text(text), (3, 3))

    with pytest.raises(MaskError):
        read()


@given(st.binary(max_size=40))
def test_any_bytes_give_counts_or_a_refusal(data: bytes) -> None:
    try:
        window_from_counts(counts_from_text(data), (7, 5))
    except MaskError as error:
        assert "run lengths" in error.what  # noqa: PT017  either is right

from __future__ import annotations

import numpy as np
import pytest

from napari_segkit.ops.tally import tally, tally_pairs


@pytest.mark.parametrize("large", [7, 2**31 - 1])
def test_ids_above_zero_are_counted(large: int) -> None:
    labels = np.array([[0, 2, 2], [large, 0, 2]], np.int32)
    assert tally(labels) == {2: 3, large: 1}
    assert tally(np.zeros((3, 3), np.int32)) == {}


@pytest.mark.parametrize("large", [5, 2**31 - 1])
def test_pairs_are_counted_where_both_have_an_id(large: int) -> None:
    one = np.array([[1, 1, 0], [large, large, 3]], np.int32)
    other = np.array([[4, 0, 9], [large, 4, large]], np.int32)
    expected = {(1, 4): 1, (large, large): 1, (large, 4): 1, (3, large): 1}
    assert tally_pairs(one, other) == expected
    assert tally_pairs(one, np.zeros_like(one)) == {}

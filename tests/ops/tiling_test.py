"""Tiles cover every pixel, keep their size, and come together again as they were."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_segkit.errors import ParamsError
from napari_segkit.ops.tiling import Blend, cut, taper, tile_grid

LENGTH = st.integers(1, 40)
UNTIMED = settings(deadline=None, max_examples=60)


def test_the_dust_projects_grid_is_nine_by_nine() -> None:
    grid = tile_grid((2016, 2016), 224)
    assert len(grid) == 81
    assert (grid[10].row, grid[10].column, grid[10].y0, grid[10].x0) == (1, 1, 224, 224)
    assert {(t.y1 - t.y0, t.x1 - t.x0) for t in grid} == {(224, 224)}


def test_the_last_tiles_end_at_the_border_at_full_size() -> None:
    grid = tile_grid((100, 250), 100, overlap=20)
    assert [t.x0 for t in grid] == [0, 80, 150]
    assert {(t.y0, t.y1) for t in grid} == {(0, 100)}


@UNTIMED
@given(LENGTH, LENGTH, st.integers(2, 20), st.data())
def test_every_pixel_is_covered_and_neighbours_overlap(
    height: int, width: int, size: int, data: st.DataObject
) -> None:
    overlap = data.draw(st.integers(0, size - 1))
    covered = np.zeros((height, width), int)
    grid = tile_grid((height, width), size, overlap=overlap)
    for tile in grid:
        covered[tile.window] += 1
        assert (tile.y1 - tile.y0, tile.x1 - tile.x0) == (min(size, height), min(size, width))
    assert covered.min() >= 1
    first_row = [t for t in grid if t.row == 0]
    for left, right in itertools.pairwise(first_row):
        assert left.x1 - right.x0 >= overlap
        assert right.x0 > left.x0
    assert len({(t.row, t.column) for t in grid}) == len(grid)


@UNTIMED
@given(LENGTH, LENGTH, st.integers(2, 20), st.data())
def test_tiles_blend_to_the_plane_they_came_from(
    height: int, width: int, size: int, data: st.DataObject
) -> None:
    overlap = data.draw(st.integers(0, size - 1))
    plane = np.random.default_rng(height * 41 + width).random((height, width), np.float32)
    blend = Blend(plane.shape, overlap=overlap)
    for tile in tile_grid(plane.shape, size, overlap=overlap):
        blend.add(tile, cut(plane, tile, size=size))
    np.testing.assert_allclose(blend.result(), plane, atol=1e-5)


def test_a_tile_is_a_copy_and_is_filled_up_with_zeros() -> None:
    plane = np.full((3, 5, 3), 9, np.uint8)
    (tile,) = tile_grid(plane.shape[:2], 8)
    part = cut(plane, tile, size=8)
    assert part.shape == (8, 8, 3)
    assert part.sum() == plane.sum()
    part[:] = 0
    assert plane.min() == 9
    assert cut(plane, tile).shape == (3, 5, 3)


def test_the_middle_of_a_tile_counts_more_than_its_rim() -> None:
    (tile,) = tile_grid((9, 9), 9)
    weights = taper(tile, overlap=3)
    assert weights[4, 4] == 1
    assert weights[0, 4] == 0.25
    assert weights.min() > 0


@pytest.mark.parametrize(
    ("shape", "size", "overlap"), [((5, 5), 0, 0), ((5, 5), 4, 4), ((5, 5), 4, -1), ((0, 5), 4, 0)]
)
def test_impossible_grids_are_refused(shape: tuple[int, int], size: int, overlap: int) -> None:
    with pytest.raises(ParamsError):
        tile_grid(shape, size, overlap=overlap)

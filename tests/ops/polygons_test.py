"""Polygons give the pixels whose centres they hold; outlines give the same pixels again."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage.measure import points_in_poly

from napari_segkit.errors import MaskError
from napari_segkit.ops.polygons import (
    box_ring,
    bridged,
    checked_ring,
    ellipse_ring,
    fill_rings,
    outlines,
    turned,
)

SHAPE = (30, 41)


def whole(rings: list[np.ndarray], shape: tuple[int, int] = SHAPE) -> np.ndarray:
    mask, top, left = fill_rings(rings, shape)
    result = np.zeros(shape, bool)
    result[top : top + mask.shape[0], left : left + mask.shape[1]] = mask
    return result


def centers() -> np.ndarray:
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]] + 0.5
    return np.column_stack([x.ravel(), y.ravel()])


@pytest.mark.parametrize("seed", range(25))
def test_filled_pixels_are_those_whose_centres_lie_inside(seed: int) -> None:
    rng = np.random.default_rng(seed)
    angles = np.sort(rng.random(9)) * 2 * np.pi
    radii = rng.uniform(3, 25, 9)  # a star: it does not cross itself, and it leaves the image
    ring = np.column_stack([20 + radii * np.cos(angles), 15 + radii * np.sin(angles)])
    inside = points_in_poly(centers(), ring)
    np.testing.assert_array_equal(whole([ring]), inside.reshape(SHAPE))


def test_a_box_on_pixel_edges_is_exactly_its_pixels() -> None:
    mask = whole([box_ring(3, 4, 10, 9)])
    assert mask.sum() == 7 * 5
    assert mask[4:9, 3:10].all()


def test_rings_inside_rings_are_holes() -> None:
    mask = whole([box_ring(0, 0, 20, 20), box_ring(5, 5, 10, 10), box_ring(6, 6, 7, 7)])
    assert mask.sum() == 400 - 25 + 1


@pytest.mark.parametrize("ring", [[], [[1, 1]], [[1, 1], [5, 5]], [[1, 1]] * 5, [[0.6, 0.6]] * 3])
def test_rings_without_area_are_empty(ring: list[list[float]]) -> None:
    assert fill_rings([checked_ring(np.reshape(ring, (-1, 2)))], SHAPE)[0].size == 0


@pytest.mark.parametrize("offset", [(-100, 0), (100, 0), (0, -100), (0, 100)])
def test_what_lies_outside_is_cut_off(offset: tuple[int, int]) -> None:
    far = box_ring(5, 5, 10, 10) + offset
    assert not whole([far]).any()
    assert whole([np.vstack([box_ring(5, 5, 10, 10)[:2], far[2:]])]).shape == SHAPE


@pytest.mark.parametrize(
    "points",
    [
        [[0, float("nan")], [1, 1], [2, 0]],
        [[0, float("inf")], [1, 1], [2, 0]],
        [[0, 1e9], [1, 1], [2, 0]],
        [1, 2, 3],
        [["a", "b"]],
        [[1, 2, 3]],
        [[1, 2], [3]],
        "abc",
        {"a": 1},
        None,
        [[0, 0], [1e6, 1e6]] * 50,
    ],
)
def test_points_that_are_none_are_refused(points: object) -> None:
    with pytest.raises(MaskError, match="polygon"):
        checked_ring(points)


@pytest.mark.parametrize("seed", range(40))
def test_outlines_give_the_mask_again_even_as_one_ring(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask = rng.random(SHAPE) < rng.uniform(0.05, 0.95)
    outer, holes = outlines(mask)
    assert len(outer) == cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)[0] - 1
    np.testing.assert_array_equal(whole(outer + holes), mask)
    np.testing.assert_array_equal(whole([bridged(outer, holes)]), mask)


def test_outlines_of_a_ring_have_its_corners() -> None:
    mask = np.zeros((9, 9), bool)
    mask[1:8, 2:8] = True
    mask[3:5, 4:6] = False
    outer, holes = outlines(mask)
    assert {tuple(point) for point in outer[0]} == {(2, 1), (8, 1), (8, 8), (2, 8)}
    assert {tuple(point) for point in holes[0]} == {(4, 3), (6, 3), (6, 5), (4, 5)}


def test_a_bridged_hole_stays_a_hole_for_painting_programs() -> None:
    """They paint the outline, so only its one pixel is lost at every edge."""
    mask = np.zeros((60, 60), bool)
    mask[5:55, 5:55] = True
    mask[20:40, 20:40] = False
    ring = bridged(*outlines(mask))
    painted = np.zeros(mask.shape, np.uint8)
    cv2.fillPoly(painted, [ring.astype(np.int32)], 1)
    assert not painted[22:38, 22:38].any()
    assert (painted.astype(bool) ^ mask).sum() < 2 * (4 * 50 + 4 * 20)


def test_a_circle_has_its_area() -> None:
    assert whole([ellipse_ring((20, 15), (10, 10))]).sum() == pytest.approx(np.pi * 100, abs=4)


def test_turning_by_a_quarter_swaps_the_sides() -> None:
    mask = whole([turned(box_ring(10, 10, 20, 14), 90)])
    assert mask.sum() == 40
    assert mask[7:17, 13:17].all()
    clockwise = turned(box_ring(10, 10, 20, 14), 30)
    assert clockwise[1][1] > clockwise[0][1]  # the upper right corner sinks

"""IoU, matching and object F1."""

from __future__ import annotations

import math

import numpy as np
import pytest

from napari_segkit.training.metrics import (
    boundary_iou,
    instance_ious,
    mask_dice,
    mask_iou,
    match_instances,
    worst_decile,
)


def _row(*ids: int) -> np.ndarray:
    return np.array([ids], np.int32)


def test_mask_iou_merges_instances() -> None:
    assert mask_iou(_row(1, 2, 0, 0), _row(7, 0, 7, 0)) == pytest.approx(1 / 3)


def test_mask_iou_of_two_empty_masks_is_one() -> None:
    assert mask_iou(_row(0, 0), _row(0, 0)) == 1.0


def test_mask_iou_of_one_empty_mask_is_zero() -> None:
    assert mask_iou(_row(0, 0), _row(0, 3)) == 0.0


def test_mask_iou_refuses_other_shapes() -> None:
    with pytest.raises(ValueError, match=r"expected \(1, 2\), got \(1, 3\)"):
        mask_iou(_row(0, 0), _row(0, 0, 0))


def test_instance_ious_keeps_ids_with_gaps() -> None:
    table, rows, cols = instance_ious(_row(5, 5, 9, 0), _row(4, 4, 4, 0))
    assert rows.tolist() == [5, 9]
    assert cols.tolist() == [4]
    assert table == pytest.approx(np.array([[2 / 3], [1 / 3]]))


def test_instance_ious_without_background_pixels() -> None:
    table, _, _ = instance_ious(_row(1, 1, 2), _row(1, 1, 2))
    assert np.array_equal(table, np.eye(2))


def test_instance_ious_agrees_with_counting() -> None:
    rng = np.random.default_rng(0)
    truth, found = rng.integers(0, 5, (40, 30)), rng.integers(0, 4, (40, 30))
    table, rows, cols = instance_ious(truth, found)
    for i, row in enumerate(rows):
        for j, col in enumerate(cols):
            a, b = truth == row, found == col
            assert table[i, j] == pytest.approx((a & b).sum() / (a | b).sum())


def test_match_finds_misses_and_extras() -> None:
    truth = _row(1, 1, 1, 0, 2, 2, 0, 3)
    found = _row(8, 8, 8, 0, 0, 0, 6, 0)
    matching = match_instances(truth, found)
    assert matching.pairs == ((1, 8, 1.0),)
    assert matching.missed == (2, 3)
    assert matching.extra == (6,)
    assert matching.f1 == pytest.approx(2 / 5)
    assert matching.ious == (1.0, 0.0, 0.0)


def test_match_of_iou_exactly_half_counts() -> None:
    assert len(match_instances(_row(1, 1), _row(1, 0)).pairs) == 1


def test_match_is_one_to_one_and_optimal() -> None:
    # The greedy choice (true 1 with found 1, IoU 2/3) would leave true 2 alone.
    truth = _row(1, 1, 1, 2, 2, 0)
    found = _row(1, 1, 2, 2, 2, 0)
    assert {pair[:2] for pair in match_instances(truth, found).pairs} == {(1, 1), (2, 2)}
    split = match_instances(_row(1, 1, 1, 1), _row(1, 1, 2, 2))
    assert len(split.pairs) == 1
    assert len(split.extra) == 1


@pytest.mark.parametrize(
    ("truth", "found", "f1"),
    [((0, 0), (0, 0), 1.0), ((1, 0), (0, 0), 0.0), ((0, 0), (1, 0), 0.0), ((1, 2), (2, 1), 1.0)],
)
def test_f1_at_the_ends(truth: tuple[int, ...], found: tuple[int, ...], f1: float) -> None:
    assert match_instances(_row(*truth), _row(*found)).f1 == f1


def test_worst_decile_takes_at_least_one() -> None:
    assert worst_decile([0.9, 0.1, 0.5]) == pytest.approx(0.1)
    assert worst_decile(list(np.linspace(0, 1, 101))) == pytest.approx(0.045)
    assert math.isnan(worst_decile([]))


def test_dice() -> None:
    assert mask_dice(_row(1, 1, 0, 0), _row(0, 1, 1, 0)) == pytest.approx(1 / 2)
    assert mask_dice(_row(0, 0), _row(0, 0)) == 1.0


def test_boundary_iou_sees_what_iou_of_a_large_object_does_not() -> None:
    truth, moved = np.zeros((400, 300), np.uint8), np.zeros((400, 300), np.uint8)
    truth[50:350, 50:250] = 1
    moved[55:355, 50:250] = 1
    assert mask_iou(truth, moved) > 0.96
    assert boundary_iou(truth, truth) == 1.0
    # rims of 10 px: 5 of 10 rows shared above and below, the sides but for 5 rows at each end
    sides = 2 * 10 * (300 - 5 - 20)
    ends = 2 * 200 * 5
    rim = 300 * 200 - 280 * 180
    shared = boundary_iou(truth, moved) * 2 * rim / (1 + boundary_iou(truth, moved))
    assert shared == pytest.approx(sides + ends, rel=0.03)
    assert boundary_iou(truth, np.zeros_like(truth)) == 0.0


def test_boundary_of_an_object_at_the_edge_of_the_image_is_a_boundary() -> None:
    whole = np.ones((100, 100), np.uint8)
    hole = whole.copy()
    hole[40:60, 40:60] = 0
    assert boundary_iou(whole, hole) < 0.9

from __future__ import annotations

import numpy as np

from napari_segkit.ops.coin_choice import (
    choose,
    duplicates,
    partly_hidden,
    similar_in_size,
    small_masks,
)
from napari_segkit.ops.polar import Frames, rays

SHAPE = (200, 200)


def circles(*parts: tuple[float, float, float]) -> np.ndarray:
    """(N, 64, 2) outlines of x, y, radius."""
    return np.stack([np.array([x, y]) + r * rays(64) for x, y, r in parts]).astype(np.float32)


def kept(parts: list[tuple[float, float, float]], score: list[float]) -> list[bool]:
    return choose(circles(*parts), np.array(score, np.float32), SHAPE).tolist()


def test_small_masks_have_the_area_of_the_outlines() -> None:
    masks = small_masks(circles((100, 100, 50)), SHAPE)
    assert abs(masks[0].sum() / 0.8**2 - np.pi * 50**2) < 0.05 * np.pi * 50**2


def test_coins_apart_and_touching_all_stay() -> None:
    assert kept([(50, 50, 30), (110, 50, 30), (80, 150, 30)], [0.9, 0.7, 0.8]) == [True] * 3


def test_inner_ring_of_a_bimetal_coin_goes_though_it_is_surer() -> None:
    assert kept([(100, 100, 60), (101, 100, 35)], [0.75, 0.95]) == [True, False]


def test_a_faint_circle_around_a_sure_coin_goes() -> None:
    assert kept([(100, 100, 60), (100, 100, 35)], [0.6, 0.95]) == [False, True]


def test_a_faint_circle_around_a_group_goes() -> None:
    group = [(100, 100, 80), (70, 80, 25), (130, 90, 25), (100, 140, 25)]
    assert kept(group, [0.7, 0.9, 0.9, 0.85]) == [False, True, True, True]


def test_of_two_that_cross_only_the_surer_one_stays() -> None:
    assert kept([(90, 100, 40), (120, 100, 40)], [0.9, 0.65]) == [True, False]


def test_sure_coins_may_overlap() -> None:
    assert kept([(90, 100, 40), (140, 100, 40)], [0.9, 0.85]) == [True, True]


def test_duplicates_keep_the_best_vote() -> None:
    centers = np.array([[50, 50], [52, 50], [120, 50]], np.float32)
    frames = Frames(centers, np.tile(20 * np.eye(2, dtype=np.float32), (3, 1, 1)))
    gone = duplicates(frames, np.array([0.5, 0.9, 0.4], np.float32))
    assert gone.tolist() == [True, False, False]


def test_sizes_that_do_not_fit_go() -> None:
    radius = np.array([40, 45, 50, 8, 9], np.float32)
    score = np.array([0.9, 0.85, 0.9, 0.65, 0.65], np.float32)
    assert similar_in_size(radius, score).tolist() == [True, True, True, False, False]
    assert similar_in_size(np.zeros(0, np.float32), np.zeros(0, np.float32)).tolist() == []


def test_a_coin_under_another_counts_by_what_shows() -> None:
    outlines = circles((90, 100, 40), (130, 100, 40), (135, 100, 40), (93, 100, 40))
    support = np.full((4, 64), 0.9, np.float32)
    support[1:3, 22:42] = 0.0  # under the first one
    support[2] *= 0.7
    kept = np.array([True, False, False, False])
    hidden = partly_hidden(outlines, support, kept, SHAPE)
    assert hidden[1] > 0.8
    assert hidden[[0, 2, 3]].tolist() == [0, 0, 0]  # kept; less sure; a crescent like a shadow's

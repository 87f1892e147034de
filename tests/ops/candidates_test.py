from __future__ import annotations

import numpy as np

from napari_segkit.ops.candidates import BAND, Levels, find_candidates

LEVELS = Levels(low=20, peak=60, rim=0.5)


def masks(chances: np.ndarray, levels: Levels = LEVELS) -> np.ndarray:
    """Every candidate's pixels as its number."""
    result = np.zeros(chances.shape, np.int32)
    for number, one in enumerate(find_candidates(chances, levels), 1):
        place = result[one.y : one.y + one.mask.shape[0], one.x : one.x + one.mask.shape[1]]
        assert not place[one.mask].any()
        place[one.mask] = number
    return result


def test_the_outline_runs_at_a_share_of_the_peak() -> None:
    chances = np.zeros((30, 40), np.uint8)
    chances[5:10, 5:10] = 30  # the rim of what is sure
    chances[6:9, 6:9] = 200
    chances[20:25, 20:25] = 35  # the rim of what is faint
    chances[22, 22] = 65
    chances[15, 30] = 59  # not enough
    found = masks(chances)
    assert found.max() == 2
    assert (found == 1).sum() == 9
    assert (found == 2).sum() == 25


def test_two_peaks_on_one_rise_are_two_and_the_lower_needs_its_peak() -> None:
    chances = np.zeros((10, 40), np.uint8)
    chances[4:7, 2:30] = 40
    chances[5, 5], chances[5, 15], chances[5, 25] = 250, 150, 126
    assert masks(chances).max() == 3
    chances[5, 15] = 100  # below half of the highest
    assert masks(chances).max() == 2


def test_an_object_across_bands_is_whole() -> None:
    chances = np.zeros((2 * BAND + 20, 30), np.uint8)
    chances[BAND - 5 : BAND + 400, 10:13] = 100
    chances[BAND + 300 : 2 * BAND + 9, 12:15] = 100
    found = masks(chances)
    assert found.max() == 1
    assert ((found > 0) == (chances > 0)).all()


def test_inside_anothers_box_is_another() -> None:
    chances = np.zeros((40, 40), np.uint8)
    chances[5:35, 5] = chances[34, 5:35] = 90
    chances[10:13, 20:23] = 90
    found = masks(chances)
    assert sorted(np.bincount(found.ravel())[1:].tolist()) == [9, 59]

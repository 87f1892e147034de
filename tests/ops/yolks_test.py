"""Eggs that have run together become as many as there are yolks apart."""

from __future__ import annotations

import numpy as np
import pytest

from napari_segkit.ops.yolks import split_by_yolks

WHITE, YOLK, PAN = (240, 236, 225), (235, 150, 20), (30, 30, 32)


def pan(
    eggs: list[tuple[float, float]],
    yolks: list[tuple[float, float]],
    *,
    size: int = 300,
    yolk: tuple[int, int, int] = YOLK,
    radius: float = 0.07,
) -> tuple[np.ndarray, np.ndarray]:
    """Whites of radius 0.2 and yolks at (row, column) of a dark square; labels with one id."""
    y, x = np.mgrid[:size, :size] / size
    image = np.full((size, size, 3), PAN, np.uint8)
    labels = np.zeros((size, size), np.int32)
    for row, column in eggs:
        near = np.hypot(y - row, x - column) < 0.2
        image[near], labels[near] = WHITE, 1
    for row, column in yolks:
        near = np.hypot(y - row, x - column) < radius
        image[near], labels[near] = yolk, 1
    return image, labels


@pytest.mark.parametrize("size", [120, 300, 1500])
def test_three_eggs_that_touch_are_three(size: int) -> None:
    places = [(0.35, 0.3), (0.35, 0.65), (0.65, 0.5)]
    image, labels = pan(places, places, size=size)
    before = labels > 0
    assert split_by_yolks(image, labels, [1]) == {2: 1, 3: 1}
    assert np.array_equal(labels > 0, before)
    at = [labels[round(row * size), round(column * size)] for row, column in places]
    assert sorted(at) == [1, 2, 3]
    shares = np.bincount(labels.ravel())[1:] / before.sum()
    assert shares.min() > 0.25


def test_two_yolks_that_touch_are_one_egg() -> None:
    image, labels = pan([(0.5, 0.5)], [(0.5, 0.44), (0.5, 0.57)])
    assert not split_by_yolks(image, labels, [1])
    assert labels.max() == 1


def test_an_omelette_a_white_alone_and_pepper_stay_whole() -> None:
    places = [(0.4, 0.35), (0.4, 0.65)]
    omelette, labels = pan(places, places, yolk=WHITE)
    assert not split_by_yolks(omelette, labels, [1])
    pepper, labels = pan(places, places, radius=0.012)
    assert not split_by_yolks(pepper, labels, [1])
    streaks, labels = pan(places, [])
    streaks[100:112, 60:240] = YOLK
    streaks[130:142, 60:240] = YOLK
    assert not split_by_yolks(streaks, labels, [1])


def test_only_what_is_asked_for_changes() -> None:
    places = [(0.4, 0.35), (0.4, 0.65)]
    image, labels = pan(places, places)
    labels[250:260, 250:260] = 7
    assert not split_by_yolks(image, labels, [7, 9])
    assert split_by_yolks(image, labels, [1]) == {8: 1}
    assert set(np.unique(labels)) == {0, 1, 7, 8}

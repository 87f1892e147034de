"""The camera's geometry and the exactness of masks."""

from __future__ import annotations

import math

import numpy as np
import pytest

from napari_segkit.synth.view import View, Window, coverage, sweep


def _circle(radius: float, x: float, y: float) -> np.ndarray:
    angle = np.linspace(0, math.tau, 360, endpoint=False)
    return np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], axis=1)


def test_ground_and_image_map_back_and_forth() -> None:
    view = View(640, 480, tilt=0.6, distance=1500)
    spots = np.array([[0.0, 0.0], [100, -120], [-250, 90]])
    image = view.project(np.c_[spots, np.zeros(3)])
    assert np.allclose(view.to_ground(image), spots)
    assert np.allclose(image[0], (319.5, 239.5))


def test_what_is_higher_appears_higher_up_in_a_tilted_view() -> None:
    view = View(640, 480, tilt=0.6, distance=1500)
    low, high = view.project(np.array([[0.0, 0, 0], [0, 0, 20]]))
    assert high[1] == pytest.approx(low[1] - 20 * math.sin(0.6), rel=0.05)


def test_coverage_sums_to_the_area() -> None:
    cover = coverage([_circle(30.3, 50.2, 49.7)], Window(0, 0, 100, 100))
    assert cover.sum() == pytest.approx(math.pi * 30.3**2, rel=0.01)
    y, x = np.mgrid[:100, :100]
    assert (cover * x).sum() / cover.sum() == pytest.approx(50.2, abs=0.06)
    assert (cover * y).sum() / cover.sum() == pytest.approx(49.7, abs=0.06)


def test_coverage_is_the_same_in_a_window() -> None:
    circle = _circle(20, 50, 40)
    whole = coverage([circle], Window(0, 0, 100, 100))
    part = Window(31, 25, 70, 90)
    assert np.array_equal(coverage([circle], part), whole[part.slices])


@pytest.mark.parametrize("convex", [True, False])
def test_sweep_covers_both_ends_and_what_lies_between(convex: bool) -> None:
    first, second = _circle(10, 20, 20), _circle(10, 20, 32)
    cover = coverage(sweep(first, second, convex=convex), Window(0, 0, 40, 60))
    assert cover.sum() == pytest.approx(math.pi * 100 + 12 * 20, rel=0.03)


def test_window_outside_the_image_is_empty() -> None:
    window = Window.around(_circle(5, -40, -40), (100, 100))
    assert window.empty

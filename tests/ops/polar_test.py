from __future__ import annotations

import numpy as np
import pytest

from napari_segkit.ops.polar import (
    Frames,
    closed_path,
    fit_curves,
    fourier_basis,
    pick,
    refitted,
    sample,
)


def frame(x: float, y: float, a: float, b: float) -> Frames:
    return Frames(np.array([[x, y]], np.float32), np.diag([a, b]).astype(np.float32)[None])


def test_radius_flatness_and_points_of_an_ellipse() -> None:
    ellipse = frame(50, 40, 20, 10)
    assert ellipse.radius[0] == pytest.approx(np.sqrt(200), rel=1e-5)
    assert ellipse.flatness[0] == pytest.approx(0.5, rel=1e-5)
    points = ellipse.points(np.ones((1, 4), np.float32))[0]
    np.testing.assert_allclose(points, [[70, 40], [50, 50], [30, 40], [50, 30]], atol=1e-4)


def test_scaling_keeps_pixel_centres_in_place() -> None:
    half = frame(9.5, 4.5, 4, 4).scaled(0.5)
    np.testing.assert_allclose(half.centers, [[4.5, 2.0]])
    np.testing.assert_allclose(half.radius, [2.0], rtol=1e-5)


def test_samples_follow_the_rays_and_know_the_frame() -> None:
    image = np.zeros((60, 80, 3), np.uint8)
    image[:, 40:] = 255
    rhos = np.array([0.5, 1.0, 2.0], np.float32)
    values, inside = sample(image, frame(39.5, 30, 25, 25), 4, rhos)
    assert values.shape == (3, 1, 4, 3)
    assert values[0, 0, 0, 1] == 255  # towards x
    assert values[0, 0, 2, 1] == 0
    np.testing.assert_array_equal(inside[0, :, 2], [False, False, False, False])
    np.testing.assert_array_equal(inside[0, :, 1], [True, True, True, True])


def test_more_rays_than_one_remap_takes() -> None:
    image = np.full((20, 20, 3), 128, np.uint8)
    many = Frames(
        np.full((600, 2), 10, np.float32), np.tile(np.eye(2, dtype=np.float32), (600, 1, 1))
    )
    values, _ = sample(image, many, 64, np.array([1.0, 2.0], np.float32))
    assert values.shape == (3, 600, 64, 2)
    assert np.ptp(values[0]) == 0


def test_path_is_closed_and_follows_a_ridge_across_the_seam() -> None:
    t, r = 64, 40
    ridge = np.rint(20 + 6 * np.cos(np.arange(t) * 2 * np.pi / t)).astype(int)
    gain = np.zeros((2, t, r), np.float32)
    gain[0, np.arange(t), ridge] = 1
    gain[1, np.arange(t), 33] = 1
    path = closed_path(gain, penalty=0.01)
    np.testing.assert_array_equal(path[0], ridge)
    np.testing.assert_array_equal(path[1], 33)


@pytest.mark.parametrize("reach", [1, 2])
def test_path_steps_no_farther_than_its_reach_but_at_the_seam(reach: int) -> None:
    gain = np.random.default_rng(3).random((5, 48, 30)).astype(np.float32)
    path = closed_path(gain, penalty=0.0, reach=reach)
    assert path.min() >= 0
    assert path.max() < 30
    steps = np.abs(np.roll(path, 1, axis=1) - path)
    assert np.sort(steps, axis=1)[:, -2].max() <= reach


def test_penalty_makes_the_path_straighter() -> None:
    gain = np.random.default_rng(3).random((1, 96, 30)).astype(np.float32)

    def crookedness(penalty: float) -> int:
        return int(np.abs(np.diff(closed_path(gain, penalty=penalty)[0])).sum())

    assert crookedness(1.0) < crookedness(0.05) < crookedness(0.0)


def test_pick_takes_one_sample_per_ray() -> None:
    values = np.arange(5 * 2 * 3 * 4).reshape(5, 2, 3, 4)
    at = np.array([[0, 1, 3], [2, 2, 0], [3, 3, 1], [0, 0, 2]])
    got = pick(values, at)
    for n in range(4):
        for t in range(3):
            np.testing.assert_array_equal(got[:, n, t], values[:, n % 2, t, at[n, t]])


def test_curve_ignores_rays_that_are_far_off() -> None:
    true = fourier_basis(96, 2) @ np.array([1, 0.05, -0.03, 0.02, 0.04], np.float32)
    noisy = true + np.random.default_rng(0).normal(0, 0.002, 96).astype(np.float32)
    noisy[::6] -= 0.1
    weight = np.ones((1, 96), np.float32)
    _, curves = fit_curves(noisy[None].astype(np.float32), weight, order=2, scale=0.005, rounds=8)
    assert np.abs(curves[0] - true).max() < 0.006


def test_refitting_moves_a_wrong_frame_onto_the_ellipse() -> None:
    true = frame(52, 47, 22, 18)
    angle = np.arange(360) * np.pi / 180
    frames = frame(50, 48, 20, 20)
    for _ in range(3):
        # distance of the true ellipse from the guessed centre, along the guessed rays
        u = np.stack([np.cos(angle), np.sin(angle)], 1) @ frames.axes[0].T / np.array([22, 18])
        d = (frames.centers - true.centers) / np.array([22, 18])
        a, b, c = (u * u).sum(1), (u * d).sum(1), (d * d).sum() - 1
        rho = ((-b + np.sqrt(b * b - a * c)) / a).astype(np.float32)[None]
        coefficients, _ = fit_curves(rho, np.ones_like(rho), order=3, scale=0.1)
        frames = refitted(frames, coefficients)
    np.testing.assert_allclose(frames.centers, true.centers, atol=0.1)
    assert frames.radius[0] == pytest.approx(true.radius[0], rel=0.005)
    assert frames.flatness[0] == pytest.approx(18 / 22, abs=0.01)

from __future__ import annotations

import cv2
import numpy as np
import pytest

from napari_segkit.ops.circle_votes import find_edges, vote

RADII = (9 * 1.1 ** np.arange(12)).astype(np.float32)


def discs(*ellipses: tuple[float, float, float, float], size: int = 100) -> np.ndarray:
    y, x = np.mgrid[:size, :size]
    image = np.full((size, size, 3), 60, np.uint8)
    for cx, cy, a, b in ellipses:
        image[np.hypot((x - cx) / a, (y - cy) / b) < 1] = (170, 128, 128)
    return cv2.GaussianBlur(image, (3, 3), 0)


def test_edges_point_across_the_rim() -> None:
    xy, direction = find_edges(discs((50, 50, 20, 20)))
    assert len(xy) > 80
    np.testing.assert_allclose(np.linalg.norm(direction, axis=1), 1, atol=1e-4)
    outward = (xy - 50) / np.linalg.norm(xy - 50, axis=1, keepdims=True)
    assert np.abs((outward * direction).sum(1)).min() > 0.9


def test_no_more_edges_than_asked_for() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (80, 80, 3)).astype(np.uint8)
    xy, _ = find_edges(noise, most=300)
    assert 250 <= len(xy) <= 300


@pytest.mark.parametrize("change", ["lightness", "colour"])
def test_a_disc_is_the_best_vote(change: str) -> None:
    image = discs((40, 55, 18, 18))
    if change == "colour":
        image = np.dstack([np.full_like(image[..., 0], 100), image[..., 0], image[..., 1]])
    found = vote(*find_edges(image), image.shape[:2], radii=RADII)
    assert np.abs(found[0, :2] - [40, 55]).max() < 2.5
    assert found[0, 2] == pytest.approx(18, rel=0.12)


def test_a_tilted_disc_is_found_by_its_tilt() -> None:
    image = discs((50, 50, 24, 16))
    tilted = vote(*find_edges(image), image.shape[:2], radii=RADII, tilt=(1.0, 0.67))
    np.testing.assert_allclose(tilted[0, :4], [50, 50, 24, 16], rtol=0.15)


def test_two_touching_discs_are_two_votes() -> None:
    image = discs((32, 50, 18, 18), (68, 50, 18, 18))
    found = vote(*find_edges(image), image.shape[:2], radii=RADII)
    for x in (32, 68):
        assert np.hypot(found[:2, 0] - x, found[:2, 1] - 50).min() < 3

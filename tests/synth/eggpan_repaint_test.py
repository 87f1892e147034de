"""Pans of photos in other colours."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from napari_segkit.synth.eggpan_repaint import repaint


@pytest.fixture(params=[(40, 40, 42), (170, 40, 40), (150, 130, 100)], ids=str)
def photo(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray]:
    """A pan with a lamp's reflection, an egg and black food, on a brown table; and the classes."""
    rng = np.random.default_rng(0)
    image = np.full((80, 100, 3), (140, 100, 60), np.uint8)
    classes = np.zeros((80, 100), np.uint8)
    cv2.circle(classes, (50, 40), 32, 2, -1)
    cv2.circle(classes, (50, 40), 12, 1, -1)
    image[classes == 2], image[classes == 1] = request.param, (240, 235, 220)
    image = np.clip(image + rng.normal(0, 4, image.shape), 0, 255).astype(np.uint8)
    image[36:44, 22:32] = 255
    image[36:44, 68:78] = 0
    classes[36:44, 68:78] = 0
    return image, classes


def _lab(image: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)


def test_pans_take_every_brightness_and_tint_and_eggs_keep_theirs(
    photo: tuple[np.ndarray, np.ndarray],
) -> None:
    image, classes = photo
    before = image.copy()
    pan = cv2.erode((classes == 2).astype(np.uint8), np.ones((7, 7))) == 1
    egg = cv2.erode((classes == 1).astype(np.uint8), np.ones((7, 7))) == 1
    seen = []
    for seed in range(40):
        made = repaint(image, classes, np.random.default_rng(seed))
        assert made.shape == image.shape
        assert made.dtype == np.uint8
        assert np.abs(made[egg].astype(int) - image[egg]).max() <= 1
        assert made[39:41, 26:28].min() >= 250, "a reflection stays white"
        assert made[39:41, 72:74].max() <= 5, "black food stays black"
        seen.append(np.median(_lab(made)[pan], axis=0))
    light, red, _ = np.array(seen).T
    assert light.min() < 20
    assert light.max() > 80
    assert red.max() > 25
    assert red.min() < -10
    assert np.array_equal(image, before)


def test_the_ground_changes_a_little(photo: tuple[np.ndarray, np.ndarray]) -> None:
    image, classes = photo
    table = cv2.erode((classes == 0).astype(np.uint8), np.ones((7, 7)), borderValue=1) == 1
    table[:, 60:80] = False  # food
    far = []
    for seed in range(20):
        made = repaint(image, classes, np.random.default_rng(seed))
        far.append(np.linalg.norm(np.median(_lab(made)[table] - _lab(image)[table], axis=0)))
    assert 3 < np.median(far) < 15
    assert max(far) < 40


def test_the_same_seed_paints_the_same(photo: tuple[np.ndarray, np.ndarray]) -> None:
    made = [repaint(*photo, np.random.default_rng(3)) for _ in range(2)]
    assert np.array_equal(*made)


@pytest.mark.parametrize("value", [0, 255])
@pytest.mark.parametrize("number", [0, 1, 2])
def test_black_stays_black_and_white_white(value: int, number: int) -> None:
    image = np.full((6, 8, 3), value, np.uint8)
    for seed in range(5):
        made = repaint(image, np.full((6, 8), number, np.uint8), np.random.default_rng(seed))
        assert np.abs(made.astype(int) - value).max() <= 1

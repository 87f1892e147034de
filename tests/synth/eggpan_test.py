"""Generated eggs and pans: same seed same pixels, true classes, what the classes mean."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from napari_segkit.synth.eggpan import EggPan, EggPanOptions, make_scene
from napari_segkit.synth.eggpan_coats import HELD_OUT_COATS, PAN_COATS
from napari_segkit.synth.eggpan_scenes import THEMES
from napari_segkit.synth.eggpan_stage import HELD_OUT_ELEVATION, HELD_OUT_GROUNDS, draw_eye
from napari_segkit.synth.textures import GROUNDS

SIZE = 72


def _shares(theme: str, count: int = 10) -> NDArray[np.float64]:
    """Share of each class in several scenes, (count, 3)."""
    rows = []
    for seed in range(count):
        _, classes = make_scene(seed, size=SIZE, theme=theme)
        rows.append(np.bincount(classes.ravel(), minlength=3) / classes.size)
    return np.array(rows)


@pytest.mark.parametrize("theme", THEMES)
def test_same_seed_gives_the_same_pixels(theme: str) -> None:
    image, classes = make_scene(7, size=SIZE, theme=theme)
    again, same = make_scene(7, size=SIZE, theme=theme)
    other, _ = make_scene(8, size=SIZE, theme=theme)
    assert np.array_equal(image, again)
    assert np.array_equal(classes, same)
    assert image.dtype == classes.dtype == np.uint8
    assert image.shape[:2] == classes.shape
    assert max(classes.shape) == SIZE
    assert image.shape != other.shape or not np.array_equal(image, other)
    assert image.std() > 2


def test_eggs_in_a_pan_show_both_classes() -> None:
    shares = _shares("eggs in a pan", 14)
    assert (shares[:, 2] > 0.02).mean() > 0.8
    assert (shares[:, 1] > 0.005).mean() > 0.75


@pytest.mark.parametrize("theme", ["empty pan", "other food in a pan"])
def test_pans_without_eggs_have_eggs_at_most_beside_them(theme: str) -> None:
    shares = _shares(theme)
    assert (shares[:, 2] > 0.02).mean() > 0.8
    assert (shares[:, 1] == 0).mean() > 0.5


@pytest.mark.parametrize("theme", ["eggs on a plate", "eggs in the shell", "look-alikes"])
def test_no_pan_where_there_is_none(theme: str) -> None:
    shares = _shares(theme)
    assert not shares[:, 2].any()
    if theme != "look-alikes":
        assert (shares[:, 1] > 0).mean() > 0.6


def test_no_threads_of_egg_a_pixel_wide_along_pans() -> None:
    for seed in range(10):
        _, classes = make_scene(seed, size=120, theme="eggs in a pan")
        egg = (classes == 1).astype(np.uint8)
        core = cv2.morphologyEx(egg, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        away = cv2.dilate(core, np.ones((7, 7), np.uint8)) == 0
        assert not (egg[away] > 0).any(), seed
        _, _, stats, _ = cv2.connectedComponentsWithStats(egg, connectivity=4)
        assert (stats[1:, cv2.CC_STAT_AREA] >= 3).all(), seed


def test_a_generator_gives_instances_of_its_classes() -> None:
    one = EggPan().generate(3, EggPanOptions(size=SIZE, theme="eggs in a pan"))
    ids = np.unique(one.labels)
    assert set(ids[ids > 0].tolist()) == set(one.class_of)
    assert set(one.class_of.values()) <= {"egg", "pan"}
    assert one.labels.dtype == np.int32


def test_what_is_held_out_is_never_drawn_otherwise() -> None:
    assert "copper" in HELD_OUT_COATS
    assert "copper" not in PAN_COATS
    assert set(HELD_OUT_GROUNDS) < set(GROUNDS)
    rng = np.random.default_rng(0)
    low, high = np.radians(HELD_OUT_ELEVATION)
    held = []
    for _ in range(200):
        down = -draw_eye((96, 128), rng, held_out=False).axes[2, 2]
        assert not low < np.arcsin(down) < high
        held.append(low < np.arcsin(-draw_eye((96, 128), rng, held_out=True).axes[2, 2]) < high)
    assert np.mean(held) > 0.3


def test_images_of_16_pixels() -> None:
    for seed in range(4):
        image, classes = make_scene(seed, size=16)
        assert max(image.shape[:2]) == 16
        assert classes.shape == image.shape[:2]

"""Generated eggs and pans: same seed same pixels, true classes, what the classes mean."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from napari_segkit.synth.eggpan import EggPan, EggPanOptions, make_scene
from napari_segkit.synth.eggpan_coats import HELD_OUT_COATS, PAN_COATS
from napari_segkit.synth.eggpan_larder import LARDER, full_bowl
from napari_segkit.synth.eggpan_pantry import CLUTTER, flames, lid
from napari_segkit.synth.eggpan_plan import BACKGROUND, EGG
from napari_segkit.synth.eggpan_render import render
from napari_segkit.synth.eggpan_scenes import THEMES
from napari_segkit.synth.eggpan_shapes import Handle, Profile, packed, spheroid
from napari_segkit.synth.eggpan_shells import SHELLS, broken_shell, carton, nest
from napari_segkit.synth.eggpan_slabs import pulp
from napari_segkit.synth.eggpan_stage import (
    HELD_OUT_ELEVATION,
    HELD_OUT_GROUNDS,
    daylight,
    draw_eye,
    lay_table,
)
from napari_segkit.synth.eggpan_tables import strew
from napari_segkit.synth.eggpan_vessels import pan_handles
from napari_segkit.synth.light import random_room
from napari_segkit.synth.rays import Solid, look_at
from napari_segkit.synth.textures import GROUNDS

SIZE = 72
Maker = Callable[[tuple[float, float, float], np.random.Generator], list[Solid]]


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


@pytest.mark.parametrize("theme", ["eggs on a plate", "eggs in the shell", "look-alikes", "pantry"])
def test_no_pan_where_there_is_none(theme: str) -> None:
    shares = _shares(theme)
    assert not shares[:, 2].any()
    if theme.startswith("eggs"):
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


def _seen(make: Maker, seed: int) -> tuple[NDArray[np.bool_], NDArray[np.uint8]]:
    """Where a thing is seen on a table, and the classes, (48, 48) each."""
    rng = np.random.default_rng(seed)
    eye = look_at(
        np.array([0.0, 0.0, 0.1]), shape=(48, 48), elevation=1.0, azimuth=0.3,
        distance=3.0, view_angle=0.7,
    )  # fmt: skip
    table, _ = lay_table(eye, rng, held_out=False, lift=0.0)
    empty = render(eye, random_room(rng), table, [])
    shot = render(eye, random_room(rng), table, make((0.0, 0.0, 0.0), rng))
    return shot.depth < empty.depth - 1e-3, shot.classes


@pytest.mark.parametrize("make", [*CLUTTER, *SHELLS, lid])
def test_things_of_a_pantry_are_seen_and_no_pan(make: Maker) -> None:
    seen, classes = _seen(make, 3)
    assert seen.mean() > 0.005
    assert set(np.unique(classes)) <= {BACKGROUND, EGG}


@pytest.mark.parametrize("make", dict.fromkeys(LARDER))
def test_food_of_the_larder_is_no_egg(make: Maker) -> None:
    for seed in range(3):
        assert not _seen(make, seed)[1].any()


@pytest.mark.parametrize("make", dict.fromkeys(SHELLS))
def test_eggs_in_the_shell_are_eggs_and_what_holds_them_is_none(make: Maker) -> None:
    seen, classes = np.zeros((48, 48), bool), np.zeros((48, 48), np.uint8)
    for seed in range(3):
        more, one = _seen(make, seed)
        seen, classes = seen | more, np.maximum(classes, one)
        assert not (one[~more] == EGG).any()
    assert (classes == EGG).mean() > 0.01
    if make in {carton, nest}:
        assert (seen & (classes != EGG)).any()


def test_a_carton_is_lowest_in_its_cups() -> None:
    tray = pulp(2, 3, 0.4, 0.2, np.random.default_rng(0))
    scale = len(tray.height) / (2 * tray.reach)
    cups = [
        tray.height[int((v + tray.reach) * scale), int((u + tray.reach) * scale)]
        for u in (-0.4, 0.0, 0.4)
        for v in (-0.2, 0.2)
    ]
    assert max(cups) < 0.05
    assert tray.height.max() > 0.15


def test_a_spheroid_ends_where_its_axes_do() -> None:
    axis = np.array([0.6, 0.0, 0.8])
    across = np.array([-0.8, 0.0, 0.6])
    surface = spheroid(0.3, 0.2, tuple(axis))
    for end, inside in ((0.3 * axis, 0.28 * axis), (-0.3 * axis, -0.28 * axis),
                        (0.2 * across, 0.18 * across)):  # fmt: skip
        at, within = (surface(*(np.full(1, part, np.float32) for part in p)) for p in (end, inside))
        assert abs(float(at[0])) < 1e-4
        assert within[0] < 0


def test_packed_things_lie_within_the_disc_and_apart() -> None:
    places = packed(1.0, 0.3, 2, np.random.default_rng(1))
    assert {layer for *_, layer in places} == {0, 1}
    for layer in (0, 1):
        flat = np.array([one[:2] for one in places if one[2] == layer])
        assert (np.hypot(*flat.T) < 1).all()
        gaps = np.hypot(*(flat[:, None] - flat[None]).transpose(2, 0, 1))
        assert gaps[~np.eye(len(flat), dtype=bool)].min() > 0.1


def test_a_grip_begins_where_its_bracket_ends() -> None:
    rng, found = np.random.default_rng(0), 0
    for _ in range(30):
        handles = [one for one in pan_handles(Profile(), rng) if isinstance(one, Handle)]
        if len(handles) == 2:
            bracket, grip = handles
            assert bracket.start < grip.start <= bracket.start + bracket.length
            end = bracket.height + bracket.slope * bracket.length
            assert grip.height == pytest.approx(end, abs=0.01)
            assert grip.turn == bracket.turn
            found += 1
    assert found > 5


def test_a_handle_of_a_scoop_is_joined_to_its_cup() -> None:
    found = 0
    for seed in range(60):
        cup, *rest = full_bowl((0.0, 0.0, 0.0), np.random.default_rng(seed))
        for handle in (one for one in rest if one.classify is None):
            found += 1
            for low, high, start, end in (
                (cup.bounds.x0, cup.bounds.x1, handle.bounds.x0, handle.bounds.x1),
                (cup.bounds.y0, cup.bounds.y1, handle.bounds.y0, handle.bounds.y1),
            ):
                assert start < high
                assert low < end
    assert found > 2


def test_daylight_softens_shadows() -> None:
    rng = np.random.default_rng(5)
    room = random_room(rng)
    soft = daylight(room, rng)
    assert soft.softness >= 0.5
    assert (soft.lamp < room.lamp).all()
    assert (soft.ambient >= room.ambient).all()


def test_what_is_strewn_is_seen_and_keeps_to_colours() -> None:
    for seed in range(6):
        texture = np.full((64, 64, 3), 0.3, np.float32)
        strew(texture, 12.0, np.random.default_rng(seed))
        assert (texture != np.float32(0.3)).any()
        assert 0 <= texture.min() <= texture.max() <= 1


def test_broken_shells_are_eggs_where_something_is_in_them() -> None:
    values = {broken_shell((0, 0, 0), np.random.default_rng(k))[0].value for k in range(12)}
    assert values == {BACKGROUND, EGG}


def test_flames_throw_no_shadow() -> None:
    solids = flames(-0.2, np.random.default_rng(0))
    assert len(solids) >= 10
    assert not any(one.casts or one.value for one in solids)

"""Generated coin scenes: same seed same scene, valid labels, masks where the coins are."""

from __future__ import annotations

import numpy as np
import pytest

from napari_segkit.synth.coin_conditions import CONDITIONS, LARGE
from napari_segkit.synth.coins import Scene, make_scene

SMALL = (180, 220)


def _scene(condition: str, seed: int = 3) -> Scene:
    return make_scene(seed, condition=condition, size=SMALL)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_every_condition_gives_a_valid_scene(condition: str) -> None:
    scene = _scene(condition)
    assert scene.image.shape == (*SMALL, 3)
    assert scene.image.dtype == np.uint8
    assert scene.image.flags.c_contiguous
    assert scene.labels.shape == SMALL
    assert scene.labels.dtype == np.int32
    assert scene.condition == condition
    ids = np.unique(scene.labels)
    count = len(scene.coins)
    assert count >= 1
    assert ids[ids > 0].tolist() == list(range(1, count + 1))
    assert [coin.id for coin in scene.coins] == list(range(1, count + 1))
    assert scene.image.std() > 1


@pytest.mark.parametrize("condition", ["single-texture", "single-held", "pile", "distractors"])
def test_same_seed_gives_the_same_scene(condition: str) -> None:
    first, again, other = _scene(condition), _scene(condition), _scene(condition, seed=4)
    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.labels, again.labels)
    assert first.coins == again.coins
    assert not np.array_equal(first.image, other.image)


def test_a_condition_is_drawn_from_the_seed_and_is_never_a_large_one() -> None:
    drawn = {make_scene(seed, size=(64, 64)).condition for seed in range(24)}
    assert len(drawn) > 10
    assert not drawn & set(LARGE)


def test_unknown_condition_is_refused() -> None:
    with pytest.raises(KeyError, match="moon"):
        make_scene(0, condition="moon")


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (33, 47)])
def test_tiny_and_odd_sizes(size: tuple[int, int]) -> None:
    scene = make_scene(0, condition="touching", size=size)
    assert scene.image.shape == (*size, 3)
    assert scene.labels.max() == len(scene.coins)


@pytest.mark.parametrize("seed", range(6))
def test_a_cut_out_coin_is_drawn_exactly_where_its_mask_is(seed: int) -> None:
    scene = make_scene(seed, condition="single-cutout", size=(200, 200))
    border = np.concatenate(
        [scene.image[0], scene.image[-1], scene.image[:, 0], scene.image[:, -1]]
    )
    ground = np.median(border, axis=0)
    differs = np.abs(scene.image.astype(int) - ground).max(axis=2) > 40
    mask = scene.labels > 0
    assert (differs & ~mask).mean() < 0.02
    if (
        ground.max() < 128 and differs.mean() > 0.1
    ):  # a silver coin on white may vanish, and be real
        assert (differs & mask).sum() > 0.5 * mask.sum()


@pytest.mark.parametrize("seed", range(4))
def test_the_ellipse_of_a_whole_round_coin_is_its_mask(seed: int) -> None:
    scene = make_scene(seed, condition="single-white", size=(240, 240))
    (coin,) = scene.coins
    e = coin.ellipse
    y, x = np.mgrid[:240, :240]
    c, s = np.cos(np.radians(e.angle)), np.sin(np.radians(e.angle))
    u = (c * (x - e.cx) + s * (y - e.cy)) / e.a
    v = (c * (y - e.cy) - s * (x - e.cx)) / e.b
    inside, mask = u * u + v * v <= 1, scene.labels == 1
    assert (inside & mask).sum() / (inside | mask).sum() > 0.93
    assert coin.visible > 0.97


def test_a_coin_seen_obliquely_is_flatter_than_wide() -> None:
    flatness = [
        coin.ellipse.b / coin.ellipse.a
        for seed in range(3)
        for coin in make_scene(seed, condition="oblique", size=(300, 400)).coins
    ]
    assert 0.5 < np.median(flatness) < 0.95


def test_touching_coins_touch_and_overlapping_coins_hide_each_other() -> None:
    touching = make_scene(5, condition="touching", size=(400, 500))
    assert min(coin.visible for coin in touching.coins) > 0.5
    overlapping = make_scene(5, condition="overlapping", size=(400, 500))
    assert min(coin.visible for coin in overlapping.coins) < 0.9
    for scene in (touching, overlapping):
        labels = scene.labels
        right = (labels[:, :-1] != labels[:, 1:]) & (labels[:, :-1] > 0) & (labels[:, 1:] > 0)
        assert right.any()


def test_other_things_are_not_in_the_masks() -> None:
    for seed in range(4):
        scene = make_scene(seed, condition="distractors", size=(300, 300))
        for coin in scene.coins:
            area = (scene.labels == coin.id).sum()
            assert area <= 1.1 * np.pi * coin.ellipse.a * coin.ellipse.b

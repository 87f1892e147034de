from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_segkit.models.second_look import Window, views_of
from napari_segkit.models.tiled import ArrayRows
from napari_segkit.nets.patch_judge import JudgeConfig, PatchJudge, measures
from napari_segkit.ops.candidates import Levels, find_candidates
from napari_segkit.training.second_look import (
    Lessons,
    calibrate,
    learn_measures,
    learn_views,
    lessons_of,
    measured,
    turned,
)

LEVELS = Levels(20, 60, 0.4)


def untaught() -> PatchJudge:
    torch.manual_seed(0)
    return PatchJudge(JudgeConfig())


NET = untaught()


def scene(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Image, chances, truth: dark squares are objects on an even ground, none on a rough one."""
    rng = np.random.default_rng(seed)
    image = np.full((200, 400, 3), 170, np.uint8)
    image[:, 200:] = rng.integers(60, 240, (200, 200, 1))
    chances, truth = np.zeros((200, 400), np.uint8), np.zeros((200, 400), np.int32)
    for number, x in enumerate(range(30, 390, 40), 1):
        y = int(rng.integers(30, 170))
        image[y : y + 6, x : x + 6] -= 40
        chances[y : y + 6, x : x + 6] = 150
        if x < 190:
            truth[y : y + 6, x : x + 6] = number
    return image, chances, truth


def test_lessons_are_true_false_or_left_out() -> None:
    image = np.full((80, 80, 3), 100, np.uint8)
    chances, truth = np.zeros((80, 80), np.uint8), np.zeros((80, 80), np.int32)
    chances[10:16, 10:16] = chances[40:46, 40:46] = chances[60:70, 60:70] = 200
    truth[10:16, 11:16] = 1
    truth[60:62, 60:62] = 2  # a corner of it
    lessons = lessons_of(image, chances, truth, LEVELS)
    assert lessons.true.tolist() == [True, False]
    assert lessons.views.shape == (2, 2, 5, 96, 96)
    values = measured(NET, lessons.views)
    assert values.shape == (4, NET.measured), "as they are and changed"
    assert np.isfinite(values).all()


def test_without_a_candidate_there_is_no_lesson() -> None:
    nothing = np.zeros((80, 80), np.uint8)
    lessons = lessons_of(np.zeros((80, 80, 3), np.uint8), nothing, nothing.astype(int), LEVELS)
    assert lessons.views.shape == (0, 2, 5, 96, 96)
    assert measured(NET, lessons.views).shape == (0, NET.measured)


def test_of_many_candidates_some_are_drawn_by_lot() -> None:
    every, some, again = (lessons_of(*scene(0), LEVELS, most=most) for most in (None, 4, 4))
    assert (len(every.true), len(some.true)) == (9, 4)
    assert np.array_equal(some.views, again.views)
    same = (some.views[:, None] == every.views[None]).all((2, 3, 4, 5))
    assert same.any(1).all(), "some of all"


def taught(lessons: Lessons) -> tuple[PatchJudge, tuple[float, float]]:
    net = untaught()
    values, true = measured(net, lessons.views), np.repeat(lessons.true, 2)
    first = learn_measures(net, values, true, steps=60, batch=16, seed=3)
    return net, (first, learn_views(net, lessons, steps=4, batch=8, seed=3))


def test_it_learns_that_texture_is_no_dust_and_the_seed_decides() -> None:
    parts = [lessons_of(*scene(seed), LEVELS) for seed in range(6)]
    lessons = Lessons(
        np.concatenate([one.views for one in parts]), np.concatenate([one.true for one in parts])
    )
    (net, losses), (again, same) = taught(lessons), taught(lessons)
    assert losses == same
    for one, other in zip(net.parameters(), again.parameters(), strict=True):
        assert (one == other).all()
    image, chances, _ = scene(99)
    window = Window(ArrayRows(image))
    seen = list(find_candidates(chances, LEVELS))
    with torch.inference_mode():
        views = np.stack([views_of(one, window, chances) for one in seen])
        scores = net(torch.from_numpy(views)).sigmoid().numpy()
    smooth = np.array([one.x < 190 for one in seen])
    assert scores[smooth].min() > scores[~smooth].max()


def test_of_the_encoder_only_later_blocks_learn() -> None:
    net, _ = taught(lessons_of(*scene(0), LEVELS))
    first, last = "encoder.conv_stem.weight", "encoder.blocks.4.0.conv_pwl.weight"
    before, after = NET.state_dict(), net.state_dict()
    assert torch.equal(before[first], after[first])
    assert not torch.equal(before[last], after[last])
    norms = [key for key in before if key.startswith("encoder") and "running" in key]
    assert norms
    assert all(torch.equal(before[key], after[key]) for key in norms)


def test_the_eight_ways_of_a_square() -> None:
    square = torch.arange(9).view(3, 3)
    assert len({tuple(turned(square, way).flatten().tolist()) for way in range(8)}) == 8


def test_calibrated_chances_say_how_often_they_are_right() -> None:
    """A judge that is too sure by a factor of three is cooled down to that."""
    rng = np.random.default_rng(0)
    net = untaught().eval()
    views = rng.integers(0, 256, (150, 2, 5, 96, 96), dtype=np.uint8)

    def sharpen(factor: float) -> None:
        with torch.no_grad():
            for voter in (*net.first, *net.voters):
                voter[-1].weight *= factor
                voter[-1].bias *= factor

    sharpen(40)
    with torch.inference_mode():
        given = torch.from_numpy(views)
        logits = net.of_all(torch.cat((measures(given), net.features(given)), 1)).numpy()
    true = rng.random(150) < 1 / (1 + np.exp(-logits))
    sharpen(3)
    found = calibrate(net, Lessons(views, true))
    assert 2 < found < 4.5
    assert float(net.temperature) == pytest.approx(found)

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_segkit.models.second_look import Window, views_of
from napari_segkit.models.tiled import ArrayRows
from napari_segkit.nets.patch_judge import JudgeConfig, PatchJudge
from napari_segkit.ops.candidates import Levels, find_candidates
from napari_segkit.training.second_look import Lessons, calibrate, lessons_of, train_judge

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
    lessons = lessons_of(NET, image, chances, truth, LEVELS)
    assert lessons.true.tolist() == [True, True, False, False], "as they are and changed"
    assert lessons.values.shape == (4, len(NET.middle))
    assert np.isfinite(lessons.values).all()


def test_of_many_candidates_some_are_drawn_by_lot() -> None:
    every, some, again = (lessons_of(NET, *scene(0), LEVELS, most=most) for most in (None, 4, 4))
    assert (len(every.true), len(some.true)) == (18, 8)
    assert np.array_equal(some.values, again.values)
    same = np.isclose(some.values[::2, None], every.values[None, ::2], atol=1e-3).all(-1)
    assert same.any(-1).all(), "some of all"


def test_it_learns_that_texture_is_no_dust_and_the_seed_decides() -> None:
    net, again = untaught(), untaught()
    lessons: Lessons | None = None
    for seed in range(6):
        part = lessons_of(net, *scene(seed), LEVELS)
        lessons = part if lessons is None else lessons + part
    assert lessons is not None
    loss = train_judge(net, lessons, steps=60, batch=16, seed=3)
    assert loss == train_judge(again, lessons, steps=60, batch=16, seed=3)
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


def test_calibrated_chances_say_how_often_they_are_right() -> None:
    """A judge that is too sure by a factor of three is cooled down to that."""
    rng = np.random.default_rng(0)
    net = untaught().eval()
    values = rng.normal(0, 1, (4000, len(net.middle))).astype(np.float32)
    with torch.inference_mode():
        logits = net.of_all(torch.from_numpy(values)).numpy()
    with torch.no_grad():
        for voter in (*net.first, *net.voters):
            voter[-1].weight *= 3
            voter[-1].bias *= 3
    true = rng.random(4000) < 1 / (1 + np.exp(-logits * 40))
    with torch.no_grad():
        for voter in (*net.first, *net.voters):
            voter[-1].weight *= 40
            voter[-1].bias *= 40
    found = calibrate(net, Lessons(values, true))
    assert 2.5 < found < 3.6
    assert float(net.temperature) == pytest.approx(found)

"""Crops of the tasks: true to their targets, the same for the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_segkit.errors import InputError
from napari_segkit.training.augment import LOOK, TONE, TURNS, VIEWS, changed, window
from napari_segkit.training.config import TrainConfig
from napari_segkit.training.losses import IGNORE
from napari_segkit.training.samples import Epoch
from napari_segkit.training.store import Item
from napari_segkit.training.tasks import TASKS, get_task

Specks = Callable[[int], list[Item]]


def painted() -> tuple[np.ndarray, np.ndarray]:
    """An image whose colour says its target: red = 200 where the target is 1."""
    target = np.zeros((48, 48), np.uint8)
    target[10:20, 14:34] = 1
    image = np.full((48, 48, 3), 60, np.uint8)
    image[target == 1, 0] = 200
    return image, target


def test_turns_and_views_move_image_and_mask_alike() -> None:
    image, target = painted()
    for steps, least in (((TURNS,), 1.0), ((VIEWS,), 0.93)):
        for seed in range(12):
            torch.manual_seed(seed)
            picture, mask = changed(image, target, steps)
            assert set(mask.unique().tolist()) <= {0, 1}
            if not mask.any():
                continue
            red = picture[0] > 130
            both = (red & (mask == 1)).sum() / (red | (mask == 1)).sum()
            assert both >= least


def test_look_and_tone_leave_the_mask() -> None:
    image, target = painted()
    for seed in range(8):
        torch.manual_seed(seed)
        picture, mask = changed(image, target, (LOOK, TONE))
        assert np.array_equal(mask.numpy(), target)
        assert picture.dtype == torch.uint8
        assert tuple(picture.shape) == (3, 48, 48)


@pytest.mark.parametrize("side", [20, 48, 80])
def test_window_is_of_the_size_and_knows_nothing_beyond_the_edge(side: int) -> None:
    image, target = painted()
    part, mask = window(image, target, centre=(0, 47), side=side, size=40)
    assert part.shape == (40, 40, 3)
    assert mask.shape == (40, 40)
    assert set(np.unique(mask)) <= {0, 1, IGNORE}
    assert (IGNORE in mask) == (side > 48)


def test_half_of_the_dust_crops_have_an_object_however_rare(specks: Specks) -> None:
    target = np.zeros((600, 600), np.uint8)
    target[300:304, 300:304] = 1
    image = np.zeros((600, 600, 3), np.uint8)
    centres = np.array([[302, 302]], np.int32)
    item = Item("rare", image, target, target.astype(np.int32), centres)
    task = get_task("dust")
    rng = np.random.default_rng(0)
    hits = sum(bool((task.crop(item, rng, size=64)[1] == 1).any()) for _ in range(200))
    assert 90 <= hits <= 130


def test_dust_crops_come_at_several_scales() -> None:
    target = np.zeros((400, 400), np.uint8)
    target[195:205, 195:205] = 1
    centres = np.array([[200, 200]], np.int32)
    item = Item("one", np.zeros((400, 400, 3), np.uint8), target, target.astype(np.int32), centres)
    rng = np.random.default_rng(0)
    crops = [get_task("dust").crop(item, rng, size=96)[1] for _ in range(100)]
    areas = [int((crop == 1).sum()) for crop in crops if (crop == 1).sum() > 20]
    assert min(areas) < 40
    assert max(areas) > 180


@pytest.mark.parametrize("shape", [(30, 90), (90, 30), (64, 64)])
def test_egg_and_pan_scenes_are_padded_in_their_middle(shape: tuple[int, int]) -> None:
    target = np.full(shape, 2, np.uint8)
    image = np.full((*shape, 3), 200, np.uint8)
    item = Item("pan", image, target, target.astype(np.int32), np.zeros((0, 2), np.int32))
    task = get_task("eggpan")
    small = task.prepare(item)
    assert small.target.shape == (task.size, task.size)
    assert set(np.unique(small.target)) <= {0, 2}  # no false egg rims
    covered = (small.target == 2).mean()
    assert covered == pytest.approx(min(shape) / max(shape), abs=0.02)
    assert np.array_equal(small.target, small.target[::-1, ::-1])


def test_the_same_epoch_gives_the_same_crops_and_another_gives_others(specks: Specks) -> None:
    config = TrainConfig.model_validate({"size": 32})
    task = get_task("dust")
    first, same, later = (Epoch(task, specks(3), config, number, 6) for number in (0, 0, 1))
    torch.manual_seed(1)
    a = [first[k][0] for k in range(6)]
    torch.manual_seed(2)
    b = [same[k][0] for k in reversed(range(6))][::-1]
    assert all(torch.equal(x, y) for x, y in zip(a, b, strict=True))
    assert not any(torch.equal(a[k], later[k][0]) for k in range(6))


def test_every_image_equally_often_whatever_the_number_of_processes(specks: Specks) -> None:
    marked = [
        replace(item, image=np.full_like(item.image, 10 * k)) for k, item in enumerate(specks(6))
    ]
    config = TrainConfig.model_validate({"size": 32, "augment": False})
    seen: list[int] = []
    for rank in range(2):
        epoch = Epoch(get_task("dust"), marked, config, 0, 6, rank, 2)
        seen += [int(epoch[k][0].max()) // 10 for k in range(6)]
    assert sorted(seen) == sorted(2 * list(range(6)))


def test_unknown_task() -> None:
    with pytest.raises(InputError, match="cannot be trained"):
        get_task("coins")
    assert all(name == task.id for name, task in TASKS.items())

from __future__ import annotations

import numpy as np
import pytest

from napari_segkit.errors import PromptError
from napari_segkit.ops.clicks import changed_at, click_ious, next_click, number_of_clicks
from napari_segkit.ops.refine import refine_instance
from napari_segkit.types import Prompts


def scene() -> tuple[np.ndarray, np.ndarray]:
    """A red disc and a blue one on grey, with grain; ids 1 and 2."""
    rng = np.random.default_rng(1)
    image = np.full((200, 300, 3), 128, np.float64)
    truth = np.zeros((200, 300), np.int32)
    rows, columns = np.ogrid[:200, :300]
    for key, x, color in ((1, 100, (200, 60, 50)), (2, 200, (60, 80, 200))):
        inside = (rows - 100) ** 2 + (columns - x) ** 2 < 45**2
        image[inside], truth[inside] = color, key
    image += rng.normal(0, 12, image.shape)
    return np.clip(image, 0, 255).astype(np.uint8), truth


def iou(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


def points(*rows: tuple[float, float, int]) -> Prompts:
    return Prompts(
        points=np.array([r[:2] for r in rows], np.float32).reshape(-1, 2),
        point_labels=np.array([r[2] for r in rows], np.int32),
    )


def test_a_box_finds_the_object_in_it() -> None:
    image, truth = scene()
    labels = np.where(truth == 2, truth, 0)
    prompts = Prompts(boxes=np.array([[50, 50, 150, 150]], np.float32))
    delta = refine_instance(labels, image, 1, prompts)
    delta.apply(labels)
    assert iou(labels == 1, truth == 1) > 0.95
    assert np.array_equal(labels == 2, truth == 2)


def test_clicks_correct_an_existing_mask_and_repeat_exactly() -> None:
    image, truth = scene()
    labels = np.zeros_like(truth)
    labels[60:130, 90:160] = 1  # a square that misses half of the disc
    before = iou(labels == 1, truth == 1)
    clicks = points((70, 100, 1), (150, 65, 0))
    delta = refine_instance(labels, image, 1, clicks)
    again = refine_instance(labels, image, 1, clicks)
    assert np.array_equal(delta.after, again.after)
    delta.apply(labels)
    assert iou(labels == 1, truth == 1) > max(0.9, before)


def test_only_the_region_changes_and_neighbours_stay() -> None:
    image, truth = scene()
    labels = np.zeros_like(truth)
    labels[80:120, 80:120] = 1
    labels[90:110, 120:130] = 2
    region = (60, 60, 130, 130)
    delta = refine_instance(labels, image, 1, points((100, 100, 1)), region=region)
    after = labels.copy()
    delta.apply(after)
    changed = np.argwhere(after != labels)
    assert len(changed)
    assert changed.min() >= 60
    assert changed.max() < 130
    assert np.array_equal(after == 2, labels == 2)


def test_nothing_to_refine_is_said() -> None:
    image, truth = scene()
    nothing = np.zeros_like(truth)
    with pytest.raises(PromptError, match="nothing to refine"):
        refine_instance(nothing, image, 1, Prompts())
    with pytest.raises(PromptError, match="nothing to refine"):
        refine_instance(nothing, image, 1, points((50, 50, 0)))
    far = Prompts(boxes=np.array([[900, 900, 950, 950]], np.float32))
    with pytest.raises(PromptError, match="outside"):
        refine_instance(nothing, image, 1, far)


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (3, 2)])
def test_odd_sizes(shape: tuple[int, int]) -> None:
    labels = np.ones(shape, np.int32)
    image = np.zeros((*shape, 3), np.uint8)
    delta = refine_instance(labels, image, 1, points((0, 0, 1)))
    assert delta.pixels <= labels.size


def test_clicks_go_into_the_largest_error_with_its_label() -> None:
    truth, found = np.zeros((50, 80), bool), np.zeros((50, 80), bool)
    truth[10:40, 10:40] = True
    found[10:40, 30:70] = True
    rng = np.random.default_rng(0)
    for _ in range(50):
        click = next_click(truth, found, rng)
        assert click is not None
        (x, y), label = click
        assert label == 0
        assert found[int(y), int(x)]
        assert not truth[int(y), int(x)]
    assert next_click(truth, truth, rng) is None


def test_clicks_are_counted_until_the_target_or_twenty() -> None:
    truth = np.zeros((40, 40), bool)
    truth[5:35, 5:35] = True

    def half(points: np.ndarray, labels: np.ndarray, before: np.ndarray) -> np.ndarray:
        after = before.copy()
        after[5 : 5 + 10 * len(points), 5:35] = True
        return after

    ious = click_ious(truth, half)
    assert ious == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert number_of_clicks(ious) == 3
    assert click_ious(truth, half, start=truth) == [1.0]
    never = click_ious(truth, lambda _p, _l, before: before)
    assert len(never) == 21
    assert number_of_clicks(never) == 20


def test_of_a_changed_mask_only_what_clicks_ask_for_counts() -> None:
    start = np.zeros((20, 40), bool)
    start[5:15, 5:15] = True
    found = start.copy()
    found[5:15, 15:18] = True  # grown on the right
    found[5:8, 5:8] = False  # bitten on the left
    found[2:4, 30:35] = True  # and one of its like is found, too
    at, marks = np.array([[16.5, 10.5], [12.5, 12.5]], np.float32), np.array([1, 1], np.int32)
    grown = changed_at(start, found, at, marks)
    assert grown[5:15, 5:18].all()
    assert grown.sum() == 130
    assert np.array_equal(changed_at(start, found, at[1:], marks[1:]), start), "they agree"
    bitten = changed_at(start, found, np.array([[6, 6]], np.float32), np.zeros(1, np.int32))
    assert bitten.sum() == start.sum() - 9

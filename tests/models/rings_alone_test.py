"""An object that clicks alone tell of is looked at closer and closer; a first answer may grow."""

from __future__ import annotations

import numpy as np
import pytest

from napari_segkit.jobs import drain
from napari_segkit.models.rings import RingParams, Rings
from napari_segkit.models.rings_alone import alone, closer, corrected, views, worth
from napari_segkit.models.rings_plan import Found, roi_of
from napari_segkit.ops.clicks import click_ious
from napari_segkit.types import Prompts

SHAPE = (300, 420)


def clicks(*rows: tuple[float, float, int]) -> Prompts:
    at = np.array([row[:2] for row in rows], np.float32)
    return Prompts(points=at, point_labels=np.array([row[2] for row in rows], np.int32))


@pytest.mark.parametrize("at", [(3, 2), (419, 299), (200, 150), (410, 20)])
def test_each_look_is_half_as_wide_and_holds_the_click(at: tuple[float, float]) -> None:
    ask = alone(0, clicks((*at, 1), (100, 290, 0)), SHAPE, 64, look="close")
    found = views(ask, SHAPE)
    sides = [max(x1 - x0, y1 - y0) for x0, y0, x1, y1 in (one.window for one in found)]
    assert sides == [420, 210, 105]
    for one in found:
        x0, y0, x1, y1 = one.window
        assert 0 <= x0 <= at[0] <= x1 <= 420
        assert 0 <= y0 <= at[1] <= y1 <= 300
        assert (one.labels == 1).sum() == 1
        assert len(one.points) == 1 + (x0 <= 100 < x1 and y0 <= 290 < y1)


def test_no_look_is_so_close_that_clicks_on_the_object_are_lost() -> None:
    ask = alone(0, clicks((50, 50, 1), (210, 60, 1)), SHAPE, 64, look="close")
    assert [one.window for one in views(ask, SHAPE)] == [(0, 0, 420, 300)]
    small = alone(0, clicks((20, 20, 1)), (60, 60), 64, look="close")
    assert len(views(small, (60, 60))) == 1


def test_an_answer_that_the_window_cuts_is_worth_less() -> None:
    mask = np.zeros((100, 100), bool)
    mask[20:60, 20:60] = True
    whole, window = Found((0, 0, 100, 100), mask, 0.8), (100, 50, 200, 150)
    assert worth(whole, SHAPE) == worth(Found(window, mask, 0.8), SHAPE) == 0.8
    mask = mask.copy()
    mask[20:60, :60] = True
    assert worth(Found(window, mask, 0.8), SHAPE) == pytest.approx(0.8 * 0.6)
    assert worth(Found((0, 50, 100, 150), mask, 0.8), SHAPE) == 0.8, "the image ends there"
    assert worth(Found(window, np.zeros((9, 9), bool), 0.8), SHAPE) == 0


def test_a_mask_stays_near_its_box_and_may_outgrow_a_first_answer() -> None:
    mask = np.zeros(SHAPE, np.int32)
    mask[100:140, 100:160] = 1
    box = np.array([[100, 100, 160, 140]], np.float32)
    drawn = alone(0, Prompts(boxes=box, mask=mask), SHAPE, 64, look="close")
    corrected = alone(0, Prompts(mask=mask), SHAPE, 64, look="close")
    assert drawn.window == corrected.window
    assert roi_of(drawn, 0.1) == roi_of(corrected, 0.1) == (94, 96, 166, 144)
    clicked = alone(0, clicks((130, 120, 1)), SHAPE, 64, look="close")
    answer = Found((0, 0, 420, 300), mask > 0, 0.9)
    again = closer(clicked, answer, SHAPE, 64, look="close")
    assert again is not None
    ask, start = again
    assert np.array_equal(start, mask)
    assert (ask.box, ask.window) == (drawn.box, drawn.window)
    assert roi_of(ask, 0.1) == ask.window


def test_a_click_on_a_mask_changes_it_only_where_the_mask_says_otherwise() -> None:
    mask = np.zeros(SHAPE, np.int32)
    mask[100:140, 100:160] = 7
    answer = np.zeros((48, 100), bool)
    answer[4:44, 6:86] = True  # 20 columns more on the right
    found = Found((94, 96, 194, 144), answer, 0.9)
    on = clicks((120, 120, 1))
    kept = corrected(found, Prompts(points=on.points, point_labels=on.point_labels, mask=mask))
    assert np.array_equal(kept.mask, mask[96:144, 94:194] > 0)
    beside = clicks((120, 120, 1), (170, 120, 1), (10, 10, 0))
    asked = Prompts(points=beside.points, point_labels=beside.point_labels, mask=mask)
    assert np.array_equal(corrected(found, asked).mask, answer)
    assert corrected(found, Prompts(mask=mask)) is found, "asked without clicks: all of it"


def test_one_click_finds_a_small_thing_in_a_large_photo_and_more_mend_it() -> None:
    """With the shipped base: a blue ball of 36 pixels on striped ground of 1,400."""
    y, x = np.mgrid[:1000, :1400]
    noise = np.random.default_rng(0).integers(0, 25, (1000, 1400, 3))
    image = np.where(((x // 90) % 2)[..., None] > 0, (190, 170, 140), (150, 140, 120)) + noise
    truth = np.hypot(x - 1030, y - 310) < 18
    image[truth] = (40, 70, 150) + noise[truth]
    image = image.astype(np.uint8)
    model, params = Rings(), RingParams(adapter="none")
    model.load(None)

    def predict(at: np.ndarray, labels: np.ndarray, before: np.ndarray) -> np.ndarray:
        prompts = Prompts(points=at, point_labels=labels)
        result: np.ndarray = drain(model.refine(image, before, prompts, params))
        return result

    ious = click_ious(truth, predict, most=5)
    assert ious[1] > 0.7
    assert max(ious) > 0.85

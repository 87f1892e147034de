from __future__ import annotations

import numpy as np
import pytest

from napari_segkit.errors import PromptError
from napari_segkit.ops.prompts import clean_prompts
from napari_segkit.types import Prompts


def boxes(*rows: tuple[float, float, float, float]) -> Prompts:
    return Prompts(boxes=np.array(rows, np.float32))


def test_F37_boxes_are_clipped_in_the_order_given() -> None:
    cleaned, notes = clean_prompts(boxes((5, 5, 500, 20), (-4, 1, 9, 9)), (30, 40))
    assert cleaned.boxes.tolist() == [[5, 5, 40, 20], [0, 1, 9, 9]]
    assert notes == ("2 boxes clipped to the image",)


def test_F37_boxes_outside_are_skipped_and_said() -> None:
    cleaned, notes = clean_prompts(boxes((50, 5, 60, 20), (1, 1, 9, 9)), (30, 40))
    assert cleaned.boxes.tolist() == [[1, 1, 9, 9]]
    assert notes == ("1 box skipped: outside of the image",)


@pytest.mark.parametrize(
    "bad", [(3, 3, 3, 9), (9, 9, 3, 3), (np.nan, 0, 5, 5), (0, 0, np.inf, 5), (5, 5, 5, 5)]
)
def test_F38_boxes_without_area_reversed_or_nan_are_dropped(bad) -> None:
    cleaned, notes = clean_prompts(boxes(bad, (1, 1, 9, 9)), (30, 40))
    assert cleaned.boxes.tolist() == [[1, 1, 9, 9]]
    assert notes == ("1 box dropped: no area, or not finite",)


def test_nothing_left_of_what_was_given_is_an_error() -> None:
    with pytest.raises(PromptError, match="no usable prompt: got 1 box skipped"):
        clean_prompts(boxes((50, 5, 60, 20)), (30, 40))


def test_F39_no_prompts_at_all_are_fine() -> None:
    cleaned, notes = clean_prompts(Prompts(), (30, 40))
    assert cleaned.boxes.shape == (0, 4)
    assert notes == ()


def test_points_outside_are_skipped_with_their_labels() -> None:
    prompts = Prompts(
        points=np.array([[1, 2], [99, 2], [39.5, 29.5]], np.float32),
        point_labels=np.array([1, 1, 0], np.int32),
    )
    cleaned, notes = clean_prompts(prompts, (30, 40))
    assert cleaned.points.tolist() == [[1, 2], [39.5, 29.5]]
    assert cleaned.point_labels.tolist() == [1, 0]
    assert notes == ("1 point skipped: outside of the image",)


def test_wrong_forms_are_refused() -> None:
    with pytest.raises(PromptError, match="wrong form"):
        clean_prompts(Prompts(boxes=np.zeros((3, 5), np.float32)), (30, 40))
    with pytest.raises(PromptError, match="wrong form"):
        clean_prompts(Prompts(points=np.zeros((3, 2), np.float32)), (30, 40))
    with pytest.raises(PromptError, match="another size"):
        clean_prompts(Prompts(mask=np.zeros((3, 3), np.int32)), (30, 40))


def test_F40_five_thousand_boxes() -> None:
    corner = np.random.default_rng(0).uniform(0, 900, (5000, 2))
    many = np.hstack([corner, corner + 20]).astype(np.float32)
    assert clean_prompts(Prompts(boxes=many), (1000, 1000))[0].boxes.shape == (5000, 4)

"""What training is judged by: objects of dust, classes of scenes."""

from __future__ import annotations

import numpy as np
import pytest

from napari_segkit.training.losses import IGNORE
from napari_segkit.training.scores import ClassScores, ObjectScores
from napari_segkit.training.store import Item


def item(ids: np.ndarray, target: np.ndarray | None = None) -> Item:
    """An image of those objects."""
    classes = (ids > 0).astype(np.uint8) if target is None else target
    image = np.zeros((*ids.shape, 3), np.uint8)
    return Item("x", image, classes, ids, np.zeros((0, 2), np.int32))


def squares(*corners: tuple[int, int], side: int = 4) -> np.ndarray:
    ids = np.zeros((40, 40), np.int32)
    for key, (row, col) in enumerate(corners, 1):
        ids[row : row + side, col : col + side] = key
    return ids


def test_objects_of_all_images_and_dice_where_there_are_some() -> None:
    scores = ObjectScores()
    found = (squares((2, 2), (20, 20), (30, 30)) > 0).astype(np.uint8)
    rows = [
        scores.row(item(squares((2, 2), (20, 20), (2, 30))), found),
        scores.row(item(squares()), (squares((5, 5)) > 0).astype(np.uint8)),
        scores.row(item(squares()), np.zeros((40, 40), np.uint8)),
    ]
    told = scores.summary(rows)
    assert told["precision"] == pytest.approx(2 / 4)
    assert told["recall"] == pytest.approx(2 / 3)
    assert told["object_f1"] == pytest.approx(4 / 7)
    assert told["dice"] == pytest.approx(2 / 3)
    assert told["false_per_clean_image"] == pytest.approx(1 / 2)
    assert told["score"] == pytest.approx((4 / 7 + 2 / 3) / 2)


def test_a_shifted_speck_counts_from_an_iou_of_three_tenths() -> None:
    scores = ObjectScores()
    for shift, hit in ((1, 1), (2, 1), (3, 0)):  # IoU 12/20, 8/24, 4/28
        row = scores.row(item(squares((10, 10))), (squares((10, 10 + shift)) > 0).astype(np.uint8))
        assert row["hit"] == hit


def test_touching_objects_are_told_apart_by_their_ids() -> None:
    ids = squares((10, 10), (10, 14))
    row = ObjectScores().row(item(ids), (ids > 0).astype(np.uint8))
    assert (row["true"], row["hit"], row["false"]) == (2, 1, 0)


def test_what_is_found_where_nobody_knows_is_no_mistake() -> None:
    target = np.zeros((40, 40), np.uint8)
    target[20:] = IGNORE
    found = (squares((2, 2), (30, 30)) > 0).astype(np.uint8)
    row = ObjectScores().row(item(squares(), target), found)
    assert row["false"] == 1


def test_classes_are_judged_where_they_are_or_were_found() -> None:
    scores = ClassScores(("egg", "pan"))
    target = np.zeros((40, 40), np.uint8)
    target[:20] = 2
    target[5:10, 5:10] = 1
    right = scores.row(item(target.astype(np.int32), target), target)
    half = target.copy()
    half[half == 1] = 2
    wrong = scores.row(item(target.astype(np.int32), target), half)
    empty = scores.row(item(squares()), np.zeros((40, 40), np.uint8))
    assert (empty["egg"], empty["pan"]) == (None, None)
    told = scores.summary([right, wrong, empty])
    assert told["iou_egg"] == pytest.approx(0.5)
    assert told["iou_pan"] == pytest.approx((1 + 775 / 800) / 2)
    assert told["mean_iou"] == told["score"]
    assert told["dice_egg"] == pytest.approx(0.5)

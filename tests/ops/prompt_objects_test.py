"""Boxes and clicks become objects, each with what is its own."""

from __future__ import annotations

import numpy as np

from napari_segkit.ops.prompt_objects import Asked, Start, objects_of

BOXES = np.array([[0, 0, 20, 20], [10, 10, 40, 30]], np.float32)


def test_each_box_is_an_object_in_its_order() -> None:
    first, second = objects_of(BOXES, ())
    assert first.box == (0, 0, 20, 20)
    assert second.box == (10, 10, 40, 30)


def test_a_click_belongs_to_the_box_drawn_last_around_it_or_just_beside_it() -> None:
    first, second = objects_of(BOXES, [(5, 5, 1), (15, 15, 0), (41, 20, 0)])
    assert first.clicks == ((5, 5, 1),)
    assert second.clicks == ((15, 15, 0), (41, 20, 0))


def test_clicks_in_no_box_are_one_more_object_if_one_of_them_is_on_it() -> None:
    *_, free = objects_of(BOXES, [(60, 60, 1), (70, 60, 0)])
    assert free == Asked(clicks=((60, 60, 1), (70, 60, 0)))
    assert len(objects_of(BOXES, [(70, 60, 0)])) == 2
    assert objects_of(np.zeros((0, 4), np.float32), []) == ()


def test_clicks_correct_the_object_that_they_began_from() -> None:
    start = Start(7, revision=3)
    (one,) = objects_of(np.zeros((0, 4), np.float32), [(70, 60, 0)], start)
    assert one == Asked(clicks=((70, 60, 0),), start=start)
    assert objects_of(np.zeros((0, 4), np.float32), [], start) == ()


def test_the_question_knows_its_place_while_clicks_are_added() -> None:
    less, more = Asked(box=(0, 0, 5, 5)), Asked(box=(0, 0, 5, 5), clicks=((1, 1, 0),))
    assert less != more
    assert less.place == more.place
    assert Asked(start=Start(1, 4)).place == Asked(start=Start(1, 9)).place


def test_prompts_for_a_model() -> None:
    mask = np.ones((4, 4), np.int32)
    prompts = Asked(box=(0, 1, 2, 3), clicks=((1, 2, 1), (0, 1, 0))).prompts(mask)
    assert prompts.boxes.tolist() == [[0, 1, 2, 3]]
    assert prompts.points.tolist() == [[1, 2], [0, 1]]
    assert prompts.point_labels.tolist() == [1, 0]
    assert prompts.mask is mask
    assert Asked().prompts().as_dict() == {}

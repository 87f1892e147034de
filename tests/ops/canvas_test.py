"""What painting loses is counted."""

from __future__ import annotations

import numpy as np
import pytest

from napari_segkit.errors import MaskError
from napari_segkit.ops.canvas import Canvas
from napari_segkit.types import ClassDef

CLASSES = (ClassDef("a", (1, 2, 3)),)
SQUARE = np.ones((3, 3), bool)


def test_later_objects_cover_earlier_ones_and_it_is_counted() -> None:
    canvas = Canvas((5, 5))
    canvas.paint(SQUARE, (0, 0), class_name="a", score=0.5)
    canvas.paint(SQUARE, (1, 1), class_name="a")
    result = canvas.segmentation(CLASSES)
    assert np.bincount(result.labels.ravel()).tolist() == [11, 5, 9]
    assert result.instances[1].score == 0.5
    assert result.notes == ("4 pixels lie in several objects and went to the last",)


def test_parts_of_one_object_do_not_count_as_overlap() -> None:
    canvas = Canvas((5, 5))
    key = canvas.paint(SQUARE, (0, 0), class_name="a")
    assert canvas.paint(SQUARE, (2, 2), class_name="a", part_of=key) == key
    result = canvas.segmentation(CLASSES)
    assert list(result.instances) == [1]
    assert result.notes == ()


def test_hidden_empty_and_outside_objects_are_told() -> None:
    canvas = Canvas((4, 4))
    canvas.paint(np.ones((1, 1), bool), (0, 0), class_name="a")
    canvas.paint(SQUARE, (0, 0), class_name="a")
    canvas.paint(SQUARE, (-2, -2), class_name="a")
    canvas.paint(SQUARE, (3, -7), class_name="a")
    result = canvas.segmentation(CLASSES)
    assert set(result.instances) == {2, 3}
    assert result.notes == (
        "2 pixels lie in several objects and went to the last",
        "1 of the objects cover no pixel of the image and were left out",
        "2 of the objects left the image and were cut off",
        "1 of the objects lie wholly under others and were left out",
    )


@pytest.mark.parametrize(
    "shape", [(0, 3), (-1, 3), (1 << 40, 1 << 40), ("3", 3), (3.0, 3), (None, 1)]
)
def test_F3_impossible_sizes_are_refused_before_memory_is_taken(shape: tuple[int, int]) -> None:
    with pytest.raises(MaskError, match="size of the image"):
        Canvas(shape)


def test_unknown_class_is_refused_with_the_place() -> None:
    canvas = Canvas((4, 4), where="x.json: a")
    canvas.paint(SQUARE, (0, 0), class_name="b")
    with pytest.raises(MaskError, match=r"x\.json: a"):
        canvas.segmentation(CLASSES)

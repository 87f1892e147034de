from __future__ import annotations

import numpy as np
import pytest

from napari_segkit.errors import ImageError, ModelError, SegkitError
from napari_segkit.types import ClassDef, Instance, Provenance, Segmentation, present_ids

COIN = ClassDef("coin", (255, 170, 0))
LABELS = np.array([[0, 1, 1], [2, 2, 0]], np.int32)
ONE = Instance("coin", 0.5, (1, 0, 3, 1))
TWO = Instance("coin", 1.0, (0, 1, 2, 2))


def test_a_sound_result_is_accepted() -> None:
    result = Segmentation(LABELS, {1: ONE, 2: TWO}, (COIN,))
    assert result.instances[2].box == (0, 1, 2, 2)


@pytest.mark.parametrize(
    ("labels", "instances", "message"),
    [
        (LABELS.astype(np.int64), {1: ONE, 2: TWO}, "not a label image"),
        (LABELS[None], {1: ONE, 2: TWO}, "not a label image"),
        (-LABELS, {}, "negative ids"),
        (LABELS, {1: ONE}, "disagree"),
        (LABELS, {1: ONE, 2: TWO, 3: TWO}, "disagree"),
        (LABELS, {1: ONE, 2: Instance("pan", 1, (0, 0, 1, 1))}, "unknown class"),
        (LABELS, {1: ONE, 2: Instance("coin", float("nan"), (0, 0, 1, 1))}, "score"),
        (LABELS, {1: ONE, 2: Instance("coin", 1.5, (0, 0, 1, 1))}, "score"),
        (LABELS, {1: ONE, 2: Instance("coin", 1, (0, 0, float("inf"), 1))}, "box"),
    ],
)
def test_F50_parts_that_disagree_are_refused(labels, instances, message) -> None:
    with pytest.raises(ModelError, match=message):
        Segmentation(labels, instances, (COIN,))


def test_F50_uncertainty_is_checked() -> None:
    with pytest.raises(ModelError, match="another size"):
        Segmentation(LABELS, {1: ONE, 2: TWO}, (COIN,), np.zeros((9, 9), np.float16))
    with pytest.raises(ModelError, match="NaN"):
        Segmentation(LABELS, {1: ONE, 2: TWO}, (COIN,), np.full((2, 3), np.inf, np.float16))


@pytest.mark.parametrize("largest", [3, 70_000, 2**31 - 1])
def test_present_ids_of_small_and_huge_ids(largest: int) -> None:
    labels = np.array([[0, 0, largest], [2, 2, 0]], np.int32)
    assert present_ids(labels).tolist() == [2, largest]
    assert present_ids(np.zeros((0, 0), np.int32)).size == 0


def test_an_error_is_one_sentence_with_its_five_parts() -> None:
    error = ImageError("mask differs", where="a.png", expected="5x5", got="5x6", remedy="redo it")
    assert str(error) == "mask differs (a.png): expected 5x5, got 5x6; redo it"
    assert error.as_dict()["error"] == "ImageError"
    assert str(SegkitError("only this")) == "only this"


def test_provenance_is_plain_json() -> None:
    provenance = Provenance("coins", {"a": 1}, {"boxes": [[0, 0, 1, 1]]}, None, "0.1")
    assert provenance.as_dict()["params"] == {"a": 1}

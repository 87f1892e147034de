from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_segkit.errors import MaskError
from napari_segkit.ops.masks import (
    as_label_array,
    components,
    instance_boxes,
    lookup,
    merge_by_class,
    segmentation_from_labels,
)
from napari_segkit.types import ClassDef

COIN = ClassDef("coin", (255, 0, 0))
PAN = ClassDef("pan", (0, 0, 255))


def labels_of(*rows: list[int]) -> np.ndarray:
    return np.array(rows, np.int32)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.uint16, np.int64, ">u2", ">i4", float, "f2"])
def test_F18_any_dtype_that_holds_ids_is_widened(dtype: object) -> None:
    labels = as_label_array(np.array([[0, 1], [1, 0]], dtype))
    assert labels.dtype == np.int32
    assert labels.dtype.isnative
    assert labels.tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.array([[0.0, 0.5]]), "1 pixels such as 0.5"),
        (np.array([[0.0, np.nan]]), "NaN"),
        (np.zeros((4, 5, 3), np.uint8), "colour picture"),
        (np.zeros((4, 5, 4), float), "colour picture"),
        (np.zeros((7, 4, 5), np.uint8), "one plane"),
        (np.zeros((0, 5), np.uint8), "not empty"),
        (np.array([[-1, 2]]), "-1 to 2"),
        (np.array([[0, 1 << 31]]), "0 to 2147483648"),
        (np.array([[0, (1 << 64) - 1]], np.uint64), "18446744073709551615"),
        (np.array([[1e300]]), "renumber"),
        (np.array([[1j]]), "complex"),
        (np.array([["a"]]), "cannot hold ids"),
    ],
)
def test_F17_F18_what_is_no_label_image_is_refused(array: np.ndarray, says: str) -> None:
    with pytest.raises(MaskError, match=says) as error:
        as_label_array(array, where="layer 'x'")
    assert "layer 'x'" in str(error.value)


def test_an_int32_array_is_not_copied() -> None:
    labels = labels_of([0, 1])
    assert as_label_array(labels) is labels


@pytest.mark.parametrize("big", [3, 5000, 1_000_000, 2**31 - 1])
def test_boxes_of_sparse_and_huge_ids(big: int) -> None:
    labels = labels_of([0, big, big, 0], [0, 0, big, 2])
    assert instance_boxes(labels) == {2: (3, 1, 4, 2), big: (1, 0, 3, 2)}


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from([0, 0, 1, 2, 7, 3000, 2**31 - 1]), min_size=1, max_size=36),
    st.integers(1, 6),
)
def test_boxes_are_the_tightest(values: list[int], width: int) -> None:
    values += [0] * (-len(values) % width)
    labels = np.array(values, np.int32).reshape(-1, width)
    boxes = instance_boxes(labels)
    assert set(boxes) == set(values) - {0}
    for key, (x0, y0, x1, y1) in boxes.items():
        rows, columns = np.nonzero(labels == key)
        assert (x0, y0) == (columns.min(), rows.min())
        assert (x1, y1) == (columns.max() + 1, rows.max() + 1)


def test_by_default_everything_is_of_the_first_class() -> None:
    result = segmentation_from_labels(labels_of([0, 9], [4, 4]), classes=[COIN, PAN])
    assert {k: (i.class_name, i.score) for k, i in result.instances.items()} == {
        4: ("coin", 1.0),
        9: ("coin", 1.0),
    }


def test_classes_scores_and_notes_are_kept() -> None:
    result = segmentation_from_labels(
        labels_of([1, 2]),
        classes=[COIN, PAN],
        class_of={2: "pan", 77: "pan"},
        scores={1: 0.25},
        notes=["alpha dropped"],
    )
    assert result.instances[1].score == 0.25
    assert result.instances[2].class_name == "pan"
    assert result.notes == ("alpha dropped",)


def test_an_empty_mask_has_no_instances() -> None:
    assert segmentation_from_labels(np.zeros((3, 3), np.int32), classes=[COIN]).instances == {}


@pytest.mark.parametrize(
    "odd", [{"class_of": {1: "plate"}}, {"scores": {1: 1.5}}, {"scores": {1: float("nan")}}]
)
def test_a_wrong_class_or_score_is_refused(odd: dict[str, object]) -> None:
    with pytest.raises(MaskError):
        segmentation_from_labels(labels_of([1]), classes=[COIN], **odd)
    with pytest.raises(MaskError, match="no class"):
        segmentation_from_labels(labels_of([1]), classes=[])


@pytest.mark.parametrize("big", [3, 2**31 - 1])
def test_lookup_maps_and_clears(big: int) -> None:
    mapped = lookup(labels_of([0, 1, big, 2]), {1: 5, big: 6})
    assert mapped.tolist() == [[0, 5, 6, 0]]
    assert mapped.dtype == np.int32
    assert lookup(labels_of([0, big]), {}).tolist() == [[0, 0]]


def test_merging_gives_one_instance_per_class() -> None:
    before = segmentation_from_labels(
        labels_of([0, 5, 9], [2, 2, 0]),
        classes=[COIN, PAN],
        class_of={2: "pan"},
        scores={5: 0.5, 9: 1.0},
    )
    after = merge_by_class(before)
    assert after.labels.tolist() == [[0, 1, 1], [2, 2, 0]]
    assert [(i.class_name, i.score) for i in after.instances.values()] == [
        ("coin", 0.75),
        ("pan", 1.0),
    ]
    assert after.notes == ("3 objects merged into 2, one per class",)
    assert merge_by_class(after).notes == after.notes


@pytest.mark.parametrize(("connectivity", "count"), [(8, 3), (4, 4)])
def test_components_of_each_class_are_instances(connectivity: int, count: int) -> None:
    class_map = labels_of([1, 0, 2, 2], [0, 1, 2, 0], [0, 0, 0, 1]).astype(np.uint8)
    class_map[2, 3] = 0
    class_map[2, 0] = 1
    class_map[1, 1] = 1
    class_map[2, 0] = 0
    class_map[2, 3] = 7
    labels, class_of = components(class_map, connectivity=connectivity)
    assert len(class_of) == count
    assert set(class_of.values()) == {1, 2, 7}
    for key, number in class_of.items():
        assert (class_map[labels == key] == number).all()
    assert ((labels > 0) == (class_map > 0)).all()


def test_components_of_a_binary_mask() -> None:
    labels, class_of = components(np.array([[True, False, True]]))
    assert labels.tolist() == [[1, 0, 2]]
    assert class_of == {1: 1, 2: 1}
    with pytest.raises(MaskError):
        components(np.array([[0.5]]))

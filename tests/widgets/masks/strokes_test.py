"""Rows, classes and areas follow strokes, undo and redo; without a window."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from napari.components import ViewerModel
from napari.layers import Labels

from napari_segkit.ops.edits import edit_of
from napari_segkit.ops.instance_index import InstanceIndex
from napari_segkit.ops.tools import Aim, use
from napari_segkit.types import ClassDef
from napari_segkit.widgets._layers import Plane, current_plane
from napari_segkit.widgets.correct._edits import (
    EditWriter,
    add_class,
    adopt,
    change_classes,
    set_class,
)
from napari_segkit.widgets.masks._binding import bind, classes_of
from napari_segkit.widgets.masks._undo import MaskChange, state_of

COIN, EGG = ClassDef("coin", (255, 196, 0)), ClassDef("egg", (250, 250, 240))
PLANE = Plane((slice(None), slice(None)), (40, 60))


def mask(shape: tuple[int, ...] = (40, 60)) -> Labels:
    data = np.zeros(shape, np.uint16)
    data[..., 2:10, 2:10], data[..., 20:28, 30:38] = 1, 2
    layer = Labels(data)
    bind(layer, image=None, image_name="photo", model="coins", classes=(COIN, EGG))
    adopt(layer, [1, 2])
    return layer


def track(layer: Labels, plane: Plane = PLANE) -> InstanceIndex:
    state = state_of(layer)
    index = InstanceIndex(layer.data[plane.key])
    assert state.track(plane, index, revision=state.revision)
    return index


def table(layer: Labels) -> dict[int, tuple[str, str]]:
    lines = layer.features[["index", "class", "status"]].itertuples(index=False, name=None)
    return {key: (name, status) for key, name, status in lines}


def apply(layer: Labels, name: str, *keys: int, **values: object) -> None:
    index = state_of(layer).index_of(PLANE)
    assert index is not None
    aim = Aim(layer.data, keys, {key: index.box(key) for key in keys}, index.free_id, **values)
    into = keys[0] if name == "merge" else None
    EditWriter(layer, PLANE, use(name, aim), tool=name, into=into).finish()


def test_an_erased_object_loses_its_row_and_undo_brings_both_back() -> None:
    layer = mask()
    track(layer)
    layer.data_setitem(np.nonzero(layer.data == 2), 0)
    assert table(layer) == {1: ("coin", "drawn")}
    layer.undo()
    assert table(layer) == {1: ("coin", "drawn"), 2: ("coin", "drawn")}
    layer.redo()
    assert table(layer) == {1: ("coin", "drawn")}


def test_a_new_object_gets_the_chosen_class() -> None:
    layer = mask()
    state_of(layer).draw_class = "egg"
    layer.brush_size = 3
    layer.paint((30, 5), 7)
    layer.paint((5, 5), 1)
    assert table(layer)[7] == ("egg", "drawn")
    assert table(layer)[1] == ("coin", "drawn")
    layer.undo()
    assert 7 not in table(layer)


def test_class_changes_are_undone_in_order_with_pixels() -> None:
    layer = mask()
    track(layer)
    apply(layer, "grow", 1, value=1)
    grown = layer.data.copy()
    set_class(layer, PLANE, [1], "egg")
    set_class(layer, PLANE, [2], "yolk")
    layer.data_setitem((np.array([30]), np.array([3])), 9)
    assert table(layer)[2] == ("yolk", "drawn")
    assert [one.name for one in classes_of(layer)] == ["coin", "egg", "yolk"]
    layer.undo()
    assert 9 not in table(layer)
    layer.undo()
    assert table(layer)[2] == ("coin", "drawn")
    assert [one.name for one in classes_of(layer)] == ["coin", "egg"]
    assert table(layer)[1] == ("egg", "drawn")
    layer.undo()
    assert table(layer)[1] == ("coin", "drawn")
    np.testing.assert_array_equal(layer.data, grown)
    layer.undo()
    np.testing.assert_array_equal(layer.data, mask().data)
    for _ in range(4):
        layer.redo()
    assert {key: name for key, (name, _) in table(layer).items()} == {
        1: "egg",
        2: "yolk",
        9: "coin",
    }
    assert [one.name for one in classes_of(layer)] == ["coin", "egg", "yolk"]


def test_a_merge_keeps_the_first_row_and_a_split_hands_its_class_on() -> None:
    layer = mask()
    track(layer)
    set_class(layer, PLANE, [2], "egg")
    apply(layer, "split along a line", 2, points=np.array([[34.5, 18], [34.5, 30]]))
    assert table(layer) == {
        1: ("coin", "drawn"),
        2: ("egg", "drawn"),
        3: ("egg", "drawn"),
    }
    apply(layer, "merge", 2, 3)
    assert table(layer) == {1: ("coin", "drawn"), 2: ("egg", "drawn")}
    layer.undo()
    assert table(layer)[3] == ("egg", "drawn")
    apply(layer, "delete", 1, 3)
    assert set(table(layer)) == {2}


def test_classes_are_renamed_swapped_recoloured_and_undone() -> None:
    layer = mask()
    set_class(layer, PLANE, [2], "egg")
    change_classes(
        layer, PLANE, {"coin": ClassDef("egg", (1, 2, 3)), "egg": ClassDef("coin", (4, 5, 6))}
    )
    assert {key: name for key, (name, _) in table(layer).items()} == {1: "egg", 2: "coin"}
    assert classes_of(layer) == (ClassDef("egg", (1, 2, 3)), ClassDef("coin", (4, 5, 6)))
    change_classes(layer, PLANE, {"egg": ClassDef("coin", (1, 2, 3))})
    assert classes_of(layer) == (ClassDef("coin", (1, 2, 3)),)
    add_class(layer, PLANE, "pan")
    assert [one.name for one in classes_of(layer)] == ["coin", "pan"]
    for _ in range(3):
        layer.undo()
    assert classes_of(layer) == (COIN, EGG)
    assert {key: name for key, (name, _) in table(layer).items()} == {1: "coin", 2: "egg"}


def test_listeners_hear_where_and_what() -> None:
    layer = mask()
    heard: list[MaskChange] = []
    state_of(layer).changed.connect(heard.append)
    track(layer)
    layer.data_setitem((np.array([3, 4]), np.array([5, 6])), 2)
    assert heard[-1] == MaskChange((5, 3, 7, 5), frozenset({1, 2}))
    layer.undo()
    assert heard[-1] == MaskChange((5, 3, 7, 5), frozenset({1, 2}))
    set_class(layer, PLANE, [1], "egg")
    assert heard[-1] == MaskChange((0, 0, 0, 0), frozenset({1}))
    layer.data = layer.data.copy()
    assert heard[-1].box is None
    assert state_of(layer).tracked is None


def test_columns_of_other_programs_stay_with_their_objects() -> None:
    layer = mask()
    track(layer)
    layer.features = layer.features.assign(perimeter=[10.0, 20.0])
    apply(layer, "delete", 1)
    assert layer.features["perimeter"].tolist() == [20.0]
    layer.paint((35, 5), 5)
    assert layer.features["index"].tolist() == [2, 5]


def test_a_stack_keeps_rows_of_ids_that_other_planes_may_have() -> None:
    viewer = ViewerModel()
    layer = mask((3, 40, 60))
    viewer.add_layer(layer)
    viewer.dims.set_point(0, 1)
    plane = current_plane(layer, viewer)
    index = track(layer, plane)
    layer.data_setitem(
        tuple(
            np.nonzero(layer.data[1] == 2)[i] if i >= 0 else np.ones(64, int) for i in (-1, 0, 1)
        ),
        0,
    )
    assert 2 in table(layer)
    assert 2 not in index
    layer.data_setitem((np.array([0]), np.array([0]), np.array([0])), 5)  # on another plane
    assert 5 not in index
    layer.undo()
    layer.undo()
    assert index.area(2) == 64


def test_a_plain_layer_becomes_ours_with_its_own_colours() -> None:
    data = np.zeros((40, 60), np.uint8)
    data[:5, :5] = 3
    layer = Labels(data)
    color = layer.get_color(3).tolist()
    adopt(layer, [3])
    assert table(layer) == {3: ("object", "drawn")}
    assert layer.get_color(3).tolist() == color


@pytest.mark.parametrize("tool", ["brush", "fill", "polygon"])
def test_every_way_of_painting_is_followed(tool: str) -> None:
    layer = mask()
    index = track(layer)
    if tool == "brush":
        layer.brush_size = 7
        with layer.block_history():
            layer.paint((6, 8), 2)
            layer.paint((8, 8), 0)
    elif tool == "fill":
        layer.fill((5, 5), 2)
    else:
        layer.paint_polygon([(0, 0), (0, 30), (30, 30)], 4)
    expected = InstanceIndex(layer.data)
    assert {k: index.area(k) for k in index.keys} == {k: expected.area(k) for k in expected.keys}
    assert set(table(layer)) == set(expected.keys)
    layer.undo()
    assert {k: index.area(k) for k in index.keys} == {1: 64, 2: 64}


moves = st.lists(
    st.tuples(
        st.sampled_from(["paint", "tool", "class", "undo", "redo"]),
        st.integers(0, 59),
        st.integers(0, 39),
        st.integers(0, 4),
    ),
    max_size=12,
)


@settings(max_examples=12, deadline=None)
@given(moves)
def test_any_history_gives_every_state_again(steps: list[tuple[str, int, int, int]]) -> None:
    layer = mask()
    index = track(layer)

    def state() -> tuple[bytes, dict[int, tuple[str, str]], tuple[ClassDef, ...]]:
        assert set(table(layer)) == set(index.keys) == set(np.unique(layer.data)) - {0}
        return layer.data.tobytes(), table(layer), classes_of(layer)

    past, future = [], []
    for action, x, y, key in steps:
        now, depth = state(), len(layer._undo_history)
        if action == "undo":
            layer.undo()
            if past:
                assert state() == past.pop()
                future.append(now)
            continue
        if action == "redo":
            layer.redo()
            if future:
                assert state() == future.pop()
                past.append(now)
            continue
        if action == "paint":
            layer.brush_size = 1 + key
            layer.paint((y, x), key)
        elif action == "tool" and index.keys:
            apply(layer, "grow", index.keys[key % len(index.keys)], value=key - 2)
        elif action == "class" and index.keys:
            set_class(layer, PLANE, index.keys[: key + 1], "coin" if key % 2 else "egg")
        if len(layer._undo_history) > depth:
            past.append(now)
            future.clear()


def test_an_edit_that_changes_nothing_is_no_step() -> None:
    layer = mask()
    track(layer)
    before = len(layer._undo_history)
    set_class(layer, PLANE, [1], "coin")
    assert len(layer._undo_history) == before
    assert not edit_of([])

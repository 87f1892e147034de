from __future__ import annotations

import numpy as np
import pytest

from napari_segkit.errors import MaskError, ParamsError
from napari_segkit.ops.edit import grow
from napari_segkit.ops.edits import GAINED, LOST, MOVED, edit_of
from napari_segkit.ops.instance_index import InstanceIndex
from napari_segkit.ops.tools import NAMES, Aim, use

SIZE = (60, 80)


def scene() -> np.ndarray:
    """1: a dumbbell with a hole and a speck; 2 and 3: squares; 16 bits, as in a layer."""
    labels = np.zeros(SIZE, np.uint16)
    labels[10:30, 5:25] = labels[10:30, 35:51] = 1
    labels[18:22, 25:35] = 1
    labels[14:17, 9:12] = 0
    labels[35, 5] = 1
    labels[40:50, 20:30] = 2
    labels[40:50, 30:40] = 3
    return labels


def aim(*keys: int, **values: object) -> Aim:
    labels = scene()
    index = InstanceIndex(labels)
    boxes = {key: index.box(key) for key in keys}
    return Aim(labels, keys, boxes, new_id=4, **values)


IMAGE = np.zeros((*SIZE, 3), np.uint8)
IMAGE[8:32, 3:53] = 200
POLYGON = np.array([[0, 0], [80, 0], [80, 15], [0, 15]], float)
LINE = np.array([[30.5, 5], [30.5, 35]], float)
CASES = {
    "fill holes": aim(1, value=0),
    "remove specks": aim(1, value=5),
    "largest part": aim(1),
    "smooth": aim(1, value=3),
    "grow": aim(1, value=-2),
    "convex hull": aim(1),
    "ellipse": aim(2),
    "snap to edges": aim(1, value=4, image=IMAGE),
    "split": aim(1, value=0.3),
    "split along a line": aim(1, points=LINE),
    "merge": aim(2, 3),
    "delete": aim(2, 3),
    "cut out": aim(points=POLYGON),
    "subtract": aim(1, 2),
    "intersect": aim(2, 3),
    "copy": aim(other=np.where(scene() == 0, 7, 0).astype(np.int32)),
}


def test_every_tool_is_examined() -> None:
    assert set(CASES) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_tool_gives_pixels_that_differ_and_leaves_the_mask_alone(name: str) -> None:
    case = CASES[name]
    untouched = case.labels.copy()
    edit = use(name, case)
    np.testing.assert_array_equal(case.labels, untouched)
    assert bool(edit) == (name != "subtract")  # the squares lie outside of the dumbbell
    assert (untouched[edit.rows, edit.columns] == edit.old).all()
    assert (edit.old != edit.new).all()
    after = untouched.astype(np.int32)
    edit.apply(after)
    index = InstanceIndex(untouched)
    index.follow(edit.change())
    assert {key: index.area(key) for key in index.keys} == {
        int(key): int((after == key).sum()) for key in np.unique(after) if key
    }


def test_new_instances_say_where_they_come_from() -> None:
    assert use("split", CASES["split"]).parents == {4: 1}
    assert use("split along a line", CASES["split along a line"]).parents.keys() >= {4}
    assert use("copy", CASES["copy"]).parents == {4: 7}


def test_several_instances_see_each_other() -> None:
    """2 shrinks, 3 grows into what 2 left; no pixel is named twice."""
    labels = scene()
    first = grow(labels.astype(np.int32), 2, pixels=-2)
    work = labels.astype(np.int32)
    first.apply(work)
    second = grow(work, 3, pixels=2)
    second.apply(work)
    edit = edit_of([first, second])
    flat = edit.rows * 80 + edit.columns
    assert len(np.unique(flat)) == len(flat)
    after = labels.astype(np.int32)
    edit.apply(after)
    np.testing.assert_array_equal(after, work)
    assert set(np.unique(edit.picture()[2])) == {0, GAINED, LOST, MOVED}


def test_a_tool_of_one_instance_takes_several_in_turn() -> None:
    edit = use("grow", aim(2, 3, value=3))
    after = scene().astype(np.int32)
    edit.apply(after)
    assert (after[40:50, 20:30] == 2).all()
    assert (after[40:50, 30:40] == 3).all()
    assert after[45, 18] == 2
    assert after[45, 41] == 3


@pytest.mark.parametrize("name", ["merge", "subtract", "intersect"])
def test_tools_about_two_say_how_to_select_two(name: str) -> None:
    with pytest.raises(MaskError, match=r"two objects or more.*Ctrl"):
        use(name, aim(1))


def test_nothing_selected_is_said() -> None:
    with pytest.raises(MaskError, match="no object is selected"):
        use("grow", aim(value=1))
    with pytest.raises(ParamsError, match="no image"):
        use("snap to edges", aim(1, value=3))
    with pytest.raises(MaskError, match="no other mask"):
        use("copy", aim())

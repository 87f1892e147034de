from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_segkit.errors import MaskError, ParamsError, SegkitError
from napari_segkit.ops import edges, edit, edit_many
from napari_segkit.ops.delta import Delta, delta_between
from napari_segkit.ops.instance_index import InstanceIndex
from napari_segkit.ops.regions import Region, instance_region, polygon_region

SIZE = (60, 80)


def disc(labels: np.ndarray, x: int, y: int, r: int, key: int) -> None:
    rows, columns = np.ogrid[: labels.shape[0], : labels.shape[1]]
    labels[(rows - y) ** 2 + (columns - x) ** 2 <= r * r] = key


@st.composite
def scenes(draw: st.DrawFn) -> np.ndarray:
    """Up to five overlapping discs and rings, some cut off by the border, some in parts."""
    labels = np.zeros(SIZE, np.int32)
    for key in range(1, draw(st.integers(2, 5))):
        x, y, r = draw(st.integers(0, 79)), draw(st.integers(0, 59)), draw(st.integers(1, 25))
        disc(labels, x, y, r, key)
        if draw(st.booleans()):
            disc(labels, x, y, r // 2, 0)
    if not labels.any():
        labels[3, 3] = 1
    return labels


IMAGE = np.random.default_rng(0).integers(0, 255, (*SIZE, 3), np.uint8)
POLYGON = np.array([[10.0, 10.0], [60.0, 15.0], [40.0, 50.0]])
Tool = Callable[[np.ndarray, int], Delta]
TOOLS: dict[str, Tool] = {
    "fill holes": lambda m, k: edit.fill_holes(m, k),
    "fill small holes": lambda m, k: edit.fill_holes(m, k, largest=5),
    "remove specks": lambda m, k: edit.remove_specks(m, k, smallest=20),
    "keep largest": lambda m, k: edit.keep_largest(m, k),
    "smooth": lambda m, k: edit.smooth(m, k, radius=2),
    "grow": lambda m, k: edit.grow(m, k, pixels=3),
    "shrink": lambda m, k: edit.grow(m, k, pixels=-2),
    "hull": lambda m, k: edit.convex_hull(m, k),
    "ellipse": lambda m, k: edit.fit_ellipse(m, k),
    "snap": lambda m, k: edges.snap_to_edges(m, IMAGE, k, reach=3),
    "split": lambda m, k: edit_many.split_touching(m, k),
    "split along": lambda m, k: edit_many.split_along(m, k, [[0, 30], [80, 31]]),
    "delete": lambda m, k: edit_many.delete(m, [k]),
    "cut out": lambda m, k: edit_many.cut_out(m, polygon_region(POLYGON, SIZE), keys=[k]),
    "intersect": lambda m, k: edit_many.intersect(m, k, polygon_region(POLYGON, SIZE)),
    "paint": lambda m, k: edit_many.paint(m, polygon_region(POLYGON, SIZE), k),
}


@settings(max_examples=25, deadline=None)
@pytest.mark.parametrize("name", TOOLS)
@given(scenes(), st.data())
def test_every_tool_can_be_undone_and_touches_no_other_instance(
    name: str, labels: np.ndarray, data: st.DataObject
) -> None:
    key = data.draw(st.sampled_from([int(k) for k in np.unique(labels) if k]))
    before = labels.copy()
    try:
        delta = TOOLS[name](labels, key)
    except SegkitError:
        assert name == "ellipse"
        return
    assert np.array_equal(labels, before)  # a tool only says what would change
    short = TOOLS[name](labels.astype(np.uint16), key)  # as layers are
    assert np.array_equal(short.after, delta.after)
    assert short.after.dtype == short.before.dtype == np.int32
    after = labels.copy()
    delta.apply(after)
    for other in np.unique(before):
        if other not in (0, key):
            assert np.array_equal(after == other, before == other)
    new = set(np.unique(after)) - set(np.unique(before))
    assert all(n > before.max() for n in new)
    delta.revert(after)
    assert np.array_equal(after, before)
    packed = delta.packed().unpacked()
    assert packed.box == delta.box
    packed.apply(after)
    delta.revert(after)
    assert np.array_equal(after, before)


@settings(max_examples=25, deadline=None)
@given(scenes(), st.lists(st.sampled_from([n for n in TOOLS if n != "ellipse"]), max_size=6))
def test_the_index_follows_every_tool(labels: np.ndarray, names: list[str]) -> None:
    index = InstanceIndex(labels)
    for name in names:
        if not len(index):
            break
        delta = TOOLS[name](labels, index.keys[0])
        delta.apply(labels)
        index.follow(delta.change())
        true = InstanceIndex(labels)
        assert index.keys == true.keys
        for key in true.keys:
            assert index.area(key) == true.area(key) == np.count_nonzero(labels == key)
            x0, y0, x1, y1 = true.box(key)
            a0, b0, a1, b1 = index.box(key)
            assert a0 <= x0
            assert b0 <= y0
            assert a1 >= x1
            assert b1 >= y1
            assert index.tighten(labels, key) == index.box(key) == true.box(key)


@settings(max_examples=40, deadline=None)
@given(scenes(), scenes())
def test_the_index_follows_a_run_and_strokes(one: np.ndarray, other: np.ndarray) -> None:
    index = InstanceIndex(one)
    delta = delta_between(one, other)
    kept, gone = index.follow(delta.change())
    true = InstanceIndex(other) if other.any() else None
    assert index.keys == ([] if true is None else true.keys)
    assert not kept & gone
    assert all(index.area(k) == np.count_nonzero(other == k) for k in index.keys)


@pytest.mark.parametrize("name", [n for n in TOOLS if n not in ("cut out", "paint")])
def test_an_instance_that_is_not_there_is_said(name: str) -> None:
    with pytest.raises(MaskError, match="no such object"):
        TOOLS[name](np.zeros(SIZE, np.int32), 3)


def done(delta: Delta, labels: np.ndarray) -> np.ndarray:
    after = labels.copy()
    delta.apply(after)
    return after


def test_holes_are_filled_but_what_lies_in_them_stays() -> None:
    labels = np.zeros((30, 30), np.int32)
    labels[0:20, 0:20] = 1
    labels[5:15, 5:15] = 0
    labels[8:10, 8:10] = 2
    labels[0, 17] = 0  # open to the border
    labels[18, 18] = 0
    after = done(edit.fill_holes(labels, 1), labels)
    assert np.count_nonzero(after == 1) == 400 - 4 - 1
    assert np.count_nonzero(after == 2) == 4
    small = done(edit.fill_holes(labels, 1, largest=1), labels)
    assert small[18, 18] == 1
    assert small[6, 6] == 0


def test_specks_go_and_the_largest_part_stays_however_small() -> None:
    labels = np.zeros((30, 30), np.int32)
    labels[0:5, 0:5] = 1
    labels[10:12, 10:12] = 1
    labels[20, 20] = 1
    assert np.count_nonzero(done(edit.remove_specks(labels, 1, smallest=4), labels)) == 29
    assert np.count_nonzero(done(edit.remove_specks(labels, 1, smallest=999), labels)) == 25
    assert np.count_nonzero(done(edit.keep_largest(labels, 1), labels)) == 25


@pytest.mark.parametrize(("pixels", "radius"), [(5, 15), (-5, 5), (0, 10)])
def test_growing_moves_the_outline_by_that_far(pixels: int, radius: int) -> None:
    labels = np.zeros((60, 60), np.int32)
    disc(labels, 30, 30, 10, 1)
    wanted = np.zeros_like(labels)
    disc(wanted, 30, 30, radius, 1)
    after = done(edit.grow(labels, 1, pixels=pixels), labels)
    assert np.count_nonzero(after != wanted) < 0.1 * np.count_nonzero(wanted)


def test_the_images_border_is_no_outline() -> None:
    labels = np.zeros((40, 40), np.int32)
    labels[:, :20] = 1
    assert np.array_equal(done(edit.grow(labels, 1, pixels=-5), labels)[:, :15], labels[:, :15])
    assert np.array_equal(done(edit.smooth(labels, 1, radius=4), labels), labels)


def test_smoothing_takes_hairs_off_and_keeps_the_disc() -> None:
    labels = np.zeros((80, 80), np.int32)
    disc(labels, 40, 40, 20, 1)
    clean = labels.copy()
    labels[40, 60:75] = 1
    labels[25:40, 40] = 0
    after = done(edit.smooth(labels, 1, radius=2), labels)
    assert np.count_nonzero(after != clean) < 0.03 * np.count_nonzero(clean)
    assert np.count_nonzero(labels != clean) > np.count_nonzero(after != clean)


def test_two_touching_coins_are_split_and_one_coin_is_not() -> None:
    labels = np.zeros((60, 100), np.int32)
    disc(labels, 30, 30, 20, 7)
    assert not edit_many.split_touching(labels, 7)
    disc(labels, 66, 30, 19, 7)
    after = done(edit_many.split_touching(labels, 7), labels)
    assert set(np.unique(after)) == {0, 7, 8}
    assert after[30, 30] == 7  # the larger keeps the id
    assert after[30, 70] == 8
    assert np.array_equal(after > 0, labels > 0)
    assert np.count_nonzero(after == 8) > 0.9 * np.pi * 19**2


def test_a_drawn_line_splits_and_one_that_ends_inside_does_not() -> None:
    labels = np.zeros((40, 40), np.int32)
    labels[5:35, 5:35] = 2
    after = done(edit_many.split_along(labels, 2, [(0, 12), (39, 12)], new_id=9), labels)
    assert set(np.unique(after)) == {0, 2, 9}
    assert np.array_equal(after > 0, labels > 0)  # no pixel is lost to the line
    assert after[30, 20] == 2
    assert after[6, 20] == 9
    assert not edit_many.split_along(labels, 2, [(0, 12), (20, 12)])
    for line in ([(1, 1)], [(1, np.nan), (2, 2)], [1, 2, 3]):
        with pytest.raises(MaskError, match="not a line"):
            edit_many.split_along(labels, 2, line)


def test_a_hull_and_an_ellipse_close_a_bite() -> None:
    labels = np.zeros((90, 90), np.int32)
    whole = labels.copy()
    cv2.ellipse(whole, (45, 45), (30, 20), 30, 0, 360, 1, -1)
    labels[:] = whole
    disc(labels, 70, 60, 7, 0)
    bitten = np.count_nonzero(labels != whole)
    for tool, most in ((edit.convex_hull, 0.7), (edit.fit_ellipse, 0.5)):
        after = done(tool(labels, 1), labels)
        assert np.count_nonzero(after != whole) < most * bitten


def test_a_speck_has_no_ellipse() -> None:
    labels = np.zeros((9, 9), np.int32)
    labels[4, 4:6] = 1
    with pytest.raises(MaskError, match="too small"):
        edit.fit_ellipse(labels, 1)


def test_an_outline_snaps_to_the_edge_nearby() -> None:
    image = np.full((80, 80, 3), 200, np.uint8)
    true = np.zeros((80, 80), np.int32)
    disc(true, 40, 40, 20, 1)
    image[true > 0] = (60, 90, 200)
    labels = np.zeros_like(true)
    disc(labels, 42, 39, 18, 1)
    after = done(edges.snap_to_edges(labels, image, 1, reach=6), labels)
    wrong = np.count_nonzero(after != true), np.count_nonzero(labels != true)
    assert wrong[0] < 0.25 * wrong[1]


def test_merge_subtract_and_intersect() -> None:
    labels = np.zeros((40, 40), np.int32)
    labels[5:20, 5:20] = 1
    labels[20:35, 5:35] = 2
    merged = done(edit_many.merge(labels, [1, 2], into=2), labels)
    assert np.array_equal(merged, np.where(labels > 0, 2, 0))
    other = np.zeros_like(labels)
    disc(other, 20, 20, 10, 4)
    region = instance_region(other, 4)
    less = done(edit_many.cut_out(labels, region, keys=[1]), labels)
    assert np.array_equal(less == 1, (labels == 1) & (other == 0))
    assert np.array_equal(less == 2, labels == 2)
    common = done(edit_many.intersect(labels, 2, region), labels)
    assert np.array_equal(common == 2, (labels == 2) & (other == 4))
    nothing = Region(0, 0, np.ones((2, 2), bool))
    assert not (done(edit_many.intersect(labels, 2, nothing), labels) == 2).any()


def test_regions_of_instances() -> None:
    labels = np.zeros((40, 40), np.int32)
    labels[5:25, 5:25] = 1
    labels[10:15, 10:15] = 0
    labels[5:10, 20:25] = 0
    areas = {
        e: instance_region(labels, 1, extent=e).mask.sum() for e in ("exact", "filled", "hull")
    }
    assert areas["exact"] == 350
    assert areas["filled"] == 375
    assert 385 <= areas["hull"] < 400
    with pytest.raises(MaskError, match="encloses no pixel"):
        polygon_region([[99.0, 99.0], [100.0, 99.0], [99.0, 100.0]], (40, 40))


def test_copies_go_to_background_only_and_get_new_ids() -> None:
    labels, previous = np.zeros((30, 30), np.int32), np.zeros((30, 30), np.int32)
    labels[0:10, 0:10] = 5
    previous[5:15, 5:15] = 3
    previous[0:3, 0:3] = 4
    delta, origin = edit_many.copy_from(labels, previous, [3, 4])
    assert origin == {6: 3}  # 4 lies under another object
    after = done(delta, labels)
    assert np.count_nonzero(after == 5) == 100
    assert np.count_nonzero(after == 6) == 75
    with pytest.raises(MaskError, match="other sizes"):
        edit_many.copy_from(labels, np.zeros((3, 3), np.int32), [1])
    with pytest.raises(MaskError, match="no such object"):
        edit_many.copy_from(labels, previous, [8])


def test_odd_parameters_are_said() -> None:
    labels = np.ones((5, 5), np.int32)
    for call in (
        lambda: edit.grow(labels, 1, pixels=1e9),
        lambda: edit.smooth(labels, 1, radius=float("nan")),
        lambda: edit_many.split_touching(labels, 1, depth=1),
        lambda: edges.snap_to_edges(labels, np.zeros((5, 5, 3), np.uint8), 1, reach=0),
        lambda: edges.snap_to_edges(labels, np.zeros((6, 5, 3), np.uint8), 1),
    ):
        with pytest.raises(ParamsError):
            call()

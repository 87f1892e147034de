"""Accepted objects join a mask: nothing goes, strokes win, the corrected one is replaced."""

from __future__ import annotations

import numpy as np

from napari_segkit.jobs import drain
from napari_segkit.widgets.masks._bands import Before, Written
from napari_segkit.widgets.masks._merge import Patch
from napari_segkit.widgets.rings._adding import lay

KEY = (slice(None), slice(None))


def plane(**boxes: tuple[int, int, int, int]) -> np.ndarray:
    """(20, 30) with rectangles x0 y0 x1 y1, ``_3=…`` under id 3."""
    made = np.zeros((20, 30), np.int32)
    for name, (x0, y0, x1, y1) in boxes.items():
        made[y0:y1, x0:x1] = int(name[1:])
    return made


def laid(now: np.ndarray, last: np.ndarray, new: np.ndarray, **over: int) -> tuple:
    before = Before(now, KEY, Written((Written.pack(last.astype(np.int32)),)))
    patch: Patch = drain(lay(new, before, {int(k[1:]): label for k, label in over.items()}))
    after = now.copy()
    after[patch.rows, patch.columns] = patch.new
    return after, patch


def test_a_new_object_gets_a_free_id_and_the_others_stay() -> None:
    old = plane(_1=(2, 2, 8, 8), _2=(20, 2, 28, 8))
    after, patch = laid(old, old, plane(_1=(0, 10, 30, 20)))
    assert patch.id_of == {1: 3}
    assert (after[:10] == old[:10]).all()
    assert (after[10:] == 3).all()
    assert patch.gone == set()


def test_an_object_around_others_does_not_take_them_away() -> None:
    old = plane(_1=(10, 8, 14, 12))
    new = plane(_1=(0, 0, 30, 20))
    new[6:14, 8:16] = 0  # its hole
    after, patch = laid(old, old, new)
    assert (after == 1).sum() == 16
    assert patch.id_of == {1: 2}


def test_F41_the_later_one_lies_on_top_and_the_rest_of_the_earlier_stays() -> None:
    old = plane(_1=(0, 0, 20, 10))
    after, patch = laid(old, old, plane(_1=(5, 0, 30, 10)))
    assert (after[:10, :5] == 1).all(), "most of it is covered; what is not, stays"
    assert (after[:10, 5:] == patch.id_of[1]).all()


def test_the_same_object_again_takes_the_place_of_the_first() -> None:
    old = plane(_4=(2, 2, 12, 12))
    after, patch = laid(old, old, plane(_1=(3, 3, 13, 13)))
    assert patch.id_of == {1: 4}
    assert np.array_equal(after > 0, plane(_1=(3, 3, 13, 13)) > 0)


def test_F44_strokes_win_and_what_they_hide_is_left_out() -> None:
    last, now = plane(), plane(_7=(0, 0, 10, 20))
    after, patch = laid(now, last, plane(_1=(0, 0, 9, 20), _2=(8, 0, 30, 20)))
    assert (after[:, :10] == 7).all()
    assert patch.left_out == 1
    assert patch.id_of.keys() == {2}


def test_the_corrected_object_is_replaced_whoever_painted_it() -> None:
    last, now = plane(_2=(20, 0, 25, 5)), plane(_2=(20, 0, 25, 5), _7=(0, 0, 10, 10))
    after, patch = laid(now, last, plane(_1=(4, 4, 14, 14)), _1=7)
    assert patch.id_of == {1: 7}
    assert np.array_equal(after == 7, plane(_7=(4, 4, 14, 14)) == 7)
    assert (after[:5, 20:25] == 2).all()
    after, patch = laid(now, last, plane(), _1=7)
    assert patch.gone == {7}
    assert (after == 2).sum() == 25

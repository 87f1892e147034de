"""Results in mask layers: identity, undo, strokes that win; without a window."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_segkit.jobs import drain
from napari_segkit.ops.masks import segmentation_from_labels
from napari_segkit.types import ClassDef, Segmentation
from napari_segkit.widgets._layers import ImageSource, image_source
from napari_segkit.widgets.masks._bands import Before
from napari_segkit.widgets.masks._binding import find_mask, read_binding
from napari_segkit.widgets.masks._masks import PatchWriter, add_mask_layer, is_usable
from napari_segkit.widgets.masks._merge import Patch
from napari_segkit.widgets.masks._merge import merge as merge_job
from napari_segkit.widgets.masks._undo import state_of

COIN = ClassDef("coin", (255, 196, 0))
EGG = ClassDef("egg", (250, 250, 240))


FIRST_MASK = """
import sys
import numpy as np
from napari.components import ViewerModel
from napari_segkit.widgets.masks._masks import warm_up
viewer = ViewerModel()
viewer.add_image(np.zeros((4, 4), np.uint8))
warm_up()
known = set(sys.modules)
viewer.add_labels(np.zeros((4, 4), np.uint16))
print(*sorted({name.partition(".")[0] for name in set(sys.modules) - known}))
"""


def squares(*corners: tuple[int, int], shape: tuple[int, int] = (40, 60)) -> np.ndarray:
    labels = np.zeros(shape, np.int32)
    for key, (row, column) in enumerate(corners, 1):
        labels[row : row + 8, column : column + 8] = key
    return labels


def result_of(labels: np.ndarray) -> Segmentation:
    return segmentation_from_labels(labels, classes=(COIN, EGG))


def merge(labels: np.ndarray, before: Before) -> Patch:
    return drain(merge_job(labels, before))


class Bench:
    """A viewer with an image and its mask."""

    def __init__(self, shape: tuple[int, ...] = (40, 60)) -> None:
        self.viewer = ViewerModel()
        self.image = self.viewer.add_layer(Image(np.zeros(shape, np.uint8), name="photo"))
        self.mask = add_mask_layer(
            self.viewer, self.source, image=self.image, model="coins", classes=(COIN,)
        )

    @property
    def source(self) -> ImageSource:
        return image_source(self.image, self.viewer)

    def run(self, labels: np.ndarray) -> int:
        plane = self.source.plane
        patch = merge(labels, state_of(self.mask).before(self.mask, plane))
        PatchWriter(self.mask, plane, patch, result_of(labels)).finish()
        return patch.left_out

    def ids(self) -> list[int]:
        return self.mask.features["index"].tolist()

    def status(self) -> dict[int, str]:
        table = self.mask.features
        return dict(zip(table["index"].tolist(), table["status"].tolist(), strict=True))


def test_a_run_makes_a_named_mask_that_belongs_to_its_image() -> None:
    bench = Bench()
    bench.run(squares((2, 2), (20, 30)))
    assert bench.mask.name == "photo · coins"
    assert find_mask(bench.viewer.layers, bench.image, "coins") is bench.mask
    np.testing.assert_array_equal(bench.mask.data, squares((2, 2), (20, 30)))
    assert bench.mask.features.to_dict("list") == {
        "index": [1, 2],
        "class": ["coin", "coin"],
        "score": [1.0, 1.0],
        "status": ["predicted", "predicted"],
    }
    assert bench.mask.get_status((5, 5), world=True)["coordinates"].endswith(
        "class: coin, score: 1, status: predicted"
    )


def test_renaming_keeps_the_binding_and_a_copy_does_not_get_it() -> None:
    bench = Bench()
    bench.image.name, bench.mask.name = "other", "mine"
    copy = Labels(bench.mask.data.copy(), metadata=dict(bench.mask.metadata), name="photo · coins")
    bench.viewer.add_layer(copy)
    assert find_mask(bench.viewer.layers, bench.image, "coins") is bench.mask
    assert read_binding(copy) is None
    assert find_mask(bench.viewer.layers, bench.image, "rings") is None


def test_damaged_metadata_is_no_binding() -> None:
    bench = Bench()
    bench.mask.metadata["napari_segkit"] = {"owner": 3, "x": []}
    assert read_binding(bench.mask) is None


def test_f12_the_mask_has_the_images_transform() -> None:
    viewer = ViewerModel()
    affine = np.array([[1.0, 0.2, 3], [0.1, 1, 4], [0, 0, 1]])
    image = viewer.add_layer(
        Image(np.zeros((4, 6)), scale=(2, 3), translate=(5, 6), rotate=30, affine=affine)
    )
    mask = add_mask_layer(
        viewer, image_source(image, viewer), image=image, model="coins", classes=(COIN,)
    )
    for point in ((0, 0), (3, 5)):
        np.testing.assert_allclose(mask.data_to_world(point), image.data_to_world(point))


def test_a_whole_run_is_one_undo_step_and_redo_brings_it_back() -> None:
    bench = Bench()
    bench.run(squares((2, 2), (20, 30)))
    bench.mask.undo()
    assert not bench.mask.data.any()
    assert bench.ids() == []
    bench.mask.redo()
    np.testing.assert_array_equal(bench.mask.data, squares((2, 2), (20, 30)))
    assert bench.ids() == [1, 2]


def test_bands_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    """One mask in one piece, the other in bands of three rows."""
    one, many = Bench(), Bench()
    for bench, size in ((one, 1 << 21), (many, 180)):
        monkeypatch.setattr("napari_segkit.widgets.masks._bands._BAND", size)
        bench.run(squares((2, 2), (20, 30), (30, 50)))
        bench.mask.data_setitem(np.nonzero(squares((20, 33))), 0)
        bench.mask.data_setitem(np.nonzero(squares((12, 20))), 9)
        bench.run(squares((3, 2), (20, 31), (13, 20), (30, 2)))
    np.testing.assert_array_equal(one.mask.data, many.mask.data)
    assert one.mask.features.equals(many.mask.features)
    assert one.status() == {1: "predicted", 4: "predicted", 9: "drawn"}


def test_many_portions_are_still_one_undo_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_segkit.widgets.masks._pixels._CHUNK", 7)
    bench = Bench()
    bench.run(squares((2, 2), (20, 30)))
    bench.mask.undo()
    assert not bench.mask.data.any()


def test_a_second_run_keeps_ids_and_gives_new_objects_free_ones() -> None:
    bench = Bench()
    bench.run(squares((2, 2), (20, 30)))
    bench.run(squares((30, 40), (20, 31), (2, 2)))
    assert bench.mask.data[32, 42] == 3
    assert bench.mask.data[22, 32] == 2
    assert bench.mask.data[4, 4] == 1
    assert bench.ids() == [1, 2, 3]
    bench.run(squares((20, 31)))
    assert bench.ids() == [2]
    bench.mask.undo()
    assert bench.ids() == [1, 2, 3]


def test_strokes_win_over_every_later_run() -> None:
    bench = Bench()
    bench.run(squares((2, 2), (20, 30)))
    bench.mask.data_setitem(np.nonzero(squares((20, 30))), 0)  # a wrong object erased
    bench.mask.selected_label = 7
    bench.mask.data_setitem(np.nonzero(squares((30, 5))), 7)  # a missed one drawn
    for _ in range(2):
        left_out = bench.run(squares((2, 2), (20, 30), (31, 5)))
        assert left_out == 2
        assert (bench.mask.data[20:28, 30:38] == 0).all()
        assert (bench.mask.data[30:38, 5:13] == 7).all()
        assert bench.status() == {1: "predicted", 7: "drawn"}


def test_an_object_that_was_extended_by_hand_stays_whole() -> None:
    bench = Bench()
    bench.run(squares((2, 2)))
    bench.mask.data_setitem((np.full(4, 11), np.arange(3, 7)), 1)
    bench.run(squares((2, 2)))
    assert (bench.mask.data == 1).sum() == 64 + 4
    assert bench.status() == {1: "edited"}


def test_undoing_a_stroke_gives_its_pixels_back_to_the_next_run() -> None:
    bench = Bench()
    bench.run(squares((2, 2)))
    bench.mask.data_setitem(np.nonzero(squares((2, 2))), 0)
    bench.mask.undo()
    bench.run(squares((2, 3)))
    np.testing.assert_array_equal(bench.mask.data, squares((2, 3)))


def test_a_run_after_an_undone_run_does_not_take_the_undo_for_strokes() -> None:
    bench = Bench()
    bench.run(squares((2, 2)))
    bench.run(squares((20, 30)))
    bench.mask.undo()
    bench.mask.undo()
    bench.run(squares((20, 30)))
    np.testing.assert_array_equal(bench.mask.data, squares((20, 30)))
    bench.run(squares((20, 30)))  # changes no pixel
    bench.mask.undo()
    bench.run(squares((20, 30)))
    np.testing.assert_array_equal(bench.mask.data, squares((20, 30)))


def test_undo_while_the_mask_is_hidden_is_noticed() -> None:
    bench = Bench()
    bench.run(squares((2, 2)))
    bench.mask.visible = False
    bench.mask.undo()
    bench.run(squares((20, 30)))
    np.testing.assert_array_equal(bench.mask.data, squares((20, 30)))


def test_f44_what_is_painted_between_result_and_writing_is_kept() -> None:
    bench = Bench()
    plane = bench.source.plane
    labels = squares((2, 2))
    patch = merge(labels, state_of(bench.mask).before(bench.mask, plane))
    bench.mask.data_setitem((np.array([3, 4]), np.array([3, 4])), 9)
    PatchWriter(bench.mask, plane, patch, result_of(labels)).finish()
    assert bench.mask.data[3, 3] == 9
    assert bench.mask.data[5, 5] == 1
    bench.run(labels)
    assert bench.mask.data[3, 3] == 9


def test_an_object_drawn_by_hand_gets_a_line_in_the_features() -> None:
    bench = Bench()
    bench.run(squares((2, 2)))
    bench.mask.selected_label = 5
    bench.mask.paint((30, 30), 5)
    assert bench.status() == {1: "predicted", 5: "drawn"}


def test_data_put_there_by_someone_else_is_theirs() -> None:
    bench = Bench()
    bench.run(squares((2, 2)))
    bench.mask.data = squares((20, 30)).astype(np.uint16)
    bench.run(squares((2, 2)))
    assert bench.mask.data[22, 32] == 1
    assert bench.mask.data[4, 4] == 2


def test_f9_each_plane_of_a_stack_has_its_own_result_and_its_own_ids() -> None:
    bench = Bench((5, 40, 60))
    assert bench.mask.data.shape == (5, 40, 60)
    bench.viewer.dims.set_point(0, 1)
    bench.run(squares((2, 2), (20, 30)))
    bench.viewer.dims.set_point(0, 3)
    bench.run(squares((10, 10)))
    assert bench.ids() == [1, 2, 3]
    np.testing.assert_array_equal(bench.mask.data[3] > 0, squares((10, 10)) > 0)
    bench.viewer.dims.set_point(0, 1)
    bench.run(squares((20, 30)))
    assert bench.ids() == [2, 3]
    assert not bench.mask.data[0].any()


def test_what_was_written_is_remembered_of_every_plane_of_a_long_stack(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("napari_segkit.widgets.masks._steps._RUNS", 2)
    bench = Bench((6, 40, 60))
    for index in range(6):
        bench.viewer.dims.set_point(0, index)
        bench.run(squares((2, 2)))
    bench.viewer.dims.set_point(0, 0)
    for column in range(4):
        bench.run(squares((20, 10 * column)))
        np.testing.assert_array_equal(bench.mask.data[0] > 0, squares((20, 10 * column)) > 0)


def test_a_run_in_boxes_keeps_what_lies_outside_of_them() -> None:
    bench = Bench()
    bench.run(squares((2, 2), (2, 20), (20, 2), (20, 30)))
    scores = dict(bench.mask.features[["index", "score"]].to_numpy().tolist())
    bench.mask.data_setitem((np.array([9, 9]), np.array([20, 21])), 0)  # a stroke on object 2
    bench.mask.data_setitem((np.array([30]), np.array([2])), 3)  # object 3 grown by hand
    before = bench.mask.data.copy()

    boxes = np.array([[0, 0, 14, 14], [42, 0, 60, 14], [8, 18, 14, 30]], np.float32)
    new = squares((3, 45))  # nothing where object 1 was; object 3 is only touched by a box
    plane = bench.source.plane
    patch = drain(merge_job(new, state_of(bench.mask).before(bench.mask, plane), boxes))
    PatchWriter(bench.mask, plane, patch, result_of(new)).finish()

    expected = before.copy()
    expected[expected == 1] = 0
    (added,) = set(bench.ids()) - {2, 3, 4}
    expected[new > 0] = added
    np.testing.assert_array_equal(bench.mask.data, expected)
    assert patch.left_out == 0
    after = dict(bench.mask.features[["index", "score"]].to_numpy().tolist())
    assert {key: after[key] for key in (2, 3, 4)} == {key: scores[key] for key in (2, 3, 4)}
    bench.mask.undo()
    np.testing.assert_array_equal(bench.mask.data, before)
    bench.mask.redo()
    bench.run(squares((3, 45)))  # everywhere again: what was found before is replaced
    assert set(np.unique(bench.mask.data)) == {0, added, 3}
    assert (bench.mask.data == 3).sum() == 1


def test_a_result_for_a_plane_that_is_no_longer_shown_goes_to_its_plane() -> None:
    bench = Bench((5, 40, 60))
    bench.viewer.dims.set_point(0, 1)
    plane = bench.source.plane
    patch = merge(squares((2, 2)), state_of(bench.mask).before(bench.mask, plane))
    bench.viewer.dims.set_point(0, 4)
    PatchWriter(bench.mask, plane, patch, result_of(squares((2, 2)))).finish()
    assert bench.mask.data[1].any()
    assert not bench.mask.data[4].any()
    assert read_binding(bench.mask) is not None


def test_f18_more_ids_than_the_mask_can_hold_widen_it_first() -> None:
    bench = Bench()
    bench.run(squares((2, 2)))
    labels = squares((2, 2))
    labels[30, :] = np.arange(60)
    bench.mask.data_setitem((np.array([20]), np.array([20])), 65_535)
    patch = merge(labels, state_of(bench.mask).before(bench.mask, bench.source.plane))
    assert patch.present >= {1, 65_535}
    many = np.arange(300 * 300, dtype=np.int32).reshape(300, 300)
    big = Bench((300, 300))
    big.run(many)
    assert big.mask.data.dtype == np.int32
    np.testing.assert_array_equal(big.mask.data, many)
    big.mask.undo()
    assert not big.mask.data.any()


def test_colours_are_by_class_with_a_shade_for_each_object() -> None:
    bench = Bench()
    labels = squares((2, 2), (2, 10), (20, 30))
    result = segmentation_from_labels(labels, classes=(COIN, EGG), class_of={3: "egg"})
    patch = merge(labels, state_of(bench.mask).before(bench.mask, bench.source.plane))
    PatchWriter(bench.mask, bench.source.plane, patch, result).finish()
    first, second, egg, unknown = (bench.mask.get_color(key) for key in (1, 2, 3, 60_000))
    assert np.abs(first - second).max() > 0.1
    assert first[2] < 0.4 < egg[2]
    assert unknown is not None
    assert unknown[3] == 1


def test_the_undo_history_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_segkit.widgets.masks._pixels._HISTORY_BYTES", 4000)
    bench = Bench()
    for column in range(10):
        bench.run(squares((2, 5 * column)))
    assert 1 <= len(bench.mask._undo_history) < 10


def test_a_mask_of_another_size_or_kind_is_not_written_to() -> None:
    bench = Bench()
    assert is_usable(bench.mask, bench.source)
    bench.mask.data = np.zeros((4, 4), np.uint16)
    assert not is_usable(bench.mask, bench.source)


def test_nothing_of_ours_keeps_a_mask_alive() -> None:
    bench = Bench()
    bench.run(squares((2, 2)))
    alive = weakref.ref(bench.mask.data)
    del bench
    gc.collect()
    assert alive() is None


def test_the_first_mask_imports_nothing_in_the_gui_thread() -> None:
    run = [sys.executable, "-c", FIRST_MASK]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []

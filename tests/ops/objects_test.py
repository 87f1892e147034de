from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_segkit.ops.objects import Labeller, find_objects


def speckled(seed: int, shape: tuple[int, int] = (190, 70)) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (ndimage.gaussian_filter(rng.random(shape), 1.5) > 0.52).astype(np.uint8) * 200


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("rows", [1, 2, 7, 64, 500])
def test_bands_of_any_height_give_the_same_objects(seed: int, rows: int) -> None:
    chances = speckled(seed)
    expected, count = ndimage.label(chances, structure=np.ones((3, 3)))
    labeller = Labeller(128)
    bands = [labeller.add(chances[top : top + rows]) for top in range(0, len(chances), rows)]
    table, objects = labeller.finish()
    labels = table[np.concatenate(bands)]
    assert len(objects) == count
    pairs = set(zip(labels.ravel().tolist(), expected.ravel().tolist(), strict=True))
    assert len(pairs) == count + 1, "objects were cut or joined"
    boxes = ndimage.find_objects(labels)
    for one in objects:
        rows_there, columns = boxes[one.id - 1]
        assert one.box == (columns.start, rows_there.start, columns.stop, rows_there.stop)
        assert one.area == (labels == one.id).sum()
        assert one.score == pytest.approx(200 / 255)


def test_small_ones_are_dropped_and_ids_stay_dense() -> None:
    chances = np.zeros((600, 40), np.uint8)
    chances[5, 5] = 255
    chances[508:516, 10:12] = 180  # across the joint of two bands
    chances[590:595, 30:35] = 130
    labels, objects = find_objects(chances, threshold=128, min_area=2)
    assert [(one.id, one.area) for one in objects] == [(1, 16), (2, 25)]
    assert labels[5, 5] == 0
    assert set(np.unique(labels)) == {0, 1, 2}
    assert labels.dtype == np.int32


def test_the_threshold_belongs_to_the_object() -> None:
    chances = np.array([[127, 128, 0, 255]], np.uint8)
    labels, objects = find_objects(chances, threshold=128)
    assert labels.tolist() == [[0, 1, 0, 2]]
    assert [one.score for one in objects] == [128 / 255, 1.0]


@pytest.mark.parametrize("rows", [1, 3, 50])
def test_an_object_needs_a_certain_pixel_and_keeps_its_rim(rows: int) -> None:
    chances = np.zeros((12, 20), np.uint8)
    chances[1:6, 1:6], chances[4, 3] = 90, 200
    chances[7:11, 10:18] = 90
    labeller = Labeller(80, certain=150)
    bands = [labeller.add(chances[top : top + rows]) for top in range(0, 12, rows)]
    table, objects = labeller.finish()
    assert [one.area for one in objects] == [25]
    assert not table[np.concatenate(bands)][6:].any()


def test_nothing_found() -> None:
    labels, objects = find_objects(np.zeros((3, 4), np.uint8), threshold=1)
    assert not labels.any()
    assert objects == []

"""Masks of a dataset become the first masks of a folder under review."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_segkit.data.dataset import Sample, WriteOptions
from napari_segkit.data.store import Status, Store
from napari_segkit.errors import DatasetError
from napari_segkit.jobs import drain, write_dataset
from napari_segkit.jobs.review_open import OpenNames
from napari_segkit.jobs.review_take_in import take_in
from napari_segkit.ops.masks import segmentation_from_labels
from tests.bright import CLASSES
from tests.reviewing import SHAPE, photos


def dataset(target: Path, names: list[str], shape: tuple[int, int] = SHAPE) -> Path:
    labels = np.zeros(shape, np.int32)
    labels[5:9, 5:9], labels[20:30, 20:30] = 1, 2
    made = segmentation_from_labels(labels, classes=CLASSES)
    samples = [Sample(name, made, np.zeros((*shape, 3), np.uint8)) for name in names]
    drain(write_dataset(samples, target, classes=CLASSES, options=WriteOptions()))
    return target


def test_masks_come_to_images_of_their_names_and_to_new_ones_only(tmp_path: Path) -> None:
    masks = dataset(tmp_path / "masks.zip", ["0", "deep/1", "2", "3", "stranger"])
    opened = OpenNames()
    opened.add("3")
    with Store.open(photos(tmp_path / "in", 5)) as store:
        labels = np.full(SHAPE, 7, np.int32)
        store.save("2", labels, store.load("2").record.changed(size=SHAPE, status="edited"))
        found = drain(take_in(store, masks, opened))
        assert (found.taken, found.kept, found.strangers) == (2, 2, ("stranger",))
        work = store.load("1")
        assert work.record.status is Status.EDITED
        assert work.record.classes == (("coin", (250, 170, 50)),)
        assert sorted(work.record.instances) == [1, 2]
        assert (work.labels[6, 6], work.labels[25, 25]) == (1, 2)
        np.testing.assert_array_equal(store.load("2").labels, labels)
        assert store.line("3").status is Status.NEW
        again = drain(take_in(store, masks, OpenNames()))
        assert (again.taken, again.kept) == (1, 3)


def test_f15_masks_of_another_size_are_told(tmp_path: Path) -> None:
    masks = dataset(tmp_path / "masks", ["0", "1"], (40, 40))
    with Store.open(photos(tmp_path / "in", 2)) as store:
        found = drain(take_in(store, masks, OpenNames()))
        assert found.taken == 0
        assert "expected 80x60, got 40x40" in str(found.failures[0].error)
        assert store.line("0").status is Status.NEW


def test_names_that_do_not_fit_are_one_sentence(tmp_path: Path) -> None:
    masks = dataset(tmp_path / "masks", ["x"])
    with (
        Store.open(photos(tmp_path / "in", 2)) as store,
        pytest.raises(DatasetError, match="no image of the folder is in the dataset"),
    ):
        drain(take_in(store, masks, OpenNames()))

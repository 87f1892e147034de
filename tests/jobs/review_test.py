from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from napari_segkit.data.dataset import WriteOptions
from napari_segkit.data.formats.registry import recognise
from napari_segkit.data.provenance import beside, read_provenance
from napari_segkit.data.store import Record, Status, Store
from napari_segkit.errors import DatasetError, SegkitError, WriteError
from napari_segkit.jobs import drain
from napari_segkit.jobs.autosave import Autosave
from napari_segkit.jobs.review import (
    ActiveTime,
    Order,
    counts,
    decide,
    next_open,
    predict_all,
    queue,
    save_prediction,
)
from napari_segkit.jobs.review_report import export_store, session_report
from napari_segkit.jobs.uncertainty import disagreement, uncertainty_of
from napari_segkit.models.base import ModelParams
from napari_segkit.ops.instance_rows import InstanceRow
from napari_segkit.ops.masks import segmentation_from_labels
from tests.bright import CLASSES, Bright


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    for number, name in enumerate("abcde"):
        pixels = np.full((30, 40, 3), 20, np.uint8)
        pixels[10:20, 10 + number : 20 + number] = 200
        pixels[0, 0, 2] = 250 - 40 * number
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    Image.new("RGB", (40, 30)).save(tmp_path / "black.png")
    Bright.runs = 0
    with Store.open(tmp_path) as opened:
        yield opened


def all_of(store: Store, **options: Any) -> Any:
    return predict_all(store, Bright(), params=ModelParams(), **options)


def test_predict_all_tells_failures_and_goes_on_where_it_was_cancelled(store: Store) -> None:
    job = all_of(store)
    for step in job:
        if step.message == "c":
            job.close()
    assert [store.line(n).status for n in "abc"] == ["predicted", "predicted", "new"]
    report = drain(all_of(store))
    assert (report.predicted, report.kept) == (3, 2)
    assert "nothing to see" in str(report.failures[0].error)
    assert Bright.runs == 7  # black.png twice, no other one twice
    assert drain(all_of(store)).predicted == 0
    assert drain(all_of(store, redo=True)).predicted == 5


class Moved(Bright):
    """Finds the same somewhere else, as other weights might."""

    def predict(self, *asked: Any) -> Any:
        result = yield from super().predict(*asked)
        return replace(result, labels=np.roll(result.labels, 15, axis=1))


def test_an_image_on_which_two_weights_differ_is_more_uncertain(store: Store) -> None:
    doubts = []
    for second in (None, Bright(), Moved()):
        drain(all_of(store, names=["a"], redo=True, second=second))
        doubts.append(store.load("a").record.uncertainty)
    alone, agreed, differs = doubts
    assert agreed <= alone < differs
    assert np.array_equal(store.load("a").labels, store.load("a").predicted)


def test_a_prediction_never_goes_over_a_persons_work(store: Store) -> None:
    drain(all_of(store))
    work = store.load("a")
    decide(
        store, "a", Status.EDITED, np.zeros((30, 40), np.int32), work.record.changed(instances={})
    )
    job = all_of(store, redo=True, names=["b", "a"])
    for step in job:
        if step.message == "b" and store.line("b").status is Status.PREDICTED:
            decide(store, "b", Status.EDITED, work.labels, work.record)  # meanwhile, in the window
    assert store.line("a").objects == 0
    assert store.line("b").status is Status.EDITED


def test_orders(store: Store) -> None:
    drain(all_of(store))
    store.append("b", [], store.load("b").record.changed(status=Status.ACCEPTED))
    names = ["a", "b", "black", "c", "d", "e"]
    assert queue(store) == names
    assert queue(store, Order.STATUS) == ["black", "a", "c", "d", "e", "b"]
    assert queue(store, statuses={Status.ACCEPTED}) == ["b"]
    shuffled = queue(store, Order.RANDOM, seed=1)
    assert sorted(shuffled) == names
    assert shuffled == queue(store, Order.RANDOM, seed=1) != queue(store, Order.RANDOM, seed=2)
    assert queue(store, Order.UNCERTAINTY)[:3] == ["e", "d", "c"]
    assert queue(store, Order.UNCERTAINTY)[-1] == "black"
    assert next_open(names, "a", store) == "black"
    assert next_open(names, "e", store) == "a"
    assert next_open(["b"], "b", store) is None


def test_accepting_measures_the_prediction(store: Store, tmp_path: Path) -> None:
    drain(all_of(store))
    work = store.load("a")
    assert work.labels is not None
    labels = work.labels.copy()
    labels[10:15] = 0
    made = work.record.changed(edits=3, seconds=12.5)
    assert decide(store, "a", Status.ACCEPTED, labels, made).iou == 0.5
    store.append("b", [], store.load("b").record.changed(status=Status.SKIPPED, seconds=7.5))
    told = counts(store)
    assert told.statuses[Status.ACCEPTED] == 1
    assert told.seconds_per_image == 10
    assert told.seconds_left == 40
    session_report(store, tmp_path / "report.csv")
    text = (tmp_path / "report.csv").read_text()
    rows = list(csv.DictReader(text.splitlines()))
    assert rows[0]["image"] == "a"
    assert rows[0]["iou_of_prediction"] == "0.5"
    assert rows[0]["seconds"] == "12.5"
    assert rows[1]["status"] == "skipped"
    assert len(rows) == 6


def test_a_report_is_no_formula(tmp_path: Path) -> None:
    Image.new("RGB", (9, 9)).save(tmp_path / "=1+1.png")
    with Store.open(tmp_path) as store:
        session_report(store, tmp_path / "report.csv")
    assert "'=1+1,new" in (tmp_path / "report.csv").read_text()


def test_accepted_masks_are_exported_with_where_they_come_from(
    store: Store, tmp_path: Path
) -> None:
    drain(all_of(store))
    for name in ("a", "c"):
        work = store.load(name)
        decide(store, name, Status.ACCEPTED, work.labels, work.record)
    target = tmp_path.parent / f"{tmp_path.name}-out"
    report = drain(export_store(store, target, options=WriteOptions()))
    assert report.images == 2
    with recognise(target).open(target) as dataset:
        assert set(dataset.names) == {"a", "c"}
    told = read_provenance(beside(target)).images
    assert [one.name for one in told] == ["a", "c"]
    assert told[0].runs[0].model == "bright"
    assert told[0].instances[1] == InstanceRow("coin", 0.9804, "predicted", 0)
    with pytest.raises(DatasetError, match="no image to write"):
        drain(export_store(store, target, statuses=[Status.REJECTED]))


def test_F43_a_mask_of_another_image_is_not_exported(store: Store, tmp_path: Path) -> None:
    drain(all_of(store))
    work = store.load("a")
    decide(store, "a", Status.ACCEPTED, work.labels, work.record)
    Image.new("RGB", (40, 30), (9, 9, 9)).save(tmp_path / "a.png")
    with pytest.raises(DatasetError, match="does not belong"):
        drain(export_store(store, tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_uncertainty_and_disagreement() -> None:
    labels = np.zeros((20, 20), np.int32)
    labels[5:10, 5:10] = 1
    sure = segmentation_from_labels(labels, classes=CLASSES)
    assert uncertainty_of(sure) == 0
    cut = segmentation_from_labels(np.roll(labels, 10, axis=1), classes=CLASSES)
    unsure = segmentation_from_labels(labels, classes=CLASSES, scores={1: 0.4})
    fuzzy = segmentation_from_labels(
        labels, classes=CLASSES, uncertainty=np.full((20, 20), 1, np.float16)
    )
    assert min(u for u in map(uncertainty_of, (cut, unsure, fuzzy)) if u is not None) > 0.2
    empty = segmentation_from_labels(np.zeros_like(labels), classes=CLASSES)
    assert uncertainty_of(empty) is None
    assert disagreement(sure, sure) == 0
    assert disagreement(sure, empty) == 1
    assert uncertainty_of(sure, sure) == 0
    assert uncertainty_of(sure, empty) == pytest.approx(1 / 3)


def test_only_active_time_counts() -> None:
    clock = ActiveTime()
    for now in (100.0, 110.0, 1000.0, 1001.0, 1000.5):
        clock = clock.touched(now)
    assert clock.seconds == 10 + 30 + 1


def test_autosave_waits_for_the_end_of_a_stroke_but_not_for_long(store: Store) -> None:
    autosave = Autosave(store, "a", (30, 40))
    assert not autosave.due(0)
    autosave.mark((0, 0, 1, 1), 10.0)
    assert not autosave.due(10.4)
    assert autosave.due(10.5)
    for tick in range(1, 16):
        autosave.mark((0, 0, 1, 1), 10 + tick / 10)
        assert autosave.due(10 + tick / 10) == (tick == 15)


def test_F53_a_full_disk_is_told_once_and_nothing_is_forgotten(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    autosave = Autosave(store, "a", (30, 40))
    labels = np.zeros((30, 40), np.int32)
    labels[3, 3] = 1
    record = Record(name="a", size=(30, 40), instances={1: InstanceRow("coin")})
    autosave.mark((3, 3, 4, 4), 0.0)

    def full(*_: object) -> None:
        raise WriteError("could not write: the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(store, "append", full)
        errors: list[SegkitError | None] = [
            autosave.write(autosave.take(labels, record), now=float(k)) for k in range(3)
        ]
        assert [error is None for error in errors] == [False, True, True]
        assert autosave.dirty
    assert autosave.write(autosave.take(labels, record)) is None
    assert not autosave.dirty
    assert np.array_equal(store.load("a").labels, labels)


def test_a_prediction_keeps_time_and_edits(store: Store) -> None:
    store.append("a", [], Record(name="a", edits=2, seconds=5))
    result = segmentation_from_labels(np.ones((30, 40), np.int32), classes=CLASSES)
    made = save_prediction(store, "a", result)
    assert (made.edits, made.seconds, made.runs) == (2, 5, ())

"""The Review dock, on a viewer without a window."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_segkit.data.provenance import beside, read_provenance
from napari_segkit.data.store import Status, Store
from napari_segkit.errors import WriteError
from napari_segkit.widgets.masks._sheet import histories
from napari_segkit.widgets.review import _shelf
from napari_segkit.widgets.review._session import session_of
from tests.bright import Bright
from tests.models.tiny import tiny_weights
from tests.reviewing import Desk, photos, stored

if TYPE_CHECKING:
    from pathlib import Path

    from pytestqt.qtbot import QtBot


def choose(desk: Desk, model_id: str = "bright") -> None:
    desk.dock.predict.model.setCurrentIndex(desk.dock.predict.model.findData(model_id))


def predict_all(desk: Desk) -> str:
    desk.dock.predict.button.click()
    desk.qtbot.waitUntil(lambda: not desk.dock.predict.runner.running, timeout=20_000)
    desk.wait()
    return desk.dock.predict.status.sentence.text()


def test_a_folder_opens_with_its_first_image(desk: Desk, tmp_path: Path) -> None:
    assert desk.open(photos(tmp_path, 3)) == "3 images"
    assert desk.names == ["0", "0 · mask"]
    assert desk.viewer.layers.selection.active is desk.mask
    assert desk.dock.about.text() == "0 (1 of 3)"
    assert desk.dock.counts.text() == "0 of 3 images done\n○ 3 new"
    assert list((tmp_path / ".segkit/images").iterdir()) == []  # looking writes nothing


def test_no_folder_is_one_sentence(desk: Desk, tmp_path: Path) -> None:
    assert "no such file or folder" in desk.open(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    assert "no images found" in desk.open(tmp_path / "empty")
    assert desk.names == []


def test_a_stroke_is_on_the_disk_soon_and_alone(desk: Desk, tmp_path: Path) -> None:
    desk.open(photos(tmp_path, 1, (1500, 1500)))
    desk.paint(700, 700, 1, 9)
    desk.wait()
    work = stored(tmp_path, "0")
    np.testing.assert_array_equal(work.labels, desk.mask.data)
    assert work.record.status is Status.EDITED
    assert work.record.edits == 1
    (journal,) = (tmp_path / ".segkit/images").glob("*.journal")
    assert journal.stat().st_size < 2000  # one tile, not 36


def test_undo_and_redo_are_saved(desk: Desk, tmp_path: Path) -> None:
    desk.open(photos(tmp_path, 1))
    desk.paint(40, 40)
    desk.wait()
    desk.mask.undo()
    desk.wait()
    assert not stored(tmp_path, "0").labels.any()
    desk.mask.redo()
    desk.wait()
    assert stored(tmp_path, "0").labels[40, 40] == 1


def test_other_data_in_the_mask_are_saved(desk: Desk, tmp_path: Path) -> None:
    desk.open(photos(tmp_path, 1))
    other = np.zeros(desk.mask.data.shape, np.int32)
    other[5:9, 5:9] = 70_000
    desk.mask.data = other
    desk.wait()
    np.testing.assert_array_equal(stored(tmp_path, "0").labels, other)


def test_f15_a_mask_of_another_size_is_not_saved(desk: Desk, tmp_path: Path) -> None:
    desk.open(photos(tmp_path, 1))
    desk.paint(40, 40)
    desk.wait()
    desk.mask.data = np.ones((5, 5), np.uint16)
    assert "another size" in desk.dock.question.sentence.text()
    desk.dock.question.buttons["Open what is saved"].click()
    desk.wait()
    assert desk.mask.data[40, 40] == 1
    assert stored(tmp_path, "0").labels.shape == (60, 80)


def test_switching_keeps_the_layers_and_undo_survives_it(desk: Desk, tmp_path: Path) -> None:
    desk.open(photos(tmp_path))
    desk.viewer.add_points([[1, 1]], name="mine")
    first, pixels = desk.mask, desk.mask.data
    desk.paint(40, 40)
    desk.paint(50, 50, 2)
    desk.dock.step(1)
    desk.wait()
    assert (desk.name, desk.names) == ("1", ["1", "1 · mask", "mine"])
    assert desk.mask is first
    assert not first.data.any()
    np.testing.assert_array_equal(stored(tmp_path, "0").labels, pixels)
    assert (pixels[50, 50], pixels[40, 40]) == (2, 1)
    first.undo()  # nothing of this image can be undone
    assert not first.data.any()
    desk.dock.step(-1)
    desk.wait()
    assert desk.mask is first
    assert first.data is pixels
    first.undo()
    assert (first.data[50, 50], first.data[40, 40]) == (0, 1)
    desk.wait()
    assert stored(tmp_path, "0").labels[50, 50] == 0
    desk.dock.step(-1)
    assert desk.said == "This is the first image"


def test_beyond_the_bound_a_mask_comes_from_the_store(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk.dock.session.shelf, "_most_images", 2)
    desk.open(photos(tmp_path, 5))
    first, pixels = desk.dock.session.current, desk.mask.data
    desk.paint(40, 40, 3)
    for name in ("1", "2", "3"):
        desk.go(name)
    assert len(list(desk.dock.session.shelf)) == 2
    desk.go("0")
    assert desk.dock.session.current is not first
    assert desk.mask.data is not pixels
    np.testing.assert_array_equal(desk.mask.data, pixels)
    assert pixels[40, 40] == 3
    assert desk.mask.features["index"].tolist() == [3]


def test_what_is_not_saved_is_never_let_go(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.open(photos(tmp_path))
    monkeypatch.setattr(desk.dock.session.shelf, "_most_images", 1)
    monkeypatch.setattr(Store, "append", _full)
    first, pixels = desk.dock.session.current, desk.mask.data
    desk.paint(40, 40)
    desk.dock.step(1)
    desk.qtbot.waitUntil(lambda: "tried again" in desk.said)
    desk.dock.step(1)
    desk.qtbot.waitUntil(lambda: desk.name == "2")
    assert desk.dock.session.shelf.get("0") is first
    assert first.exhibit.labels is pixels
    monkeypatch.undo()
    desk.wait()
    assert stored(tmp_path, "0").labels[40, 40] == 1


def _full(*args: Any, **kwargs: Any) -> None:
    raise WriteError("the disk is full")


def test_f53_a_full_disk_is_told_once_and_tried_again(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.open(photos(tmp_path))
    told: list[str] = []
    desk.dock.session.keeper.failed.connect(lambda error: told.append(str(error)))
    monkeypatch.setattr(Store, "append", _full)
    with desk.qtbot.waitSignal(desk.dock.session.keeper.failed):
        desk.paint(40, 40)
    assert desk.said == "⚠ Not saved yet, tried again: the disk is full"
    one = desk.dock.session.current
    tries = [0]

    def counted(*args: Any, **kwargs: Any) -> None:
        tries[0] += 1
        _full()

    monkeypatch.setattr(Store, "append", counted)
    desk.qtbot.waitUntil(lambda: tries[0] >= 2, timeout=5000)
    assert told == ["the disk is full"]
    assert not one.clean
    monkeypatch.undo()
    desk.wait()
    assert desk.said == "Saved"
    assert stored(tmp_path, "0").labels[40, 40] == 1


def test_accept_reject_skip_and_what_is_next(desk: Desk, tmp_path: Path) -> None:
    desk.open(photos(tmp_path))
    desk.paint(40, 40)
    desk.dock.decisions.accept.click()
    desk.wait()
    assert desk.name == "1"
    desk.dock.decisions.reject.click()
    desk.wait()
    desk.dock.decisions.skip.click()
    desk.wait()
    assert desk.name == "3"
    statuses = [stored(tmp_path, name).record.status for name in "0123"]
    assert statuses == ["accepted", "rejected", "skipped", "new"]
    desk.dock.decisions.accept.click()
    desk.wait()
    assert (desk.name, desk.said) == ("3", "Every image of the list is done")
    desk.qtbot.waitUntil(lambda: "4 of 4 images done" in desk.dock.counts.text())
    desk.go("0")
    desk.paint(20, 20, 2)
    desk.wait()
    assert stored(tmp_path, "0").record.status is Status.EDITED  # to be looked at again


def test_f20_a_damaged_mask_blocks_its_image(desk: Desk, tmp_path: Path) -> None:
    desk.open(photos(tmp_path, 2))
    desk.paint(40, 40)
    desk.dock.decisions.accept.click()
    desk.wait()
    desk.dock.session.close()
    (file,) = (tmp_path / ".segkit/images").glob("*.mask")
    damaged = bytearray(file.read_bytes())
    damaged[-3] ^= 255
    file.write_bytes(damaged)
    desk.open(tmp_path)
    desk.go("0")
    assert "damaged" in desk.dock.question.sentence.text()
    assert desk.names == ["1", "1 · mask"]
    assert file.read_bytes() == damaged
    desk.dock.question.buttons["Set it aside"].click()
    desk.wait()
    assert desk.names == ["0", "0 · mask"]
    assert not desk.mask.data.any()
    assert file.with_name(f"{file.name}.damaged-1").read_bytes() == damaged


@pytest.mark.parametrize("answer", ["Keep mine", "Open the other"])
def test_f58_changed_by_another_program_asks(desk: Desk, tmp_path: Path, answer: str) -> None:
    desk.open(photos(tmp_path, 1))
    desk.paint(40, 40)
    desk.dock.decisions.accept.click()
    desk.wait()
    (file,) = (tmp_path / ".segkit/images").glob("*.mask")
    theirs = file.read_bytes()
    desk.paint(20, 20, 2)
    desk.dock.decisions.accept.click()
    desk.wait()
    file.write_bytes(theirs)  # as a synchronised folder does
    desk.paint(50, 50, 3)
    desk.qtbot.waitUntil(lambda: bool(desk.dock.question.buttons))
    assert "changed by another program" in desk.dock.question.sentence.text()
    desk.dock.question.buttons[answer].click()
    desk.wait()
    found = stored(tmp_path, "0").labels
    mine = answer == "Keep mine"
    assert sorted(np.unique(found)) == ([0, 1, 2, 3] if mine else [0, 1])
    np.testing.assert_array_equal(desk.mask.data, found)
    kept = list(file.parent.glob("*.damaged-1"))
    assert [one.read_bytes() for one in kept if one.suffix == ".damaged-1"] == [theirs] * mine


def test_f57_a_second_window_looks_only(desk: Desk, qtbot: QtBot, tmp_path: Path) -> None:
    desk.open(photos(tmp_path, 2))
    desk.paint(40, 40)
    desk.wait()
    other = Desk(qtbot, ViewerModel())
    qtbot.addWidget(other.dock)
    other.open(tmp_path)
    assert "looking only" in other.dock.status.notes.text()
    assert other.mask.data[40, 40] == 1
    assert not other.mask.editable
    assert not other.dock.decisions.accept.isEnabled()
    other.dock.decide(Status.ACCEPTED)
    assert "looking only" in other.said
    assert stored(tmp_path, "0").record.status is Status.EDITED
    desk.dock.session.close()
    other.open(tmp_path)
    assert other.mask.editable
    other.dock.session.close()


def test_f42_a_deleted_mask_is_saved_and_comes_back(desk: Desk, tmp_path: Path) -> None:
    desk.open(photos(tmp_path, 2))
    desk.paint(40, 40)
    mask = desk.mask
    desk.viewer.layers.remove(mask)
    desk.wait()
    assert desk.said.startswith("The mask of 0 was closed; its work is saved")
    assert stored(tmp_path, "0").labels[40, 40] == 1
    desk.go("0")
    assert desk.names == ["0", "0 · mask"]
    assert desk.mask is mask


def test_closing_saves_and_lets_the_folder_go(desk: Desk, tmp_path: Path) -> None:
    desk.open(photos(tmp_path, 2))
    assert session_of(desk.viewer) is desk.dock.session
    desk.paint(40, 40)
    assert desk.dock.session.close() == []
    assert desk.names == []
    assert session_of(desk.viewer) is None
    with Store.open(tmp_path) as store:
        assert not store.read_only
        assert store.load("0").labels[40, 40] == 1
        assert store.recovered == ()


def test_a_mask_that_cannot_be_saved_stays_open(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.open(photos(tmp_path / "a", 1))
    monkeypatch.setattr(Store, "append", _full)
    desk.paint(40, 40)
    mask = desk.mask
    assert desk.dock.session.close() == ["0"]
    assert list(desk.viewer.layers) == [mask]


def test_deleted_with_its_window_it_saves_first(qtbot: QtBot, tmp_path: Path) -> None:
    desk = Desk(qtbot, ViewerModel())
    desk.open(photos(tmp_path, 1))
    desk.paint(40, 40)
    with qtbot.waitSignal(desk.dock.destroyed):
        desk.dock.deleteLater()
    qtbot.waitUntil(lambda: stored(tmp_path, "0").labels is not None)
    assert stored(tmp_path, "0").labels[40, 40] == 1


def test_predict_all_goes_on_where_it_was_and_leaves_work_alone(desk: Desk, tmp_path: Path) -> None:
    desk.open(photos(tmp_path, 5))
    desk.paint(40, 40)
    desk.wait()
    assert not desk.dock.predict.button.isEnabled()
    choose(desk)
    desk.wait()
    assert predict_all(desk).startswith("4 images predicted")
    with_model = [stored(tmp_path, name).record.status.value for name in "01234"]
    assert with_model == ["edited"] + 4 * ["predicted"]
    assert predict_all(desk).startswith("0 images predicted")
    desk.go("3")
    assert desk.mask.data[15, 20] == 1
    assert desk.mask.features["status"].tolist() == ["predicted"]
    assert desk.dock.model.about("3").startswith("predicted · 1 object · doubt")


def test_other_weights_to_compare_with_make_an_image_uncertain(desk: Desk, tmp_path: Path) -> None:
    desk.open(photos(tmp_path, 3))
    choose(desk, "eggpan")
    page = desk.dock.predict.pages.currentWidget()
    assert not page.comparison.weights.isEnabled()
    own = tiny_weights("eggpan", tmp_path / "own")
    page.preset.setCurrentText("origin")  # keeps what it is hardly sure of
    page.weights.path = own
    page.comparison.wanted.setChecked(True)
    desk.dock.predict.again.setChecked(True)
    doubts = []
    for other in (own, None):  # None: the weights in use
        page.comparison.weights.path = other
        desk.wait()
        assert not predict_all(desk).startswith("0 images")
        doubts.append(stored(tmp_path, "2").record.uncertainty)
    assert doubts[0] < doubts[1]


def test_the_open_image_is_predicted_as_an_undoable_run(desk: Desk, tmp_path: Path) -> None:
    desk.open(photos(tmp_path, 2))
    choose(desk)
    desk.dock.predict.predicting.emit()
    desk.qtbot.waitUntil(lambda: not desk.dock.predict.runner.running, timeout=20_000)
    desk.wait()
    assert desk.mask.data[15, 20] == 1
    work = stored(tmp_path, "0")
    assert work.record.status is Status.PREDICTED
    assert work.record.runs[0].model == "bright"
    assert work.predicted is not None
    assert work.record.instances[1].run == 0
    desk.mask.undo()
    assert not desk.mask.data.any()
    desk.mask.redo()
    desk.dock.decisions.accept.click()
    desk.wait()
    assert stored(tmp_path, "0").record.iou == 1


def test_the_next_image_is_predicted_ahead(desk: Desk, tmp_path: Path) -> None:
    desk.open(photos(tmp_path, 3))
    choose(desk)
    desk.go("1")
    desk.qtbot.waitUntil(lambda: desk.dock.session.reader.prepared == "2")
    assert stored(tmp_path, "2").record.status is Status.PREDICTED
    desk.dock.step(1)
    assert desk.name == "2"  # at once
    assert desk.mask.data[15, 20] == 1


def test_a_second_run_takes_the_stored_one_for_its_own(desk: Desk, tmp_path: Path) -> None:
    """What a model found in an earlier session is not the person's stroke."""
    desk.open(photos(tmp_path, 2))
    choose(desk)
    predict_all(desk)
    desk.go("1")
    desk.paint(50, 70, 2)
    desk.wait()
    before = desk.mask.data.copy()
    desk.dock.session.run.start(
        desk.dock.session.predictor.model,
        desk.dock.session.current.image,
        desk.dock.session.predictor.params,
        load=lambda: None,
    )
    desk.wait()
    np.testing.assert_array_equal(desk.mask.data, before)
    assert desk.mask.features["status"].tolist() == ["predicted", "drawn"]


def test_failed_images_are_told(desk: Desk, tmp_path: Path) -> None:
    photos(tmp_path, 2)
    (tmp_path / "bad.png").write_bytes(b"<html>")
    desk.open(tmp_path)
    choose(desk)
    assert ", 1 not" in predict_all(desk)
    assert "not an image" in desk.dock.predict.status.notes.text()
    desk.go("bad")
    assert "not an image" in desk.said
    desk.go("1")
    assert desk.name == "1"


def test_filters_and_orders(desk: Desk, tmp_path: Path) -> None:
    desk.open(photos(tmp_path, 12))
    bar = desk.dock.filter
    bar.text.setText("1")
    assert desk.dock.model.names == ["1", "10", "11"]
    bar.text.clear()
    desk.dock.decisions.skip.click()
    desk.wait()
    bar.status.setCurrentText("not done")
    bar.changed.emit()
    assert "0" not in desk.dock.model.names
    assert len(desk.dock.model.names) == 11
    bar.status.setCurrentText("all")
    bar.sort.setCurrentText("by status")
    bar.changed.emit()
    assert desk.dock.model.names[-1] == "0"


def test_report_and_export(desk: Desk, tmp_path: Path) -> None:
    desk.open(photos(tmp_path / "in", 3))
    choose(desk)
    predict_all(desk)
    desk.go("1")
    desk.dock.decisions.accept.click()
    desk.wait()
    results = desk.dock.results
    results.save_report(tmp_path / "report.csv")
    with (tmp_path / "report.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["status"] for row in rows] == ["predicted", "accepted", "predicted"]
    results.target.setText(str(tmp_path / "masks.zip"))
    with desk.qtbot.waitSignal(results.runner.done, timeout=20_000):
        results.export_button.click()
    assert results.status.sentence.text() == "1 image, 1 object written"
    told = read_provenance(beside(tmp_path / "masks.zip"))
    assert told.images[0].runs[0].model == "bright"
    results.export_button.click()
    assert "exists already" in results.status.sentence.text()
    results.update_summary()
    assert results.summary.text().startswith("1 accepted, 0.0 edits")


def test_ten_thousand_rows_are_looked_at_only_when_seen(desk: Desk, tmp_path: Path) -> None:
    desk.open(photos(tmp_path, 2))
    model, view = desk.dock.model, desk.dock.list
    asked: list[object] = []
    model.thumbnails.get = asked.append
    sources = dict(desk.dock.session.store.sources)
    first = next(iter(sources.values()))
    desk.dock.session.store.sources = {f"{n:05d}": first for n in range(10_000)}
    model.show(list(desk.dock.session.store.sources))
    view.resize(300, 400)
    view.grab()
    assert model.rowCount() == 10_000
    assert 0 < len(asked) < 20
    view.scrollToBottom()
    view.grab()
    assert len(asked) < 60
    desk.dock.session.store.sources = sources


def test_an_image_made_meanwhile_by_the_reader_is_not_claimed(desk: Desk, tmp_path: Path) -> None:
    """Images that were only prepared can be predicted by "Predict all"."""
    desk.open(photos(tmp_path, 3))
    assert desk.dock.session.reader.prepared == "1"
    choose(desk)
    assert predict_all(desk).startswith("2 images predicted")
    assert Bright.runs >= 3


def test_the_previous_image_s_mask_is_there_for_others(desk: Desk, tmp_path: Path) -> None:
    desk.open(photos(tmp_path, 2))
    assert desk.dock.session.previous_labels() is None
    desk.paint(40, 40)
    desk.go("1")
    labels, rows, classes = desk.dock.session.previous_labels()
    assert labels[40, 40] == 1
    assert rows[1].class_name == classes[0].name


def test_masks_of_other_docks_are_hidden_not_lost(desk: Desk, tmp_path: Path) -> None:
    from napari_segkit.widgets.masks._binding import bind

    desk.open(photos(tmp_path, 2))
    image = desk.dock.session.current.image
    assert isinstance(image, Image)
    other = Labels(np.ones((60, 80), np.uint8), name="0 · other")
    bind(other, image=image, image_name="0", model="other", classes=Bright.classes)
    desk.viewer.add_layer(other)
    desk.go("1")
    assert not other.visible
    desk.go("0")
    assert other.visible


def test_history_size_counts_what_undo_keeps() -> None:
    layer = Labels(np.zeros((50, 50), np.uint16))
    assert _shelf.history_size(*histories(layer)) == 0
    layer.paint((20, 20), 1)
    layer.data_setitem((np.arange(5), np.arange(5)), 3)
    assert 100 < _shelf.history_size(*histories(layer)) < 5000


def test_masks_of_a_dataset_are_taken_in(desk: Desk, tmp_path: Path) -> None:
    from tests.jobs.review_take_in_test import dataset

    masks = dataset(tmp_path / "masks.zip", ["0", "1", "x"])
    desk.open(photos(tmp_path / "in", 3))
    panel = desk.dock.taking
    panel.source.line.setText(str(masks))
    with desk.qtbot.waitSignal(panel.ended, timeout=20_000):
        panel.button.click()
    desk.wait()
    assert panel.status.sentence.text() == "2 masks taken in"
    assert "1 mask without an image here: x" in panel.status.notes.text()
    assert desk.name == "0"
    assert desk.mask.data[25, 25] == 2
    panel.source.line.setText(str(tmp_path / "nothing"))
    with desk.qtbot.waitSignal(panel.ended, timeout=20_000):
        panel.button.click()
    assert "no such file or folder" in panel.status.sentence.text()


def test_f43_an_image_swapped_while_it_is_predicted(
    desk: Desk, tmp_path: Path, gate: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_segkit.widgets.review._predict.get_model", lambda name: gate)
    desk.open(photos(tmp_path, 1))
    choose(desk)
    desk.dock.session.predict_current()
    desk.qtbot.waitUntil(gate.inside.is_set)
    image = desk.dock.session.current.image
    image.data = np.zeros((60, 80, 3), np.uint8)
    gate.labels = np.ones((60, 80), np.int32)
    with desk.qtbot.waitSignal(desk.dock.session.predicted, timeout=20_000):
        gate.open.set()
    assert desk.said == "⚠ Not written: the image was changed while the model ran"
    assert not desk.mask.data.any()
    assert stored(tmp_path, "0").labels is None


def test_f59_a_person_s_own_files_are_never_written(desk: Desk, tmp_path: Path) -> None:
    photos(tmp_path, 3)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    desk.open(tmp_path)
    choose(desk)
    predict_all(desk)
    desk.paint(40, 40)
    desk.dock.decisions.accept.click()
    desk.wait()
    desk.dock.session.close()
    after = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    assert after == before


def test_f21_an_image_renamed_meanwhile_keeps_its_work(desk: Desk, tmp_path: Path) -> None:
    desk.open(photos(tmp_path, 2))
    desk.paint(40, 40)
    (tmp_path / "0.png").rename(tmp_path / "other.png")
    desk.wait()
    desk.open(tmp_path)
    desk.go("other")
    assert desk.mask.data[40, 40] == 1
    assert desk.dock.session.status("other") is Status.EDITED


def test_f54_a_folder_that_is_gone_is_said_and_the_work_stays(desk: Desk, tmp_path: Path) -> None:
    folder = photos(tmp_path / "in", 2)
    desk.open(folder)
    folder.rename(tmp_path / "away")
    with desk.qtbot.waitSignal(desk.dock.session.keeper.failed, timeout=10_000):
        desk.paint(40, 40)
    assert desk.said.startswith("⚠ Not saved yet, tried again:")
    (tmp_path / "away").rename(folder)
    desk.wait()
    assert stored(folder, "0").labels[40, 40] == 1


def test_accepting_on_a_replaced_image_makes_the_mask_its_own(desk: Desk, tmp_path: Path) -> None:
    folder = photos(tmp_path / "in", 2)
    desk.open(folder)
    desk.paint(40, 40)
    desk.dock.decisions.accept.click()
    desk.wait()
    desk.dock.session.close()
    (folder / "0.png").write_bytes((folder / "1.png").read_bytes())
    desk.open(folder)
    desk.go("0")
    assert "another one than its mask was made on" in desk.dock.status.notes.text()
    desk.dock.decisions.accept.click()
    desk.wait()
    assert not stored(folder, "0").other_image

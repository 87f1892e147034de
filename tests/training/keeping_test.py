"""Store, log, card: what a training keeps."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from napari_segkit.data.dataset import Sample
from napari_segkit.errors import DatasetError, ParamsError
from napari_segkit.ops.masks import segmentation_from_labels
from napari_segkit.training.curves import curves_svg
from napari_segkit.training.events import BatchDone, EpochDone, Validated
from napari_segkit.training.log import TrainLog, row_of
from napari_segkit.training.losses import IGNORE
from napari_segkit.training.store import fingerprint, item_of, without_ids
from napari_segkit.types import ClassDef

EGG, PAN, UNKNOWN = (ClassDef(name, (9, 9, 9)) for name in ("egg", "pan", "ignore"))


def sample(*classes: ClassDef, size: tuple[int, int] = (12, 12)) -> Sample:
    labels = np.zeros((12, 12), np.int32)
    for key in range(1, len(classes) + 1):
        labels[3 * key : 3 * key + 2, 2:6] = key
    class_of = {key: one.name for key, one in enumerate(classes, 1)}
    result = segmentation_from_labels(labels, classes=classes, class_of=class_of)
    return Sample("a", result, np.zeros((*size, 3), np.uint8))


def test_classes_in_the_order_of_the_task_and_unknown_pixels() -> None:
    item = item_of(sample(PAN, EGG, UNKNOWN), ("egg", "pan"))
    assert [item.target[3 * key, 3] for key in (1, 2, 3)] == [2, 1, IGNORE]
    assert item.centres.tolist() == [[4, 4], [7, 4], [10, 4]]
    assert without_ids(item).ids.size == 0


def test_the_only_class_may_have_any_name() -> None:
    assert item_of(sample(ClassDef("speck", (1, 1, 1))), ("dust",)).target.max() == 1


def test_samples_that_cannot_be_learned_from_are_refused() -> None:
    with pytest.raises(DatasetError, match=r"class is not .*expected egg, pan, got ignored"):
        item_of(sample(EGG, ClassDef("ignored", (1, 1, 1))), ("egg", "pan"))
    with pytest.raises(DatasetError, match="mask does not match its image"):
        item_of(sample(EGG, size=(9, 12)), ("egg",))
    bare = Sample("a", sample(EGG).segmentation, None)
    with pytest.raises(DatasetError, match="no image to train on"):
        item_of(bare, ("egg",))


def test_fingerprint_sees_every_pixel_of_image_and_mask() -> None:
    first, other = (item_of(sample(EGG), ("egg",)) for _ in range(2))
    assert fingerprint([first]) == fingerprint([other])
    other.target[0, 0] = 1
    assert fingerprint([first]) != fingerprint([other])
    other.target[0, 0] = 0
    other.image[11, 11, 2] = 1
    assert fingerprint([first]) != fingerprint([other])


def epoch(log: TrainLog, number: int, score: float) -> None:
    log.add(BatchDone(number, 9, number, 0.5, 1e-3))
    log.add(EpochDone(number, 9, 0.5, 2.0, 40.0, 0.1))
    log.add(Validated(number, {"score": score, "rare": float("nan")}, True, 1.0))


def test_the_log_drops_rows_of_epochs_that_are_done_again(tmp_path: Path) -> None:
    log = TrainLog(tmp_path, after=0, tensorboard=False)
    for number in (1, 2, 3):
        epoch(log, number, number / 10)
    again = TrainLog(tmp_path, after=2, tensorboard=False)
    epoch(again, 3, 0.9)
    lines = (tmp_path / "log.csv").read_text().splitlines()
    assert lines[0] == "epoch,loss,lr,seconds,images_per_s,score,rare"
    assert [line.split(",")[0] for line in lines[1:]] == ["1", "2", "3"]
    assert lines[3].split(",")[5] == "0.9"


def test_the_log_gets_the_row_that_a_stop_kept_out(tmp_path: Path) -> None:
    log = TrainLog(tmp_path, after=0, tensorboard=False)
    epoch(log, 1, 0.1)
    before = (tmp_path / "log.csv").read_text()
    row = row_of(EpochDone(2, 9, 0.5, 2.0, 40.0, 0.1), 1e-3) | {"score": 0.2}
    for _ in range(2):  # the second time it is there
        TrainLog(tmp_path, after=2, tensorboard=False).catch_up(row)
        rows = (tmp_path / "log.csv").read_text()
        assert rows == before + "2,0.5,0.001,2,40,0.2,\n"
    TrainLog(tmp_path, after=2, tensorboard=False).catch_up({})  # of an older checkpoint
    assert (tmp_path / "log.csv").read_text() == rows


def test_curves_are_one_svg_without_what_is_no_number() -> None:
    rows = [{"epoch": float(k), "loss": 1 / k, "<&": float("nan")} for k in (1, 2, 3)]
    root = ET.fromstring(curves_svg(rows))
    lines = root.findall(".//{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == 1
    assert len(lines[0].attrib["points"].split()) == 3


def test_tensorboard_is_an_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ParamsError, match=r"napari-segkit\[tensorboard\]"):
        TrainLog(tmp_path, after=0, tensorboard=True)


def test_tensorboard_gets_losses_by_step_and_measures_by_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[object, ...]] = []

    class Writer:
        def __init__(self, folder: Path) -> None:
            told.append((folder,))

        def add_scalar(self, *scalar: object) -> None:
            told.append(scalar)

        def close(self) -> None:
            told.append(("closed",))

    module = SimpleNamespace(SummaryWriter=Writer)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    log = TrainLog(tmp_path, after=0, tensorboard=True)
    for step in (1, 2):
        log.add(BatchDone(step, 2, 0, 0.5 / step, 1e-3))
    log.add(EpochDone(1, 1, 0.4, 2.0, 40.0, 0.1))
    log.add(Validated(1, {"score": 0.25, "dice": 0.75}, True, 1.0))
    log.close()
    assert told == [
        (tmp_path / "tensorboard",),
        ("loss", 0.5, 1),
        ("loss", 0.25, 2),
        ("valid/score", 0.25, 1),
        ("valid/dice", 0.75, 1),
        ("closed",),
    ]


@pytest.mark.filterwarnings("default")  # of another package, which may not be here
def test_tensorboard_reads_what_is_written(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    log = TrainLog(tmp_path, after=0, tensorboard=True)
    epoch(log, 1, 0.25)
    log.close()
    read = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    found = {tag: [(e.step, e.value) for e in read.Scalars(tag)] for tag in ("loss", "valid/score")}
    assert found == {"loss": [(1, 0.5)], "valid/score": [(1, 0.25)]}

"""Training as a job: datasets in, weights and their card out; what cannot be used is said."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_segkit.cli.train_commands import tell_text
from napari_segkit.data import weights as weights_module
from napari_segkit.data.dataset import Sample, WriteOptions
from napari_segkit.data.formats.registry import get_format
from napari_segkit.data.weights import load_weights, save_weights
from napari_segkit.errors import DatasetError, InputError, WeightsError, WriteError
from napari_segkit.jobs import drain, train_folds
from napari_segkit.jobs.synth import synthesise
from napari_segkit.jobs.train import _images, train
from napari_segkit.jobs.train_folds import Folded
from napari_segkit.jobs.train_split import split
from napari_segkit.ops.masks import segmentation_from_labels
from napari_segkit.synth.registry import get_generator
from napari_segkit.training import fit as fit_module
from napari_segkit.training import keeper as keeper_module
from napari_segkit.training.checkpoint import read_state
from napari_segkit.training.config import TrainConfig, read_config
from napari_segkit.training.events import BatchDone, EpochDone, Note, Validated
from napari_segkit.training.fit import BEST, LAST
from napari_segkit.training.log import TrainLog
from napari_segkit.training.store import Item
from napari_segkit.training.tasks import get_task
from napari_segkit.types import ClassDef

TINY = {"widths": [8, 16, 24], "blocks": [0, 0, 1]}
DUST = ClassDef("dust", (250, 50, 83))
EGG, PAN = ClassDef("egg", (250, 220, 60)), ClassDef("pan", (90, 120, 250))

DICE_REACHED = 0.5
"""Pixel Dice on unseen generated scenes after a training of seconds: what the docs state."""


def config(**changes: object) -> TrainConfig:
    base = {"epochs": 2, "epoch_steps": 2, "batch": 2, "size": 64, "warmup": 1, "threads": 1}
    base |= {"arch": "unet-light", "arch_config": TINY, "device": "cpu", "ema": 0.5, "lr": 5e-3}
    return TrainConfig.model_validate(base | changes)


def scene(number: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """A grey image with bright squares of each class, and their ids."""
    rng = np.random.default_rng(number)
    image = rng.integers(90, 130, (64, 96, 3)).astype(np.uint8)
    labels = np.zeros((64, 96), np.int32)
    for key in range(1, classes + 1):
        row, col = rng.integers(2, 40), 40 * (key - 1) + rng.integers(2, 20)
        image[row : row + 18, col : col + 18] = (250, 40, 40) if key == 1 else (30, 30, 250)
        labels[row : row + 18, col : col + 18] = key
    return image, labels


@pytest.fixture
def dataset(tmp_path: Path) -> Callable[..., Path]:
    """Write a dataset of squares."""

    def write(
        name: str,
        count: int,
        classes: tuple[ClassDef, ...] = (DUST,),
        names: Sequence[str] = (),
    ) -> Path:
        options = WriteOptions(include_images=True)
        writer = get_format("tiff16").open_writer(tmp_path / name, classes=classes, options=options)
        with writer:
            for number in range(count):
                image, labels = scene(number, len(classes))
                class_of = {key: one.name for key, one in enumerate(classes, 1)}
                result = segmentation_from_labels(labels, classes=classes, class_of=class_of)
                called = names[number] if names else f"scene_{number}"
                writer.add(Sample(called, result, image))
        return tmp_path / name

    return write


def test_weights_card_log_and_curves(dataset: Callable[..., Path], tmp_path: Path) -> None:
    events: list[object] = []
    report = drain(
        train(
            "dust",
            dataset("squares", 5),
            tmp_path / "out",
            config=config(seed=7),
            name="mine",
            on_event=events.append,
        )
    )
    assert (report.train_images, report.valid_images, report.epoch) == (4, 1, 2)
    tensors, card = load_weights(report.weights)
    assert report.weights == tmp_path / "out/mine.safetensors"
    assert (card.name, card.model, card.arch, card.classes) == (
        "mine", "dust", "unet-light", ("dust",)
    )  # fmt: skip
    assert card.arch_config == TINY
    assert card.input_size == 64
    assert card.training.seed == 7
    assert card.training.steps == 2 * report.best_epoch
    assert card.training.data == "4 images of squares"
    assert len(card.training.data_sha256) == 64
    assert "segkit train dust squares" in card.training.recipe
    assert str(tmp_path) not in card.model_dump_json()
    assert card.metrics["score"] == pytest.approx(report.metrics["score"], abs=1e-5)
    assert card.versions["torch"]
    assert tensors
    with (tmp_path / "out/log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert {"loss", "lr", "images_per_s", "object_f1", "dice"} <= rows[0].keys()
    assert "<polyline" in (tmp_path / "out/curves.svg").read_text()
    kinds = [type(event) for event in events]
    assert kinds == 2 * [BatchDone, BatchDone, EpochDone, Validated]


def test_eggs_and_pans(dataset: Callable[..., Path], tmp_path: Path) -> None:
    data = dataset("pans", 3, (EGG, PAN))
    job = train("eggpan", data, tmp_path / "out", valid=data, config=config(epochs=1))
    report = drain(job)
    assert (report.train_images, report.valid_images) == (3, 3)
    assert {"iou_egg", "iou_pan", "mean_iou"} <= report.metrics.keys()
    assert load_weights(report.weights)[1].classes == ("egg", "pan")


def test_what_was_not_measured_has_no_score(
    dataset: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = train("dust", dataset("one", 1), tmp_path / "out", config=config(), on_event=tell_text)
    report = drain(job)
    assert (report.valid_images, report.epoch) == (0, 2)
    assert report.metrics == {}
    assert load_weights(report.weights)[1].metrics == {}
    told = capsys.readouterr().err
    assert "epoch 2/2" in told
    assert "score" not in told


def test_images_to_learn_from_need_no_memory_for_their_objects(
    dataset: Callable[..., Path],
) -> None:
    task, folder = get_task("dust"), dataset("learn", 3)
    whole, _ = drain(_images(task, [folder], []))
    lean, judge = drain(_images(task, [folder], [folder]))
    assert all(item.ids.any() for item in [*whole, *judge]), "split or scored by them later"
    assert not sum(item.ids.nbytes for item in lean)
    assert all(np.array_equal(a.target, b.target) for a, b in zip(whole, lean, strict=True))


def test_resume_extends_the_log(dataset: Callable[..., Path], tmp_path: Path) -> None:
    data, out = dataset("squares", 4), tmp_path / "out"
    job = train("dust", data, out, config=config(epochs=3))
    for step in job:
        if step.done == 5:  # in the third epoch
            break
    job.close()
    drain(train("dust", data, out, config=config(epochs=3), resume=True))
    with (out / "log.csv").open(newline="") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1", "2", "3"]
    assert read_state(out / LAST).epoch == 3


def test_other_images_are_told_on_resume(dataset: Callable[..., Path], tmp_path: Path) -> None:
    drain(train("dust", dataset("a", 4), tmp_path / "out", config=config(epochs=1)))
    more = train("dust", dataset("b", 6), tmp_path / "out", config=config(), resume=True)
    assert any("others than before" in note for note in drain(more).notes)


def test_start_from_weights_or_another_training(
    dataset: Callable[..., Path], tmp_path: Path
) -> None:
    data = dataset("squares", 2)
    first = drain(train("dust", data, tmp_path / "a", config=config(epochs=1)))
    for init in (first.weights, tmp_path / "a"):
        job = train("dust", data, tmp_path / "b", config=config(epochs=1), init=init)
        (note,) = drain(job).notes
        assert "start from the given weights" in note
    # no architecture named: that of the weights, not the model's own
    open_ = config(epochs=1).model_copy(update={"arch": None, "arch_config": {}})
    (note,) = drain(train("dust", data, tmp_path / "c", config=open_, init=first.weights)).notes
    card = load_weights(tmp_path / "c" / "dust.safetensors")[1]
    assert card.arch_config == TINY
    assert f"{len(load_weights(first.weights)[0])} of" in note


def test_the_card_says_what_a_training_began_with_and_whose_it_was(
    dataset: Callable[..., Path], tmp_path: Path
) -> None:
    data = dataset("d", 2)
    first = drain(train("dust", data, tmp_path / "a", config=config(epochs=1)))
    tensors, card = load_weights(first.weights)
    assert (card.training.start, card.licence) == ("", "BSD-3-Clause")
    given = tmp_path / "given.safetensors"
    kept = save_weights(given, tensors, card.model_copy(update={"licence": "Apache-2.0"}))
    for init in (given, tmp_path / "b"):  # a file, then the folder of the training from it
        out = tmp_path / ("b" if init == given else "c")
        drain(train("dust", data, out, config=config(epochs=1), init=init))
        card = load_weights(out / "dust.safetensors")[1]
        assert card.licence == "BSD-3-Clause AND Apache-2.0"
        assert len(card.training.start) == 64
        assert (card.training.start == kept.sha256) == (init == given)


@pytest.mark.parametrize(("count", "expected"), [(1, 0), (2, 1), (3, 1), (9, 1), (30, 3)])
def test_split_is_honest(count: int, expected: int) -> None:
    empty = np.zeros((0, 0))
    items = [Item(str(k), empty, empty, empty, empty) for k in range(count)]
    learn, judge = split(items, 0.1, 3)
    assert len(judge) == expected
    assert len(learn) == count - expected
    assert not {one.name for one in learn} & {one.name for one in judge}
    again = split(items, 0.1, 3)[1]
    assert [one.name for one in again] == [one.name for one in judge]
    assert count < 9 or split(items, 0.1, 4)[1] != judge


def test_tiles_of_one_photo_stay_on_one_side() -> None:
    empty = np.zeros((0, 0))
    names = [f"{photo}_{row}_{col}" for photo in "abcdef" for row in range(3) for col in range(3)]
    for seed in range(5):
        items = [Item(name, empty, empty, empty, empty) for name in names]
        learn, judge = ({one.name[0] for one in side} for side in split(items, 0.3, seed))
        assert not learn & judge
        assert len(judge) == 2
    days = [Item(f"pan_2024_0{k}", empty, empty, empty, empty) for k in range(4)]
    assert len(split(days, 0.5, 0)[1]) == 2


def test_tiles_of_one_photo_are_never_judged_by(
    dataset: Callable[..., Path], tmp_path: Path
) -> None:
    tiles = dataset("tiles", 4, names=[f"sky_{row}_{col}" for row in range(2) for col in range(2)])
    for name, folds in (("plain", None), ("folds", 2)):
        out, events = tmp_path / name, list[object]()
        settings = config(epochs=1, folds=folds)
        report = drain(train("dust", tiles, out, config=settings, on_event=events.append))
        assert (report.train_images, report.valid_images, report.folds) == (4, 0, 0)
        assert report.metrics == {}
        (note,) = report.notes
        assert "no photo is left to judge by" in note
        assert events[0] == Note(note)


def test_folds_leave_out_whole_photos(dataset: Callable[..., Path], tmp_path: Path) -> None:
    tiles = dataset("tiles", 5, names=["a_0_0", "b_0_0", "a_0_1", "b_1_0", "c_0_0"])
    out = tmp_path / "out"
    report = drain(train("dust", tiles, out, config=config(epochs=1, folds=4)))
    assert (report.folds, report.notes) == (3, ()), "as many as photos"
    cards = [load_weights(out / f"fold{k}/dust.safetensors")[1] for k in (1, 2, 3)]
    assert [card.training.data for card in cards] == [
        "3 images, all but a",
        "3 images, all but b",
        "4 images, all but c",
    ]


def test_a_finished_cross_validation_is_not_trained_on_when_resumed(
    dataset: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, out = dataset("squares", 2), tmp_path / "out"
    chosen = Folded(2, 1, {"score": 0.5})  # the first of two epochs
    monkeypatch.setattr(train_folds, "_summed", lambda _: chosen)
    drain(train("dust", data, out, config=config(folds=2)))
    kept = (out / "dust.safetensors").read_bytes()
    report = drain(train("dust", data, out, config=config(folds=2), resume=True))
    assert (report.epoch, read_state(out / "fold1" / LAST).epoch) == (1, 2)
    assert (out / "dust.safetensors").read_bytes() == kept


@pytest.mark.parametrize(
    "place",
    [
        (fit_module, "_save_best"),
        (TrainLog, "_write"),
        (keeper_module, "export_weights"),
        (weights_module, "card_path"),  # between the weights and their card
    ],
    ids=lambda place: place[1],
)
def test_F52_a_stop_after_the_last_checkpoint_is_mended_on_resume(
    place: tuple[object, str],
    dataset: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data, settings = dataset("squares", 4), config(keep="last")
    drain(train("dust", data, tmp_path / "whole", config=settings))
    out, plain, calls = tmp_path / "cut", getattr(*place), iter(range(9))

    def stop(*args: object, **kwargs: object) -> object:
        if next(calls) == 1:  # in the second and last epoch
            raise WriteError("the disk is full")
        return plain(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(*place, stop)
        with pytest.raises(WriteError):
            drain(train("dust", data, out, config=settings))
    assert read_state(out / LAST).epoch == 2
    report = drain(train("dust", data, out, config=settings, resume=True))
    assert (report.epoch, report.best_epoch) == (2, 2)
    assert load_weights(report.weights)[1].training.steps == 4
    for name in ("dust.safetensors", BEST):
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    kept = report.weights.stat().st_mtime_ns
    with (out / "log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    with (tmp_path / "whole/log.csv").open(newline="") as file:
        whole = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert [[row["loss"], row["score"]] for row in rows] == [
        [row["loss"], row["score"]] for row in whole
    ]
    drain(train("dust", data, out, config=settings, resume=True))
    assert report.weights.stat().st_mtime_ns == kept, "whole weights are left alone"


def test_weights_are_not_written_from_a_checkpoint_of_another_network(
    dataset: Callable[..., Path], tmp_path: Path
) -> None:
    data, out = dataset("squares", 2), tmp_path / "out"
    report = drain(train("dust", data, out, config=config(epochs=1)))
    report.weights.unlink()
    other = config(epochs=1, arch_config={"widths": [8, 16], "blocks": [0, 0]})
    with pytest.raises(WeightsError, match="checkpoint cannot be used"):
        drain(train("dust", data, out, config=other, resume=True))
    assert not report.weights.exists()


def test_what_cannot_be_used_is_said(dataset: Callable[..., Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(InputError, match="model cannot be trained"):
        drain(train("coins", dataset("a", 2), out, config=config()))
    with pytest.raises(DatasetError, match="class is not one of the model's"):
        drain(train("eggpan", dataset("b", 2, (EGG, DUST)), out, config=config()))
    with pytest.raises(DatasetError, match="no such file"):
        drain(train("dust", tmp_path / "gone", out, config=config()))
    with pytest.raises(InputError, match="unknown architecture"):
        drain(train("dust", dataset("c", 2), out, config=config(arch="big")))
    Image.new("RGB", (8, 8)).save(tmp_path / "x.png")
    with pytest.raises(WeightsError):
        drain(train("dust", dataset("d", 2), out, config=config(), init=tmp_path / "x.png"))
    with pytest.raises(WriteError):
        drain(train("dust", dataset("e", 2), tmp_path / "x.png/out", config=config()))


def test_configuration_from_toml(tmp_path: Path) -> None:
    file = tmp_path / "train.toml"
    file.write_text("epochs = 3\nlr = 1e-3\narch_config = { widths = [8, 16] }\n")
    read = read_config(file, {"lr": "0.5"})
    assert (read.epochs, read.lr, read.arch_config) == (3, 0.5, {"widths": [8, 16]})
    for text, words in (("epochs = 0", "at least 1"), ("epoch = 3", "unknown"), ("[", "be read")):
        file.write_text(text)
        with pytest.raises(InputError, match=words):
            read_config(file, {})
    every = TrainConfig().model_dump(mode="json", exclude_none=True)
    assert read_config(None, json.loads(json.dumps(every))) == TrainConfig()


def test_generated_coins_are_learned_in_seconds(tmp_path: Path) -> None:
    """The whole way: generate, train, reach the Dice that is promised on unseen images."""
    size = get_generator("coins").Options(size=96)
    for name, count, seed in (("learn", 48, 1), ("judge", 16, 2)):
        drain(synthesise("coins", tmp_path / name, count=count, seed=seed, options=size))
    small = {"widths": [16, 32, 48], "blocks": [0, 1, 1]}
    told = config(
        steps=100, epoch_steps=50, batch=8, warmup=10, ema=0.95, seed=0, arch_config=small
    )
    job = train("dust", tmp_path / "learn", tmp_path / "out", valid=tmp_path / "judge", config=told)
    assert drain(job).metrics["dice"] >= DICE_REACHED

"""An adapter learns, its base stays as it is; few images are cross-validated; all can resume."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_segkit.data.dataset import Sample, WriteOptions
from napari_segkit.data.formats.registry import get_format
from napari_segkit.data.lora_files import read_lora
from napari_segkit.data.weights import load_weights
from napari_segkit.errors import DatasetError, ParamsError
from napari_segkit.jobs import drain, segment
from napari_segkit.jobs.sweep import sweep
from napari_segkit.jobs.train import init_tensors, train
from napari_segkit.models.rings import RingParams, Rings
from napari_segkit.models.rings_base import load_base
from napari_segkit.nets.lora import base_sha256
from napari_segkit.nets.sam_small import SmallSamConfig
from napari_segkit.ops.masks import segmentation_from_labels
from napari_segkit.paths import shipped
from napari_segkit.training.config import TrainConfig, read_config
from napari_segkit.training.events import BatchDone, Note
from napari_segkit.training.fit import LAST, fit
from napari_segkit.training.store import Item
from napari_segkit.training.tasks import get_task
from napari_segkit.types import ClassDef, Prompts
from tests.models.tiny import tiny_base

RING = ClassDef("ring", (255, 196, 0))
QUICK = {"epoch_steps": 2, "epochs": 2, "batch": 2, "threads": 1, "device": "cpu", "warmup": 0}


def photo(number: int) -> tuple[np.ndarray, np.ndarray]:
    """A dark ring on a light ground."""
    rng = np.random.default_rng(number)
    y, x = np.mgrid[:60, :80]
    far = np.hypot(y - rng.integers(26, 34), x - rng.integers(34, 46))
    mask = (far < 24) & (far > 14)
    image = np.where(mask[..., None], 90, 200) + rng.integers(0, 20, (60, 80, 3))
    return image.astype(np.uint8), mask.astype(np.int32)


def items(count: int) -> list[Item]:
    task = get_task("rings")
    nothing = np.zeros((0, 2), np.int32)
    return [
        task.prepare(Item(f"ring_{k}", image, labels.astype(np.uint8), labels, nothing))
        for k, (image, labels) in ((k, photo(k)) for k in range(count))
    ]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tiny_base(tmp_path)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    place = tmp_path / "rings"
    options = WriteOptions(include_images=True)
    with get_format("tiff16").open_writer(place, classes=(RING,), options=options) as writer:
        for k in range(3):
            image, labels = photo(k)
            found = segmentation_from_labels(labels, classes=(RING,), class_of={1: "ring"})
            writer.add(Sample(f"ring_{k}", found, image))
    return place


def config(base: Path, **changes: object) -> TrainConfig:
    defaults = dict(get_task("rings").defaults)
    return read_config(None, defaults | QUICK | {"base": str(base)} | changes)


def test_the_base_is_untouched_and_the_adapter_is_its_own(
    base: Path, dataset: Path, tmp_path: Path
) -> None:
    before = load_base(base).sha256
    file = base.read_bytes()
    report = drain(train("rings", dataset, tmp_path / "out", config=config(base, rank=3, folds=0)))
    tensors, facts, _ = read_lora(report.weights)
    assert (facts.rank, facts.base_sha256, facts.targets) == (3, before, ("q", "v"))
    assert {tensor.shape[0] for key, tensor in tensors.items() if key.endswith(".A")} == {3}
    assert any(np.abs(tensor).max() > 0 for key, tensor in tensors.items() if key.endswith(".B"))
    assert base.read_bytes() == file
    card = json.loads(report.weights.with_suffix(".json").read_text())
    assert f"base={base.name}" in card["training"]["recipe"]
    assert str(tmp_path).encode() not in report.weights.read_bytes(), "no folder of its maker"
    assert (card["model"], card["arch"], card["arch_config"]["base_sha256"]) == (
        "rings",
        "lora",
        before,
    )
    load_weights(report.weights)  # the card's hash is the file's
    model = Rings()
    model.load(base)
    image, labels = photo(0)
    prompts = Prompts(boxes=np.array([[10, 2, 70, 58]], np.float32))
    bare = drain(segment(model, image, params=RingParams(adapter="none"), prompts=prompts))
    with_it = RingParams(adapter=str(report.weights))
    assert drain(segment(model, image, params=with_it, prompts=prompts)).labels.shape == (60, 80)
    assert bare.labels.shape == labels.shape


@pytest.mark.parametrize("evidence", [False, True])
def test_a_tuned_decoder_travels_in_the_adapter_and_leaves_with_it(
    evidence: bool, dataset: Path, tmp_path: Path
) -> None:
    base = tiny_base(tmp_path, evidence=evidence)
    values = config(base, tune=("decoder", "neck"), folds=0, lr=0.05)
    weights = drain(train("rings", dataset, tmp_path / "out", config=values)).weights
    tensors, facts, _ = read_lora(weights)
    assert facts.tune == ("decoder", "neck")
    whole = {key.split(".")[1] for key in tensors if key.startswith("tuned.")}
    pairs = {key for key in tensors if key.endswith((".A", ".B"))}
    assert whole == {"mask_decoder", "image_encoder"} | ({"finisher"} if evidence else set())
    assert all(key in pairs or key.startswith("tuned.") for key in tensors)
    loaded = load_base(base)
    own = loaded.backend.sam.mask_decoder.mask_tokens.weight.detach().clone()
    loaded.use(weights)
    tuned = loaded.backend.sam.mask_decoder.mask_tokens.weight.detach().clone()
    assert np.array_equal(tuned.numpy(), tensors["tuned.mask_decoder.mask_tokens.weight"])
    assert not torch.equal(tuned, own)
    loaded.use(None)
    assert base_sha256(loaded.backend.sam.state_dict()) == loaded.sha256 == load_base(base).sha256


def test_what_trains_is_the_adapter_alone(base: Path) -> None:
    values = config(base)
    task = get_task("rings").configured(values)
    net = task.network(values)
    task.learning(net)
    frozen = base_sha256(net.sam.state_dict())
    learned = [name for name, one in net.named_parameters() if one.requires_grad]
    assert learned
    assert all(".adapters." in name for name in learned)
    optimizer = torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], 1e-2)
    rng = np.random.default_rng(0)
    for _ in range(2):
        loss = task.loss(net, [task.sample(items(1)[0], rng, config=values)], values)
        loss.backward()
        optimizer.step()
    assert base_sha256(net.sam.state_dict()) == frozen == load_base(base).sha256


def test_resumed_equals_uninterrupted_bit_for_bit(base: Path, tmp_path: Path) -> None:
    values = config(base, epochs=3)
    task = get_task("rings").configured(values)
    learn = [task.lean(item) for item in items(2)]
    for name in ("whole", "cut"):
        (tmp_path / name).mkdir()
    list(fit(task, learn, items(1), values, tmp_path / "whole"))
    run = fit(task, learn, items(1), values, tmp_path / "cut")
    for _ in range(6):  # in the second epoch
        next(run)
    run.close()
    list(fit(task, learn, items(1), values, tmp_path / "cut", resume=True))
    from safetensors.torch import load_file

    whole, cut = (load_file(tmp_path / name / LAST) for name in ("whole", "cut"))
    assert whole.keys() == cut.keys()
    assert all(torch.equal(whole[key], cut[key]) for key in whole)


def test_few_images_are_cross_validated(base: Path, dataset: Path, tmp_path: Path) -> None:
    report = drain(train("rings", dataset, tmp_path / "out", config=config(base)))
    assert report.folds == 3
    assert report.train_images == 3
    assert 0 <= report.metrics["dice"] <= 1
    folds = [read_lora(tmp_path / f"out/fold{k}/rings.safetensors")[1] for k in (1, 2, 3)]
    assert ["all but ring_0" in one.training["data"] for one in folds] == [True, False, False]
    assert read_lora(report.weights)[1].metrics == {
        key: round(value, 5) for key, value in report.metrics.items()
    }
    again = drain(train("rings", dataset, tmp_path / "out", config=config(base), resume=True))
    assert again.metrics == report.metrics


def test_origin_mode_trains_as_the_ring_project(base: Path, dataset: Path, tmp_path: Path) -> None:
    recipe = tomllib.loads((shipped("weights") / "rings-origin.toml").read_text())
    values = config(base, **{**recipe, "epochs": 1})
    task = get_task("rings").configured(values)
    lesson = task.sample(items(1)[0], np.random.default_rng(0), config=values)
    assert lesson.targets.shape[1:] == (60, 80)
    drain(train("rings", dataset, tmp_path / "out", config=values))


@pytest.mark.parametrize(("origin", "steps"), [(True, 3), (False, 10)])
def test_an_epoch_sees_a_few_photos_often_but_once_in_origin_mode(
    base: Path, origin: bool, steps: int, tmp_path: Path
) -> None:
    values = config(base, origin=origin, epoch_steps=None, epochs=1, batch=1)
    task = get_task("rings").configured(values)
    events = fit(task, [task.lean(one) for one in items(3)], [], values, tmp_path)
    assert [one.steps for one in events if isinstance(one, BatchDone)] == [steps] * steps


def test_a_sweep_compares_ranks_with_the_bare_base_and_can_go_on(
    base: Path, dataset: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    values = config(base, folds=0, epochs=1, epoch_steps=1)
    report = drain(sweep(dataset, out, ranks=[4, 2], config=values, test=dataset))
    assert [(row.rank, row.data) for row in report.rows] == [
        (rank, data) for rank in (0, 2, 4) for data in ("train", "test")
    ]
    page = report.page.read_text()
    assert "bare base" in page
    assert page.count("data:image/") >= 4
    stamp = (out / "rank2" / LAST).stat().st_mtime_ns
    more = drain(sweep(dataset, out, ranks=[2, 4, 8], config=values, test=dataset, resume=True))
    assert (out / "rank2" / LAST).stat().st_mtime_ns == stamp
    assert more.rows[:6] == report.rows
    with pytest.raises(ParamsError, match="ranks of a sweep"):
        drain(sweep(dataset, out, ranks=[0], config=values))


def test_the_small_base_starts_from_a_bases_file_and_from_a_training(
    base: Path, tmp_path: Path
) -> None:
    task = get_task("sam-segkit-s")
    arch = SmallSamConfig.of(load_weights(base)[1].arch_config).as_dict()
    small = {key: value for key, value in arch.items() if key not in ("image_size", "evidence")}
    values = read_config(
        None, QUICK | {"size": 64, "arch_config": small, "epochs": 1, "epoch_steps": 1}
    )
    (tmp_path / "first").mkdir()
    (tmp_path / "then").mkdir()
    for folder, init in ((tmp_path / "first", base), (tmp_path / "then", tmp_path / "first")):
        tensors = init_tensors(init)
        assert tensors is not None
        events = fit(task.configured(values), items(2), [], values, folder, init=tensors)
        first = next(events)
        assert isinstance(first, Note)
        assert f"{len(tensors)} of {len(tensors)} tensors" in first.text
        list(events)


def test_images_without_objects_are_refused() -> None:
    image, labels = photo(0)
    empty = Item("empty", image, labels.astype(np.uint8), labels * 0, np.zeros((0, 2), np.int32))
    with pytest.raises(DatasetError, match="no object to learn from"):
        get_task("rings").prepare(empty)


def test_a_size_that_the_base_does_not_take_is_refused(base: Path) -> None:
    with pytest.raises(ParamsError, match="a multiple of 32"):
        get_task("rings").configured(config(base, size=50))

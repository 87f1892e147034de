"""The training loop: learns, repeats itself exactly, goes on exactly, and fails without loss."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest
import safetensors
import torch
from safetensors.torch import load_file, save

from napari_segkit.errors import ModelError, ParamsError, WeightsError, WriteError
from napari_segkit.training import dense_tasks
from napari_segkit.training import fit as fit_module
from napari_segkit.training.checkpoint import read_state
from napari_segkit.training.config import TrainConfig
from napari_segkit.training.dense_tasks import DustTask
from napari_segkit.training.events import BatchDone, EpochDone, Event, Note, Validated
from napari_segkit.training.fit import BEST, LAST, best_weights, fit
from napari_segkit.training.memory import too_large
from napari_segkit.training.optim import learning_rate
from napari_segkit.training.store import Item
from napari_segkit.training.tasks import get_task

if TYPE_CHECKING:
    from accelerate import Accelerator

    from napari_segkit.training.scores import Scores

Specks = Callable[[int], list[Item]]
Tiny = Callable[..., TrainConfig]
DUST = get_task("dust")


class Scripted(DustTask):
    """Validations with the scores that are given; the last one stays."""

    def __init__(self, *scores: float) -> None:
        super().__init__("dust", ("dust",), 64)
        object.__setattr__(self, "given", list(scores))

    def found(self, net: torch.nn.Module, item: Item) -> None:
        """Nothing is looked for."""

    def scores(self) -> Scores:
        given = self.given  # type: ignore[attr-defined]
        score = given.pop(0) if len(given) > 1 else given[0]
        told = SimpleNamespace(row=lambda *_: {}, summary=lambda _: {"score": score})
        return cast("Scores", told)


def losses(events: list[Event]) -> list[float]:
    return [event.loss for event in events if isinstance(event, BatchDone)]


def validations(events: list[Event]) -> list[Validated]:
    return [event for event in events if isinstance(event, Validated)]


def test_two_images_are_learned_by_heart(specks: Specks, tiny: Tiny, tmp_path: Path) -> None:
    items = specks(2)
    config = tiny(epochs=6, epoch_steps=10, augment=False, lr=2e-2)
    events = list(fit(DUST, items, items, config, tmp_path))
    best = max(one.metrics["dice"] for one in validations(events))
    assert best > 0.9
    assert losses(events)[-1] < losses(events)[0] / 3


@pytest.mark.parametrize(("kind", "kept"), [("cpu", ["kept"]), ("cuda", [])])
def test_only_on_a_cpu_memory_is_kept_and_before_the_first_step(
    kind: str,
    kept: list[str],
    specks: Specks,
    tiny: Tiny,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Elsewhere(fit_module.Accelerator):  # type: ignore[misc,name-defined]
        @property
        def device(self) -> object:
            """The CPU, by another name at the first question."""
            asked.append(kind)
            return SimpleNamespace(type=kind) if len(asked) == 1 else super().device

    asked: list[str] = []
    order: list[str] = []
    monkeypatch.setattr(fit_module, "Accelerator", Elsewhere)
    monkeypatch.setattr(fit_module, "keep_freed", lambda: order.append("kept"))
    monkeypatch.setattr(fit_module, "_descend", lambda *_: order.append("step") or 0.0)
    config = tiny(epochs=1, epoch_steps=2, device="cpu")
    list(fit(DUST, specks(2), specks(2), config, tmp_path))
    assert order == [*kept, "step", "step"]


def test_the_same_seed_gives_the_same_weights(specks: Specks, tiny: Tiny, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        list(fit(DUST, specks(4), specks(2), tiny(seed=seed, epochs=2), make(tmp_path / name)))
    a, b, c = ((tmp_path / name / BEST).read_bytes() for name in "abc")
    assert a == b
    assert a != c


@pytest.mark.parametrize("optimizer", ["adamw", "adamax"])
def test_resumed_equals_uninterrupted_bit_for_bit(
    specks: Specks, tiny: Tiny, tmp_path: Path, optimizer: str
) -> None:
    config = tiny(optimizer=optimizer, schedule="plateau")
    whole = list(fit(DUST, specks(5), specks(2), config, make(tmp_path / "whole")))
    run = fit(DUST, specks(5), specks(2), config, make(tmp_path / "cut"))
    seen = [next(run) for _ in range(2 * 5 + 2)]  # in the third epoch
    assert isinstance(seen[-1], BatchDone)
    run.close()
    rest = list(fit(DUST, specks(5), specks(2), config, tmp_path / "cut", resume=True))
    assert losses(rest) == losses(whole)[6:]
    assert any(isinstance(event, Note) and "epoch 2" in event.text for event in rest)
    best = [(tmp_path / name / BEST).read_bytes() for name in ("whole", "cut")]
    assert best[0] == best[1]
    assert tensors(tmp_path / "whole") == tensors(tmp_path / "cut")


def test_a_finished_training_is_not_begun_again(specks: Specks, tiny: Tiny, tmp_path: Path) -> None:
    list(fit(DUST, specks(4), specks(2), tiny(epochs=1), tmp_path))
    again = list(fit(DUST, specks(4), specks(2), tiny(epochs=1), tmp_path, resume=True))
    assert [type(event) for event in again] == [Note]


def test_accumulation_equals_one_large_batch_without_batch_statistics(
    specks: Specks, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.nn, "BatchNorm2d", _Plain)
    shared = {"epochs": 1, "loss": "bce", "optimizer": "adamax"}
    once = list(fit(DUST, specks(4), [], tiny(batch=4, **shared), make(tmp_path / "a")))
    parts = tiny(batch=1, accumulate=4, **shared)
    cut = list(fit(DUST, specks(4), [], parts, make(tmp_path / "b")))
    assert losses(once) == pytest.approx(losses(cut), rel=1e-4)


class _Plain(torch.nn.BatchNorm2d):
    """In the place of batch norm, whose statistics depend on the batch."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.weight[:, None, None] + self.bias[:, None, None]


def test_early_stop_and_time_limit(specks: Specks, tiny: Tiny, tmp_path: Path) -> None:
    config = tiny(epochs=50, epoch_steps=1, lr=1e-9, patience=2, warmup=0, ema=0.0)
    events = list(fit(DUST, specks(2), specks(1), config, make(tmp_path / "a")))
    assert len([e for e in events if isinstance(e, EpochDone)]) < 50
    assert "no better score for 2 epochs" in notes(events)
    events = list(fit(DUST, specks(2), [], tiny(minutes=1e-9), make(tmp_path / "b")))
    assert len([e for e in events if isinstance(e, EpochDone)]) == 1


@pytest.mark.parametrize("limit", [{"patience": 1}, {"minutes": 1e-9}])
def test_what_has_stopped_by_itself_is_not_trained_on_when_resumed(
    limit: dict[str, float], specks: Specks, tiny: Tiny, tmp_path: Path
) -> None:
    task, config = Scripted(0.5, 0.5), tiny(epochs=9, epoch_steps=1, **limit)
    first = list(fit(task, specks(2), specks(1), config, tmp_path))
    assert 1 <= len(validations(first)) <= 2
    (resumed, reason) = fit(task, specks(2), specks(1), config, tmp_path, resume=True)
    assert "resumed after" in notes([resumed])
    assert notes([reason]) == notes(first)
    longer = tiny(epochs=3, epoch_steps=1)
    assert validations(list(fit(task, specks(2), specks(1), longer, tmp_path, resume=True)))


def test_all_processes_stop_by_the_clock_of_the_first(
    specks: Specks, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit_module, "broadcast_object_list", lambda _: [3600.0])
    events = list(fit(DUST, specks(2), [], tiny(epochs=9, minutes=59), tmp_path))
    assert len(validations(events)) == 1
    assert read_state(tmp_path / LAST).seconds == 3600


def test_a_training_ends_after_the_epoch_that_cross_validation_chose(
    specks: Specks, tiny: Tiny, tmp_path: Path
) -> None:
    events = list(fit(DUST, specks(2), [], tiny(), tmp_path, last=2))
    assert read_state(tmp_path / LAST).epoch == 2
    assert [e.steps for e in events if isinstance(e, BatchDone)] == [12] * 6, "rate as of 4 epochs"
    assert not losses(list(fit(DUST, specks(2), [], tiny(), tmp_path, resume=True, last=2)))


def test_plateau_halves_the_rate_after_an_epoch_without_a_better_score(
    specks: Specks, tiny: Tiny, tmp_path: Path
) -> None:
    config = tiny(epochs=5, epoch_steps=2, schedule="plateau", warmup=0, lr=1e-3)
    task = Scripted(0.2, 0.3, 0.3, 0.1, 0.4)
    events = list(fit(task, specks(2), specks(1), config, tmp_path))
    rates = [event.lr for event in events if isinstance(event, BatchDone)]
    assert rates == [1e-3] * 6 + [5e-4] * 2 + [2.5e-4] * 2


def test_the_scale_of_half_precision_is_kept(
    specks: Specks, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Scaling(fit_module.Accelerator):  # type: ignore[misc,name-defined]
        """As with fp16, which needs a GPU."""

        def __init__(self, **kwargs: object) -> None:
            super().__init__(**kwargs)
            self.scaler = torch.amp.GradScaler("cpu", init_scale=2.0, growth_interval=2)

    monkeypatch.setattr(fit_module, "Accelerator", Scaling)
    list(fit(DUST, specks(2), [], tiny(), make(tmp_path / "whole")))
    list(fit(DUST, specks(2), [], tiny(), make(tmp_path / "cut"), last=2))
    list(fit(DUST, specks(2), [], tiny(), tmp_path / "cut", resume=True))
    whole, cut = (read_state(tmp_path / name / LAST).scaler for name in ("whole", "cut"))
    assert whole["scale"] == 2.0 * 2**6, "twice as large after every second of 12 steps"
    assert cut == whole


def test_a_checkpoint_from_before_the_scale_was_kept_goes_on(
    specks: Specks, tiny: Tiny, tmp_path: Path
) -> None:
    whole = list(fit(DUST, specks(2), [], tiny(), make(tmp_path / "whole")))
    out = make(tmp_path / "old")
    list(fit(DUST, specks(2), [], tiny(), out, last=2))
    with safetensors.safe_open(str(out / LAST), "pt") as file:
        meta = file.metadata()
    state = json.loads(meta["state"])
    del state["scaler"], state["row"]
    (out / LAST).write_bytes(save(load_file(out / LAST), meta | {"state": json.dumps(state)}))
    rest = list(fit(DUST, specks(2), [], tiny(), out, resume=True))
    assert losses(rest) == losses(whole)[6:]


def test_mixed_precision(specks: Specks, tiny: Tiny, tmp_path: Path) -> None:
    events = list(fit(DUST, specks(2), specks(1), tiny(epochs=1, precision="bf16"), tmp_path))
    assert all(math.isfinite(loss) for loss in losses(events))
    assert all(value.dtype != torch.bfloat16 for value in best_weights(tmp_path).values())


@pytest.mark.slow
def test_crops_of_other_processes_are_the_same(specks: Specks, tiny: Tiny, tmp_path: Path) -> None:
    for name, workers in (("a", 0), ("b", 1)):
        config = tiny(epochs=1, workers=workers)
        list(fit(DUST, specks(3), specks(1), config, make(tmp_path / name)))
    assert tensors(tmp_path / "a") == tensors(tmp_path / "b")


def test_best_is_kept_not_last(specks: Specks, tiny: Tiny, tmp_path: Path) -> None:
    events = list(fit(DUST, specks(4), specks(3), tiny(epochs=6), tmp_path))
    told = validations(events)
    state = read_state(tmp_path / LAST)
    assert state.best == max(one.metrics["score"] for one in told)
    assert state.best_epoch == [one.epoch for one in told if one.best][-1]
    assert all(torch.isfinite(value).all() for value in best_weights(tmp_path).values())


def test_last_is_kept_where_that_is_asked_for(specks: Specks, tiny: Tiny, tmp_path: Path) -> None:
    config = tiny(epochs=3, keep="last", lr=1e-9, warmup=0)  # no epoch is better than the first
    events = list(fit(DUST, specks(2), specks(1), config, tmp_path))
    assert [one.best for one in validations(events)] == [True, True, True]
    state = read_state(tmp_path / LAST)
    assert state.best_epoch == 3
    saved = tensors(tmp_path)
    for key, value in best_weights(tmp_path).items():
        assert value.numpy().tobytes() == saved[f"ema/{key}"]


@pytest.mark.parametrize("schedule", ["cosine", "plateau", "constant"])
def test_learning_rate(schedule: str) -> None:
    config = TrainConfig.model_validate({"schedule": schedule, "warmup": 10, "lr": 1e-3})
    rates = [learning_rate(config, step, 100, 1.0) for step in range(100)]
    assert rates[0] == pytest.approx(1e-3 / 11)
    assert rates[10] == pytest.approx(1e-3)
    assert rates == sorted(rates[:11]) + sorted(rates[11:], reverse=True)
    assert rates[-1] == pytest.approx(1e-3 if schedule != "cosine" else 1e-5, rel=0.1)


def test_start_from_given_weights(specks: Specks, tiny: Tiny, tmp_path: Path) -> None:
    list(fit(DUST, specks(2), [], tiny(epochs=1), make(tmp_path / "a")))
    init = best_weights(tmp_path / "a")
    odd = next(iter(init))
    events = fit(
        DUST, specks(2), [], tiny(), make(tmp_path / "b"), init=init | {odd: torch.ones(1)}
    )
    first = next(events)
    assert isinstance(first, Note)
    assert f"{len(init) - 1} of {len(init)} tensors" in first.text


def test_F48_out_of_memory_halves_the_batch(
    specks: Specks, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = dense_tasks.normalised

    def small(images: torch.Tensor) -> torch.Tensor:
        if len(images) > 1:
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")
        return plain(images)

    monkeypatch.setattr(dense_tasks, "normalised", small)
    events = list(fit(DUST, specks(4), [], tiny(epochs=1), tmp_path))
    assert "1 images at a time" in notes(events)
    assert read_state(tmp_path / LAST).parts == 4


def test_F48_one_image_that_does_not_fit_is_an_error(
    specks: Specks, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(images: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(dense_tasks, "normalised", never)
    with pytest.raises(ModelError, match="one image at a time does not fit") as told:
        list(fit(DUST, specks(2), [], tiny(), tmp_path))
    assert told.value.remedy == "choose a smaller size or a smaller architecture"


def test_F48_a_gpu_that_is_too_small_is_told_of_the_cpu() -> None:
    gpu = cast("Accelerator", SimpleNamespace(device=torch.device("cuda")))
    assert str(too_large("one image", gpu)).endswith("architecture, or device=cpu")


def test_F48_one_of_several_processes_does_not_cut_its_batch_alone(
    specks: Specks, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> float:
        raise MemoryError

    monkeypatch.setattr(fit_module, "_descend", never)
    monkeypatch.setattr(fit_module.Accelerator, "num_processes", 2)
    with pytest.raises(ModelError, match=r"batch does not fit .*process 0.*larger accumulate"):
        list(fit(DUST, specks(2), [], tiny(), tmp_path))


def test_F48_a_validation_that_does_not_fit_is_an_error_with_its_image(
    specks: Specks, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(dense_tasks, "predict_map", never)
    with pytest.raises(ModelError, match=r"validation of an image .*\(speck_0\).* into tiles"):
        list(fit(DUST, specks(2), specks(1), tiny(epochs=1), tmp_path))


def test_F51_a_loss_that_is_no_number_stops_with_its_cause_and_training_can_go_on(
    specks: Specks, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = list(fit(DUST, specks(4), specks(2), tiny(), make(tmp_path / "whole")))
    plain, calls = dense_tasks.seg_loss, iter(range(1000))

    def broken(*args: object) -> torch.Tensor:
        loss = plain(*args)
        return loss * math.nan if next(calls) == 7 else loss

    out = make(tmp_path / "cut")
    with monkeypatch.context() as patch:
        patch.setattr(dense_tasks, "seg_loss", broken)
        with pytest.raises(ModelError, match="loss became nan in step 8"):
            list(fit(DUST, specks(4), specks(2), tiny(), out))
    assert read_state(out / LAST).epoch == 2
    rest = list(fit(DUST, specks(4), specks(2), tiny(), out, resume=True))
    assert losses(rest) == losses(whole)[6:]


def test_F51_one_image_no_validation_no_object(specks: Specks, tiny: Tiny, tmp_path: Path) -> None:
    bare = replace(specks(1)[0], centres=np.zeros((0, 2), np.int32))
    bare = replace(bare, target=np.zeros_like(bare.target), ids=np.zeros_like(bare.ids))
    for name, learn, judge in (("one", specks(1), []), ("bare", [bare], [bare])):
        out = make(tmp_path / name)
        list(fit(DUST, learn, judge, tiny(epochs=2), out))
        assert read_state(out / LAST).epoch == 2
        assert (out / BEST).exists()


CHILD = """
import resource, sys
from pathlib import Path
sys.path.insert(0, {folder!r})
from conftest import TINY, speck_item
from napari_segkit.errors import WriteError
from napari_segkit.training.config import TrainConfig
from napari_segkit.training.fit import fit
from napari_segkit.training.tasks import get_task
items = [speck_item(k) for k in range(4)]
config = TrainConfig(epochs={epochs}, epoch_steps=3, batch=4, size=64, warmup=2, threads=1,
                     arch="unet-light", arch_config=TINY, device="cpu", lr=5e-3, ema=0.9)
try:
    for event in fit(get_task("dust"), items, items[:2], config, Path(sys.argv[1])):
        if type(event).__name__ == "EpochDone" and event.epoch == {full_at}:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
        print(type(event).__name__, flush=True)
except WriteError as error:
    sys.stderr.write(str(error))
    sys.exit(7)
"""


def child(out: Path, *, epochs: int, full_at: int = 0) -> subprocess.Popen[str]:
    code = CHILD.format(folder=str(Path(__file__).parent), epochs=epochs, full_at=full_at)
    command = [sys.executable, "-c", code, str(make(out))]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True)


@pytest.mark.skipif(os.name == "nt", reason="POSIX limits and signals")
def test_F51_F53_a_full_disk_keeps_the_last_good_checkpoint(
    specks: Specks, tiny: Tiny, tmp_path: Path
) -> None:
    whole = list(fit(DUST, specks(4), specks(2), tiny(), make(tmp_path / "whole")))
    process = child(tmp_path / "cut", epochs=4, full_at=3)
    _, told = process.communicate(timeout=120)
    assert process.returncode == 7, told
    assert "larger than allowed" in told
    assert "intact" in told
    assert read_state(tmp_path / "cut" / LAST).epoch == 2
    assert {path.name for path in (tmp_path / "cut").iterdir()} == {LAST, BEST}
    rest = list(fit(DUST, specks(4), specks(2), tiny(), tmp_path / "cut", resume=True))
    assert losses(rest) == losses(whole)[6:]


@pytest.mark.skipif(os.name == "nt", reason="POSIX limits and signals")
def test_F52_killed_at_any_moment_the_checkpoint_is_whole(
    specks: Specks, tiny: Tiny, tmp_path: Path
) -> None:
    process = child(tmp_path, epochs=1000)
    assert process.stdout is not None
    while not (tmp_path / LAST).exists():
        assert process.stdout.readline()
    time.sleep(0.4)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    done = read_state(tmp_path / LAST).epoch
    config = tiny(epochs=1000)
    run = fit(DUST, specks(4), specks(2), config, tmp_path, resume=True)
    assert next(run) == Note(f"resumed after epoch {done}")
    first = next(run)
    assert isinstance(first, BatchDone)
    assert first.step == 3 * done + 1
    run.close()


def test_a_damaged_or_foreign_checkpoint_is_refused(
    specks: Specks, tiny: Tiny, tmp_path: Path
) -> None:
    list(fit(DUST, specks(2), [], tiny(epochs=1), tmp_path))
    other = tiny(arch_config={"widths": [8, 16], "blocks": [0, 0]})
    with pytest.raises(WeightsError, match="cannot be used"):
        list(fit(DUST, specks(2), [], other, tmp_path, resume=True))
    data = (tmp_path / LAST).read_bytes()
    (tmp_path / LAST).write_bytes(data[: len(data) // 2])
    with pytest.raises(WeightsError, match="cannot be used"):
        list(fit(DUST, specks(2), [], tiny(), tmp_path, resume=True))
    with pytest.raises(WeightsError):
        read_state(tmp_path / LAST)


def test_a_folder_that_is_gone(specks: Specks, tiny: Tiny, tmp_path: Path) -> None:
    with pytest.raises(WriteError):
        list(fit(DUST, specks(2), [], tiny(epochs=1), tmp_path / "gone"))


def make(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def notes(events: list[Event]) -> str:
    return "; ".join(event.text for event in events if isinstance(event, Note))


def tensors(out: Path) -> dict[str, bytes]:
    return {key: value.numpy().tobytes() for key, value in load_file(out / LAST).items()}


@pytest.mark.parametrize("rate", [0.0, 0.1])
def test_an_encoder_learns_more_slowly_or_not_at_all(
    specks: Specks, tiny: Tiny, tmp_path: Path, rate: float
) -> None:
    config = tiny(arch="unet-lite0", arch_config={}, encoder_rate=rate, epochs=1, ema=0)
    torch.manual_seed(config.seed)
    before = DUST.configured(config).network(config).state_dict()
    list(fit(DUST.configured(config), specks(2), specks(1), config, tmp_path))
    after = best_weights(tmp_path)
    moved = {name: float((after[name] - one).abs().max()) for name, one in before.items()}
    norms = [name for name in moved if name.startswith("encoder.") and "running" in name]
    filters = [name for name in moved if name.startswith("encoder.") and name.endswith("weight")]
    assert norms
    assert not any(moved[name] for name in norms)
    highest = sum(learning_rate(config, step, 3, 1.0) for step in range(3))
    assert max(moved[name] for name in filters) <= 1.2 * rate * highest
    assert moved["ups.3.mix.0.weight"] > 0.2 * highest


def test_a_rate_for_an_encoder_needs_one(specks: Specks, tiny: Tiny, tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="encoder_rate needs a network with an encoder"):
        list(fit(DUST, specks(2), specks(1), tiny(encoder_rate=0.1), tmp_path))

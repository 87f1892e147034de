"""The training loop: one generator, read from top to bottom.

::

    for event in fit(task, train, valid, config, out):
        ...
    out/last.ckpt            everything to go on from, after each epoch
    out/best.safetensors     averaged weights of the best validation, or of the last one (`keep`)
"""

from __future__ import annotations

import copy
import math
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import gather_object
from safetensors.torch import load_file, save

from napari_segkit.data.atomic import atomic_write
from napari_segkit.errors import ModelError
from napari_segkit.heap import keep_freed
from napari_segkit.training.checkpoint import State, read_checkpoint, write_checkpoint
from napari_segkit.training.events import BatchDone, EpochDone, Note, Validated
from napari_segkit.training.optim import learning_rate, make_optimizer
from napari_segkit.training.samples import Epoch, loader

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from torch import Tensor, nn
    from torch.optim import Optimizer

    from napari_segkit.training.config import TrainConfig
    from napari_segkit.training.events import Event
    from napari_segkit.training.store import Item
    from napari_segkit.training.task import Task

LAST, BEST = "last.ckpt", "best.safetensors"
_TOO_MUCH = ("out of memory", "can't allocate memory", "not enough memory")


@dataclass
class Setup:
    """What the loop works with."""

    task: Task
    config: TrainConfig
    accelerator: Accelerator
    net: nn.Module
    ema: nn.Module
    optimizer: Optimizer
    state: State
    epochs: int
    epoch_steps: int


def fit(
    task: Task,
    train: Sequence[Item],
    valid: Sequence[Item],
    config: TrainConfig,
    out: Path,
    *,
    resume: bool = False,
    init: Mapping[str, Tensor] | None = None,
    fingerprint: str = "",
) -> Iterator[Event]:
    """Train.

    Parameters
    ----------
    train, valid
        Prepared images; without any to validate on, the last weights are the best.
    out
        Folder for checkpoint and best weights.
    resume
        Go on from the folder's checkpoint, where there is one.
    init
        Weights to start from; those of another shape are left as they are.
    fingerprint
        Hash of the images, kept with the checkpoint.

    Raises
    ------
    ModelError
        Where the loss is no number, or not even one image fits into memory.
    WeightsError, WriteError
        Where the checkpoint cannot be used or written; the one before is intact.
    """
    setup, notes = _set_up(task, train, config, init)
    state = setup.state
    if resume and (out / LAST).exists():
        inner = setup.accelerator.unwrap_model(setup.net)
        state = setup.state = read_checkpoint(out / LAST, inner, setup.ema, setup.optimizer)
        notes.append(f"resumed after epoch {state.epoch}")
        if state.fingerprint != fingerprint:
            notes.append("the images are others than before: not what an uninterrupted run gives")
    state.fingerprint = fingerprint
    yield from (Note(text) for text in notes)
    begun = time.monotonic() - state.seconds
    while state.epoch < setup.epochs:
        yield from _epoch(setup, train)
        state.epoch += 1
        judged = _validate(setup, valid, out)
        state.seconds = time.monotonic() - begun
        if setup.accelerator.is_main_process:
            inner = setup.accelerator.unwrap_model(setup.net)
            write_checkpoint(out / LAST, state, inner, setup.ema, setup.optimizer)
        setup.accelerator.wait_for_everyone()
        yield judged
        if config.patience and state.epoch - state.best_epoch >= config.patience:
            yield Note(f"no better score for {config.patience} epochs: stopped")
            return
        if config.minutes and state.seconds > 60 * config.minutes:
            yield Note(f"{config.minutes:g} minutes are over: stopped")
            return


def _set_up(
    task: Task, train: Sequence[Item], config: TrainConfig, init: Mapping[str, Tensor] | None
) -> tuple[Setup, list[str]]:
    if config.threads:
        torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    torch.use_deterministic_algorithms(True, warn_only=True)
    # a process keeps device and precision of its first training, unless it is told to forget them
    AcceleratorState._reset_state(reset_partial_state="RANK" not in os.environ)
    accelerator = Accelerator(cpu=config.device == "cpu", mixed_precision=config.precision)
    if accelerator.device.type == "cpu":
        keep_freed()
    net = task.network(config)
    notes = [] if init is None else [_start_from(net, task.named(init))]
    net = net.to(accelerator.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    ema = copy.deepcopy(net).eval().requires_grad_(False)
    optimizer = make_optimizer(net, config)
    net, optimizer = accelerator.prepare(net, optimizer)
    epoch_images = config.batch * config.accumulate * accelerator.num_processes
    epoch_steps = config.epoch_steps or task.epoch_steps(config, len(train) // epoch_images)
    epochs = config.epochs if config.steps is None else math.ceil(config.steps / epoch_steps)
    state = State(parts=config.accumulate)
    setup = Setup(task, config, accelerator, net, ema, optimizer, state, epochs, epoch_steps)
    return setup, notes


def _start_from(net: nn.Module, init: Mapping[str, Tensor]) -> str:
    own = net.state_dict()
    fits = {key: value for key, value in init.items() if _fits(own.get(key), value)}
    net.load_state_dict(fits, strict=False)
    return f"{len(fits)} of {len(own)} tensors start from the given weights"


def _fits(own: Tensor | None, given: Tensor) -> bool:
    return own is not None and own.shape == given.shape


def _epoch(setup: Setup, train: Sequence[Item]) -> Iterator[Event]:
    config, state, accelerator = setup.config, setup.state, setup.accelerator
    images = config.batch * config.accumulate
    crops = Epoch(
        setup.task,
        train,
        config,
        state.epoch,
        setup.epoch_steps * images,
        accelerator.process_index,
        accelerator.num_processes,
    )
    begun = time.monotonic()
    waiting, total = 0.0, 0.0
    setup.task.learning(setup.net)
    batches = iter(loader(crops, images))
    for _ in range(setup.epoch_steps):
        asked = time.monotonic()
        batch = next(batches)
        waiting += time.monotonic() - asked
        steps = setup.epochs * setup.epoch_steps
        lr = learning_rate(config, state.step, steps, state.factor)
        parts = state.parts
        loss = _step(setup, batch, lr)
        if state.parts != parts:
            yield Note(f"out of memory: {images // state.parts} images at a time from now on")
        total += loss
        state.step += 1
        yield BatchDone(state.step, steps, state.epoch, loss, lr)
    seconds = time.monotonic() - begun
    rate = setup.epoch_steps * images * accelerator.num_processes / seconds
    mean = total / setup.epoch_steps
    yield EpochDone(state.epoch + 1, setup.epochs, mean, seconds, rate, waiting / seconds)


def _step(setup: Setup, batch: Any, lr: float) -> float:
    """One optimizer step; a batch that does not fit into memory is cut into twice as many parts."""
    while True:
        torch.manual_seed(setup.config.seed + setup.state.step)  # of dropout
        try:
            return _descend(setup, batch, lr)
        except RuntimeError as error:
            if not any(words in str(error) for words in _TOO_MUCH):
                raise
            if setup.state.parts >= setup.config.batch * setup.config.accumulate:
                raise ModelError(
                    "one image at a time does not fit into memory",
                    remedy="choose a smaller size or a smaller architecture",
                ) from error
        setup.state.parts *= 2


def _descend(setup: Setup, batch: Any, lr: float) -> float:
    config, accelerator, net = setup.config, setup.accelerator, setup.net
    for group in setup.optimizer.param_groups:
        group["lr"] = lr * group["share"]
    setup.optimizer.zero_grad(set_to_none=True)
    total = 0.0
    for part, share in setup.task.parts(batch, setup.state.parts):
        loss = setup.task.loss(net, part, config) * share
        accelerator.backward(loss)
        total += float(loss.detach())
    if not math.isfinite(total):
        raise ModelError(
            f"the loss became {total} in step {setup.state.step + 1}",
            got=f"learning rate {lr:.2g}",
            remedy="choose a lower rate or another loss; the last checkpoint is intact",
        )
    if config.clip:
        accelerator.clip_grad_norm_(net.parameters(), config.clip)
    setup.optimizer.step()
    _average(setup)
    return total


@torch.no_grad()
def _average(setup: Setup) -> None:
    """Move the averaged weights towards the network's, faster in the beginning."""
    step = setup.state.step
    decay = min(setup.config.ema, (1 + step) / (10 + step)) if setup.config.ema else 0.0
    net = setup.accelerator.unwrap_model(setup.net)
    for mean, value in zip(setup.ema.state_dict().values(), net.state_dict().values(), strict=True):
        if mean.is_floating_point():
            mean.lerp_(value, 1 - decay)
        else:
            mean.copy_(value)


def _validate(setup: Setup, valid: Sequence[Item], out: Path) -> Validated:
    begun = time.monotonic()
    config, state, accelerator = setup.config, setup.state, setup.accelerator
    if valid:
        scores = setup.task.scores()
        some = _spread(valid, config.valid_images)
        some = some[accelerator.process_index :: accelerator.num_processes]
        rows = [scores.row(one, setup.task.found(setup.ema, one)) for one in some]
        metrics = scores.summary(gather_object(rows))
    else:
        metrics = {}
    better = not valid or config.keep == "last" or metrics["score"] > state.best
    if better:
        state.best, state.metrics = metrics.get("score", 0.0), metrics
        state.best_epoch, state.best_step = state.epoch, state.step
        if accelerator.is_main_process:
            tensors = {key: value.contiguous() for key, value in setup.ema.state_dict().items()}
            with atomic_write(out / BEST) as file:
                file.write(save(tensors))
    elif config.schedule == "plateau":
        state.factor = max(state.factor / 2, 1e-3)
    return Validated(state.epoch, metrics, better, time.monotonic() - begun)


def _spread(items: Sequence[Item], most: int | None) -> Sequence[Item]:
    """At most so many, evenly over all of them: datasets lie one after the other."""
    count = min(len(items), most or len(items))
    return [items[k * len(items) // count] for k in range(count)]


def best_weights(out: Path) -> dict[str, Tensor]:
    """Tensors of the best validation so far."""
    tensors: dict[str, Tensor] = load_file(out / BEST)
    return tensors

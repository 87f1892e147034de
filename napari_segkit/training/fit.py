"""The training loop: one generator, read from top to bottom.

::

    for event in fit(task, train, valid, config, out):
        ...
    out/last.ckpt            everything to go on from, after each epoch
    out/best.safetensors     averaged weights of the best validation, or of the last one (`keep`)

The checkpoint is written first: it has the averaged weights, too, so that going on from it writes
the best ones again where a stop came in between.
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
from accelerate.utils import broadcast_object_list
from safetensors.torch import load_file, save

from napari_segkit.data.atomic import atomic_write
from napari_segkit.errors import ModelError
from napari_segkit.heap import keep_freed
from napari_segkit.training.checkpoint import State, read_checkpoint, start_from, write_checkpoint
from napari_segkit.training.events import BatchDone, EpochDone, Note
from napari_segkit.training.log import row_of
from napari_segkit.training.memory import out_of_memory, too_large
from napari_segkit.training.optim import learning_rate, make_optimizer
from napari_segkit.training.samples import Epoch, loader
from napari_segkit.training.validation import validate

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
    last: int | None = None,
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
    last
        Epoch to end after, where cross-validation chose it; the rate goes as if it went on.

    Raises
    ------
    ModelError
        Where the loss is no number, or not even one image fits into memory (of several processes:
        where a batch does not).
    WeightsError, WriteError
        Where the checkpoint cannot be used or written; the one before is intact.
    """
    setup, notes = _set_up(task, train, config, init)
    if resume and (out / LAST).exists():
        notes += _go_on(setup, out, fingerprint)
    if not valid and last is None:
        notes.append("no photo is left to judge by: the last weights are kept; --valid names some")
    state = setup.state
    state.fingerprint = fingerprint
    yield from (Note(text) for text in notes)
    begun = time.monotonic() - state.seconds
    while state.epoch < min(setup.epochs, last or setup.epochs):
        if reason := _over(config, state):
            yield Note(f"{reason}: stopped")
            break
        yield from _epoch(setup, train)
        state.epoch += 1
        judged = validate(setup, valid)
        # the first process's clock is everyone's, so that all stop after the same epoch
        (state.seconds,) = broadcast_object_list([time.monotonic() - begun])
        _save(setup, out, best=judged.best)
        yield judged
    setup.accelerator.wait_for_everyone()  # whoever reads the log next finds the last epoch


def _go_on(setup: Setup, out: Path, fingerprint: str) -> list[str]:
    """Take over the checkpoint; the best weights are written again where they are its own."""
    accelerator = setup.accelerator
    inner = accelerator.unwrap_model(setup.net)
    state = setup.state = read_checkpoint(out / LAST, inner, setup.ema, setup.optimizer)
    if accelerator.scaler is not None and state.scaler:
        accelerator.scaler.load_state_dict(state.scaler)
    if accelerator.is_main_process and state.best_epoch == state.epoch:
        _save_best(setup, out)
    notes = [f"resumed after epoch {state.epoch}"]
    if state.fingerprint != fingerprint:
        notes.append("the images are others than before: not what an uninterrupted run gives")
    return notes


def _over(config: TrainConfig, state: State) -> str:
    """Why no further epoch follows; empty = one does."""
    if config.patience and state.epoch - max(0, state.best_epoch) >= config.patience:
        return f"no better score for {config.patience} epochs"
    if config.minutes and state.seconds > 60 * config.minutes:
        return f"{config.minutes:g} minutes are over"
    return ""


def _save(setup: Setup, out: Path, *, best: bool) -> None:
    """The first process writes the checkpoint, then the best weights; the others wait."""
    accelerator, state = setup.accelerator, setup.state
    if accelerator.is_main_process:
        if accelerator.scaler is not None:
            state.scaler = accelerator.scaler.state_dict()
        inner = accelerator.unwrap_model(setup.net)
        write_checkpoint(out / LAST, state, inner, setup.ema, setup.optimizer)
        if best:
            _save_best(setup, out)
    accelerator.wait_for_everyone()


def _save_best(setup: Setup, out: Path) -> None:
    tensors = {key: value.contiguous() for key, value in setup.ema.state_dict().items()}
    with atomic_write(out / BEST) as file:
        file.write(save(tensors))


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
    notes = [] if init is None else [start_from(net, task.named(init))]
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
    done = EpochDone(state.epoch + 1, setup.epochs, mean, seconds, rate, waiting / seconds)
    state.row = row_of(done, lr)
    yield done


def _step(setup: Setup, batch: Any, lr: float) -> float:
    """One optimizer step; a batch that does not fit into memory is cut into twice as many parts."""
    while True:
        torch.manual_seed(setup.config.seed + setup.state.step)  # of dropout
        try:
            return _descend(setup, batch, lr)
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            if setup.state.parts >= setup.config.batch * setup.config.accumulate:
                raise too_large("one image at a time", setup.accelerator) from error
            if setup.accelerator.num_processes > 1:  # the others wait for this one's gradients
                raise ModelError(
                    "a batch does not fit into memory",
                    where=f"process {setup.accelerator.process_index}",
                    remedy="choose a smaller batch and a larger accumulate: only a training in "
                    "one process cuts its batches by itself",
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


def best_weights(out: Path) -> dict[str, Tensor]:
    """Tensors of the best validation so far."""
    tensors: dict[str, Tensor] = load_file(out / BEST)
    return tensors

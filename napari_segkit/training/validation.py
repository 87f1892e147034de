"""What follows an epoch: the averaged weights are judged, and found better or not."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from accelerate.utils import gather_object

from napari_segkit.training.events import Validated
from napari_segkit.training.memory import out_of_memory, too_large

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_segkit.training.fit import Setup
    from napari_segkit.training.store import Item


def validate(setup: Setup, valid: Sequence[Item]) -> Validated:
    """Judge the averaged weights, each process its share, and enter the outcome in the state.

    Raises
    ------
    ModelError
        Where an image does not fit into memory.
    """
    begun = time.monotonic()
    config, state, accelerator = setup.config, setup.state, setup.accelerator
    if valid:
        scores = setup.task.scores()
        some = _spread(valid, config.valid_images)
        some = some[accelerator.process_index :: accelerator.num_processes]
        rows = [scores.row(one, _found(setup, one)) for one in some]
        metrics = scores.summary(gather_object(rows))
    else:
        metrics = {}
    state.row |= metrics
    better = not valid or config.keep == "last" or metrics["score"] > state.best
    if better:
        state.best, state.metrics = metrics.get("score", 0.0), metrics
        state.best_epoch, state.best_step = state.epoch, state.step
    elif config.schedule == "plateau":
        state.factor = max(state.factor / 2, 1e-3)
    return Validated(state.epoch, metrics, better, time.monotonic() - begun)


def _found(setup: Setup, item: Item) -> Any:
    try:
        return setup.task.found(setup.ema, item)
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        raise too_large(
            "the validation of an image",
            setup.accelerator,
            where=item.name,
            or_else=", or cut the images to judge by into tiles (segkit import --tiles)",
        ) from error


def _spread(items: Sequence[Item], most: int | None) -> Sequence[Item]:
    """At most so many, evenly over all of them: datasets lie one after the other."""
    count = min(len(items), most or len(items))
    return [items[k * len(items) // count] for k in range(count)]

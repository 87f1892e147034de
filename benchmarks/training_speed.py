"""What a training step and its crops cost on one CPU thread, in process time.

python benchmarks/training_speed.py
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch

from napari_segkit.jobs import drain
from napari_segkit.jobs.synth import synthesise
from napari_segkit.jobs.train import load_items
from napari_segkit.training.config import TrainConfig
from napari_segkit.training.fit import _set_up, _step
from napari_segkit.training.samples import Epoch, loader
from napari_segkit.training.tasks import get_task

IMAGES, BATCH, STEPS = 8, 8, 4


def measure(model_id: str, size: int, folder: Path) -> str:
    """One row of the table."""
    task = replace(get_task(model_id), size=size)
    config = TrainConfig(device="cpu", threads=1, size=size, batch=BATCH)
    begun = time.process_time()
    items = drain(load_items(task, folder))
    reading = (time.process_time() - begun) / len(items)
    setup, _ = _set_up(task, items, config, None)
    begun = time.process_time()
    batches = list(loader(Epoch(task, items, config, 0, BATCH * STEPS), BATCH))
    crops = (time.process_time() - begun) / BATCH / STEPS
    _step(setup, batches[0], 1e-3)
    begun = time.process_time()
    for batch in batches[1:]:
        _step(setup, batch, 1e-3)
    step = (time.process_time() - begun) / BATCH / (STEPS - 1)
    millions = sum(p.numel() for p in setup.net.parameters()) / 1e6
    return (
        f"| {model_id} | {size} | {millions:.1f} | {1000 * reading:.0f} | {1000 * crops:.1f} "
        f"| {1000 * step:.0f} | {1 / (step + crops):.1f} |"
    )


def main() -> None:
    torch.set_num_threads(1)
    print("| model | crop px | M parameters | read ms | crop ms | step ms | images/s |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as root:
        for model_id, sizes in (("dust", (128, 256)), ("eggpan", (128, 256))):
            drain(synthesise(model_id, Path(root, model_id), count=IMAGES, seed=1))
            for size in sizes:
                print(measure(model_id, size, Path(root, model_id)), flush=True)


if __name__ == "__main__":
    main()

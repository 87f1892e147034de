"""What a training step and its crops cost on one CPU thread, in process time, as `fit` runs them.

python benchmarks/training_speed.py

Then, with all cores and by the clock, steps at 448 px in processes of their own, by turns with
freed memory kept (`heap.py`) and with the C library as it is.
"""

from __future__ import annotations

import multiprocessing
import resource
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch

from napari_segkit.jobs import drain
from napari_segkit.jobs.synth import synthesise
from napari_segkit.jobs.train import load_items
from napari_segkit.training import fit
from napari_segkit.training.config import TrainConfig
from napari_segkit.training.fit import _set_up, _step
from napari_segkit.training.samples import Epoch, loader
from napari_segkit.training.tasks import get_task

IMAGES, BATCH, STEPS = 8, 8, 4
LARGE, LARGE_STEPS = 448, 6


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


def time_steps(keep: bool, folder: Path) -> tuple[float, float]:
    """Seconds of the middle one of some steps, and the peak of memory in MiB; in a new process."""
    if not keep:
        fit.keep_freed = lambda: False  # type: ignore[attr-defined]
    task = replace(get_task("eggpan"), size=LARGE)
    config = TrainConfig(arch="unet-lite0", device="cpu", size=LARGE, batch=BATCH)
    items = drain(load_items(task, folder))
    setup, _ = _set_up(task, items, config, None)
    batch = next(iter(loader(Epoch(task, items, config, 0, BATCH), BATCH)))
    seconds = []
    for _ in range(LARGE_STEPS):
        begun = time.perf_counter()
        _step(setup, batch, 1e-3)
        seconds.append(time.perf_counter() - begun)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return statistics.median(seconds), peak


def compare_heaps(folder: Path) -> None:
    """A table: freed memory as it is and kept, three processes of each by turns."""
    rows: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
    for _ in range(3):
        for kept, found in rows.items():
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                found.append(pool.apply(time_steps, (kept, folder)))
    print(f"\n| freed memory | step of {BATCH} at {LARGE} px, s | peak, MiB |")
    print("|---|---|---|")
    middle = {kept: statistics.median(s for s, _ in found) for kept, found in rows.items()}
    for kept, name in ((False, "given back"), (True, "kept")):
        peak = max(peak for _, peak in rows[kept])
        print(f"| {name} | {middle[kept]:.2f} | {peak:.0f} |")
    print(f"ratio {middle[False] / middle[True]:.2f}")


def main() -> None:
    torch.set_num_threads(1)
    print("| model | crop px | M parameters | read ms | crop ms | step ms | images/s |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as root:
        for model_id, sizes in (("dust", (128, 256)), ("eggpan", (128, 256))):
            drain(synthesise(model_id, Path(root, model_id), count=IMAGES, seed=1))
            for size in sizes:
                print(measure(model_id, size, Path(root, model_id)), flush=True)
        compare_heaps(Path(root, "eggpan"))


if __name__ == "__main__":
    main()

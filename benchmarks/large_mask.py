"""A mask of 20,000x20,000 pixels written, validated, read and converted: time and peak memory.

    python benchmarks/large_mask.py --out large_mask.json

Each step is a process of its own. What holds a whole mask holds 4 bytes per pixel (int32 ids) and
little else; what streams (validating) holds a band of rows.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np


def labels_of(side: int, objects: int) -> np.ndarray:
    """Squares with a disc cut out, on a grid."""
    labels = np.zeros((side, side), np.int32)
    per_row = int(np.ceil(np.sqrt(objects)))
    cell = side // per_row
    y, x = np.mgrid[: cell - 20, : cell - 20]
    shape = np.hypot(y - cell / 2, x - cell / 2) > cell / 5
    for key in range(objects):
        top, left = key // per_row * cell, key % per_row * cell
        labels[top : top + cell - 20, left : left + cell - 20][shape] = key + 1
    return labels


def make(side: int, folder: Path) -> int:
    """The array alone: what is held before anything is written."""
    return int(labels_of(side, 200).max())


def write(side: int, folder: Path) -> int:
    from napari_segkit.data.dataset import Sample
    from napari_segkit.jobs import drain, write_dataset
    from napari_segkit.ops.masks import segmentation_from_labels
    from napari_segkit.types import ClassDef

    classes = (ClassDef("spot", (250, 0, 0)),)
    sample = Sample("large", segmentation_from_labels(labels_of(side, 200), classes=classes))
    return drain(write_dataset([sample], folder / "d", classes=classes)).instances


def validate(side: int, folder: Path) -> int:
    from napari_segkit.jobs import drain
    from napari_segkit.jobs import validate as job

    return drain(job(folder / "d")).instances


def read(side: int, folder: Path) -> int:
    from napari_segkit.data.formats.registry import recognise

    with recognise(folder / "d").open(folder / "d") as dataset:
        return len(dataset.read("large").segmentation.instances)


def convert(side: int, folder: Path) -> int:
    from napari_segkit.jobs import convert as job
    from napari_segkit.jobs import drain

    return drain(job(folder / "d", folder / "e.zip", format_id="cvat-mask")).instances


STEPS = {"make": make, "write": write, "validate": validate, "read": read, "convert": convert}


def child(step: str, side: int, folder: Path) -> None:
    """Do one step and print its figures."""
    from napari_segkit.limits import Limits, raised

    start = time.perf_counter()
    with raised(Limits(pixels=side * side)):
        objects = STEPS[step](side, folder)
    seconds = time.perf_counter() - start
    lines = Path("/proc/self/status").read_text().splitlines()
    peak = int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024
    print(json.dumps({"objects": objects, "seconds": seconds, "peak_mib": peak}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=20_000)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child[0], options.side, Path(options.child[1]))
        return
    result: dict[str, object] = {"side": options.side, "array_mib": options.side**2 * 4 / 2**20}
    with tempfile.TemporaryDirectory() as folder:
        for step in STEPS:
            command = [sys.executable, __file__, "--side", str(options.side)]
            command += ["--child", step, folder]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            result[step] = figures = json.loads(done.stdout.splitlines()[-1])
            print(f"{step}: {figures['seconds']:.1f} s, peak {figures['peak_mib']:.0f} MiB")
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()

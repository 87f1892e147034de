"""Time of the coin model at three sizes: default mode against origin mode, in the same run.

    python benchmarks/coins_speed.py --out coins_speed.json

One core. The two modes take turns, so a machine that slows down slows both; the ratio is what
counts. Throughput is that of one process.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from pathlib import Path
from typing import Any

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"

import cv2  # noqa: E402 - after the threads are set

from napari_segkit.jobs import drain, segment  # noqa: E402
from napari_segkit.models.base import make_params  # noqa: E402
from napari_segkit.models.coins import Coins  # noqa: E402
from napari_segkit.synth.coins import make_scene  # noqa: E402

SCENES = {
    315: ("single-white", "single-coloured", "single-texture", "single-dark", "single-scan"),
    1000: ("sparse", "touching", "wood"),
    4000: ("sparse", "wood"),
}
PRESETS = ("default", "origin")


def measure(side: int, condition: str, *, rounds: int, seed: int) -> dict[str, Any]:
    """Seconds of each preset on the same scene of ``side`` x ``side`` pixels, in turns."""
    image = make_scene(seed, condition=condition, size=(side, side)).image
    model = Coins()
    model.load()
    seconds: dict[str, list[float]] = {preset: [] for preset in PRESETS}
    for number in range(rounds + 1):
        for preset in PRESETS:
            start = time.perf_counter()
            drain(segment(model, image, params=make_params(Coins, preset)))
            if number:  # the first one warms up
                seconds[preset].append(time.perf_counter() - start)
    medians = {preset: statistics.median(values) for preset, values in seconds.items()}
    return {
        "size": [side, side],
        "condition": condition,
        "rounds": rounds,
        "median_seconds": medians,
        "images_per_second": {preset: 1 / value for preset, value in medians.items()},
        "default_over_origin": medians["default"] / medians["origin"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    rows = []
    for side, conditions in SCENES.items():
        for condition in conditions:
            rounds = arguments.rounds if side < 4000 else 3
            row = measure(side, condition, rounds=rounds, seed=arguments.seed)
            rows.append(row)
            times = [f"{name} {1000 * t:.1f} ms" for name, t in row["median_seconds"].items()]
            ratio = row["default_over_origin"]
            print(f"{side}x{side} {condition}: {', '.join(times)}; ratio {ratio:.2f}", flush=True)
    result = {
        "python": platform.python_version(),
        "opencv": cv2.__version__,
        "cores": 1,
        "rows": rows,
    }
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

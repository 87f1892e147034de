"""Does OpenVINO run a dust network faster when its smallest weights are zero? In turns.

python benchmarks/pruning_speed.py --turns 7 --out benchmarks/results/pruning_speed.json
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

from napari_segkit.data.weights_card import WeightsCard
from napari_segkit.nets.registry import PRESETS
from napari_segkit.nets.unet_contrast import ContrastConfig
from napari_segkit.runtime.openvino_backend import OpenVinoBackend, convert, stride_of
from napari_segkit.runtime.torch_backend import make_served

SHARES = (0.0, 0.5, 0.9)


def backend(share: float, widths: tuple[int, ...] | None = None) -> OpenVinoBackend:
    """A network with random weights of which a share, the smallest of each layer, is zero."""
    spec = PRESETS["dust"]
    config = dict(spec.config) | ({} if widths is None else {"widths": widths})
    card = WeightsCard(
        name="x",
        model="dust",
        arch=spec.arch,
        arch_config=config,
        classes=("dust",),
        input_size=256,
    )
    torch.manual_seed(0)
    served = make_served(card, None)
    for parameter in served.parameters():
        if parameter.ndim == 4 and share:
            size = parameter.data.abs()
            parameter.data[size < size.flatten().quantile(share)] = 0
    model = convert(served)
    return OpenVinoBackend(model, stride=stride_of(model))


def half() -> tuple[int, ...]:
    """Half of the channels of every level of the preset."""
    config = ContrastConfig.model_validate(dict(PRESETS["dust"].config))
    return tuple(width // 2 for width in config.widths)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    ways = {f"{share:.0%} of the weights zero": backend(share) for share in SHARES}
    ways["half of the channels"] = backend(0.0, half())
    batch = np.random.default_rng(0).integers(0, 256, (2, 512, 512, 3), np.uint8)
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(options.turns + 1):
        for name, way in ways.items():
            begun = time.process_time()
            way.run(batch)
            if turn:
                spent[name].append(time.process_time() - begun)
    first = float(np.median(next(iter(spent.values()))))
    rows = [
        {
            "way": name,
            "cpu_s": round(float(np.median(found)), 4),
            "times_dense": round(first / float(np.median(found)), 2),
        }
        for name, found in spent.items()
    ]
    print(json.dumps(rows, indent=1))
    if options.out is not None:
        options.out.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""Variants of the light U-Net: parameters, images per second in training and inference.

One thread, CPU time of the process, so that other programs disturb little.

    python benchmarks/nets_speed.py --out benchmarks/results/nets_speed.json
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import torch

from napari_segkit.nets.registry import PRESETS, build

BATCH = 8
SHALLOW = {"blocks": (1, 2, 2, 2)}
LIGHT_EGGPAN = {"widths": (32, 64, 128, 192, 256), "blocks": (1, 1, 2, 2, 2), "stem": 4}
CASES = {
    "dust": (*PRESETS["dust"], 256),
    "dust, light": ("unet-light", {"widths": (16, 32, 64, 128, 192)}, 256),
    "dust, wider": ("unet-light", {"widths": (24, 48, 96, 144, 192)}, 256),
    "dust, widest": ("unet-light", {"widths": (32, 64, 96, 144, 192)}, 256),
    "dust, stem 4": ("unet-light", {"widths": (48, 96, 144, 192), "stem": 4, **SHALLOW}, 256),
    "dust, separable": ("unet-light", {"widths": (24, 48, 96, 144, 192), "separable": True}, 256),
    "eggpan": (*PRESETS["eggpan"], 256),
    "eggpan, light": ("unet-light", LIGHT_EGGPAN, 256),
    "eggpan, light at 320": ("unet-light", LIGHT_EGGPAN, 320),
    "dust project": ("efficientnet-b1-unet", {}, 256),
}


def per_second(net: torch.nn.Module, images: torch.Tensor, *, training: bool) -> float:
    """Images for each second of CPU time, the best of three."""
    net.train(training)

    def step() -> None:
        if training:
            net(images).square().mean().backward()
        else:
            with torch.inference_mode():
                net(images)

    step()
    spent = []
    for _ in range(3):
        begun = time.process_time()
        step()
        spent.append(time.process_time() - begun)
    return round(len(images) / min(spent), 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    out = parser.parse_args().out
    torch.set_num_threads(1)
    rows = []
    for name, (arch, config, side) in CASES.items():
        net = build(arch, classes=1, config=config).to(memory_format=torch.channels_last)
        images = torch.rand(BATCH, 3, side, side).to(memory_format=torch.channels_last)
        row = {
            "case": name,
            "side": side,
            "parameters": sum(one.numel() for one in net.parameters()),
            "train_per_s": per_second(net, images, training=True),
            "infer_per_s": per_second(net, images, training=False),
        }
        print(row)
        rows.append(row)
    if out is not None:
        out.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""Memory of a run of the Dust spots dock, beside what image and mask take themselves.

``xvfb-run -a python benchmarks/dust_memory_dock.py --side 20000 --out FILE``. The goal is image +
mask + 1 GB. ``beyond_mb`` is the highest resident size during the run, less what the process had
with window, dock and image before, and less the mask; ``beyond_private_mb`` is the same without
pages of files (libraries), which the system takes back when memory is short. Linux only.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from pathlib import Path

import numpy as np
from dust_memory import TILE, tiles
from gui import open_dock, open_viewer, turn_for


def photo(side: int) -> np.ndarray:
    """The image of `dust_memory`, in memory."""
    pixels = np.empty((side, side, 3), np.uint8)
    pieces = tiles(side)
    for top in range(0, side, TILE):
        for left in range(0, side, TILE):
            part = pixels[top : top + TILE, left : left + TILE]
            part[:] = next(pieces)[: part.shape[0], : part.shape[1]]
    return pixels


def memory_mb() -> dict[str, int]:
    """Resident memory now, all of it and without pages of files."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    sizes = dict(line.split(":") for line in lines if line.startswith("Rss") or "VmRSS" in line)
    kib = {name: int(text.split()[0]) for name, text in sizes.items()}
    return {"all": kib["VmRSS"] // 1024, "private": kib["RssAnon"] // 1024}


class Highest(threading.Thread):
    """The highest memory, looked at every few milliseconds."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.found = memory_mb()
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.005):
            self.found = {name: max(self.found[name], now) for name, now in memory_mb().items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=10_000)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    viewer = open_viewer(photo(options.side))
    dock, _ = open_dock(viewer, "Dust spots")
    turn_for(2000)
    before, highest = memory_mb(), Highest()
    highest.start()
    begun = time.perf_counter()
    dock.run_button.click()
    turn_for(100)
    while dock.running:
        turn_for(100)
    turn_for(2000)
    highest.over.set()
    mask = viewer.layers[-1].data
    mask_mb = round(mask.nbytes / 2**20)
    row = {
        "side": options.side,
        "image_mb": round(viewer.layers[0].data.nbytes / 2**20),
        "mask_mb": mask_mb,
        "before_mb": before["all"],
        "highest_mb": highest.found["all"],
        "beyond_mb": highest.found["all"] - before["all"] - mask_mb,
        "beyond_private_mb": highest.found["private"] - before["private"] - mask_mb,
        "seconds": round(time.perf_counter() - begun, 1),
        "objects": int(mask.max()),
        "said": dock.status.sentence.text(),
    }
    print(row)
    if options.out is not None:
        options.out.write_text(json.dumps(row, indent=1) + "\n")


if __name__ == "__main__":
    main()

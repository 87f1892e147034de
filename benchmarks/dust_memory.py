"""Peak memory of `segkit predict dust` on a tiled TIFF of any size, in a process of its own.

python benchmarks/dust_memory.py --side 20000 --weights dust.safetensors --out …json
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tifffile

if TYPE_CHECKING:
    from collections.abc import Iterator

TILE = 512


def tiles(side: int) -> Iterator[np.ndarray]:
    """Skies with some grain, a speck in every tile."""
    rng = np.random.default_rng(0)
    count = -(-side // TILE)
    ground = np.clip(rng.normal(170, 4, (TILE, TILE, 3)), 0, 255).astype(np.uint8)
    for _ in range(count * count):
        tile = np.roll(ground, int(rng.integers(TILE)), axis=1)
        y, x = rng.integers(20, TILE - 20, 2)
        tile[y : y + 6, x : x + 6] = 60
        yield tile


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=20_000)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "big.tif"
        shape = (options.side, options.side, 3)
        tifffile.imwrite(
            image, tiles(options.side), shape=shape, dtype=np.uint8, tile=(TILE, TILE),
            photometric="rgb", bigtiff=True,
        )  # fmt: skip
        command = [sys.executable, "-m", "napari_segkit", "predict", "dust", str(image), "--json"]
        command += ["--out", str(Path(folder) / "out"), "--backend", options.backend]
        command += ["--limit", "pixels=1000"]  # whatever the size: band by band
        if options.weights is not None:
            command += ["--weights", str(options.weights)]
        begun = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        row = {
            "side": options.side,
            "seconds": round(time.perf_counter() - begun, 1),
            "peak_mb": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024),
            "objects": json.loads(done.stdout)["objects"],
        }
    print(row)
    if options.out is not None:
        options.out.write_text(json.dumps(row, indent=1) + "\n")


if __name__ == "__main__":
    main()

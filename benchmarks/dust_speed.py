"""The dust project's pipeline and ours, torch and OpenVINO, in turns: `segkit bench dust` as JSON.

python benchmarks/dust_speed.py --timer 60 --out benchmarks/results/dust_speed.json
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from napari_segkit.jobs import drain
from napari_segkit.jobs.bench import bench_dust


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--timer", type=float, default=60)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    report = drain(bench_dust(timer=options.timer, weights=options.weights))
    text = json.dumps(asdict(report), indent=1)
    print(text)
    if options.out is not None:
        options.out.write_text(text + "\n")


if __name__ == "__main__":
    main()

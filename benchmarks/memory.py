"""Peak memory of `segkit predict` over 1,000 images against 50 images, in the same run.

    python benchmarks/memory.py --out memory.json

Each count runs in a process of its own; the images are links to one generated photo.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from napari_segkit.synth.coins import make_scene


def measure(count: int, photo: Path, folder: Path) -> dict[str, float]:
    """Peak resident memory in MB, and seconds, of a prediction over ``count`` images."""
    images = folder / f"images-{count}"
    images.mkdir()
    for number in range(count):
        (images / f"{number:05d}.png").hardlink_to(photo)
    script = (
        "import resource, sys; from napari_segkit.cli import main\n"
        f"sys.argv = ['segkit', 'predict', 'coins', {str(images)!r}, '--out',"
        f" {str(folder / f'out-{count}.zip')!r}, '--json']\n"
        "try:\n    main()\n"
        "finally:\n"
        "    sys.stderr.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))"
    )
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    written = json.loads(done.stdout)["written"]["images"]
    return {
        "images": written,
        "peak_mb": int(done.stderr.split()[-1]) / 1024,
        "seconds": time.perf_counter() - start,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--side", type=int, default=1000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photo = folder / "photo.png"
        Image.fromarray(make_scene(3, size=(arguments.side, arguments.side)).image).save(photo)
        rows = [measure(count, photo, folder) for count in (50, 1000)]
    ratio = rows[1]["peak_mb"] / rows[0]["peak_mb"]
    for row in rows:
        print(f"{row['images']} images: peak {row['peak_mb']:.0f} MB, {row['seconds']:.1f} s")
    print(f"1000 against 50 images: {ratio:.2f} times the memory")
    result = {"side": arguments.side, "rows": rows, "ratio": ratio, "unit_of_ru_maxrss": "kB"}
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

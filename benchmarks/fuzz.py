"""Broken datasets of every format: nothing but `SegkitError`s may come out, in bounded time.

    python benchmarks/fuzz.py --inputs 100000 --out fuzz.json [--format coco …]

Each input is a good dataset of three images with one file changed: bytes, numbers, pieces cut out,
doubled or replaced by what parsers trip over. The exit code is 1 where anything else came out.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import resource
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from napari_segkit.data.dataset import Sample, WriteOptions
from napari_segkit.data.formats.registry import FORMATS, get_format
from napari_segkit.errors import SegkitError
from napari_segkit.ops.masks import segmentation_from_labels
from napari_segkit.types import ClassDef

CLASSES = (ClassDef("ring", (250, 170, 50)), ClassDef("größe", (10, 200, 30)))
TOKENS = (b"-1", b"1e308", b"NaN", b"null", b"[]", b"{}", b"999999999999", b'""', b"../", b"0")
TOKENS += (b"<", b"&a;", b"\0", b"true", b"Infinity", b"1.5", b"\xff", b"*a", b":")


def good_dataset(form_id: str, folder: Path) -> Path:
    """Three images, one with a hole and two parts, one without objects."""
    labels = np.zeros((40, 57), np.int32)
    labels[3:15, 4:18], labels[6:10, 8:14] = 1, 0
    labels[20:30, 2:6] = labels[22:28, 10:15] = 2
    photo = folder / "photo.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 57, 3), np.uint8)).save(photo)
    options = WriteOptions(include_images=True)
    target = folder / "dataset"
    with get_format(form_id).open_writer(target, classes=CLASSES, options=options) as writer:
        for name, array in (("x", labels), ("a/y", labels[::-1].copy()), ("z", labels * 0)):
            given = segmentation_from_labels(array, classes=CLASSES, class_of={2: "größe"})
            writer.add(Sample(name, given, photo))
    return target


def broken(data: bytes, rng: random.Random) -> bytes:
    """The bytes with one to four changes."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        place, kind = rng.randrange(len(changed) + 1), rng.random()
        if kind < 0.35:
            changed[place : place + 1] = bytes([rng.randrange(256)])
        elif kind < 0.55:
            changed[place : place + rng.randint(0, 8)] = rng.choice(TOKENS)
        elif kind < 0.65:
            del changed[place : place + rng.randint(1, 30)]
        elif kind < 0.75:
            changed[place:place] = changed[place : place + rng.randint(1, 40)] * rng.randint(1, 5)
        elif kind < 0.8:
            del changed[place:]
        elif numbers := list(re.finditer(rb"-?\d+(\.\d+)?", changed)):
            number = rng.choice(numbers)
            changed[number.start() : number.end()] = rng.choice(TOKENS)
    return bytes(changed)


def read_all(form_id: str, target: Path) -> bool:
    """Whether every sample can be read."""
    whole = True
    try:
        with get_format(form_id).open(target) as dataset:
            for name in dataset.names:
                try:
                    dataset.read(name)
                except SegkitError:
                    whole = False
    except SegkitError:
        whole = False
    return whole


def fuzz(form_id: str, inputs: int, seed: int) -> dict[str, object]:
    """Figures of one format; ``leaks`` are tracebacks of what should not have come out."""
    rng = random.Random(seed)
    leaks: list[str] = []
    refused, slowest, start = 0, 0.0, time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        target = good_dataset(form_id, Path(folder))
        files = sorted(path for path in target.rglob("*") if path.is_file())
        originals = {path: path.read_bytes() for path in files}
        for _ in range(inputs):
            path = rng.choice(files)
            path.write_bytes(broken(originals[path], rng))
            began = time.perf_counter()
            try:
                refused += not read_all(form_id, target)
            except Exception:  # noqa: BLE001  this is what is looked for
                leaks.append(f"{path.relative_to(target)}\n{traceback.format_exc(limit=-6)}")
            slowest = max(slowest, time.perf_counter() - began)
            path.write_bytes(originals[path])
    return {
        "inputs": inputs,
        "refused": refused,
        "leaks": leaks,
        "slowest_s": round(slowest, 3),
        "seconds": round(time.perf_counter() - start, 1),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=2000, help="of each format")
    parser.add_argument("--format", nargs="*", default=list(FORMATS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("error")
    result = {key: fuzz(key, options.inputs, options.seed) for key in options.format}
    text = json.dumps(result, indent=1)
    print(text)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text + "\n")
    sys.exit(any(figures["leaks"] for figures in result.values()))


if __name__ == "__main__":
    main()

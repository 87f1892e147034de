"""Broken files for every parser: nothing but `SegkitError`s may come out, in bounded time.

    python benchmarks/fuzz.py --inputs 100000 --out fuzz.json [--target coco coco.zip boxes …]

The inputs are shared out over the targets. Each is a good dataset of three images (or its archive,
or one file) with one file changed: bytes, numbers, pieces cut out, doubled or replaced by what
parsers trip over. A dataset is read and validated. Rounds are seeded and the figures are saved
after each, so that a run that was stopped goes on where it was. The exit code is 1 where anything
else came out.
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
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from napari_segkit.data.boxes import read_boxes
from napari_segkit.data.dataset import Sample, WriteOptions
from napari_segkit.data.formats.classes import read_value_map
from napari_segkit.data.formats.registry import FORMATS, get_format
from napari_segkit.data.images import image_size, read_image
from napari_segkit.data.splits import read_split_list
from napari_segkit.errors import SegkitError
from napari_segkit.jobs import drain
from napari_segkit.ops.masks import segmentation_from_labels
from napari_segkit.types import ClassDef

if TYPE_CHECKING:
    from collections.abc import Callable

ROUND = 200
CLASSES = (ClassDef("ring", (250, 170, 50)), ClassDef("größe", (10, 200, 30)))
TOKENS = (
    b'-1 1e308 NaN null [] {} 999999999999 "" ../ 0 < &a; \0 true Infinity 1.5 \xff *a :'.split()
)


FILES = {
    "boxes": ("boxes.json", '{"a/x": [[0, 1, 20, 30]], "y.png": [[1.5, 2, 3, 4], [5, 6, 7, 8]]}'),
    "boxes-coco": (
        "boxes.json",
        '{"images": [{"id": 1, "file_name": "x.png", "width": 57, "height": 40}],'
        ' "annotations": [{"id": 1, "image_id": 1, "bbox": [1, 2, 3, 4]}]}',
    ),
    "split-json": ("split.json", '{"train": ["x", "a/y"], "valid": ["z"]}'),
    "split-csv": ("split.csv", "x,train\na/y,train\nz.png,valid\n"),
    "values": (
        "classes.json",
        '{"classes": [{"name": "egg", "value": 128, "color": [255, 200, 0]}], "thresholds": [64]}',
    ),
}
PHOTOS = ("png", "jpg", "tif", "gif", "bmp", "webp", "ppm")


def good_dataset(form_id: str, folder: Path, suffix: str) -> Path:
    """Three images, one with a hole and two parts, one without objects."""
    labels = np.zeros((40, 57), np.int32)
    labels[3:15, 4:18], labels[6:10, 8:14] = 1, 0
    labels[20:30, 2:6] = labels[22:28, 10:15] = 2
    photo = folder / "photo.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 57, 3), np.uint8)).save(photo)
    options = WriteOptions(include_images=True)
    target = folder / f"dataset{suffix}"
    with get_format(form_id).open_writer(target, classes=CLASSES, options=options) as writer:
        for name, array in (("x", labels), ("a/y", labels[::-1].copy()), ("z", labels * 0)):
            given = segmentation_from_labels(array, classes=CLASSES, class_of={2: "größe"})
            writer.add(Sample(name, given, photo))
    return target


def good_file(name: str, folder: Path) -> Path:
    """One file: a photo, or a text of `FILES`."""
    if name in FILES:
        path = folder / FILES[name][0]
        path.write_text(FILES[name][1])
        return path
    path = folder / f"photo.{name}"
    values = np.random.default_rng(0).integers(0, 255, (40, 57, 3), np.uint8)
    tags = Image.Exif()
    tags[274] = 6
    Image.fromarray(values).save(path, exif=tags)
    return path


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


def read_dataset(form_id: str, target: Path) -> bool:
    """Whether every sample can be read; the check runs too, and must not raise at all."""
    drain(get_format(form_id).validate(target))
    whole = True
    with get_format(form_id).open(target) as dataset:
        for name in dataset.names:
            try:
                dataset.read(name)
            except SegkitError:
                whole = False
    return whole


def read_file(name: str, path: Path) -> bool:
    """Parse a file of a kind of `FILES`, or a photo."""
    if name.startswith("boxes"):
        read_boxes(path)
    elif name.startswith("split"):
        read_split_list(path, ["x", "a/y", "z"])
    elif name == "values":
        read_value_map(str(path))
    else:
        image_size(path)
        read_image(path)
    return True


def prepared(name: str, folder: Path) -> tuple[Path, Callable[[Path], bool]]:
    """What is broken, and how it is read."""
    form_id, _, packed = name.partition(".")
    if form_id in FORMATS:
        target = good_dataset(form_id, folder, ".zip" if packed else "")
        return target, lambda path: read_dataset(form_id, path)
    return good_file(name, folder), lambda path: read_file(name, path)


def fuzz(name: str, seed: str) -> dict[str, Any]:
    """Figures of one round; ``leaks`` are tracebacks of what should not have come out."""
    rng = random.Random(seed)
    leaks: list[str] = []
    refused, slowest, start = 0, 0.0, time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        target, read = prepared(name, Path(folder))
        files = (
            [target] if target.is_file() else sorted(p for p in target.rglob("*") if p.is_file())
        )
        originals = {path: path.read_bytes() for path in files}
        for number in range(ROUND):
            path = rng.choice(files)
            path.write_bytes(broken(originals[path], rng))
            began = time.perf_counter()
            try:
                refused += not read(target)
            except SegkitError:
                refused += 1
            except Exception:  # noqa: BLE001  this is what is looked for
                leaks.append(f"{seed} #{number} {path.name}\n{traceback.format_exc(limit=-6)}")
            slowest = max(slowest, time.perf_counter() - began)
            path.write_bytes(originals[path])
    return {
        "inputs": ROUND,
        "refused": refused,
        "leaks": leaks,
        "slowest_s": round(slowest, 3),
        "seconds": round(time.perf_counter() - start, 1),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
    }


def added(old: dict[str, Any] | None, new: dict[str, Any]) -> dict[str, Any]:
    """Figures of all rounds of a target; twenty leaks are enough to see what is wrong."""
    if old is None:
        return new
    most = {key: max(old[key], new[key]) for key in ("slowest_s", "peak_mib")}
    total = {key: round(old[key] + new[key], 1) for key in ("inputs", "refused", "seconds")}
    return total | {"leaks": (old["leaks"] + new["leaks"])[:20]} | most


def main() -> None:
    names = [*FORMATS, *(f"{key}.zip" for key in FORMATS), *FILES, *PHOTOS]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=20_000, help="in all")
    parser.add_argument("--target", nargs="*", choices=names, default=names)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    warnings.simplefilter("error")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    done: dict[str, Any] = json.loads(options.out.read_text()) if options.out.exists() else {}
    rounds = -(-options.inputs // (ROUND * len(options.target)))
    for number in range(rounds):
        for name in options.target:
            if done.get(name, {}).get("inputs", 0) > number * ROUND:
                continue
            figures = fuzz(name, f"{options.seed}/{name}/{number}")
            done[name] = added(done.get(name), figures)
            options.out.write_text(json.dumps(done, indent=1) + "\n")
    inputs = sum(figures["inputs"] for figures in done.values())
    leaks = [leak for figures in done.values() for leak in figures["leaks"]]
    print(f"{inputs} inputs, {len(leaks)} leaks", *leaks, sep="\n")
    sys.exit(bool(leaks))


if __name__ == "__main__":
    main()

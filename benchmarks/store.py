"""The working store: codec against PNG and npz, times of save, append and opening, in one run.

python benchmarks/store.py --out store.json
"""

from __future__ import annotations

import argparse
import io
import json
import tempfile
import time
import zlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from PIL import Image

from napari_segkit.data.store import Record, Status, Store, tiles_in
from napari_segkit.ops.edit import fill_holes, grow, smooth
from napari_segkit.ops.edit_many import split_touching
from napari_segkit.ops.instance_index import InstanceIndex
from napari_segkit.ops.instance_rows import InstanceRow
from napari_segkit.ops.label_codec import pack_labels, unpack_labels

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_segkit.data.images import ImageSource

CLASSES = (("coin", (250, 170, 50)),)


def scene(count: int, size: tuple[int, int]) -> np.ndarray:
    """Overlapping ellipses of many sizes with grainy outlines."""
    rng = np.random.default_rng(0)
    height, width = size
    labels = np.zeros(size, np.int32)
    radius = np.sqrt(height * width / count) / 2
    for key in range(1, count + 1):
        centre = int(rng.integers(0, width)), int(rng.integers(0, height))
        axes = tuple(int(v) for v in radius * rng.uniform(0.4, 1.1, 2) + 2)
        cv2.ellipse(labels, centre, axes, float(rng.uniform(0, 180)), 0, 360, key, -1)
    shift = rng.integers(-1, 2, (height, 1))
    return np.take_along_axis(labels, (np.arange(width) + shift) % width, axis=1)


def timed(work: Callable[[], Any], rounds: int = 5) -> dict[str, float]:
    """Best milliseconds of some rounds: of the processor, and by the clock."""
    cpu, wall = [], []
    for _ in range(rounds):
        start, busy = time.perf_counter(), time.process_time()
        work()
        wall.append(1e3 * (time.perf_counter() - start))
        cpu.append(1e3 * (time.process_time() - busy))
    return {"cpu_ms": min(cpu), "wall_ms": min(wall)}


def png(labels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(labels.astype(np.uint16)).save(out, "PNG")
    return out.getvalue()


def npz(labels: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.savez_compressed(out, labels=labels.astype(np.uint16))
    return out.getvalue()


def raw(labels: np.ndarray) -> bytes:
    return zlib.compress(labels.astype(np.uint16).tobytes(), 1)


def cv2_png(labels: np.ndarray) -> bytes:
    flags = [cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, 3]
    return cv2.imencode(".png", labels.astype(np.uint16), flags)[1].tobytes()


CODECS = {"runs": pack_labels, "raw zlib 1": raw, "cv2 png": cv2_png, "pillow png": png, "npz": npz}


def codecs(count: int) -> dict[str, Any]:
    """Time and size of each codec on 4096 x 4096 pixels, ours = 1."""
    labels = scene(count, (4096, 4096))
    rows: dict[str, dict[str, Any]] = {
        name: {**timed(partial(code, labels), 3), "kb": len(code(labels)) / 1024}
        for name, code in CODECS.items()
    }
    ours = rows["runs"]
    for row in rows.values():
        row["cpu_ratio"] = row["cpu_ms"] / ours["cpu_ms"]
        row["size_ratio"] = row["kb"] / ours["kb"]
    packed = pack_labels(labels)
    rows["runs"]["unpack"] = timed(lambda: unpack_labels(packed))
    return rows


def record(name: str, labels: np.ndarray, edits: int = 0) -> Record:
    keys = np.unique(labels).tolist()
    rows = {key: InstanceRow("coin", 0.9, "predicted", 0) for key in keys if key}
    return Record(name=name, size=labels.shape, classes=CLASSES, instances=rows, edits=edits)


def saving(count: int, size: tuple[int, int]) -> dict[str, Any]:
    """A save, an append of one stroke, a load."""
    labels = scene(count, size)
    made = record("a", labels)
    with tempfile.TemporaryDirectory() as name:
        Image.new("RGB", (8, 8)).save(Path(name) / "a.png")
        with Store.open(Path(name)) as store:
            store.save("a", labels, made)
            strokes = iter(range(1, 10**6))

            def stroke() -> None:
                number = next(strokes)
                store.append("a", tiles_in(labels, [(500, 500, 540, 540)]), _edited(made, number))

            return {
                "save": timed(lambda: store.save("a", labels, made)),
                "append a stroke": timed(stroke),
                "load": timed(lambda: store.load("a")),
            }


def _edited(made: Record, number: int) -> Record:
    return made.model_copy(update={"edits": number})


def opening(count: int) -> dict[str, Any]:
    """A folder is opened: without work, and with work on every image."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Image.new("RGB", (8, 8)).save(folder / "0.png")
        for number in range(1, count):
            (folder / f"{number:05d}.png").hardlink_to(folder / "0.png")
        first = timed(lambda: Store.open(folder).close(), 1)
        with Store.open(folder) as store:
            for image in store.sources:
                store.append(image, [], Record(name=image, status=Status.SKIPPED))
        sources = list(store.sources.values())
        return {
            "images": count,
            "the first time": first,
            "with work on all": timed(lambda: Store.open(folder).close(), 3),
            "of that, without listing the images": timed(lambda: _reopen(folder, sources), 3),
        }


def _reopen(folder: Path, sources: list[ImageSource]) -> None:
    Store.open(folder, sources).close()


def tools() -> dict[str, Any]:
    """Tools on one of 3,000 instances in 6000 x 4000 pixels: the slowest of 20."""
    labels = scene(3000, (4000, 6000))
    index = InstanceIndex(labels)
    keys = index.keys[1000:1020]
    result: dict[str, Any] = {"index": timed(lambda: InstanceIndex(labels), 3)}
    calls = {
        "fill_holes": lambda key: fill_holes(labels, key, box=index.box(key)),
        "smooth": lambda key: smooth(labels, key, radius=3, box=index.box(key)),
        "grow": lambda key: grow(labels, key, pixels=3, box=index.box(key)),
        "split": lambda key: split_touching(labels, key, new_id=9000, box=index.box(key)),
        "grow, box unknown": lambda key: grow(labels, key, pixels=3),
    }
    for name, call in calls.items():
        call(keys[0])  # imports
        times = [timed(partial(call, key), 3) for key in keys]
        result[name] = {kind: max(one[kind] for one in times) for kind in times[0]}
    delta = grow(labels, keys[0], pixels=3, box=index.box(keys[0]))
    result["index follows"] = timed(lambda: index.follow(delta.change()))
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--images", type=int, default=10_000)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    parts: dict[str, Callable[[], Any]] = {
        "store, 4096 x 4096": lambda: {n: saving(n, (4096, 4096)) for n in (300, 3000)},
        "codec, 4096 x 4096": lambda: {n: codecs(n) for n in (300, 3000)},
        "tools, 6000 x 4000, 3000 instances, slowest of 20": tools,
        "opening": lambda: opening(arguments.images),
    }
    result: dict[str, Any] = {}
    for name, measure in parts.items():
        result[name] = measure()
        print(json.dumps({name: result[name]}, indent=2), flush=True)
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

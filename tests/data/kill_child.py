"""Kills a save before its 1st, 2nd, … call that touches the disk, and looks what is left.

    python kill_child.py SCENARIO FOLDER

Prints JSON: how often the old, the new or something else (``mix``) was found, and what temporary
files the next save left.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from napari_segkit.data import atomic, staging
from napari_segkit.data.dataset import Sample, WriteOptions
from napari_segkit.data.formats.cvat_mask import CvatMask
from napari_segkit.errors import SegkitError
from napari_segkit.ops.masks import segmentation_from_labels
from napari_segkit.types import ClassDef

CLASSES = (ClassDef("coin", (255, 0, 0)),)
DISK = {"write", "fsync", "replace", "rename", "mkdir", "unlink", "rmdir", "open", "close", "flush"}
DISK |= {"writelines", "truncate", "copymode", "chmod", "scandir"}


def export(target: Path, version: int) -> None:
    options = WriteOptions(include_images=True, overwrite=True)
    with CvatMask().open_writer(target, classes=CLASSES, options=options) as writer:
        for number in range(1):
            labels = np.full((6, 7), version + number, np.int32)
            made = segmentation_from_labels(labels, classes=CLASSES)
            image = np.full((6, 7, 3), version, np.uint8)
            writer.add(Sample(f"x/{version}-{number}", made, image))


def save(target: Path, version: int) -> None:
    with atomic.atomic_write(target) as file:
        for _ in range(3):
            file.write(bytes([version]) * 100_000)


def content(target: Path) -> object:
    """What a person would find: through the reader where it is a dataset."""
    if target.suffix != ".bin":
        try:
            with CvatMask().open(target) as dataset:
                return [(s.name, s.segmentation.labels.tolist()) for s in dataset]
        except SegkitError:
            return "broken" if target.exists() else None
    return target.read_bytes() if target.exists() else None


def killed_at(number: int, work: Callable[[], None]) -> bool:
    """Run ``work`` in a child that dies before its ``number``-th call; False once it survives."""
    child = os.fork()
    if child == 0:
        calls = 0

        def count(frame: object, event: str, called: object) -> None:
            nonlocal calls
            name = getattr(called, "__name__", "")
            if event in ("call", "return"):  # ctypes functions give no event of their own
                hit = frame.f_code.co_name in ("_exchange", "sync_tree")
            else:
                hit = event == "c_call" and name in DISK
            if hit:
                calls += 1
                if calls == number:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.setprofile(count)
        work()
        sys.setprofile(None)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) != 0:
        raise SystemExit(f"the child failed by itself before call {number}")
    return os.WIFSIGNALED(status)


def main(scenario: str, folder: Path) -> None:
    kind, _, how = scenario.partition("-")
    target = folder / {"folder": "dataset", "zip": "a.zip", "file": "f.bin"}[kind]
    write = save if kind == "file" else export
    if how == "renames":
        staging._exchange = lambda *_: False
    folder.mkdir()
    write(target, 3)
    new = content(target)
    found: Counter[str] = Counter()
    left: set[str] = set()
    number, alive = 0, True
    while alive:
        number += 1
        shutil.rmtree(folder)
        folder.mkdir()
        old = None
        if how != "fresh":
            write(target, 9)
            old = content(target)
        alive = killed_at(number, lambda: write(target, 3))
        seen = content(target)
        found["new" if seen == new else "old" if seen == old else "mix"] += 1
        atomic._swept.clear()
        write(target, 3)
        if content(target) != new:
            found["not written again"] += 1
        left |= {path.name for path in folder.iterdir()} - {target.name}
    sys.stdout.write(json.dumps({"kills": number - 1, "found": found, "left": sorted(left)}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))

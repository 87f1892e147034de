"""Saves under a limit of file size, as a full disk would: prints the error, or "done".

python full_disk_child.py KIND TARGET BYTES
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

import numpy as np

from napari_segkit.data.atomic import atomic_write
from napari_segkit.data.dataset import Sample, WriteOptions
from napari_segkit.data.formats.cvat_mask import CvatMask
from napari_segkit.errors import WriteError
from napari_segkit.ops.masks import segmentation_from_labels
from napari_segkit.types import ClassDef

CLASSES = (ClassDef("coin", (255, 0, 0)),)


def export(target: Path) -> None:
    options = WriteOptions(include_images=True, overwrite=True)
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    made = segmentation_from_labels(np.ones((64, 64), np.int32), classes=CLASSES)
    with CvatMask().open_writer(target, classes=CLASSES, options=options) as writer:
        for number in range(3):
            writer.add(Sample(f"n{number}", made, noise))


def save(target: Path) -> None:
    with atomic_write(target) as file:
        file.write(bytes(50_000))


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def main(kind: str, target: Path, sizes: list[int]) -> None:
    work = save if kind == "file" else export
    work(target)
    before = snapshot(target.parent)
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    said = []
    for size in sizes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))
        try:
            work(target)
        except WriteError as error:
            said.append(str(error))
        else:
            said.append("done")
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    sys.stdout.write(json.dumps({"said": said, "same": snapshot(target.parent) == before}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), [int(size) for size in sys.argv[3:]])

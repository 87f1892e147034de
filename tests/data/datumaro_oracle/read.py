"""Reads datasets with datumaro, as CVAT does; run by the interpreter of an environment of its own.

    python read.py OUT.npz DATASET…

Writes what it saw: per dataset the labels and their colours, per image its size, and per object
label, group and mask. A dataset that datumaro refuses gives its error.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import json
import sys
from pathlib import Path

import numpy as np


class _Unused(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Empty stand-ins of large packages that datumaro names but never uses for masks."""

    def find_spec(self, name, path=None, target=None):
        if name in ("pandas", "pyarrow"):
            return importlib.machinery.ModuleSpec(name, self)
        return None

    def exec_module(self, module):
        pass


sys.meta_path.append(_Unused())

from datumaro.components.annotation import AnnotationType  # noqa: E402
from datumaro.components.dataset import Dataset  # noqa: E402


def seen(folder: str, arrays: dict[str, np.ndarray]) -> dict[str, object]:
    dataset = Dataset.import_from(folder, "voc_segmentation")
    categories = dataset.categories()
    labels = [label.name for label in categories[AnnotationType.label].items]
    colors = categories[AnnotationType.mask].colormap
    items = []
    for item in dataset:
        objects = []
        for annotation in item.annotations:
            key = f"m{len(arrays)}"
            arrays[key] = np.packbits(np.asarray(annotation.image, bool))
            objects.append(
                {
                    "label": int(annotation.label),
                    "group": int(annotation.group),
                    "shape": list(annotation.image.shape),
                    "mask": key,
                }
            )
        image = item.media.data if item.media else None
        size = list(image.shape[:2]) if image is not None else None
        items.append({"id": item.id, "subset": item.subset, "objects": objects, "size": size})
    return {
        "labels": labels,
        "colors": {str(k): [int(v) for v in color] for k, color in colors.items()},
        "items": items,
    }


def main(out: Path, folders: list[str]) -> None:
    arrays: dict[str, np.ndarray] = {}
    found = []
    for folder in folders:
        try:
            found.append(seen(folder, arrays))
        except Exception as error:  # noqa: BLE001  whatever it refuses with
            found.append({"error": f"{type(error).__name__}: {error}"})
    np.savez_compressed(out, found=np.frombuffer(json.dumps(found).encode(), np.uint8), **arrays)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])

"""Reads a dataset of any format with datumaro; run by the interpreter of its own environment.

    python read_shapes.py OUT.npz IMPORTER FOLDER

Writes per image its name, and per object its class and its mask (polygons are filled).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from pycocotools import mask as coco_mask
from read import AnnotationType, Dataset  # its stand-ins must be there before datumaro is loaded


def pixels(annotation, size: tuple[int, int]) -> np.ndarray | None:
    if annotation.type == AnnotationType.mask:
        return np.asarray(annotation.image, bool)
    if annotation.type == AnnotationType.polygon:
        return coco_mask.decode(coco_mask.frPyObjects([annotation.points], *size)[0]).astype(bool)
    return None


def main(out: Path, importer: str, folder: str) -> None:
    dataset = Dataset.import_from(folder, importer)
    names = [label.name for label in dataset.categories()[AnnotationType.label].items]
    arrays: dict[str, np.ndarray] = {}
    items = []
    for item in dataset:
        size = tuple(item.media.size)
        objects = []
        for annotation in item.annotations:
            mask = pixels(annotation, size)
            if mask is not None:
                key = f"m{len(arrays)}"
                arrays[key] = mask
                objects.append([names[annotation.label], key])
        items.append({"name": item.id, "size": list(size), "objects": objects})
    found = json.dumps({"labels": names, "items": items}).encode()
    np.savez_compressed(out, found=np.frombuffer(found, np.uint8), **arrays)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])

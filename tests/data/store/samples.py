from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from napari_segkit.data.store import Record
from napari_segkit.ops.instance_rows import InstanceRow


def photo(path: Path, shade: int = 0, size: tuple[int, int] = (40, 30)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (shade, 0, 0)).save(path)


def mask(value: int = 1, shape: tuple[int, int] = (30, 40)) -> np.ndarray:
    labels = np.zeros(shape, np.int32)
    labels[5:20, 7:25] = value
    return labels


def record(name: str = "a", *keys: int, **values: object) -> Record:
    rows = {key: InstanceRow("coin") for key in keys}
    made = {"size": (30, 40), "classes": (("coin", (1, 2, 3)),), "instances": rows}
    return Record.model_validate({"name": name, **made, **values})

"""Works on a store under a limit of file size, as on a full disk: prints what was said and kept.

python full_disk_child.py FOLDER
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from napari_segkit.data.store import Record, Store, tiles_in
from napari_segkit.errors import WriteError

SHAPE = (200, 200)
ALL = [(0, 0, 200, 200)]


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 99, SHAPE).astype(np.int32)


def record(edits: int) -> Record:
    return Record(name="a", size=SHAPE, edits=edits)


def main(folder: Path) -> None:
    folder.mkdir()
    Image.new("RGB", SHAPE).save(folder / "a.png")
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    said, kept = [], []
    with Store.open(folder) as store:
        store.save("a", noise(0), record(0))
        store.append("a", tiles_in(noise(1), ALL), record(1))
        for size in (0, 10, 1000, 20_000, 70_000):
            for write in (
                lambda: store.append("a", tiles_in(noise(2), ALL), record(2)),
                lambda: store.save("a", noise(3), record(3)),
            ):
                resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))
                try:
                    write()
                    said.append("done")
                except WriteError as error:
                    said.append(str(error))
                resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
                found = store.load("a")
                same = np.array_equal(found.labels, noise(found.record.edits))
                kept.append(found.record.edits if same else "mix")
                if said[-1] == "done":
                    break
        store.append("a", tiles_in(noise(4), ALL), record(4))
        store.save("a", noise(5), record(5))
    with Store.open(folder) as store:
        kept.append(store.load("a").record.edits)
    sys.stdout.write(json.dumps({"said": said, "kept": kept}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

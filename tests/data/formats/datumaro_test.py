"""Datumaro, whose engine CVAT uses, reads what was written: names, classes and every pixel.

It has no reader of YOLO's polygons, of labelme's JSON or of value masks with our table.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from napari_segkit.data.dataset import WriteOptions
from napari_segkit.data.formats.registry import get_format
from tests.data.formats.scenes import CLASSES, samples

TESTS = Path(__file__).parents[2]
SCRIPT = TESTS / "data" / "datumaro_oracle" / "read_shapes.py"
PYTHON = Path(os.environ.get("SEGKIT_DATUMARO_PYTHON", TESTS.parent / ".venv-datumaro/bin/python"))

pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason=f"datumaro is not in {PYTHON}")


@pytest.mark.parametrize(
    ("form", "importer"),
    [("coco", "coco_instances"), ("cvat-xml", "cvat"), ("voc", "voc_segmentation")],
)
def test_datumaro_sees_what_we_wrote(tmp_path: Path, form: str, importer: str) -> None:
    given = {sample.name: sample for sample in samples(tmp_path / "photos")}
    options = WriteOptions(include_images=True)
    target = tmp_path / "out"
    with get_format(form).open_writer(target, classes=CLASSES, options=options) as writer:
        for sample in given.values():
            writer.add(sample)
    command = [PYTHON, SCRIPT, tmp_path / "seen.npz", importer, target]
    done = subprocess.run(command, capture_output=True, text=True, env={"PATH": ""})
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "seen.npz") as seen:
        found = json.loads(seen["found"].tobytes())
        assert [name for name in found["labels"] if name != "background"] == [
            one.name for one in CLASSES
        ]
        assert {item["name"] for item in found["items"]} == set(given)
        for item in found["items"]:
            segmentation = given[item["name"]].segmentation
            assert tuple(item["size"]) == segmentation.labels.shape
            want = sorted(
                (one.class_name, (segmentation.labels == key).tobytes())
                for key, one in segmentation.instances.items()
            )
            got = sorted((name, seen[key].astype(bool).tobytes()) for name, key in item["objects"])
            assert got == want

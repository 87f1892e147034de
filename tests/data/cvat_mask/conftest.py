"""Datasets made in memory: good ones by the writer, bad ones by changing their files."""

from __future__ import annotations

import io
import itertools
import json
import os
import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from napari_segkit.data.dataset import Fault, Sample, Validation, WriteOptions, WriteReport
from napari_segkit.data.formats.cvat_mask import CvatMask
from napari_segkit.data.formats.cvat_mask_reader import CvatMaskDataset
from napari_segkit.ops.masks import segmentation_from_labels
from napari_segkit.types import ClassDef, Segmentation

Files = dict[str, bytes]


class Kit:
    """What the tests of this folder share."""

    coin = ClassDef("coin", (255, 0, 0))
    pan = ClassDef("Pfännchen", (0, 128, 255))
    classes = (coin, pan)
    class_png = "SegmentationClass/a.png"
    object_png = "SegmentationObject/a.png"
    list_txt = "ImageSets/Segmentation/default.txt"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = itertools.count()

    def place(self, suffix: str = "") -> Path:
        """A path where nothing is yet."""
        return self._folder / f"d{next(self._number)}{suffix}"

    def labels(self) -> np.ndarray:
        """(8, 12) int32: 1 and 2 touch, 3 lies inside 1."""
        labels = np.zeros((8, 12), np.int32)
        labels[1:6, 1:6] = 1
        labels[1:6, 6:9] = 2
        labels[3:5, 3:5] = 3
        return labels

    def segmentation(self, labels: np.ndarray | None = None, **options: object) -> Segmentation:
        labels = self.labels() if labels is None else np.asarray(labels, np.int32)
        return segmentation_from_labels(
            labels, **({"classes": self.classes, "class_of": {2: self.pan.name}} | options)
        )

    def sample(self, name: str = "a", image: object = None, **options: object) -> Sample:
        return Sample(name, self.segmentation(**options), image)

    def write(
        self, target: Path, samples: list[Sample], *, classes: tuple[ClassDef, ...] = classes,
        **options: object,
    ) -> WriteReport:  # fmt: skip
        with CvatMask().open_writer(
            target, classes=classes, options=WriteOptions(**options)
        ) as writer:
            for sample in samples:
                writer.add(sample)
        return writer.report

    def files(self, samples: list[Sample] | None = None, **options: object) -> Files:
        """Files of a good dataset; the image ``a`` has three objects."""
        target = self.place()
        self.write(target, samples or [self.sample()], **options)
        return self.read_files(target)

    @staticmethod
    def read_files(folder: Path) -> Files:
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }

    def lay(self, files: Mapping[str, bytes], suffix: str = "") -> Path:
        """Files as a folder or, with suffix ``.zip``, as an archive."""
        target = self.place(suffix)
        if suffix == ".zip":
            with zipfile.ZipFile(target, "w") as archive:
                for name, data in files.items():
                    archive.writestr(name, data)
            return target
        target.mkdir()
        for name, data in files.items():
            path = target / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return target

    def open(self, files: Mapping[str, bytes] | Path, suffix: str = "") -> CvatMaskDataset:
        path = files if isinstance(files, Path) else self.lay(files, suffix)
        return CvatMask().open(path)

    def validate(self, files: Mapping[str, bytes] | Path, suffix: str = "") -> Validation:
        path = files if isinstance(files, Path) else self.lay(files, suffix)
        job = CvatMask().validate(path)
        while True:
            try:
                next(job)
            except StopIteration as stop:
                return stop.value

    def faults(self, files: Mapping[str, bytes] | Path, suffix: str = "") -> list[Fault]:
        return list(self.validate(files, suffix).faults)

    @staticmethod
    def pixels(png: bytes) -> np.ndarray:
        with Image.open(io.BytesIO(png)) as image:
            return np.asarray(image)

    @staticmethod
    def png(pixels: np.ndarray | Image.Image, **options: object) -> bytes:
        image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
        buffer = io.BytesIO()
        image.save(buffer, "PNG", **options)
        return buffer.getvalue()


@pytest.fixture(scope="session")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    return Kit(tmp_path_factory.mktemp("cvat"))


TESTS = Path(__file__).parents[1]
PYTHON = Path(
    os.environ.get("SEGKIT_DATUMARO_PYTHON", TESTS.parents[1] / ".venv-datumaro/bin/python")
)


@pytest.fixture(scope="session")
def datumaro(tmp_path_factory: pytest.TempPathFactory):
    """What datumaro sees in dataset folders: one dict each, with masks as arrays, or its error."""
    if not PYTHON.exists():
        pytest.skip(f"datumaro's environment is absent ({PYTHON}): make .venv-datumaro/.done")

    def see(folders: list[Path]) -> list[dict[str, Any]]:
        out = tmp_path_factory.mktemp("datumaro") / "seen.npz"
        script = TESTS / "datumaro_oracle" / "read.py"
        done = subprocess.run(
            [PYTHON, script, out, *folders], capture_output=True, text=True, env={"PATH": ""}
        )
        assert done.returncode == 0, done.stderr
        with np.load(out) as arrays:
            found = json.loads(arrays["found"].tobytes())
            for item in (item for one in found for item in one.get("items", ())):
                for thing in item["objects"]:
                    height, width = thing["shape"]
                    bits = np.unpackbits(arrays[thing["mask"]], count=height * width)
                    thing["mask"] = bits.reshape(height, width).astype(bool)
        return found

    return see

"""Export and import of a dataset in CVAT's mask format, ours against datumaro, in the same run.

    make .venv-datumaro/.installed
    python benchmarks/datasets.py --out datasets.json

A thousand generated photos with twenty objects each. Export: photos and label arrays from files
into a folder, photos included. Import: our folder, every object's pixels in the reader's own form.
Each measurement is a process of its own, so that its peak memory is its own; of several rounds
the one with the median time counts. datumaro runs in its own environment, with stand-ins for
packages that its masks never use.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
DATUMARO = ROOT / ".venv-datumaro" / "bin" / "python"
CLASSES = {"coin": (250, 170, 50), "ring": (10, 200, 30)}


def generate(folder: Path, images: int, objects: int, size: tuple[int, int]) -> None:
    """Photos as JPEG and labels as ``.npy``: ellipses on a grid, some of them touching."""
    rng = np.random.default_rng(0)
    height, width = size
    ground = rng.integers(0, 255, (height // 8, width // 8, 3), np.uint8)
    photo = np.asarray(Image.fromarray(ground).resize((width, height)))
    y, x = np.mgrid[:height, :width]
    columns = int(np.ceil(np.sqrt(objects)))
    cell = height / columns, width / columns
    for number in range(images):
        labels = np.zeros(size, np.uint8)
        for key in range(objects):
            row, column = divmod(key, columns)
            middle = (row + rng.uniform(0.4, 0.6)) * cell[0], (column + 0.5) * cell[1]
            radii = rng.uniform(0.3, 0.6) * cell[0], rng.uniform(0.3, 0.6) * cell[1]
            inside = ((y - middle[0]) / radii[0]) ** 2 + ((x - middle[1]) / radii[1]) ** 2 < 1
            labels[inside] = key + 1
        np.save(folder / f"{number:05d}.npy", labels)
        shown = np.roll(photo, number, axis=1) // 2 + labels[..., None] * 5
        Image.fromarray(shown).save(folder / f"{number:05d}.jpg")


def class_of(key: int) -> str:
    """Class of an object by its id."""
    return list(CLASSES)[key % len(CLASSES)]


def ours_export(source: Path, target: Path) -> int:
    from napari_segkit.data.dataset import Sample, WriteOptions
    from napari_segkit.jobs import drain, write_dataset
    from napari_segkit.ops.masks import segmentation_from_labels
    from napari_segkit.types import ClassDef

    classes = tuple(ClassDef(*one) for one in CLASSES.items())
    samples = (
        Sample(
            path.stem,
            segmentation_from_labels(
                labels := np.load(path).astype(np.int32),
                classes=classes,
                class_of={key: class_of(key) for key in range(1, int(labels.max()) + 1)},
            ),
            path.with_suffix(".jpg"),
        )
        for path in sorted(source.glob("*.npy"))
    )
    options = WriteOptions(include_images=True)
    return drain(write_dataset(samples, target, classes=classes, options=options)).instances


def ours_import(source: Path, _: Path) -> int:
    from napari_segkit.data.formats.registry import recognise

    with recognise(source).open(source) as dataset:
        return sum(len(sample.segmentation.instances) for sample in dataset)


def _datumaro() -> Any:
    sys.path.insert(0, str(ROOT / "tests" / "data" / "datumaro_oracle"))
    return importlib.import_module("read").Dataset  # with its stand-ins


def datumaro_export(source: Path, target: Path) -> int:
    dataset_type = _datumaro()
    from datumaro.components.annotation import AnnotationType, LabelCategories, Mask, MaskCategories
    from datumaro.components.dataset_base import DatasetItem
    from datumaro.components.media import Image as Media

    names = list(CLASSES)

    class Items:  # datumaro goes through its source more than once
        objects = 0

        def __iter__(self) -> Iterator[DatasetItem]:
            self.objects = 0
            for path in sorted(source.glob("*.npy")):
                labels = np.load(path)
                masks = [
                    Mask(labels == key, label=names.index(class_of(key)), id=key, group=key)
                    for key in range(1, int(labels.max()) + 1)
                ]
                self.objects += len(masks)
                media = Media.from_file(path=str(path.with_suffix(".jpg")))
                yield DatasetItem(path.stem, subset="default", annotations=masks, media=media)

    categories = LabelCategories.from_iterable(names)
    colors = MaskCategories(dict(enumerate(CLASSES.values())))
    source_items = Items()
    dataset = dataset_type.from_iterable(
        source_items, categories={AnnotationType.label: categories, AnnotationType.mask: colors}
    )
    dataset.export(str(target), "voc_segmentation", save_media=True, label_map="source")
    return source_items.objects


def datumaro_import(source: Path, _: Path) -> int:
    dataset = _datumaro().import_from(str(source), "voc_segmentation")
    count = 0
    for item in dataset:
        for annotation in item.annotations:
            count += annotation.image.ndim == 2
    return count


STEPS = {
    "ours export": ours_export,
    "datumaro export": datumaro_export,
    "ours import": ours_import,
    "datumaro import": datumaro_import,
}


def peak_mib() -> float:
    """Peak of this program alone: ``ru_maxrss`` also counts the process that started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def child(step: str, source: Path, target: Path) -> None:
    """Do one step and print its figures."""
    start, cpu = time.perf_counter(), time.process_time()
    objects = STEPS[step](source, target)
    figures = {
        "objects": objects,
        "seconds": time.perf_counter() - start,
        "cpu_seconds": time.process_time() - cpu,
        "peak_mib": peak_mib(),
    }
    print(json.dumps(figures))


def measure(step: str, source: Path, target: Path, number: int) -> dict[str, float]:
    """The round with the median time."""
    python = DATUMARO if step.startswith("datumaro") else sys.executable
    rounds = []
    for _ in range(number):
        shutil.rmtree(target, ignore_errors=True)
        command = [python, __file__, "--child", step, str(source), str(target)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        rounds.append(json.loads(done.stdout.splitlines()[-1]))
    middle = statistics.median_low(one["seconds"] for one in rounds)
    return next(one for one in rounds if one["seconds"] == middle)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--objects", type=int, default=20)
    parser.add_argument("--size", type=int, nargs=2, default=(768, 1024), metavar=("H", "W"))
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child[0], Path(options.child[1]), Path(options.child[2]))
        return
    with tempfile.TemporaryDirectory() as name:
        photos, ours = Path(name, "photos"), Path(name, "ours")
        photos.mkdir()
        generate(photos, options.images, options.objects, tuple(options.size))
        places = {"ours": ours, "datumaro": Path(name, "datumaro")}
        rows = {
            step: measure(
                step,
                photos if "export" in step else ours,
                places[step.split()[0]] if "export" in step else Path(name, "none"),
                options.rounds,
            )
            for step in STEPS
        }
    result = {
        "images": options.images,
        "objects": options.objects,
        "size": list(options.size),
        "cores": os.cpu_count(),
        "steps": rows,
    }
    for step in ("export", "import"):
        mine, theirs = rows[f"ours {step}"], rows[f"datumaro {step}"]
        ratios = {
            "times_faster": theirs["seconds"] / mine["seconds"],
            "share_of_memory": mine["peak_mib"] / theirs["peak_mib"],
        }
        result[step] = ratios
        print(f"{step}: {mine['seconds']:.1f} s against {theirs['seconds']:.1f} s", end=", ")
        print(f"{ratios['times_faster']:.1f} times faster", end=", ")
        print(f"{mine['peak_mib']:.0f} MiB against {theirs['peak_mib']:.0f} MiB")
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()

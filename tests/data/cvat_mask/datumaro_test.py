"""An outside reader, datumaro, on which CVAT's own is built, sees what was written."""

from __future__ import annotations

import numpy as np
import pytest

from napari_segkit.data.dataset import Sample
from napari_segkit.ops.masks import merge_by_class, segmentation_from_labels
from napari_segkit.types import ClassDef

NAMES = [
    "photo",
    "with space",
    "ünïcödé/漢字/файл",
    "sub/folder/x",
    "dots.in.name",
    "emoji 🥚",
    "IMG_0001.JPG",
    "'quotes\" & (more), 100%",
    "e\u0301tude",
]
CLASSES = (
    ClassDef("coin", (255, 0, 0)),
    ClassDef("Spiegelei, groß", (1, 2, 3)),
    ClassDef("a b", (0, 0, 1)),
    ClassDef("zebra", (255, 255, 255)),
)


def scene(kind: str, rng: np.random.Generator) -> np.ndarray:
    """(H, W) int32 label images of many sorts."""
    height, width = (int(n) for n in rng.integers(20, 90, 2))
    labels = np.zeros((height, width), np.int32)
    if kind == "touching":
        labels[:] = np.arange(height)[:, None] // 5 * 10 + np.arange(width)[None, :] // 11 + 1
    elif kind == "nested":
        for ring in range(min(height, width) // 4):
            labels[ring * 2 : height - ring * 2, ring * 2 : width - ring * 2] = ring + 1
    elif kind == "many":
        labels = np.kron(np.arange(1, 256).reshape(15, 17), np.ones((4, 5))).astype(np.int32)
    elif kind == "noise":
        labels = rng.integers(0, 256, (height, width)).astype(np.int32)
    elif kind == "gaps":
        labels[2:9, 2:9], labels[2:9, 9:15], labels[12:, 3:] = 3, 200, 255
    elif kind == "one pixel":
        labels[-1, -1] = 1
    return labels


KINDS = ["touching", "nested", "many", "noise", "gaps", "one pixel", "empty"]


def generated(seed: int) -> list[Sample]:
    rng = np.random.default_rng(seed)
    samples = []
    for name in rng.permutation(NAMES):
        labels = scene(KINDS[(len(samples) + seed) % len(KINDS)], rng)
        class_of = {k: CLASSES[(k * 7 + seed) % len(CLASSES)].name for k in range(256)}
        made = segmentation_from_labels(labels, classes=CLASSES, class_of=class_of)
        image = rng.integers(0, 256, (*labels.shape, 3), np.uint8)
        samples.append(Sample(str(name), made, image))
    return samples


@pytest.fixture(scope="module")
def exported(kit, datumaro):
    """(samples, options, what datumaro sees) of every generated dataset."""
    made = [
        (generated(0), {}),
        (generated(1), {"subset": "Train"}),
        (generated(2), {"include_images": True}),
        (generated(3), {"instances": "merge"}),
        ([Sample("only", generated(0)[0].segmentation)], {}),
    ]
    folders = []
    for samples, options in made:
        folders.append(kit.place())
        kit.write(folders[-1], samples, classes=CLASSES, **options)
    seen = datumaro(folders)
    return [(samples, options, one) for (samples, options), one in zip(made, seen, strict=True)]


@pytest.mark.parametrize("case", range(5))
def test_datumaro_sees_the_same_labels_masks_and_instances(exported, case: int) -> None:
    samples, options, seen = exported[case]
    assert "error" not in seen, seen
    assert seen["labels"] == ["background", *(c.name for c in CLASSES)]
    assert list(map(tuple, seen["colors"].values())) == [(0, 0, 0), *(c.color for c in CLASSES)]
    items = {item["id"]: item for item in seen["items"]}
    assert list(items) == [sample.name for sample in samples]
    for sample in samples:
        item, written = items[sample.name], sample.segmentation
        if options.get("instances") == "merge":
            written = merge_by_class(written)
        assert item["subset"] == options.get("subset", "default")
        assert item["size"] == (list(written.labels.shape) if "include_images" in options else None)
        objects = {thing["group"]: thing for thing in item["objects"]}
        assert sorted(objects) == sorted(written.instances)
        assert len(objects) == len(item["objects"])
        for key, thing in objects.items():
            assert seen["labels"][thing["label"]] == written.instances[key].class_name
            assert (thing["mask"] == (written.labels == key)).all()

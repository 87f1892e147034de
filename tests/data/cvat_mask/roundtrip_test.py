"""What is written is read back, whatever it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_segkit.data.dataset import Sample
from napari_segkit.data.formats.cvat_labelmap import class_faults
from napari_segkit.data.names import collision_key, name_fault
from napari_segkit.ops.masks import segmentation_from_labels
from napari_segkit.types import ClassDef

SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

part = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=8
) | st.sampled_from(
    ["a b", "ü", "漢字", "x.y", "a.png", "été", "frame_000001", "007", "SegmentationClass"]
)
names = st.lists(part, min_size=1, max_size=3).map("/".join).filter(lambda n: not name_fault(n))
colors = st.tuples(*[st.integers(0, 255)] * 3)


@st.composite
def classes(draw: st.DrawFn) -> tuple[ClassDef, ...]:
    labels = draw(st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=5, unique=True))
    paints = draw(st.lists(colors, min_size=len(labels), max_size=len(labels), unique=True))
    found = tuple(map(ClassDef, labels, paints))
    return tuple(c for c in found if not class_faults([c])) or (ClassDef("coin", (1, 2, 3)),)


@st.composite
def samples(draw: st.DrawFn) -> tuple[tuple[ClassDef, ...], list[Sample]]:
    known = draw(classes())
    result = []
    for name in draw(st.lists(names, min_size=1, max_size=4, unique_by=collision_key)):
        height, width = draw(st.integers(1, 9)), draw(st.integers(1, 9))
        most = draw(st.sampled_from([0, 1, 3, 255]))
        seed = draw(st.integers(0, 1 << 16))
        labels = np.random.default_rng(seed).integers(0, most + 1, (height, width)).astype(np.int32)
        class_of = {k: known[(k * seed) % len(known)].name for k in range(256)}
        image = draw(st.sampled_from([None, np.full((height, width, 3), 7, np.uint8)]))
        made = segmentation_from_labels(labels, classes=known, class_of=class_of)
        result.append(Sample(name, made, image))
    return known, result


@SETTINGS
@given(samples(), st.sampled_from(["", ".zip"]), st.sampled_from(["default", "Train"]))
def test_round_trip_of_any_dataset(kit, made, suffix: str, subset: str) -> None:
    known, written = made
    target = kit.place(suffix)
    kit.write(target, written, classes=known, subset=subset, include_images=True)
    with kit.open(target) as dataset:
        assert dataset.classes == known
        assert dataset.names == tuple(sample.name for sample in written)
        assert dataset.subsets == {subset: dataset.names}
        assert dataset.notes == ()
        for sample, read in zip(written, dataset, strict=True):
            assert read.segmentation.labels.dtype == np.int32
            assert (read.segmentation.labels == sample.segmentation.labels).all()
            assert read.segmentation.instances == sample.segmentation.instances
            assert read.segmentation.notes == ()
            assert (read.image is None) == (sample.image is None)
    without = [f"JPEGImages/{sample.name}.*" for sample in written if sample.image is None]
    mixed = without if len(without) < len(written) else []
    assert [f.file for f in kit.faults(target) if f.severity == "error"] == mixed


def test_touching_nested_and_many_objects_of_a_large_image(kit) -> None:
    rng = np.random.default_rng(3)
    labels = np.kron(np.arange(1, 256).reshape(15, 17), np.ones((40, 50))).astype(np.int32)
    labels[rng.random(labels.shape) < 0.1] = 0
    labels[200:400, 300:500] = 77
    sample = kit.sample("big", labels=labels, class_of=dict.fromkeys(range(0, 256, 3), "Pfännchen"))
    for suffix in ("", ".zip"):
        target = kit.place(suffix)
        kit.write(target, [sample])
        read = kit.open(target).read("big").segmentation
        assert (read.labels == labels).all()
        assert read.instances == sample.segmentation.instances


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (4000, 1), (3, 100_000)])
def test_odd_sizes(kit, shape: tuple[int, int]) -> None:
    labels = (np.arange(shape[0] * shape[1]) % 5).reshape(shape)
    target = kit.place()
    kit.write(target, [kit.sample("a", labels=labels)])
    assert (kit.open(target).read("a").segmentation.labels == labels).all()


def test_a_dataset_that_was_read_can_be_written_again(kit) -> None:
    files = kit.files([kit.sample("a", np.zeros((8, 12, 3), np.uint8))], include_images=True)
    for suffix in ("", ".zip"):
        source = kit.open(files, suffix)
        target = kit.place()
        kit.write(target, list(source), include_images=True)
        assert kit.read_files(target) == files

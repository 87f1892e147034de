"""Masks as shapes: more than 255 objects, and CVAT's own decoder sees the same pixels."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_segkit.data.cvat_compare import MismatchError
from napari_segkit.data.cvat_server import CvatServer
from napari_segkit.data.cvat_shapes import mask_points
from napari_segkit.data.formats.cvat_mask import CvatMask
from napari_segkit.errors import InputError, ServerError
from napari_segkit.jobs import cvat as jobs
from napari_segkit.jobs import drain

Connect = Callable[..., CvatServer]


def decoded(shape: dict[str, Any], height: int, width: int) -> np.ndarray:
    """The mask of a shape, by the rule of CVAT's documentation."""
    *runs, left, top, right, bottom = shape["points"]
    inside = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    mask = np.zeros((height, width), bool)
    mask[top : bottom + 1, left : right + 1] = inside.reshape(bottom - top + 1, right - left + 1)
    return mask


def test_shapes_have_the_pixels_labels_and_frames(
    loopback: Any, connect: Connect, make_dataset: Any
) -> None:
    source = make_dataset()
    report = drain(jobs.push(source, connect(), 5, direct=True))
    assert (report.images, report.instances) == (2, 3)
    assert not loopback.imports
    assert [(s["frame"], s["label_id"], s["type"]) for s in loopback.shapes] == [
        (0, 1, "mask"), (0, 2, "mask"), (1, 1, "mask"),
    ]  # fmt: skip
    with CvatMask().open(source) as dataset:
        labels = dataset.read("a").segmentation.labels
    for key, shape in enumerate(loopback.shapes[:2], 1):
        np.testing.assert_array_equal(decoded(shape, 8, 12), labels == key)


def test_300_objects_go_through(
    loopback: Any, connect: Connect, make_dataset: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from napari_segkit.data.dataset import Sample
    from napari_segkit.ops.masks import segmentation_from_labels

    loopback.image("crowd.png", 30, 30)
    dataset = CvatMask().open(make_dataset(("a", 12, 8)))
    labels = np.zeros((30, 30), np.int32)
    labels.ravel()[:300] = np.arange(1, 301) * 7
    made = segmentation_from_labels(labels, classes=dataset.classes)
    dataset.names = ("crowd",)
    monkeypatch.setattr(dataset, "read", lambda name: Sample(name, made))
    format_ = type("Crowd", (), {"open": lambda self, path: dataset})
    monkeypatch.setattr("napari_segkit.jobs.cvat.recognise", lambda path: format_())
    report = drain(jobs.push(Path("x"), connect(), 5, direct=True))
    assert report.instances == len(loopback.shapes) == 300
    total = sum(decoded(shape, 30, 30).astype(int) for shape in loopback.shapes)
    np.testing.assert_array_equal(total, labels > 0)


def test_mismatches_are_found_first_and_replacing_is_refused(
    loopback: Any, connect: Connect, make_dataset: Any
) -> None:
    source = make_dataset(("a", 12, 8), ("nowhere", 4, 4))
    with pytest.raises(MismatchError, match="nowhere"):
        drain(jobs.push(source, connect(), 5, direct=True))
    assert not loopback.shapes
    with pytest.raises(InputError, match="only be appended"):
        drain(jobs.push(source, connect(), 5, direct=True, mode="replace"))


def test_shapes_whose_answer_is_lost_are_not_sent_twice(
    cvat: Any, loopback: Any, connect: Connect, make_dataset: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_segkit.jobs.cvat_direct._MOST_NUMBERS", 1)
    source = make_dataset()
    loopback.fail("PATCH", "action=create", cvat.Fail(429), cvat.Fail(lost=True))
    with pytest.raises(ServerError, match=r"0 of 2 images have arrived, the next may have"):
        drain(jobs.push(source, connect(), 5, direct=True))
    assert len(loopback.shapes) == 2


def test_a_refusal_on_the_way_says_what_has_arrived(
    cvat: Any, loopback: Any, connect: Connect, make_dataset: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_segkit.jobs.cvat_direct._MOST_NUMBERS", 1)
    job = jobs.push(make_dataset(), connect(), 5, direct=True)
    while next(job).message != "sending sub/b":
        pass
    loopback.fail("PATCH", "action=create", cvat.Fail(403))
    with pytest.raises(ServerError, match=r"does not allow.*1 of 2 images have arrived, up to a"):
        drain(job)
    loopback.fail("PATCH", "action=create", cvat.Fail(403))
    with pytest.raises(ServerError) as caught:
        drain(jobs.push(make_dataset(to="again.zip"), connect(), 5, direct=True))
    assert "have arrived" not in str(caught.value)


def test_cancelling_says_how_far_it_came(
    loopback: Any, connect: Connect, make_dataset: Any, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setattr("napari_segkit.jobs.cvat_direct._MOST_NUMBERS", 1)
    job = jobs.push(make_dataset(), connect(), 5, direct=True)
    while next(job).message != "sending sub/b":
        pass
    job.close()
    assert "1 of 2 images have arrived, up to a" in caplog.text
    assert {shape["frame"] for shape in loopback.shapes} == {0}


@pytest.fixture(scope="module")
def theirs() -> ModuleType:
    """CVAT's own code of masks, without the rest of its client."""
    package = importlib.util.find_spec("cvat_sdk")
    if package is None:
        pytest.skip("needs cvat-sdk, of the group dev")
    path = Path(package.submodule_search_locations[0]) / "masks.py"
    spec = importlib.util.spec_from_file_location("cvat_masks", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@settings(max_examples=50, deadline=None)
@given(arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))).filter(np.any))
def test_the_code_is_that_of_cvats_own_client(theirs: ModuleType, mask: np.ndarray) -> None:
    rows, columns = np.nonzero(mask)
    top, left = rows.min(), columns.min()
    crop = mask[top : rows.max() + 1, left : columns.max() + 1]
    points = mask_points(crop, left=int(left), top=int(top))
    assert points == theirs.encode_mask(mask)
    height, width = mask.shape
    seen = theirs.decode_mask(points, image_width=width, image_height=height)
    np.testing.assert_array_equal(seen, mask)

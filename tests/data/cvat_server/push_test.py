"""Masks arrive in a CVAT task as they are, or nothing arrives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_segkit.data.cvat_compare import MismatchError
from napari_segkit.data.cvat_server import CvatServer
from napari_segkit.data.dataset import Sample
from napari_segkit.data.formats.cvat_mask import CvatMask
from napari_segkit.errors import InputError, ServerError
from napari_segkit.jobs import cvat as jobs
from napari_segkit.jobs import drain
from napari_segkit.ops.masks import segmentation_from_labels

Connect = Callable[..., CvatServer]


def uploaded(loopback: Any, tmp_path: Path) -> Any:
    """The dataset that the server was asked to import."""
    path = tmp_path / "arrived.zip"
    path.write_bytes(loopback.imports[-1][1])
    return CvatMask().open(path)


def test_masks_arrive_pixel_by_pixel(
    loopback: Any, connect: Connect, make_dataset: Any, tmp_path: Path
) -> None:
    source = make_dataset()
    report = drain(jobs.push(source, connect(), 5))
    assert (report.images, report.instances, report.untouched) == (2, 3, 0)
    assert (report.task_name, report.version, report.warnings) == ("coins", "2.80.0", ())
    with uploaded(loopback, tmp_path) as arrived, CvatMask().open(source) as sent:
        assert arrived.names == sent.names == ("a", "sub/b")
        for name in sent.names:
            one, other = arrived.read(name).segmentation, sent.read(name).segmentation
            np.testing.assert_array_equal(one.labels, other.labels)
            assert one.instances == other.instances


@pytest.mark.parametrize("mode", ["append", "replace"])
def test_masks_are_not_made_polygons_and_the_mode_is_told(
    mode: Any, loopback: Any, connect: Connect, make_dataset: Any
) -> None:
    drain(jobs.push(make_dataset(), connect(), 5, mode=mode))
    (query, _), *others = loopback.imports
    assert not others
    assert query["format"] == "Segmentation mask 1.1"
    assert query["conv_mask_to_poly"] == "false"
    assert query["import_mode"] == mode
    assert query["filename"].startswith("1_")  # the server's name for the upload


def test_a_folder_and_one_subset_of_a_dataset(
    loopback: Any, connect: Connect, make_dataset: Any, tmp_path: Path
) -> None:
    source = make_dataset(to="set", subset="Train")
    report = drain(jobs.push(source, connect(), 5, subset="Train"))
    assert report.images == 2
    with pytest.raises(InputError, match=r"no such subset.*expected Train, got Test"):
        drain(jobs.push(source, connect(), 5, subset="Test"))


def test_every_mismatch_is_listed_at_once_and_nothing_is_sent(
    loopback: Any, connect: Connect, make_dataset: Any
) -> None:
    loopback.labels.clear()
    loopback.label("Coin")
    loopback.image("7.png", 4, 4)
    source = make_dataset(("a", 12, 9), ("b", 20, 10), ("12", 4, 4, 1), ("nowhere", 4, 4, 1))
    with pytest.raises(MismatchError) as caught:
        drain(jobs.push(source, connect(), 5))
    found = "\n".join(caught.value.mismatches)
    assert "class 'coin' (a, b, 12, nowhere): the task has no such label (is it 'Coin'?)" in found
    assert "class 'Pfännchen' (a, b): the task has no such label (it has Coin)" in found
    assert "a: the mask is 12x9, the task's a.png is 12x8" in found
    assert "b: the task has no such image (is it sub/b?)" in found
    assert "12: the task has no such image (CVAT would take it as frame number 12)" in found
    assert "nowhere: the task has no such image" in found
    assert "and 1 more" in str(caught.value)
    assert not loopback.count("POST")


def test_what_goes_through_but_may_not_be_meant_is_warned_of(
    loopback: Any, connect: Connect, make_dataset: Any
) -> None:
    loopback.image("7.png", 6, 6)
    loopback.image("7.jpg", 6, 6)
    loopback.labels[0]["type"] = "rectangle"
    report = drain(jobs.push(make_dataset(("7", 6, 6)), connect(), 5))
    warned = "\n".join(report.warnings)
    assert "7.png and 7.jpg" in warned
    assert "called by a number" in warned
    assert "coin (rectangle)" in warned
    assert report.untouched == 2


def test_more_than_255_objects_are_refused_with_choices_and_merge_works(
    loopback: Any, connect: Connect, make_dataset: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    loopback.image("crowd.png", 30, 30)
    source = make_dataset(("a", 12, 8))
    monkeypatch.setattr("napari_segkit.jobs.cvat.recognise", lambda path: Crowd())
    with pytest.raises(MismatchError, match=r"crowd: 300 objects.*--instances merge.*--direct"):
        drain(jobs.push(source, connect(), 5))
    assert not loopback.imports
    report = drain(jobs.push(source, connect(), 5, instances="merge"))
    assert report.instances == 2


class Crowd:
    """A format whose dataset has an image of 300 objects, which CVAT's cannot hold."""

    def open(self, path: Path) -> Any:
        dataset = CvatMask().open(path)
        labels = np.zeros((30, 30), np.int32)
        labels.ravel()[:300] = np.arange(1, 301)
        made = segmentation_from_labels(
            labels, classes=dataset.classes, class_of={2: dataset.classes[1].name}
        )
        dataset.names = ("crowd",)
        dataset.read = lambda name: Sample(name, made)
        return dataset


def test_a_deleted_frame_and_a_video_are_known(
    loopback: Any, connect: Connect, make_dataset: Any
) -> None:
    loopback.meta["deleted_frames"] = [0]
    with pytest.raises(MismatchError, match="a: this frame is deleted"):
        drain(jobs.push(make_dataset(), connect(), 5))
    loopback.frames[:] = [{"name": "clip.mp4", "width": 12, "height": 8}]
    loopback.task["mode"] = "interpolation"
    loopback.meta |= {"deleted_frames": [], "size": 3, "start_frame": 10, "frame_filter": "step=5"}
    source = make_dataset(("frame_000020", 12, 8), to="video.zip")
    report = drain(jobs.push(source, connect(), 5))
    assert (report.images, report.untouched) == (1, 2)


def test_labels_come_in_pages_and_of_the_tasks_organization(
    loopback: Any, connect: Connect, make_dataset: Any
) -> None:
    loopback.page_size = 1
    loopback.task["organization"] = 3
    drain(jobs.push(make_dataset(), connect(), 5))
    pages = [a.query for a in loopback.asked if a.path == "/api/labels"]
    assert [page["page"] for page in pages] == ["1", "2"]
    assert {page["org_id"] for page in pages} == {"3"}


def test_a_large_upload_goes_in_pieces_that_are_told(
    loopback: Any, connect: Connect, make_dataset: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_segkit.data.cvat_upload.PIECE", 200)
    steps: list[Any] = []
    drain(jobs.push(make_dataset(), connect(), 5), steps.append)
    size = len(loopback.imports[0][1])
    sent = [step.done for step in steps if step.message == "uploading"]
    assert sent == [*range(0, size, 200), size]
    assert loopback.count("PATCH") == -(-size // 200)


@pytest.mark.parametrize(
    "fail", [{"cut": 100}, {"cut": 0}, {"lost": True}, {"status": 500}, {"status": 409}]
)
def test_a_connection_that_breaks_mid_upload_is_taken_up_again(
    fail: Any, cvat: Any, loopback: Any, connect: Connect, make_dataset: Any, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("napari_segkit.data.cvat_upload.PIECE", 300)
    loopback.fail("PATCH", "annotations/", cvat.Fail(**fail))
    drain(jobs.push(make_dataset(), connect(), 5))
    assert loopback.count("HEAD") == 1
    assert len(loopback.imports) == 1
    with uploaded(loopback, tmp_path) as arrived:
        assert [len(arrived.read(name).segmentation.instances) for name in arrived.names] == [2, 1]


def test_an_upload_that_the_server_forgot_begins_anew(
    cvat: Any, loopback: Any, connect: Connect, make_dataset: Any
) -> None:
    """Its last piece arrived, the answer was lost, and CVAT has put the upload away."""
    loopback.fail("PATCH", "annotations/", cvat.Fail(lost=True))
    drain(jobs.push(make_dataset(), connect(), 5))
    assert len(loopback.complete) == 2
    assert len(loopback.imports) == 1


def test_an_import_that_may_have_begun_is_never_asked_for_twice(
    cvat: Any, loopback: Any, connect: Connect, make_dataset: Any
) -> None:
    """Appending twice would double every object."""
    loopback.fail("POST", "filename=1_", cvat.Fail(lost=True))
    with pytest.raises(ServerError, match="may have begun all the same: look at the task"):
        drain(jobs.push(make_dataset(), connect(), 5))
    assert len(loopback.imports) == 1


def test_a_cancelled_push_imports_nothing(
    loopback: Any, connect: Connect, make_dataset: Any
) -> None:
    job = jobs.push(make_dataset(), connect(), 5)
    while next(job).message != "uploading":
        pass
    job.close()
    assert not loopback.imports


def test_cancelling_a_late_push_says_that_the_server_may_go_on(
    loopback: Any, connect: Connect, make_dataset: Any, caplog: pytest.LogCaptureFixture
) -> None:
    loopback.polls = [{"status": "queued"}]
    job = jobs.push(make_dataset(), connect(), 5)
    while "queued" not in next(job).message:
        pass
    job.close()
    assert "look at the task" in caplog.text


def test_a_server_behind_a_proxy_that_knows_its_own_name_wrong(
    loopback: Any, connect: Connect, make_dataset: Any
) -> None:
    loopback.own_name = "http://cvat_server:8080"
    drain(jobs.push(make_dataset(), connect(), 5))
    assert len(loopback.imports) == 1


def test_images_without_objects_are_sent_as_such(
    loopback: Any, connect: Connect, make_dataset: Any, tmp_path: Path
) -> None:
    source = make_dataset(("a", 12, 8, 0), ("sub/b", 20, 10))
    report = drain(jobs.push(source, connect(), 5))
    assert (report.images, report.instances) == (2, 2)
    with uploaded(loopback, tmp_path) as arrived:
        assert not arrived.read("a").segmentation.instances

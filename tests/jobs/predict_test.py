from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from PIL import Image
from pydantic import Field

from napari_segkit.data.dataset import WriteOptions
from napari_segkit.data.formats.registry import get_format
from napari_segkit.data.images import ImageSource, find_images
from napari_segkit.errors import InputError, ModelError, PromptError, WriteError
from napari_segkit.jobs import drain, predict_files, segment
from napari_segkit.models.base import ModelParams, PromptKind, Segmenter, make_params
from napari_segkit.ops.masks import segmentation_from_labels
from napari_segkit.types import ClassDef, Progress, Prompts


class Level(ModelParams):
    level: int = Field(128, ge=0, le=255, title="Level", description="Brighter than this.")


class Threshold(Segmenter):
    """Every bright pixel belongs to instance 1; inside the first box, if there is one."""

    id: ClassVar[str] = "threshold"
    title: ClassVar[str] = "Threshold"
    classes = (ClassDef("bright", (9, 9, 200)),)
    prompts = frozenset({PromptKind.BOXES})
    Params = Level
    presets: ClassVar[dict[str, ModelParams]] = {"default": Level()}
    boom: Exception | None = None

    def predict(self, image: Any, prompts: Prompts, params: Level):
        yield Progress(0, 2, "look")
        if self.boom:
            raise self.boom
        labels = (image.mean(axis=2) > params.level).astype(np.int32)
        if len(prompts.boxes):
            x0, y0, x1, y1 = prompts.boxes[0].astype(int)
            outside = np.ones(labels.shape, bool)
            outside[y0:y1, x0:x1] = False
            labels[outside] = 0
        yield Progress(1, 2, "done looking")
        return segmentation_from_labels(labels, classes=self.classes)


def photo(path: Path, size: tuple[int, int] = (20, 30)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros((*size, 3), np.uint8)
    pixels[2:8, 3:12] = 255
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.png", "sub/b.png", "sub/c ü.png"):
        photo(tmp_path / "photos" / name)
    return tmp_path


def predict(folder: Path, model: Threshold | None = None, **more: Any):
    sources = find_images([folder / "photos"])
    return predict_files(model or Threshold(), sources, folder / "out", params=Level(), **more)


def test_files_become_a_dataset_with_their_sub_folders(folder: Path) -> None:
    steps: list[Progress] = []
    report = drain(predict(folder, overlays=folder / "pictures"), steps.append)
    assert report.written is not None
    assert (report.written.images, report.written.instances) == (3, 3)
    assert [r.name for r in report.results] == ["a", "sub/b", "sub/c ü"]
    assert report.results[0].areas == (54,)
    assert report.results[0].class_names == ("bright",)
    assert (folder / "pictures/sub/c ü.jpg").is_file()
    assert (steps[0].done, steps[-1].done, steps[0].total) == (0, 2, 3)
    assert steps[1].message == "a: look"
    dataset = get_format("cvat-mask").open(folder / "out")
    assert set(dataset.names) == {"a", "sub/b", "sub/c ü"}
    assert (dataset.read("sub/b").segmentation.labels > 0).sum() == 54


def test_one_bad_image_is_reported_and_the_rest_done(folder: Path) -> None:
    (folder / "photos/broken.png").write_bytes(b"no image")
    report = drain(predict(folder))
    assert [f.path.name for f in report.failures] == ["broken.png"]
    assert "not an image" in str(report.failures[0].error)
    assert report.written is not None
    assert report.written.images == 3


def test_a_bug_in_the_model_is_reported_per_image_with_a_traceback_in_the_log(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = Threshold()
    model.boom = ZeroDivisionError("a bug")
    report = drain(predict(folder, model))
    assert len(report.failures) == 3
    assert report.written is None
    assert not (folder / "out").exists()
    assert "ZeroDivisionError" in caplog.text


def test_pictures_replace_earlier_pictures_but_never_a_photo(folder: Path) -> None:
    jpeg = photo(folder / "photos/d.jpg")
    before = jpeg.read_bytes()
    for overwrite in (False, True):
        job = predict(folder, overlays=folder / "photos", options=WriteOptions(overwrite=overwrite))
        with pytest.raises(InputError, match=r"a picture would replace a photo .*d\.jpg"):
            drain(job)
    assert jpeg.read_bytes() == before
    assert not (folder / "out").exists()

    other = photo(folder / "pictures/a.jpg")
    with pytest.raises(InputError, match=r"something at the target already .*a\.jpg"):
        drain(predict(folder, overlays=folder / "pictures"))
    other.unlink()
    (folder / "pictures/a.jpg").symlink_to(jpeg)
    with pytest.raises(InputError, match="would replace a photo"):
        drain(predict(folder, overlays=folder / "pictures"))
    (folder / "pictures/a.jpg").unlink()
    drain(predict(folder, overlays=folder / "pictures"))
    first = (folder / "pictures/a.jpg").stat().st_mtime_ns
    again = predict_files(
        Threshold(),
        find_images([folder / "photos"]),
        folder / "second",
        params=Level(),
        overlays=folder / "pictures",
    )
    assert drain(again).written is not None
    assert (folder / "pictures/a.jpg").stat().st_mtime_ns > first


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("photos/a.png", "a file is in the place of the folder"),
        ("out", "pictures cannot go into the dataset"),
        ("out/pictures", "pictures cannot go into the dataset"),
    ],
)
def test_pictures_need_a_folder_of_their_own(folder: Path, place: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        drain(predict(folder, overlays=folder / place))
    assert [p.name for p in folder.iterdir()] == ["photos"]


def test_F46_cancel_leaves_nothing_behind(folder: Path) -> None:
    job = predict(folder)
    for _ in range(4):
        next(job)
    job.close()
    assert [p.name for p in folder.iterdir()] == ["photos"]


def test_F53_a_disk_that_refuses_ends_the_job(folder: Path, monkeypatch) -> None:
    from napari_segkit.data.formats import cvat_mask_writer

    def full(*_args: object) -> None:
        raise WriteError("could not write: the disk is full")

    monkeypatch.setattr(cvat_mask_writer.CvatMaskWriter, "add", full)
    with pytest.raises(WriteError, match="disk is full"):
        drain(predict(folder))
    assert [p.name for p in folder.iterdir()] == ["photos"]


def test_boxes_are_found_by_path_or_by_file_name(folder: Path) -> None:
    boxes = {"a": [(0, 0, 5, 20)], "b": [(0, 0, 6, 20)]}
    report = drain(predict(folder, boxes=boxes))
    assert [r.areas for r in report.results] == [(12,), (18,), (54,)]
    with pytest.raises(PromptError, match="no image has boxes"):
        drain(predict(folder, boxes={"elsewhere": [(0, 0, 5, 5)]}))


def test_names_that_collide_are_reported_not_overwritten(tmp_path: Path) -> None:
    photo(tmp_path / "photos/a.png")
    photo(tmp_path / "photos/a.bmp")
    report = drain(predict(tmp_path))
    assert len(report.results) == len(report.failures) == 1


def test_an_existing_dataset_is_replaced_only_on_request(folder: Path) -> None:
    drain(predict(folder))
    with pytest.raises(InputError, match="out"):
        drain(predict(folder))
    report = drain(predict(folder, options=WriteOptions(overwrite=True)))
    assert report.written is not None


def test_F50_a_bad_result_is_refused() -> None:
    class Wrong(Threshold):
        def predict(self, image: Any, prompts: Prompts, params: Level):
            yield from ()
            return segmentation_from_labels(np.zeros((2, 2), np.int32), classes=self.classes)

    with pytest.raises(ModelError, match="another size"):
        drain(segment(Wrong(), np.zeros((5, 5, 3), np.uint8), params=Level()))


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((5, 5), np.uint8),
        np.zeros((5, 5, 4), np.uint8),
        np.zeros((5, 5, 3), np.float32),
        np.zeros((0, 5, 3), np.uint8),
    ],
)
def test_what_is_not_a_models_image_is_refused(image: np.ndarray) -> None:
    with pytest.raises(InputError, match="not a model's image"):
        drain(segment(Threshold(), image, params=Level()))


def test_F39_a_model_that_needs_prompts_says_which() -> None:
    class Needy(Threshold):
        needs_prompts = True

    with pytest.raises(InputError, match="Threshold needs a prompt: expected boxes, got none"):
        drain(segment(Needy(), np.zeros((5, 5, 3), np.uint8), params=Level()))


def test_parameters_of_another_model_are_refused() -> None:
    class Other(ModelParams):
        pass

    with pytest.raises(InputError, match="parameters of another model"):
        drain(segment(Threshold(), np.zeros((5, 5, 3), np.uint8), params=Other()))


def test_parameters_from_text() -> None:
    assert make_params(Threshold, changes={"level": "7"}) == Level(level=7)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("900", "at most 255"),
        ("-1", "at least 0"),
        ("x", "a whole number"),
        ("nan", "a whole number"),
    ],
)
def test_a_parameter_out_of_bounds_is_told_in_our_words(value: str, expected: str) -> None:
    message = f"parameter level of threshold: expected {expected}, got '{value}'"
    with pytest.raises(InputError, match=message):
        make_params(Threshold, changes={"level": value})


def test_a_source_that_is_gone_is_a_failure(tmp_path: Path) -> None:
    sources = [
        ImageSource(tmp_path / "gone.png", "gone"),
        ImageSource(photo(tmp_path / "a.png"), "a"),
    ]
    report = drain(predict_files(Threshold(), sources, tmp_path / "out", params=Level()))
    assert [f.path.name for f in report.failures] == ["gone.png"]


@pytest.mark.parametrize(
    ("error", "says"),
    [(MemoryError(), "not enough memory"), (OSError(5, "I/O error"), "I/O error")],
)
def test_what_the_system_refuses_is_not_blamed_on_the_model(error: Exception, says: str) -> None:
    from napari_segkit.jobs.predict import _refused_by_system

    told = _refused_by_system(error)
    assert says in str(told)
    assert "model" not in str(told)

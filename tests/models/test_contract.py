"""What every model of the registry must do; a new model inherits the examination."""

from __future__ import annotations

import numpy as np
import pytest

from napari_segkit.data.embeddings import EmbeddingCache
from napari_segkit.errors import ModelError, ParamsError, PromptError, WeightsError
from napari_segkit.jobs import drain, segment
from napari_segkit.models.base import ModelParams, PromptKind, Segmenter, make_params
from napari_segkit.models.registry import get_model, model_ids
from napari_segkit.ops.images import to_rgb8
from napari_segkit.ops.masks import segmentation_from_labels
from napari_segkit.types import Job, Prompts, Segmentation
from tests.models.tiny import CLASSES, tiny_base, tiny_weights


def scene(height: int = 97, width: int = 131) -> np.ndarray:
    """A bright disc on a dark, slightly noisy ground: something that any model can look at."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:height, :width]
    disc = np.hypot(y - height / 2, x - width / 2) < min(height, width) / 3
    image = np.where(disc[..., None], (200, 170, 120), (40, 45, 60)).astype(np.int16)
    return np.clip(image + rng.integers(-6, 7, image.shape), 0, 255).astype(np.uint8)


@pytest.fixture(params=model_ids())
def model(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Segmenter:
    loaded = get_model(request.param)()
    if request.param in CLASSES:  # a network: what it has learned does not matter here
        nowhere = tmp_path_factory.getbasetemp() / "absent"  # the second look knows another network
        monkeypatch.setattr("napari_segkit.models.dust.shipped", lambda _: nowhere)
        weights = tiny_weights(request.param, tmp_path_factory.getbasetemp())
        loaded.load(weights, backend="torch")
    elif request.param == "rings":
        loaded = get_model(request.param)(EmbeddingCache())  # in memory
        loaded.load(tiny_base(tmp_path_factory.getbasetemp()))
    else:
        loaded.load()
    return loaded


def begin(model: Segmenter, image: np.ndarray, prompts: Prompts | None = None) -> Job[Segmentation]:
    if prompts is None and model.needs_prompts:
        height, width = image.shape[:2]
        kinds = {kind.value for kind in model.prompts}
        box = np.array([[0, 0, width, height]], np.float32)
        prompts = Prompts(
            **({"boxes": box} if "boxes" in kinds else {}),
            text="disc" if "text" in kinds else "",
        )
    return segment(model, image, params=make_params(type(model)), prompts=prompts)


def run(model: Segmenter, image: np.ndarray, prompts: Prompts | None = None) -> Segmentation:
    return drain(begin(model, image, prompts))


def test_it_describes_itself(model: Segmenter) -> None:
    assert model.id in model_ids()
    assert model.title
    assert len({c.name for c in model.classes}) == len(model.classes) > 0
    assert issubclass(model.Params, ModelParams)
    assert all(isinstance(preset, model.Params) for preset in model.presets.values())
    assert all(isinstance(kind, PromptKind) for kind in model.prompts)


def test_every_parameter_can_become_a_form_and_a_flag(model: Segmenter) -> None:
    for name, field in model.Params.model_fields.items():
        assert field.title, name
        assert field.description, name
        if field.annotation in (int, float):
            assert any(hasattr(m, "ge") or hasattr(m, "gt") for m in field.metadata), name
            assert any(hasattr(m, "le") or hasattr(m, "lt") for m in field.metadata), name


def test_unknown_parameter_preset_and_value_are_refused(model: Segmenter) -> None:
    with pytest.raises(ParamsError, match="unknown parameter"):
        make_params(type(model), changes={"no_such_parameter": 1})
    with pytest.raises(ParamsError, match="unknown preset"):
        make_params(type(model), "no such preset")


@pytest.mark.parametrize("size", [(97, 131), (64, 64), (1, 1), (1, 40), (37, 2), (255, 33)])
def test_result_has_the_size_of_the_image(model: Segmenter, size: tuple[int, int]) -> None:
    image = scene(*size)
    before = image.copy()
    result = run(model, image)
    assert result.labels.shape == size
    assert result.labels.dtype == np.int32
    assert {i.class_name for i in result.instances.values()} <= {c.name for c in model.classes}
    assert np.array_equal(image, before), "the image was written to"
    for key, instance in result.instances.items():
        rows, columns = np.nonzero(result.labels == key)
        box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert instance.box == pytest.approx(box, abs=1)


@pytest.mark.parametrize("value", [0, 127, 255])
def test_F7_constant_image(model: Segmenter, value: int) -> None:
    result = run(model, np.full((80, 90, 3), value, np.uint8))
    assert result.labels.shape == (80, 90)


@pytest.mark.parametrize("form", ["gray", "rgba", "uint16", "float", "big-endian"])
def test_other_forms_of_the_same_image_give_much_the_same(model: Segmenter, form: str) -> None:
    image = scene()
    other = {
        "gray": lambda: image.mean(axis=2).astype(np.uint8),
        "rgba": lambda: np.dstack([image, np.full(image.shape[:2], 9, np.uint8)]),
        "uint16": lambda: image.astype(np.uint16) * 257,
        "float": lambda: image / 255,
        "big-endian": lambda: (image.astype(np.uint16) * 257).astype(">u2"),
    }[form]()
    rgb, _ = to_rgb8(other)
    first, second = run(model, image).labels > 0, run(model, rgb).labels > 0
    if form != "gray":  # the other forms hold the very same values
        assert np.array_equal(first, second)
    assert (first == second).mean() > 0.9


def test_same_result_twice(model: Segmenter) -> None:
    first, second = run(model, scene()), run(model, scene())
    assert np.array_equal(first.labels, second.labels)
    assert first.instances == second.instances
    assert first.provenance == second.provenance
    assert first.provenance is not None
    assert first.provenance.model == model.id
    assert model.Params.model_validate(first.provenance.params) == make_params(type(model))


def test_prompts_that_it_does_not_take_are_refused(model: Segmenter) -> None:
    one = np.ones((1, 2), np.float32)
    every = {
        PromptKind.BOXES: Prompts(boxes=np.array([[5, 5, 60, 60]], np.float32)),
        PromptKind.POINTS: Prompts(points=one, point_labels=np.ones(1, np.int32)),
        PromptKind.MASK: Prompts(mask=np.zeros(scene().shape[:2], np.int32)),
        PromptKind.TEXT: Prompts(text="disc"),
    }
    for kind in set(PromptKind) - model.prompts:
        with pytest.raises(PromptError, match=f"cannot be told {kind.value}"):
            run(model, scene(), every[kind])


def test_F37_F38_boxes_outside_or_without_area(model: Segmenter) -> None:
    if PromptKind.BOXES not in model.prompts:
        pytest.skip("this model takes no boxes")
    bad = np.array([[-900, -900, -800, -800], [5, 5, 5, 9], [9, 9, 3, 3], [np.nan, 0, 5, 5]])
    with pytest.raises(PromptError, match="no usable prompt"):
        run(model, scene(), Prompts(boxes=bad.astype(np.float32)))
    good = np.array([[10, -50, 120, 900]], np.float32)
    result = run(model, scene(), Prompts(boxes=np.concatenate([bad, good]).astype(np.float32)))
    assert any("clipped" in note for note in result.notes)
    assert any("skipped" in note for note in result.notes)
    assert any("dropped" in note for note in result.notes)


def test_boxes_limit_the_result(model: Segmenter) -> None:
    if PromptKind.BOXES not in model.prompts:
        pytest.skip("this model takes no boxes")
    result = run(model, scene(), Prompts(boxes=np.array([[0, 0, 40, 30]], np.float32)))
    assert not result.labels[45:].any()
    assert not result.labels[:, 60:].any()


def test_F46_cancel_at_every_step(model: Segmenter) -> None:
    steps = 0
    for stop_at in range(100):
        job = begin(model, scene())
        try:
            for _ in range(stop_at):
                next(job)
                steps += 1
        except StopIteration:
            break
        job.close()
    assert steps > 0, "it yields no progress, so nobody can cancel it"
    assert run(model, scene()).labels.shape == scene().shape[:2], "still usable after a cancel"


def test_wrong_weights_are_refused_and_the_old_state_stays(model: Segmenter, tmp_path) -> None:
    before = run(model, scene()).labels
    wrong = tmp_path / "weights.safetensors"
    wrong.write_bytes(b"no weights")
    with pytest.raises(WeightsError, match=r"weights\.safetensors"):
        model.load(wrong)
    assert np.array_equal(run(model, scene()).labels, before)


def test_F50_a_result_that_must_not_be_used_is_refused(model: Segmenter, monkeypatch) -> None:
    good = run(model, scene())

    def broken(*_args: object):
        yield from ()
        return Segmentation(np.zeros((3, 3), np.int32), {}, model.classes)

    monkeypatch.setattr(type(model), "predict", broken)
    with pytest.raises(ModelError, match="another size"):
        run(model, scene())

    def bad_score(*_args: object):
        yield from ()
        return segmentation_from_labels(
            np.ones_like(good.labels), classes=model.classes, scores={1: float("nan")}
        )

    monkeypatch.setattr(type(model), "predict", bad_score)
    with pytest.raises(ModelError):
        run(model, scene())
    with pytest.raises(ModelError, match="NaN"):
        Segmentation(
            good.labels,
            good.instances,
            good.classes,
            np.full(good.labels.shape, np.nan, np.float16),
        )

from __future__ import annotations

import cv2
import numpy as np
import pytest

from napari_segkit.errors import ParamsError
from napari_segkit.jobs import drain
from napari_segkit.models.base import make_params
from napari_segkit.models.coins import CoinParams, Coins
from napari_segkit.types import Prompts, Segmentation


def photo() -> np.ndarray:
    image = np.full((160, 240, 3), (225, 225, 220), np.uint8)
    cv2.circle(image, (70, 80), 40, (150, 110, 60), cv2.FILLED, cv2.LINE_AA)
    cv2.circle(image, (170, 80), 45, (120, 120, 125), cv2.FILLED, cv2.LINE_AA)
    return image


def predicted(preset: str, prompts: Prompts | None = None, **changes: object) -> Segmentation:
    model = Coins()
    model.load()
    return drain(model.predict(photo(), prompts or Prompts(), make_params(Coins, preset, changes)))


@pytest.mark.parametrize("preset", ["default", "origin", "origin-best"])
def test_every_preset_finds_coins_on_white(preset: str) -> None:
    result = predicted(preset)
    assert len(result.instances) == (1 if preset == "origin-best" else 2)  # one rim is too faint
    for instance in result.instances.values():
        x0, y0, x1, y1 = instance.box
        assert instance.class_name == "coin"
        assert 70 < x1 - x0 < 115
        assert 70 < y1 - y0 < 115


def test_boxes_are_tight_and_in_xy_order() -> None:
    boxes = sorted(i.box for i in predicted("default").instances.values())
    np.testing.assert_allclose(boxes, [[30, 40, 111, 121], [125, 35, 216, 126]], atol=2)


@pytest.mark.parametrize("preset", ["default", "origin"])
def test_a_box_limits_the_search(preset: str) -> None:
    box = np.array([[20, 30, 120, 130]], np.float32)
    result = predicted(preset, Prompts(boxes=box))
    assert len(result.instances) == 1
    assert not result.labels[:, 130:].any()
    assert result.provenance is not None
    assert result.provenance.prompts["boxes"] == box.tolist()


def test_the_tuned_preset_has_the_published_values() -> None:
    best = make_params(Coins, "origin-best")
    assert isinstance(best, CoinParams)
    assert (best.blur_kernel_size, best.blur_sigma) == (9, 0)
    assert (best.canny_threshold_1, best.canny_threshold_2) == (13, 206)
    assert (best.clip_limit, best.tile_grid_size) == (0.8663, 16)
    assert (best.alpha, best.beta) == (1.0231, 27)
    assert (best.sharpen_mode, best.pre_blur) == ("default", False)
    assert (best.kernel_size, best.sigma_x, best.sigma_y) == (5, 0, 15)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("blur_kernel_size", 4),
        ("kernel_size", 21),
        ("canny_threshold_1", 256),
        ("clip_limit", -1),
        ("tile_grid_size", 12),
        ("alpha", 3.5),
        ("beta", 101),
        ("sharpen_mode", "more"),
        ("sigma_x", 16),
        ("sensitivity", 1.1),
        ("min_diameter", 0),
        ("method", "hough"),
    ],
)
def test_values_outside_the_ranges_are_refused(name: str, value: object) -> None:
    with pytest.raises(ParamsError):
        make_params(Coins, "default", {name: value})


def test_provenance_makes_the_result_again() -> None:
    first = predicted("default", sensitivity=0.7)
    assert first.provenance is not None
    again = predicted("default", **first.provenance.params)
    np.testing.assert_array_equal(first.labels, again.labels)


def test_origin_parameters_fold_away_in_one_group() -> None:
    plain = [
        name
        for name, field in CoinParams.model_fields.items()
        if not (field.json_schema_extra or {}).get("group")  # type: ignore[union-attr]
    ]
    assert plain == ["method", "sensitivity", "min_diameter", "max_diameter"]

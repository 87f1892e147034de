from __future__ import annotations

import numpy as np
import pytest

from napari_segkit.data.weights_card import WeightsCard
from napari_segkit.jobs import drain, segment
from napari_segkit.models.base import make_params
from napari_segkit.models.eggpan import EggPan, _joined
from napari_segkit.types import Progress, Segmentation


class Seen:
    """Probabilities by colour: white is egg, blue is pan, anything else background."""

    name, device, stride, notes = "test", "cpu", 32, ()

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def run(self, batch: np.ndarray) -> np.ndarray:
        self.shapes.append(batch.shape)
        part = batch.astype(np.float32) / 255
        egg, pan = part[..., 0], part[..., 2] - part[..., 0]
        return np.stack([1 - egg - pan, egg, pan], 1).astype(np.float32)


def model() -> EggPan:
    eggpan = EggPan()
    eggpan._backend = Seen()  # type: ignore[assignment]
    eggpan._card = WeightsCard(
        name="t", model="eggpan", arch="unet-light", classes=("egg", "pan"), input_size=320
    )
    return eggpan


def found(eggpan: EggPan, image: np.ndarray, **changes: object) -> Segmentation:
    return drain(segment(eggpan, image, params=make_params(EggPan, changes=changes)))


def scene(height: int, width: int, *, eggs: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A blue pan with white eggs on black: image, and where eggs and pan are."""
    y, x = np.mgrid[:height, :width]
    size = min(height, width)
    pan = np.hypot(y - height / 2, x - width / 2) < size * 0.42
    egg = np.zeros_like(pan)
    for angle in np.arange(eggs) * 2 * np.pi / max(eggs, 1):
        cy, cx = height / 2 + size * 0.22 * np.sin(angle), width / 2 + size * 0.22 * np.cos(angle)
        egg |= np.hypot(y - cy, x - cx) < size * 0.1
    image = np.zeros((height, width, 3), np.uint8)
    image[pan] = (0, 0, 255)
    image[egg] = 255
    return image, egg, pan & ~egg


def iou(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


def of_class(result: Segmentation, name: str) -> np.ndarray:
    return np.isin(result.labels, [k for k, i in result.instances.items() if i.class_name == name])


@pytest.mark.parametrize("size", [(1000, 1501), (333, 97), (320, 320), (61, 250)])
@pytest.mark.parametrize("method", ["default", "origin"])
def test_masks_come_back_at_the_exact_place(size: tuple[int, int], method: str) -> None:
    image, egg, pan = scene(*size)
    result = found(model(), image, method=method)
    assert result.labels.shape == size
    least = 0.97 if method == "default" else 0.93
    assert iou(of_class(result, "egg"), egg) > least
    assert iou(of_class(result, "pan"), pan) > least
    names = [i.class_name for i in result.instances.values()]
    assert names.count("egg") == 3
    assert names.count("pan") == 1


def test_no_egg_rim_at_the_edge_of_a_pan() -> None:
    """Between background (0) and pan (2) lies egg (1): only where numbers are interpolated."""
    image, _, pan = scene(1200, 1600, eggs=0)
    result = found(model(), image, min_share=0)
    assert [i.class_name for i in result.instances.values()] == ["pan"]
    assert iou(result.labels > 0, pan) > 0.98


def test_outlines_are_smooth_and_not_in_steps_of_the_networks_pixels() -> None:
    image, egg, _ = scene(1600, 1600)
    smooth = iou(of_class(found(model(), image), "egg"), egg)
    stepped = iou(of_class(found(model(), image, method="origin"), "egg"), egg)
    assert smooth > stepped


def test_origin_mode_looks_once_at_400_pixels() -> None:
    eggpan = model()
    found(eggpan, scene(500, 700)[0], method="origin", flips=False)
    assert eggpan._backend.shapes == [(1, 416, 416, 3)]  # type: ignore[union-attr]


def test_the_default_looks_at_two_sizes_and_fast_at_one() -> None:
    image, _, _ = scene(500, 700)
    for preset, sides in (("default", [320, 320, 640, 640]), ("fast", [320])):
        eggpan = model()
        drain(segment(eggpan, image, params=EggPan.presets[preset]))
        shapes = eggpan._backend.shapes  # type: ignore[union-attr]
        seen = [side for count, side, *_ in shapes for _ in range(count)]
        assert seen == sides


@pytest.mark.parametrize(("preset", "steps"), [("default", 3), ("fast", 2), ("origin", 2)])
def test_progress_moves_with_each_look(preset: str, steps: int) -> None:
    job = segment(model(), scene(200, 300)[0], params=EggPan.presets[preset])
    told = [(one.done, one.total) for one in job if isinstance(one, Progress)]
    assert told == [(done, steps) for done in range(steps)]


@pytest.mark.parametrize(
    ("side", "class_number", "objects"), [(320, 1, 4), (320, 2, 4), (640, 2, 4), (640, 1, 5)]
)
def test_one_look_alone_is_outvoted_but_for_eggs_seen_from_near(
    side: int, class_number: int, objects: int
) -> None:
    eggpan = model()
    backend = eggpan._backend
    assert isinstance(backend, Seen)
    honest = backend.run

    def run(batch: np.ndarray) -> np.ndarray:
        chances = honest(batch)
        if batch.shape[1] == side:  # something in a corner, by 0.9, at one size only
            corner = side * 3 // 16
            sure = np.full(3, 0.05, np.float32)
            sure[class_number] = 0.9
            chances[:, :, :corner, :corner] = sure[:, None, None]
        return chances

    backend.run = run  # type: ignore[method-assign]
    image, _, _ = scene(400, 400)
    assert len(found(eggpan, image, flips=False).instances) == objects


@pytest.mark.parametrize(
    ("far", "near", "joined"),
    [
        ((0.2, 0.8, 0.0), (0.6, 0.4, 0.0), (0.5, 0.5, 0.0)),  # an egg: a quarter and three
        ((0.2, 0.0, 0.8), (0.6, 0.0, 0.4), (0.4, 0.0, 0.6)),  # a pan: half and half
        ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (0.0, 0.6, 0.4)),  # each look sure of something else
    ],
)
def test_what_each_look_counts(
    far: tuple[float, ...], near: tuple[float, ...], joined: tuple[float, ...]
) -> None:
    def plane(chances: tuple[float, ...], side: int) -> np.ndarray:
        return np.tile(np.array(chances, np.float32)[:, None, None], (1, side, side))

    found = _joined(plane(far, 4), plane(near, 8))
    np.testing.assert_allclose(found, plane(joined, 8), atol=1e-6)


def test_specks_are_left_out() -> None:
    image, _, _ = scene(400, 400)
    image[2:6, 2:6] = 255
    assert len(found(model(), image).instances) == 4
    assert len(found(model(), image, min_share=0).instances) == 5


def test_what_is_hardly_sure_is_left_out() -> None:
    image, _, _ = scene(400, 400)
    image[:60, :60] = 153  # white enough for egg at a chance of 0.6
    assert len(found(model(), image).instances) == 4
    assert len(found(model(), image, min_score=0.5).instances) == 5


def test_scores_are_mean_probabilities() -> None:
    result = found(model(), scene(320, 320)[0])
    assert all(0.8 < one.score <= 1 for one in result.instances.values())


def test_three_eggs_that_touch_in_a_pan_are_three_eggs() -> None:
    image, _, _ = scene(600, 800, eggs=0)
    y, x = np.mgrid[:600, :800]
    places = [(240, 330), (240, 470), (350, 400)]
    for row, column in places:
        image[np.hypot(y - row, x - column) < 85] = 255
    for row, column in places:  # yellow enough for a yolk, white enough for `Seen`
        image[np.hypot(y - row, x - column) < 30] = (255, 200, 140)
    result = found(model(), image)
    eggs = [one for one in result.instances.values() if one.class_name == "egg"]
    assert len(eggs) == 3
    assert len({one.score for one in eggs}) == 1
    assert len({result.labels[place] for place in places}) == 3
    together = found(model(), image, apart=False)
    assert [one.class_name for one in together.instances.values()].count("egg") == 1
    assert np.array_equal(of_class(result, "egg"), of_class(together, "egg"))

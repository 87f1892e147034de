"""Padded, resized and tiled samples: images and masks stay together, objects are kept apart."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from napari_segkit.data.dataset import Sample
from napari_segkit.data.prepare import Recipe, reshape, tiles
from napari_segkit.errors import MaskError, ParamsError
from napari_segkit.ops.masks import segmentation_from_labels
from napari_segkit.types import ClassDef

CLASSES = (ClassDef("egg", (1, 2, 3)), ClassDef("pan", (4, 5, 6)))


def sample(labels: np.ndarray, class_of: dict[int, str] | None = None) -> Sample:
    """The image shows the ids, so that it can be compared with the mask after any step."""
    labels = labels.astype(np.int32)
    image = np.repeat((labels % 256).astype(np.uint8)[..., None], 3, axis=2)
    scores = {int(key): 0.5 for key in np.unique(labels) if key}
    return Sample(
        "a/b",
        segmentation_from_labels(labels, classes=CLASSES, class_of=class_of, scores=scores),
        image,
    )


def blocks(height: int = 60, width: int = 90) -> Sample:
    labels = np.zeros((height, width), int)
    labels[10:30, 20:50] = 40
    labels[35:55, 55:85] = 90
    return sample(labels, {90: "pan"})


def test_nothing_to_do_gives_the_sample_itself() -> None:
    before = blocks()
    assert reshape(before, Recipe()) is before
    assert list(tiles(before, Recipe())) == [before]
    assert not Recipe().changes


def test_the_egg_projects_square_of_400_keeps_proportions() -> None:
    after = reshape(blocks(), Recipe(pad_square=True, resize=(400, 400)))
    assert after.segmentation.labels.shape == (400, 400)
    x0, y0, x1, y1 = after.segmentation.instances[40].box
    assert (x1 - x0) / (y1 - y0) == pytest.approx(1.5, rel=0.02)
    assert after.segmentation.instances[90].class_name == "pan"
    assert after.segmentation.instances[90].score == 0.5
    inside = after.segmentation.labels == 90
    assert np.median(after.image[inside]) == 90


def test_ids_survive_a_resize_and_none_is_invented() -> None:
    after = reshape(blocks(), Recipe(resize=(31, 47)))
    assert set(after.segmentation.instances) == {40, 90}
    assert set(np.unique(after.segmentation.labels)) == {0, 40, 90}


def test_an_object_thinner_than_a_pixel_vanishes_without_a_trace() -> None:
    labels = np.zeros((90, 90), int)
    labels[0, 0] = 5
    labels[30:60, 30:60] = 6
    after = reshape(sample(labels), Recipe(resize=(9, 9)))
    assert set(after.segmentation.instances) == {6}


def test_tiles_show_what_lies_at_their_place() -> None:
    before = blocks(60, 90)
    found = {t.name: t for t in tiles(before, Recipe(tile=30))}
    assert list(found) == ["a/b_0_0", "a/b_0_1", "a/b_0_2", "a/b_1_0", "a/b_1_1", "a/b_1_2"]
    for row in range(2):
        for column in range(3):
            part = found[f"a/b_{row}_{column}"]
            window = np.s_[30 * row : 30 * row + 30, 30 * column : 30 * column + 30]
            assert np.array_equal(part.image, before.image[window])
            assert np.array_equal(
                part.segmentation.labels > 0, before.segmentation.labels[window] > 0
            )


def test_an_object_on_a_border_is_an_object_in_each_tile() -> None:
    labels = np.zeros((20, 20), int)
    labels[5:15, 5:15] = 300
    labels[0:3, 0:3] = 7
    parts = list(tiles(sample(labels, {300: "pan"}), Recipe(tile=10)))
    assert [len(p.segmentation.instances) for p in parts] == [2, 1, 1, 1]
    first = parts[0].segmentation
    assert first.labels[1, 1] == 1
    assert first.labels[9, 9] == 2
    assert [first.instances[k].class_name for k in (1, 2)] == ["egg", "pan"]
    assert all(
        set(p.segmentation.instances) == set(range(1, len(p.segmentation.instances) + 1))
        for p in parts
    )


def test_an_image_smaller_than_a_tile_is_filled_up() -> None:
    (part,) = tiles(blocks(60, 90), Recipe(tile=100))
    assert part.segmentation.labels.shape == (100, 100)
    assert part.image.shape == (100, 100, 3)
    assert part.image[60:].max() == 0


def test_masks_without_an_image_are_prepared_alike() -> None:
    alone = dataclasses.replace(blocks(), image=None)
    recipe = Recipe(pad_square=True, resize=(64, 64), tile=32)
    with_image = [t.segmentation.labels for t in tiles(reshape(blocks(), recipe), recipe)]
    without = [t.segmentation.labels for t in tiles(reshape(alone, recipe), recipe)]
    assert all(np.array_equal(a, b) for a, b in zip(with_image, without, strict=True))


def test_an_image_of_another_size_is_refused() -> None:
    odd = dataclasses.replace(blocks(), image=np.zeros((5, 5, 3), np.uint8))
    with pytest.raises(MaskError, match=r"another size than its image \(a/b\): expected 5x5"):
        reshape(odd, Recipe(tile=4))
    nothing = dataclasses.replace(sample(np.zeros((0, 0))), image=None)
    with pytest.raises(MaskError, match="no pixels"):
        reshape(nothing, Recipe())


@pytest.mark.parametrize(
    "settings",
    [
        *({"tile": 0}, {"resize": (0, 4)}, {"resize": (4, 10**6)}, {"overlap": 3}, {"tile": -2}),
        *({"tile": 8, "overlap": 8}, {"tile": 8, "overlap": -1}),
    ],
)
def test_sizes_that_cannot_be_are_refused(settings: dict) -> None:
    with pytest.raises(ParamsError):
        Recipe(**settings)

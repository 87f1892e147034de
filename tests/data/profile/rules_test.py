"""What makes an image suspect, and what does not."""

from __future__ import annotations

import numpy as np
import pytest

from napari_segkit.data.profile.measure import ImageFacts, Objects, Pixels
from napari_segkit.data.profile.outlines import Outline, measure_outline
from napari_segkit.data.profile.rules import KINDS, find_suspects, robust_z
from napari_segkit.data.profile.summary import distribute, summarise
from napari_segkit.types import ClassDef


def facts(title: str, *areas: int, shape: tuple[int, int] = (100, 100), **more) -> ImageFacts:
    boxes = np.array([[2, 3, 9, 8]] * len(areas), np.float32).reshape(-1, 4)
    objects = Objects(np.array(areas, np.int64), boxes, ("coin",) * len(areas))
    coverage = sum(areas) / (shape[0] * shape[1])
    return ImageFacts(title, shape=shape, objects=objects, coverage=coverage, **more)


def pixels(seed: int, shape: tuple[int, int] = (100, 100)) -> Pixels:
    small = np.random.default_rng(seed).integers(0, 256, (64, 64)).astype(np.uint8)
    return Pixels(shape, 100.0, 40.0, bytes([seed]), small)


def kinds(*images: ImageFacts) -> list[tuple[str, str]]:
    return [(one.kind, one.titles[0]) for one in find_suspects(images)]


def usual(count: int = 30) -> list[ImageFacts]:
    areas = np.random.default_rng(0).lognormal(6, 0.3, count).astype(int).tolist()
    return [facts(f"u{k}", area) for k, area in enumerate(areas)]


def test_a_usual_dataset_has_no_suspects() -> None:
    assert kinds(*usual()) == []
    assert kinds() == []


def test_one_odd_object_is_suspect_and_a_few_objects_prove_nothing() -> None:
    assert kinds(*usual(), facts("slip", 5)) == [("area", "slip")]
    assert kinds(*usual(), facts("merged", 400, 8000)) == [("area", "merged")]
    assert kinds(*usual(10), facts("slip", 5)) == []


def test_another_kind_of_photo_is_no_mistake() -> None:
    """Single coins among many photos of several: far from the median, but one of many."""
    close_ups = [facts(f"c{k}", 6000 + 40 * k) for k in range(8)]
    assert kinds(*usual(60), *close_ups) == []


def test_empty_masks_are_suspect_unless_they_are_usual() -> None:
    assert kinds(*usual(), facts("empty")) == [("nothing", "empty")]
    assert kinds(*usual(), *(facts(f"e{k}") for k in range(12))) == []


def test_images_all_of_one_size_make_no_suspects_of_small_differences() -> None:
    near = facts("near", 400, shape=(110, 105))
    far = facts("far", 4, shape=(10, 10))
    assert kinds(*usual(), near, far) == [("image-size", "far")]


def test_a_copy_within_a_subset_is_no_leak() -> None:
    same = pixels(1)
    first, second = (
        facts(name, 400, pixels=same, subsets=subsets)
        for name, subsets in (("a", ("train",)), ("b", ("train",)))
    )
    assert kinds(first, second) == [("identical", "a")]
    other = facts("c", 400, pixels=same, subsets=("valid",))
    assert kinds(first, second, other) == [("leak", "b"), ("identical", "a")]


def test_a_mask_of_another_size_than_the_pixels_is_told_with_the_turn() -> None:
    (suspect,) = find_suspects([facts("a", 4, shape=(50, 80), pixels=pixels(1, (80, 50)))])
    assert suspect.kind == "mismatch"
    assert suspect.reason.startswith("the image is 50x80, the mask 80x50, as if EXIF")


def test_crumbs_along_an_outline_are_ragged_and_dust_is_not() -> None:
    clean = np.zeros((90, 90), np.int32)
    clean[20:70, 20:70] = 1
    crumbs = clean.copy()
    crumbs[16, 20:70:4] = 2
    assert measure_outline(clean).crumbs == 0
    assert measure_outline(crumbs).crumbs == 13
    ragged = facts("ragged", 2500, outline=measure_outline(crumbs))
    assert kinds(ragged, facts("clean", 2500, outline=measure_outline(clean))) == [
        ("ragged", "ragged")
    ]
    dust = np.zeros((90, 90), np.int32)
    dust[::9, ::9] = 1
    assert measure_outline(dust).crumbs == 0
    assert measure_outline(np.ones((30, 30), np.int32)) == Outline()
    blocky = np.kron(np.eye(30, dtype=np.int32) + np.tri(30, dtype=np.int32), np.ones((3, 3), int))
    assert not measure_outline(blocky).ragged
    pinholes = clean.copy()
    pinholes[23, 22:68:3] = 0
    assert measure_outline(pinholes).ragged
    assert measure_outline(np.zeros((0, 0), np.int32)) == Outline()


@pytest.mark.parametrize("values", [[], [3.0], [2.0, 2.0, 2.0]])
def test_robust_scores_of_equal_values_are_nothing(values: list[float]) -> None:
    assert not robust_z(np.array(values), 0.1).any()


def test_robust_scores_are_standard_scores_of_normal_numbers() -> None:
    values = np.random.default_rng(1).normal(5, 2, 4000)
    assert np.std(robust_z(values, 0.1)) == pytest.approx(1, abs=0.05)


def test_every_value_is_in_the_histogram() -> None:
    for values in ([1.0], [0, 0, 0], [1, 2, 9], np.random.default_rng(0).lognormal(0, 2, 99)):
        for log in (False, True):
            if log and min(values) <= 0:
                continue
            spread = distribute(values, "t", "px", log=log)
            assert sum(spread.counts) == len(values) == spread.count
            assert len(spread.edges) == len(spread.counts) + 1
    assert distribute([], "t", "px").counts == ()


def test_the_summary_counts_what_is_there() -> None:
    images = [facts("a", 100, 300, subsets=("train",)), facts("b", subsets=("valid",))]
    classes = (ClassDef("coin", (1, 2, 3)), ClassDef("key", (4, 5, 6)))
    summary = summarise(images, classes, np.full((32, 32), 0.5))
    assert (summary.images, summary.readable, summary.empty, summary.objects) == (2, 2, 1, 2)
    coin, key = summary.classes
    assert (coin.objects, coin.images, coin.pixels) == (2, 1, 0.02)
    assert (key.objects, key.images) == (0, 0)
    assert summary.subsets == {"train": 1, "valid": 1}
    assert summary.sizes == ((100, 100, 2),)
    assert summary.positions[0][0] == 0.25
    assert summarise([], (), np.zeros((32, 32))).images == 0


def test_every_kind_has_a_title_and_a_meaning() -> None:
    assert all(title and meaning for title, meaning in KINDS.values())

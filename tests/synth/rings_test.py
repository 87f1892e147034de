"""Generated packshots and shapes: same seed same pixels, valid labels, masks with holes."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from napari_segkit.synth.base import LabelledImage
from napari_segkit.synth.registry import get_generator
from napari_segkit.synth.rings_design import KINDS, random_design, random_materials
from napari_segkit.synth.shapes_solids import PROFILES, random_solid, vessel
from napari_segkit.synth.splat import eye_at, nearest, vec

SIZE = 128


def make(kind: str, seed: int, **changes: object) -> LabelledImage:
    generator = get_generator(kind)
    return generator.generate(seed, generator.Options(size=SIZE, **changes))


@pytest.mark.parametrize("kind", ["heaps", "rings", "shapes"])
def test_same_seed_same_pixels_and_valid_labels(kind: str) -> None:
    for seed in range(4):
        one, again = make(kind, seed), make(kind, seed)
        assert np.array_equal(one.image, again.image)
        assert np.array_equal(one.labels, again.labels)
        assert one.image.dtype == np.uint8
        assert one.labels.dtype == np.int32
        assert one.image.shape == (*one.labels.shape, 3)
        assert max(one.labels.shape) == SIZE
        ids = np.unique(one.labels)
        assert ids[ids > 0].tolist() == list(one.class_of) == list(range(1, len(one.class_of) + 1))
    assert not np.array_equal(make(kind, 0).image, make(kind, 1).image)


def test_a_pair_is_one_instance_or_two() -> None:
    seed = next(s for s in range(20) if len(make("rings", s, pairs="each").class_of) == 2)
    one, each = make("rings", seed), make("rings", seed, pairs="each")
    assert len(one.class_of) == 1
    assert np.array_equal(one.labels > 0, each.labels > 0)


def test_most_rings_have_their_hole_and_it_shows_the_ground() -> None:
    with_hole = 0
    for seed in range(12):
        mask = (make("rings", seed).labels > 0).astype(np.uint8)
        _, levels = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
        with_hole += levels is not None and bool((levels[0][:, 3] >= 0).any())
    assert with_hole >= 6


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_ring_is_a_closed_hoop(kind: str) -> None:
    rng = np.random.default_rng(1)
    design = random_design(rng, kind)
    assert len(random_materials(rng, design)) == 4
    cloud = design.cloud(0.02)
    assert np.isfinite(cloud.points).all()
    length = np.linalg.norm(cloud.normals, axis=1)
    assert (np.abs(length - 1) < 1e-3).mean() > 0.9  # but for the middle of a plate
    assert cloud.material.max() < 4
    inside = np.hypot(cloud.points[:, 0], cloud.points[:, 1])
    assert inside.min() > 0.5, "nothing lies in the hole"
    eye = eye_at(
        vec([0, 0, 0]), shape=(200, 200), elevation=1.5, azimuth=0, distance=20, focal=1100
    )
    seen = nearest(eye, cloud.points)[0] >= 0
    middle, ring = seen[90:110, 90:110], seen.sum()
    assert not middle.any()
    assert ring > 400
    parts, _ = cv2.connectedComponents((~seen).astype(np.uint8), connectivity=4)
    assert parts >= 3, "outside and hole are apart"


@pytest.mark.parametrize("name", PROFILES)
def test_every_vessel_is_solid(name: str) -> None:
    cloud = vessel(np.random.default_rng(3), name)(0.02)
    assert np.isfinite(cloud.points).all()
    assert len(cloud.points) > 200


def test_solids_are_many() -> None:
    sizes = {len(random_solid(np.random.default_rng(seed))(0.1).points) for seed in range(30)}
    assert len(sizes) > 15


def test_the_nearest_point_wins() -> None:
    eye = eye_at(vec([0, 0, 0]), shape=(21, 21), elevation=1.5, azimuth=0, distance=10, focal=20)
    index, depth = nearest(eye, vec([[0, 0, -1], [0, 0, 1], [0, 0, 0]]))
    assert index[10, 10] == 1
    assert depth[10, 10] == pytest.approx(9, abs=0.1)
    assert (index >= 0).sum() == 1


def test_heaps_show_things_that_touch_their_like_and_dishes_with_something_in_them() -> None:
    touching = contained = 0
    for seed in range(12):
        labels = make("heaps", seed).labels
        pairs = np.stack([labels[:, :-1].ravel(), labels[:, 1:].ravel()])
        met = (pairs > 0).all(axis=0) & (pairs[0] != pairs[1])
        touching += bool(met.any())
        for key in range(1, int(labels.max()) + 1):
            mask = (labels == key).astype(np.uint8)
            filled = mask.copy()
            lines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
            cv2.drawContours(filled, lines, -1, 1, -1)
            inside = labels[(filled > 0) & (mask == 0)]
            contained += bool((inside > 0).any())
    assert touching >= 6
    assert contained >= 3


def test_heaps_lie_on_a_persons_photos(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(4):  # a colour that no table has, in a pattern that no other ground has
        picture = np.zeros((200, 200, 3), np.uint8)
        picture[..., 1] = np.kron(rng.integers(0, 2, (25, 25)) * 255, np.ones((8, 8)))
        cv2.imwrite(str(tmp_path / f"{number}.png"), picture)
    plain = [make("heaps", seed).image for seed in range(12)]
    placed = [make("heaps", seed, photos=tmp_path).image for seed in range(12)]
    assert _green(placed) > 0.05 > _green(plain)


def _green(images: list[np.ndarray]) -> float:
    """Share of pixels that are of one channel alone."""
    pixels = np.concatenate([one.reshape(-1, 3) for one in images]).astype(int)
    low, middle, high = np.sort(pixels, axis=1).T
    return float(((high > 120) & (middle < 60) & (low < 60)).mean())

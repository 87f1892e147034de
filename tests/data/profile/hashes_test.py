"""Copies are found whatever was done to them, and different photos are not taken for copies."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from napari_segkit.data.profile import hashes
from napari_segkit.data.profile.hashes import find_copies, perceptual_hashes
from napari_segkit.data.profile.measure import measure_pixels
from napari_segkit.synth.coins import make_scene


def photo(seed: int, condition: str = "stone") -> np.ndarray:
    return make_scene(seed, condition=condition, size=(120, 160)).image


def small(image: np.ndarray) -> np.ndarray:
    return measure_pixels(np.ascontiguousarray(image)).small


def jpeg(image: np.ndarray) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=30)
    return np.asarray(Image.open(buffer))


CHANGES = {
    "the same": lambda a: a,
    "jpeg": jpeg,
    "half size": lambda a: cv2.resize(a, (80, 60), interpolation=cv2.INTER_AREA),
    "twice": lambda a: cv2.resize(a, (320, 240), interpolation=cv2.INTER_CUBIC),
    "darker": lambda a: (a * 0.6).astype(np.uint8),
    "gamma": lambda a: (255 * (a / 255) ** 1.5).astype(np.uint8),
    "gray": lambda a: np.repeat(a.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2),
    "blurred": lambda a: cv2.GaussianBlur(a, (0, 0), 1),
}
TURNS = {
    "mirrored": lambda a: a[:, ::-1],
    "upside down": lambda a: a[::-1],
    "turned": lambda a: np.rot90(a),
    "turned and mirrored": lambda a: np.rot90(a)[:, ::-1],
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_found(change: str) -> None:
    smalls = [small(photo(1)), small(photo(2)), small(CHANGES[change](photo(1)))]
    (copy,) = find_copies(np.stack(smalls))
    assert (copy.first, copy.second, copy.turned) == (0, 2, False)
    assert copy.likeness > hashes.LEAST_LIKENESS


@pytest.mark.parametrize("turn", TURNS)
def test_a_turned_copy_is_found_and_called_so(turn: str) -> None:
    (copy,) = find_copies(np.stack([small(photo(5)), small(TURNS[turn](photo(5)))]))
    assert copy.turned


@pytest.mark.parametrize("condition", ["single-white", "single-cutout", "single-fill", "sparse"])
def test_different_coins_on_like_grounds_are_no_copies(condition: str) -> None:
    """Their hashes alone are often alike: a disc in the middle of nothing."""
    smalls = np.stack([small(photo(seed, condition)) for seed in range(25)])
    assert find_copies(smalls) == []


def test_constant_images_are_like_nothing_and_no_images_are_no_trouble() -> None:
    assert find_copies(np.full((4, 64, 64), 7, np.uint8)) == []
    assert find_copies(np.zeros((0, 64, 64), np.uint8)) == []
    assert len(perceptual_hashes(np.zeros((0, 64, 64), np.uint8))) == 0


def test_positions_count_constant_images_too() -> None:
    picture = small(photo(3))
    blank = np.zeros((64, 64), np.uint8)
    (copy,) = find_copies(np.stack([blank, picture, blank, picture]))
    assert (copy.first, copy.second) == (1, 3)


def test_all_pairs_are_found_across_blocks() -> None:
    rng = np.random.default_rng(0)
    smalls = rng.integers(0, 256, (600, 64, 64)).astype(np.uint8)
    pairs = [(0, 599), (10, 300), (255, 256), (511, 512)]
    for first, second in pairs:
        smalls[second] = smalls[first]
    assert [(c.first, c.second) for c in find_copies(smalls)] == sorted(pairs)


def test_bits_are_counted_without_numpy_2(monkeypatch: pytest.MonkeyPatch) -> None:
    words = np.random.default_rng(0).integers(0, 2**63, (3, 5)).astype(np.uint64)
    expected = [[int(word).bit_count() for word in row] for row in words]
    assert hashes._bit_count(words).tolist() == expected
    monkeypatch.delattr(np, "bitwise_count", raising=False)
    assert hashes._bit_count(words).tolist() == expected

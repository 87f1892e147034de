"""The colours that a prompt points at speak for the object, the others against it."""

from __future__ import annotations

import numpy as np

from napari_segkit.ops.colour_evidence import colour_evidence, evidence_grid


def ring() -> tuple[np.ndarray, np.ndarray]:
    """A golden ring on gray, and its mask."""
    y, x = np.mgrid[:80, :100]
    far = np.hypot(y - 40, x - 50)
    mask = (far < 30) & (far > 18)
    noise = np.random.default_rng(0).integers(0, 20, (80, 100, 3))
    image = np.where(mask[..., None], (200, 160, 40), (120, 120, 125)) + noise
    return image.astype(np.uint8), mask


def test_a_ring_stands_out_and_its_hole_does_not() -> None:
    image, mask = ring()
    evidence = colour_evidence(image, np.array([18, 8, 82, 72]))
    assert evidence.shape == mask.shape
    found = evidence > 0
    assert (found & mask).sum() / (found | mask).sum() > 0.8
    assert evidence[40, 50] < 0
    assert np.abs(evidence).max() <= 8
    assert evidence[2, 2] < evidence[40, 50], "outside of the box it is against the object"


def test_clicks_point_at_colours() -> None:
    image, mask = ring()
    at = np.array([[50.0, 16.0], [50.0, 40.0], [0, 0]])
    marks = np.array([1, 0, -1], np.int32)
    evidence = colour_evidence(image, None, at, marks)
    assert (evidence[mask] > 0).mean() > 0.9
    assert (evidence[~mask] < 0).mean() > 0.9
    both = colour_evidence(image, np.array([18, 8, 82, 72]), at, marks)
    assert (both[mask] > 0).mean() > 0.9


def test_a_box_that_is_the_whole_window_and_one_without_pixels_are_harmless() -> None:
    image, _ = ring()
    assert np.isfinite(colour_evidence(image, np.array([0, 0, 100, 80]))).all()
    assert np.isfinite(colour_evidence(image, np.array([5.2, 5.2, 5.3, 5.3]))).all()
    assert np.isfinite(colour_evidence(image[:1, :1], np.array([0, 0, 1, 1]))).all()


def test_a_grid_for_several_prompts() -> None:
    image, _ = ring()
    square = np.zeros((128, 128, 3), np.uint8)
    square[:80, :100] = image
    boxes = np.array([[18, 8, 82, 72], [0, 0, 30, 30]], np.float32)
    grid = evidence_grid(square, (80, 100), boxes, None, None)
    assert grid.shape == (2, 64, 64)
    assert (grid[:, 41:] == -8).all()
    assert (grid[:, :, 51:] == -8).all()


def test_a_mask_speaks_in_the_boxs_place_and_its_colours_with_it() -> None:
    image, mask = ring()
    half = mask.astype(np.float32)
    half[:, :50] = 0  # half of the ring is missing in it
    evidence = colour_evidence(image, np.array([50, 8, 82, 72]), mask=half)
    gained, kept = mask & (half == 0), half > 0
    assert (evidence[kept] > 4).mean() > 0.8
    assert evidence[gained].mean() > evidence[~mask].mean() + 2, "of its colours"
    assert np.abs(evidence).max() <= 8


def test_what_lies_at_a_click_is_sure_and_the_last_click_is_on_top() -> None:
    image, mask = ring()
    at = np.array([[10.5, 40.5], [50.5, 16.5], [50.5, 16.5]], np.float32)
    marks = np.array([1, 0, 1], np.int32)
    evidence = colour_evidence(image, np.array([18, 8, 82, 72]), at, marks, mask.astype(np.float32))
    assert evidence[40, 10] > 7
    assert evidence[16, 50] > 7
    turned = colour_evidence(image, None, at, marks[[0, 2, 1]])
    assert turned[16, 50] < -7

"""The generated sample that is shipped: small, and photo and mask belong together."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

FOLDER = Path(__file__).resolve().parents[2] / "sample_data"
ENDS = (".jpg", "_labels.png")
KINDS = ("coins", "dust", "eggpan", "rings")


def test_photo_and_mask_belong_together() -> None:
    photo = cv2.imread(str(FOLDER / "coins_generated.jpg"), cv2.IMREAD_COLOR)
    labels = cv2.imread(str(FOLDER / "coins_generated_labels.png"), cv2.IMREAD_UNCHANGED)
    assert photo is not None
    assert labels is not None
    assert photo.shape[:2] == labels.shape
    assert np.unique(labels).tolist() == list(range(7))


def test_samples_are_small_and_their_licence_is_stated() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    for name in (f"{kind}_generated{end}" for kind in KINDS for end in ENDS):
        assert (FOLDER / name).stat().st_size <= 300_000
        assert f"| `{name}` |" in readme
    assert "CC0" in readme


def test_the_eggs_and_the_pan_have_the_values_of_their_origin() -> None:
    photo = cv2.imread(str(FOLDER / "eggpan_generated.jpg"), cv2.IMREAD_COLOR)
    labels = cv2.imread(str(FOLDER / "eggpan_generated_labels.png"), cv2.IMREAD_UNCHANGED)
    assert photo.shape[:2] == labels.shape
    values, counts = np.unique(labels, return_counts=True)
    assert values.tolist() == [0, 128, 255]
    assert (counts > 0.03 * labels.size).all()


def test_the_specks_of_the_dusty_sky_are_darker_than_what_is_around_them() -> None:
    photo = cv2.imread(str(FOLDER / "dust_generated.jpg"), cv2.IMREAD_GRAYSCALE).astype(float)
    labels = cv2.imread(str(FOLDER / "dust_generated_labels.png"), cv2.IMREAD_UNCHANGED)
    assert photo.shape == labels.shape
    assert np.unique(labels).tolist() == list(range(28))
    around = cv2.dilate((labels > 0).astype(np.uint8), np.ones((15, 15))) - (labels > 0)
    assert photo[labels > 0].mean() < photo[around > 0].mean() - 8


def test_the_rings_have_holes() -> None:
    photo = cv2.imread(str(FOLDER / "rings_generated.jpg"), cv2.IMREAD_COLOR)
    labels = cv2.imread(str(FOLDER / "rings_generated_labels.png"), cv2.IMREAD_UNCHANGED)
    assert photo.shape[:2] == labels.shape
    assert np.unique(labels).tolist() == [0, 1, 2]
    ground, _ = cv2.connectedComponents((labels == 0).astype(np.uint8))
    assert ground >= 4, "around them, and the hole of each"

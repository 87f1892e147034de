"""The generated sample that is shipped: small, and photo and mask belong together."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

FOLDER = Path(__file__).resolve().parents[2] / "sample_data"


def test_photo_and_mask_belong_together() -> None:
    photo = cv2.imread(str(FOLDER / "coins_generated.jpg"), cv2.IMREAD_COLOR)
    labels = cv2.imread(str(FOLDER / "coins_generated_labels.png"), cv2.IMREAD_UNCHANGED)
    assert photo is not None
    assert labels is not None
    assert photo.shape[:2] == labels.shape
    assert np.unique(labels).tolist() == list(range(7))


def test_samples_are_small_and_their_licence_is_stated() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    for name in ("coins_generated.jpg", "coins_generated_labels.png"):
        assert (FOLDER / name).stat().st_size <= 300_000
        assert f"| `{name}` |" in readme
    assert "CC0" in readme

"""What the second look of dust learns from (`tools/train_dust_judge.py`)."""

from __future__ import annotations

import runpy
from pathlib import Path

import cv2
import numpy as np
import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "train_dust_judge.py"


def test_clean_photos_are_lessons_without_dust_and_kept_series_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(TOOL.parent))
    images = runpy.run_path(str(TOOL))["images"]
    photos = {"a": 40, "b-1": 80, "b-2": 90, "c": 120, "d-1": 160, "d-2": 170, "e": 200}
    for name, tone in photos.items():
        assert cv2.imwrite(str(tmp_path / f"{name}.png"), np.full((1100, 1300, 3), tone, np.uint8))
    lessons = list(images([], tmp_path))
    tones = [tone for tone in (40, 80, 90, 120, 200) for _ in range(2)]  # d is kept
    assert [int(image.max()) for image, _ in lessons] == tones
    assert all(image.shape == (1000, 1000, 3) for image, _ in lessons)
    assert all(labels.shape == (1000, 1000) and not labels.any() for _, labels in lessons)
